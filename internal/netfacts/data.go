package netfacts

import "github.com/pgsniff/pgsniff/pkg/reassembly"

// acknowledges takes the acknowledgment of a segment that has n bytes of data.
func (w *Watcher) acknowledges(c *reassembly.Conn, k *conn, front, d reassembly.Dir, s *reassembly.Segment, n int) {
	h, r, now := &k.half[d], &k.half[d^1], s.At.Time
	if r.syn != 0 && h.syn != 0 && !h.handshakeTimed && s.Ack == r.end {
		h.handshakeTimed = true
		w.timed(c, k, front, d, now-r.syn, true, s.At)
	}
	advances := diff(s.Ack, r.acked) > 0
	if advances {
		r.acked = s.Ack
		k.latest = now
	}
	if p := &r.ping; p.at != 0 && diff(s.Ack, p.end) >= 0 {
		// What comes with data may have waited for them, and what comes late for
		// the timer of delayed acknowledgments.
		if t := now - p.at; n == 0 && (t < delayedFrom || t > delayedTo) {
			w.timed(c, k, front, d, t, false, s.At)
		}
		p.at = 0
	}
	if d == front || n > 0 {
		return
	}
	if q := &k.request; q.at != 0 && q.acked == 0 && diff(s.Ack, q.end) >= 0 {
		q.acked = now
	}
	if p := &k.write; p.at != 0 && p.acked == 0 && diff(s.Ack, p.end) >= 0 {
		p.acked = now
	}
}

// window takes the receive window that a segment of direction d tells.
func (w *Watcher) window(c *reassembly.Conn, k *conn, front, d reassembly.Dir, s *reassembly.Segment) {
	h, r := &k.half[d], &k.half[d^1]
	closed := s.Window == 0
	if h.scaled && r.scaled && !closed {
		mss := h.mss
		if mss == 0 {
			mss = 536 // RFC 9293, 3.7.1
		}
		// Less than a segment fits: the sender waits as it does for a closed one.
		closed = int(s.Window)<<h.scale < mss
	}
	switch {
	case closed && h.closed == 0 && s.Flags&reassembly.FIN == 0:
		h.closed = s.At.Time
	case !closed && h.closed != 0:
		w.opened(c, k, front, d, s.At)
	}
}

func (w *Watcher) opened(c *reassembly.Conn, k *conn, front, d reassembly.Dir, at reassembly.Stamp) {
	h := &k.half[d]
	e := w.start(WindowClosed, c, front, d, at)
	e.Since, e.Length = h.closed, at.Time-h.closed
	h.closed = 0
	w.tell(e)
}

// data takes a segment with n bytes of data.
func (w *Watcher) data(c *reassembly.Conn, k *conn, front, d reassembly.Dir, s *reassembly.Segment, n int) {
	h, now := &k.half[d], s.At.Time
	end := s.Seq + uint32(n)
	k.answered = true
	if h.known && diff(s.Seq, h.end) < 0 {
		w.again(c, k, front, d, s, n)
		if diff(end, h.end) <= 0 {
			return
		}
	} else {
		if h.known && diff(s.Seq, h.end) > 0 {
			h.hole = hole{h.end, s.Seq, now}
		}
		if h.ping.at == 0 {
			h.ping = sent{s.Seq, end, now}
		}
	}
	h.sent[h.next] = sent{s.Seq, end, now}
	h.next = (h.next + 1) % maxSent
	if d == front {
		w.requested(c, k, front, s, n)
	} else {
		w.replied(c, k, front, s)
	}
}

