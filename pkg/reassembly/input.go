package reassembly

// slow takes any segment.
func (a *Assembler) slow(c *Conn, d Dir, s *Segment) {
	if s.Missing < 0 || s.Missing > maxAhead || len(s.Payload) > maxAhead-s.Missing {
		return // no TCP segment
	}
	if a.copied(c, d, s) {
		return
	}
	if c, d = a.admit(c, d, s); c == nil {
		return
	}
	a.last = c
	a.before = c.Last.Time
	c.Last, c.used = s.At, a.count
	if h := &c.half[d]; s.Window == 0 && s.Flags&ACK != 0 {
		h.bits |= shut
	} else {
		h.bits &^= shut
	}
	if a.watcher != nil {
		a.watcher.Segment(c, d, s)
	}
	switch {
	case s.Flags&RST != 0:
		a.reset(c, d, s)
	case c.ignored:
		a.skim(c, d, s)
	default:
		a.orient(c, d, s)
		if s.Flags&ACK != 0 {
			a.acknowledge(c, d, s.Ack)
		}
		if s.span() > 0 || s.Flags&FIN != 0 {
			a.text(c, d, s)
		}
	}
	a.settle(c)
	if a.pool.inUse > a.cfg.MaxTotalBytes {
		a.relieve()
	}
}

// textSeq is the sequence number of the segment's text: the SYN comes before.
func (s *Segment) textSeq() uint32 {
	if s.Flags&SYN != 0 {
		return s.Seq + 1
	}
	return s.Seq
}

// orient learns where a direction stands from its first segments.
func (a *Assembler) orient(c *Conn, d Dir, s *Segment) {
	h := &c.half[d]
	h.bits |= seen
	seq := s.textSeq()
	hasText := s.span() > 0
	switch {
	case !h.is(known):
		h.next, h.isn = seq, seq-1
		h.bits |= known
		if !hasText {
			h.bits |= tentative
		}
	case h.is(tentative) && hasText && s.Flags&SYN == 0:
		// The segment that next came from was a keep-alive, whose number is one
		// short; or it overtook this one on the way into the capture.
		if n := diff(seq, h.next); n == 1 || n < 0 && n >= -1<<16 {
			h.next, h.isn = seq, seq-1
		}
		h.bits &^= tentative
	}
}

// acknowledge takes the acknowledgment number of a segment in direction d.
func (a *Assembler) acknowledge(c *Conn, d Dir, ack uint32) {
	r := &c.half[d^1]
	switch {
	case r.is(known) && (diff(ack, r.next) > maxAckAhead || diff(ack, r.next) < -maxAhead):
		return // of nothing that could have been sent
	case c.wait != nil:
		c.wait.heard[d^1] = true
	}
	if !r.is(known) && c.half[d].is(synSeen) {
		// The answer to the SYN is not in the capture; this is what acknowledges it.
		r.next, r.isn = ack, ack-1
		r.bits |= known
	}
	switch {
	case !r.is(hasAcked) || diff(ack, r.acked) > 0:
		r.acked = ack
		r.bits |= hasAcked
	default:
		return
	}
	if r.is(tentative) && diff(ack, r.next) == 1 {
		r.next++ // next came from a keep-alive
	}
}

// text takes the text and FIN of a segment.
func (a *Assembler) text(c *Conn, d Dir, s *Segment) {
	h := &c.half[d]
	seq, p, miss := s.textSeq(), s.Payload, s.Missing
	off := diff(seq, h.next)
	if off > maxAhead || off < -maxBehind {
		if off = a.stray(c, d, s); off != 0 {
			return
		}
	}
	h.farSegs = 0
	if s.Flags&FIN != 0 {
		if off == 0 && c.wait == nil && miss == 0 && !h.is(hasFIN) && c.answered(d, s.Flags&ACK != 0, s.Ack) {
			a.finishNext(c, d, s)
			return
		}
		a.markFIN(c, d, seq+uint32(s.span()), s)
	}
	if h.is(hasFIN) { // nothing comes after it
		if room := diff(h.fin, seq); room < len(p) {
			p, miss = p[:max(room, 0)], 0
		} else {
			miss = min(miss, room-len(p))
		}
	}
	if off < 0 {
		n := min(-off, len(p))
		a.again(c, d, seq, p, n)
		p, miss = p[n:], max(miss-(-off-n), 0)
		seq, off = h.next, 0
	}
	if len(p)+miss == 0 {
		return
	}
	if c.wait != nil && c.wait.q[d].len() > 0 {
		if a.overlaps(c, d, &chunk{seq: seq, data: p, miss: miss, ack: s.Ack, hasAck: s.Flags&ACK != 0}) {
			return
		}
	}
	if off > 0 || !c.answered(d, s.Flags&ACK != 0, s.Ack) {
		a.enqueue(c, d, s, seq, p, miss)
		return
	}
	if w := c.wait; w != nil && w.q[d].len() > 0 && w.q[d].front().seq != h.next {
		a.stalled(c, d, a.before, s.At)
	}
	c.weigh(d, s.Flags&ACK != 0, s.Ack)
	a.deliver(c, d, p, miss, s.At)
}

// deliver hands over p and what the snap length cut off after it.
func (a *Assembler) deliver(c *Conn, d Dir, p []byte, miss int, at Stamp) {
	if len(p) > 0 {
		a.data(c, d, p, 0, at)
	}
	if miss == 0 || c.ignored {
		return
	}
	if w := c.wait; w != nil {
		if k := w.q[d].front(); k != nil { // a fuller copy may be there already
			miss = min(miss, max(diff(k.seq, c.half[d].next), 0))
		}
	}
	if miss > 0 {
		a.lose(c, d, miss, at)
	}
}

