package netfacts

import "github.com/pgsniff/pgsniff/pkg/reassembly"

const (
	// maxServers bounds the servers whose silence is watched; there are seldom
	// more than a handful in a capture.
	maxServers = 1024
	// maxFree bounds the memory of ended connections that is kept for others.
	maxFree = 1024
	// maxSent is how many of the latest segments of a direction are remembered
	// with their times: a retransmission is nearly always one of those.
	maxSent = 16
	ms      = int64(1e6)
	// silentServer is how long a server has to be silent to be told of: statements
	// take that long only where something is wrong, or on purpose.
	silentServer = 500 * ms
	// silentClient is how long a connection has to be idle to be told of: the
	// shortest limit of a firewall or load balancer that is met.
	silentClient = 3000 * ms
	// lateReply is the shortest retransmission timeout (Linux: RTO_MIN).
	lateReply = 200 * ms
	// capturedTwice is the time between two copies of one packet in a capture of
	// several interfaces.
	capturedTwice = ms
	// reordered is how late a segment may come that another overtook.
	reordered = 10 * ms
)

// Watcher watches the connections of a capture. Its methods belong to one
// goroutine.
type Watcher struct {
	tell    func(*Event)
	event   Event
	servers map[reassembly.Endpoint]*server
	free    []*conn
}

// server is when data of a server was last seen.
type server struct{ latest int64 }

// New returns a Watcher that tells tell; the event is borrowed for the call.
func New(tell func(*Event)) *Watcher {
	return &Watcher{tell: tell, servers: make(map[reassembly.Endpoint]*server)}
}

// conn is what is known of a connection.
type conn struct {
	half             [2]half
	server           *server
	syns             int
	firstSYN, latest int64 // of the SYN, of anything but keep-alives
	answered         bool
	request          request
	write            write
	less             *Set // that left was looked up in
	left             bool // it is not watched for now
}

// Set is connections by their numbers.
type Set map[uint64]struct{}

// request is what the client sent last, before the server's next data.
type request struct {
	at    int64 // 0: it was answered
	end   uint32
	acked int64 // when the server acknowledged it without data; 0: not
}

// write is the first part of what may be a request in two writes.
type write struct {
	at, acked int64 // 0: none
	end       uint32
	n         int
}

// half is one direction: what this side sends, and its receive window.
type half struct {
	end, acked     uint32
	known          bool
	scaled         bool // scale is known
	scale          uint8
	mss            int
	closed         int64 // since when its window is closed; 0: it is open
	sent           [maxSent]sent
	next           int
	hole           hole
	ping           sent // whose acknowledgment shows the time to the other side and back
	rtt            int64
	syn            int64 // when its SYN, or the SYN-ACK, was seen last
	measured       bool
	handshakeTimed bool
}

// sent is a segment with data.
type sent struct {
	seq, end uint32
	at       int64
}

// hole is data that was not seen while later data was.
type hole struct {
	from, to uint32
	at       int64 // 0: none
}

func diff(a, b uint32) int { return int(int32(a - b)) }

func (w *Watcher) of(c *reassembly.Conn) *conn {
	k, _ := c.Watch.(*conn)
	if k != nil {
		return k
	}
	if n := len(w.free); n > 0 {
		k = w.free[n-1]
		w.free = w.free[:n-1]
		*k = conn{}
	} else {
		k = new(conn)
	}
	c.Watch = k
	return k
}

func (w *Watcher) serverOf(e reassembly.Endpoint) *server {
	s := w.servers[e]
	if s == nil {
		s = new(server)
		if len(w.servers) < maxServers {
			w.servers[e] = s
		}
	}
	return s
}

// start begins an event.
func (w *Watcher) start(kind Kind, c *reassembly.Conn, front, d reassembly.Dir, at reassembly.Stamp) *Event {
	e := &w.event
	*e = Event{Kind: kind, Conn: c.ID, Client: c.A, Server: c.B, At: at, FromClient: d == front}
	if front == 1 {
		e.Client, e.Server = e.Server, e.Client
	}
	return e
}

// Passes reports whether a segment belongs to one of the connections that nobody wants
// to be told of for now, and takes no more of it than that its server spoke. When such a
// connection is wanted again, it is as if it were joined then. A set must not change; nil
// is empty.
func (w *Watcher) Passes(less *Set, c *reassembly.Conn, front, d reassembly.Dir, s *reassembly.Segment) bool {
	if less == nil && c.Watch == nil {
		return false
	}
	k := w.of(c)
	if k.less != less {
		left := false
		if less != nil {
			_, left = (*less)[c.ID]
		}
		if left != k.left {
			*k = conn{server: k.server}
		}
		k.less, k.left = less, left
	}
	if k.left && d != front && len(s.Payload) > 0 {
		k.Spoke(s.At.Time)
	}
	return k.left
}

// Conn is what is known of a connection.
type Conn = conn