// again takes data whose place in the stream was passed.
func (w *Watcher) again(c *reassembly.Conn, k *conn, front, d reassembly.Dir, s *reassembly.Segment, n int) {
	h, now := &k.half[d], s.At.Time
	end := s.Seq + uint32(n)
	e := w.start(Retransmission, c, front, d, s.At)
	e.N = n
	if o := &h.hole; o.at != 0 && diff(s.Seq, o.from) >= 0 && diff(s.Seq, o.to) < 0 {
		since := o.at
		if o.from = end; diff(o.from, o.to) >= 0 {
			o.at = 0
		}
		if now-since < reordered {
			return
		}
		e.Since, e.Length = since, now-since
		w.tell(e)
		return
	}
	h.ping.at = 0 // which of the two is acknowledged cannot be told (RFC 6298, 3)
	for i := range h.sent {
		p := &h.sent[i]
		if p.at != 0 && diff(s.Seq, p.seq) >= 0 && diff(s.Seq, p.end) < 0 {
			e.Since = p.at
			if now-p.at < capturedTwice && p.seq == s.Seq && p.end == end {
				return
			}
		}
	}
	if k.half[d^1].closed != 0 {
		return // a probe of a closed window
	}
	if e.Since != 0 {
		e.Length = now - e.Since
	}
	e.Needless = diff(end, h.acked) <= 0
	w.tell(e)
}

// requested takes new data of the client.
func (w *Watcher) requested(c *reassembly.Conn, k *conn, front reassembly.Dir, s *reassembly.Segment, n int) {
	now, end := s.At.Time, s.Seq+uint32(n)
	if silent := now - k.latest; k.latest != 0 && silent >= silentClient {
		e := w.start(Silence, c, front, front, s.At)
		e.Since, e.Length = k.latest, silent
		w.tell(e)
	}
	w.secondWrite(c, k, front, s, n)
	if k.request.at == 0 {
		k.request = request{at: now}
	}
	k.request.end = end
}

// Nagle's algorithm (RFC 9293, 3.7.4) keeps a small segment back while another is
// not acknowledged, and receivers delay acknowledgments by 40 ms (Linux, which
// rounds its timer up to the next tick or two of 4 ms) or 200 ms (Windows).
const (
	delayedFrom, delayedTo         = 35 * ms, 50 * ms
	delayedLongFrom, delayedLongTo = 180 * ms, 220 * ms
	// prompt is how soon after the acknowledgment the second part is sent.
	prompt = 5 * ms
	// usualMSS is that of Ethernet.
	usualMSS = 1460
)

// secondWrite notes small segments of the client, and tells of those that had to
// wait for the acknowledgment of another.
func (w *Watcher) secondWrite(c *reassembly.Conn, k *conn, front reassembly.Dir, s *reassembly.Segment, n int) {
	now, p := s.At.Time, &k.write
	if p.at != 0 && p.acked != 0 {
		toServer, toClient := k.half[front^1].rtt, k.half[front].rtt
		waited := p.acked - p.at - toServer
		if now-p.acked-toClient <= prompt &&
			(waited >= delayedFrom && waited <= delayedTo || waited >= delayedLongFrom && waited <= delayedLongTo) {
			e := w.start(DelayedACK, c, front, front, s.At)
			e.Since, e.Length, e.N = p.at, now-p.at, p.n
			w.tell(e)
			*p = write{}
			return
		}
	}
	mss := k.half[front^1].mss
	if mss == 0 {
		mss = usualMSS
	}
	*p = write{}
	if k.request.at == 0 && n < mss {
		*p = write{at: now, end: s.Seq + uint32(n), n: n}
	}
}

// replied takes new data of the server.
func (w *Watcher) replied(c *reassembly.Conn, k *conn, front reassembly.Dir, s *reassembly.Segment) {
	now := s.At.Time
	if k.server == nil {
		e := c.B
		if front == 1 {
			e = c.A
		}
		k.server = w.serverOf(e)
	}
	if latest := k.server.latest; latest != 0 && now-latest >= silentServer {
		e := w.start(ServerSilence, c, front, front^1, s.At)
		e.Since, e.Length = latest, now-latest
		w.tell(e)
	}
	k.server.latest = now
	if q := &k.request; q.at != 0 {
		if now-q.at >= lateReply {
			e := w.start(LateReply, c, front, front^1, s.At)
			e.Since, e.Length = q.at, now-q.at
			e.Acked = q.acked != 0 && q.acked < now-lateReply/2
			w.tell(e)
		}
		k.request = request{}
	}
	k.write = write{}
}