// lose reports the next n bytes of a direction as lost.
func (a *Assembler) lose(c *Conn, d Dir, n int, at Stamp) {
	h := &c.half[d]
	if h.gap[1] != h.next || h.gap[0] == h.gap[1] {
		h.gap[0] = h.next
	}
	h.next += uint32(n)
	h.gap[1] = h.next
	c.Stats[d].Lost += uint64(n)
	a.h.Gap(c, d, int64(n), at)
}

// again takes n bytes at the beginning of p that lie before next.
func (a *Assembler) again(c *Conn, d Dir, seq uint32, p []byte, n int) {
	h := &c.half[d]
	if n == 1 && len(p) == 1 && seq+1 == h.next {
		return // a keep-alive (RFC 9293, 3.8.4); its byte means nothing
	}
	late := 0
	if h.gap[0] != h.gap[1] {
		from, to := max(diff(h.gap[0], seq), 0), min(diff(h.gap[1], seq), n)
		late = max(to-from, 0)
	}
	c.Stats[d].Late += uint64(late)
	c.Stats[d].Retransmitted += uint64(n - late)
	since := a.calmSince(c)
	if late == 0 && (!h.is(hasAcked) || diff(seq+uint32(n), h.acked) > 0) {
		a.stalled(c, d, since, c.Last)
	}
	if late < n && a.recent.conflicts(h.recent, seq, p[:n]) {
		a.anomaly(c, d, ConflictingRetransmission)
	}
}

func (a *Assembler) anomaly(c *Conn, d Dir, kind Anomaly) {
	if a.odd != nil {
		a.odd.Anomaly(c, d, kind, c.Last)
	}
}

// overlaps compares a segment with what waits, and tells whether all of it
// waits already.
func (a *Assembler) overlaps(c *Conn, d Dir, n *chunk) bool {
	v := c.wait.q[d].check(n, a.pool.put)
	c.Stats[d].Retransmitted += uint64(min(v.duplicate, len(n.data)))
	if v.conflict {
		a.anomaly(c, d, ConflictingRetransmission)
	}
	return v.covered
}

// enqueue keeps a copy of text that cannot be delivered yet.
func (a *Assembler) enqueue(c *Conn, d Dir, s *Segment, seq uint32, p []byte, miss int) {
	w := a.waitOf(c)
	k := a.pool.get(p)
	k.seq, k.miss, k.at = seq, miss, s.At
	k.ack, k.hasAck = s.Ack, s.Flags&ACK != 0
	k.order, k.since = a.count, a.clock.stamp()
	w.q[d].insert(k)
}

// waitOf returns c.wait, made if need be.
func (a *Assembler) waitOf(c *Conn) *wait {
	if c.wait == nil {
		w := a.pool.getWait()
		w.c, w.since = c, a.clock.stamp()
		w.moved = w.since
		c.wait, c.plain = w, false
		a.waiting.push(w)
	}
	return c.wait
}

// stray takes a segment that is nowhere near its stream. Several of them that
// follow each other show that the stream went on there: the capture lost
// gigabytes, or a first segment was bogus. It returns 0 if s is next now.
func (a *Assembler) stray(c *Conn, d Dir, s *Segment) int {
	h := &c.half[d]
	seq := s.textSeq()
	if h.farSegs > 0 && diff(seq, h.far) >= 0 && diff(seq, h.far) < maxResetAhead {
		h.farSegs++
	} else {
		h.farSegs = 1
	}
	h.far = seq + uint32(s.span())
	if h.farSegs < resyncSegments {
		return 1
	}
	a.exhaust(c) // what waits comes before
	if c.state != stateOpen || c.ignored {
		return 1
	}
	h.next, h.gap, h.recent, h.farSegs = seq, [2]uint32{}, 0, 0
	h.bits &^= hasAcked | hasFIN | finDone
	if c.wait != nil {
		c.wait.fin[d] = mark{}
	}
	a.h.Gap(c, d, -1, s.At)
	if c.ignored {
		return 1
	}
	return 0
}

// skim follows a connection whose bytes nobody wants, until it ends.
func (a *Assembler) skim(c *Conn, d Dir, s *Segment) {
	a.orient(c, d, s)
	h := &c.half[d]
	seq, n := s.textSeq(), len(s.Payload)
	off := diff(seq, h.next)
	end := seq + uint32(s.span())
	st := &c.Stats[d]
	switch {
	case off > maxAhead || off < -maxBehind:
		h.farSegs++
		if h.farSegs < resyncSegments {
			return
		}
		st.Bytes += uint64(n)
	case off >= 0:
		st.Lost += uint64(off + s.Missing)
		st.Bytes += uint64(n)
	default:
		dup := min(-off, n)
		st.Retransmitted += uint64(dup)
		st.Bytes += uint64(n - dup)
		if diff(end, h.next) < 0 {
			end = h.next
		}
	}
	h.farSegs = 0
	h.next = end
	if s.Flags&FIN != 0 && !h.is(finDone) && diff(seq+uint32(s.span()), h.next) == 0 {
		h.bits |= hasFIN | finDone
		h.next++
		if c.half[d^1].is(finDone) {
			a.close(c, ByFIN, s.At)
		}
	}
}