// Left returns a connection of which Passes has said before that it belongs to a set; nil
// if that is to be asked. Of its segments nothing is taken but Spoke.
func Left(c *reassembly.Conn, less *Set) *Conn {
	if k, ok := c.Watch.(*conn); ok && k.left && k.less == less {
		return k
	}
	return nil
}

// Spoke takes note that data of its server came.
func (k *conn) Spoke(at int64) {
	if k.server != nil {
		k.server.latest = at
	}
}

// Segment takes a segment of direction d; front is that of the client.
func (w *Watcher) Segment(c *reassembly.Conn, front, d reassembly.Dir, s *reassembly.Segment) {
	k := w.of(c)
	now, n := s.At.Time, len(s.Payload)+s.Missing
	h, r := &k.half[d], &k.half[d^1]
	switch {
	case s.Flags&reassembly.RST != 0:
		w.reset(c, k, front, d, s)
		return
	case s.Flags&reassembly.SYN != 0:
		w.syn(c, k, front, d, s)
		return
	}
	probe := n <= 1 && h.known && s.Seq+1 == h.end && s.Flags&reassembly.FIN == 0
	if s.Flags&reassembly.ACK != 0 {
		w.acknowledges(c, k, front, d, s, n)
		w.window(c, k, front, d, s)
	}
	if n > 0 && !probe {
		w.data(c, k, front, d, s, n)
	}
	if s.Flags&reassembly.FIN != 0 {
		e := w.start(Finished, c, front, d, s.At)
		w.tell(e)
	}
	if n > 0 && !probe || s.Flags&reassembly.FIN != 0 || !h.known {
		k.latest = now
	}
	if !h.known {
		h.acked = s.Seq
	}
	if end := s.Seq + uint32(n); !h.known || diff(end, h.end) > 0 {
		h.end, h.known = end, true
	}
	if !r.known && s.Flags&reassembly.ACK != 0 {
		r.end, r.acked, r.known = s.Ack, s.Ack, true
	}
}

func (w *Watcher) reset(c *reassembly.Conn, k *conn, front, d reassembly.Dir, s *reassembly.Segment) {
	kind := Reset
	if d != front && k.syns > 0 && !k.answered {
		kind = Refused
		k.answered = true
	}
	e := w.start(kind, c, front, d, s.At)
	e.Since = k.firstSYN
	w.tell(e)
}

// syn takes a SYN or a SYN-ACK.
func (w *Watcher) syn(c *reassembly.Conn, k *conn, front, d reassembly.Dir, s *reassembly.Segment) {
	h, r, now := &k.half[d], &k.half[d^1], s.At.Time
	if s.Flags&reassembly.ACK == 0 {
		if k.syns == 0 {
			k.firstSYN = now
		}
		k.syns++
	} else {
		k.answered = true
		if r.syn != 0 && !h.handshakeTimed {
			w.timed(c, k, front, d, now-r.syn, true, s.At)
			h.handshakeTimed = true
		}
	}
	h.syn, k.latest = now, now
	h.end, h.known = s.Seq+1+uint32(len(s.Payload)), true
	h.acked = s.Seq // numbers compare with those near them alone: 0 is none of them
	h.options(s.Options)
}

// options reads the maximum segment size and the window scale (RFC 9293, 3.2;
// RFC 7323, 2.2).
func (h *half) options(o []byte) {
	for len(o) > 0 {
		switch {
		case o[0] == 0:
			return
		case o[0] == 1:
			o = o[1:]
			continue
		case len(o) < 2 || int(o[1]) < 2 || int(o[1]) > len(o):
			return
		case o[0] == 2 && o[1] == 4:
			h.mss = int(o[2])<<8 | int(o[3])
		case o[0] == 3 && o[1] == 3:
			h.scale, h.scaled = min(o[2], 14), true
		}
		o = o[o[1]:]
	}
}

// timed takes a measured time to the side that d comes from, and back.
func (w *Watcher) timed(c *reassembly.Conn, k *conn, front, d reassembly.Dir, t int64, handshake bool, at reassembly.Stamp) {
	h := &k.half[d]
	if t < 0 || h.measured && t >= h.rtt-h.rtt/5 {
		return // no better than what was told
	}
	h.rtt, h.measured = t, true
	e := w.start(RTT, c, front, d, at)
	e.Length, e.Handshake = t, handshake
	w.tell(e)
}

// Close takes the end of a connection; listed tells that the server's port is one
// of those that were asked for.
func (w *Watcher) Close(c *reassembly.Conn, front reassembly.Dir, listed bool) {
	k, _ := c.Watch.(*conn)
	if k == nil {
		return
	}
	c.Watch = nil
	if listed && k.syns > 1 && !k.answered {
		e := w.start(NoAnswer, c, front, front, c.Last)
		e.N, e.Since, e.Length = k.syns, k.firstSYN, c.Last.Time-k.firstSYN
		w.tell(e)
	}
	for d := range k.half {
		if since := k.half[d].closed; since != 0 {
			w.opened(c, k, front, reassembly.Dir(d), c.Last)
		}
	}
	if len(w.free) < maxFree {
		w.free = append(w.free, k)
	}
}
