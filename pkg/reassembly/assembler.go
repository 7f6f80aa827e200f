package reassembly

import (
	"cmp"
	"slices"
)

// Assembler puts TCP segments together to the byte streams that their
// receivers saw. Make it with New: the zero value is of no use. It is not safe for
// concurrent use.
type Assembler struct {
	h       Handler
	halves  HalfCloser
	odd     AnomalyHandler
	watcher Observer
	stalls  StallHandler
	before  int64 // when the packet of the connection before the latest was seen
	calms   [numCalms]calm
	cfg     Config
	table   table
	last    *Conn // of the latest segment
	open    connList
	linger  lingerTable
	waiting waitList
	free    []*Conn
	pool    pool
	recent  recent
	copies  copies
	clock   clock
	count   uint64 // segments
	ids     uint64
}

// New returns an Assembler that tells h, which may also implement HalfCloser,
// AnomalyHandler, StallHandler and Observer. h must not be nil.
func New(h Handler, cfg Config) *Assembler {
	if h == nil {
		panic("reassembly: New needs a Handler")
	}
	a := &Assembler{h: h, cfg: cfg.withDefaults(), table: newTable(), recent: newRecent(), copies: newCopies()}
	a.halves, _ = h.(HalfCloser)
	a.odd, _ = h.(AnomalyHandler)
	a.watcher, _ = h.(Observer)
	a.stalls, _ = h.(StallHandler)
	return a
}

// Open returns the number of connections open.
func (a *Assembler) Open() int { return a.open.n }

// Queued returns the bytes of memory that wait in queues, bookkeeping
// included.
func (a *Assembler) Queued() int { return a.pool.inUse }

// Segment takes the next segment of the capture. It keeps nothing of s.
func (a *Assembler) Segment(s *Segment) {
	a.count++
	a.clock.packet(s.At.Time)
	c, d := a.last, Dir(0)
	switch {
	case c != nil && c.A == s.Src && c.B == s.Dst:
	case c != nil && c.A == s.Dst && c.B == s.Src:
		d = 1
	default:
		c, d = a.table.find(&s.Src, &s.Dst, a.table.hash(&s.Src, &s.Dst))
	}
	if c == nil || !c.plain || s.Flags&(SYN|FIN|RST) != 0 || s.Window == 0 || !a.next(c, d, s) {
		a.slow(c, d, s)
	}
	if w := a.waiting.head; w != nil && a.clock.now-w.since >= int64(a.cfg.GapTimeout) {
		a.expire()
	}
}

// next delivers s if it is what comes next, on a connection where all is in
// order. This is the path of nearly all segments.
func (a *Assembler) next(c *Conn, d Dir, s *Segment) bool {
	h, r := &c.half[d], &c.half[d^1]
	if s.Seq != h.next || s.Missing != 0 || !h.is(known|seen) || h.farSegs != 0 {
		return false
	}
	if s.Flags&ACK != 0 {
		if !r.is(hasAcked) || r.is(seen) && diff(s.Ack, r.next) > 0 {
			return false
		}
	}
	if len(s.Payload) == 0 && a.copied(c, d, s) {
		return true
	}
	if s.Flags&ACK != 0 && diff(s.Ack, r.acked) > 0 {
		r.acked = s.Ack
	}
	c.Last, c.used = s.At, a.count
	a.last = c
	if a.watcher != nil {
		a.watcher.Segment(c, d, s)
	}
	if len(s.Payload) > 0 {
		h.bits &^= tentative
		c.weigh(d, s.Flags&ACK != 0, s.Ack)
		a.data(c, d, s.Payload, s.mark(), s.At)
	}
	return true
}

// weigh tells the Handler what a segment of direction d, whose bytes are about to be
// delivered, acknowledges.
func (c *Conn) weigh(d Dir, hasAck bool, ack uint32) {
	r := &c.half[d^1]
	if !hasAck || !r.is(known|seen) {
		c.Unacked = UnackedUnknown
		return
	}
	c.Unacked = diff(r.next, ack)
	if r.is(finDone) {
		c.Unacked = max(c.Unacked-1, 0) // the FIN has a number, too
	}
}

// data delivers b at the place that is next; mark is that of the packet that it is all
// the text of, or 0.
func (a *Assembler) data(c *Conn, d Dir, b []byte, mark uint32, at Stamp) {
	h := &c.half[d]
	h.recent = a.recent.add(h.recent, h.next, b, mark)
	h.next += uint32(len(b))
	h.silent = 0
	c.Stats[d].Bytes += uint64(len(b))
	a.h.Data(c, d, b, at)
}

// Advance tells that time went by without packets, up to now in nanoseconds
// since the Unix epoch: holes that have been open for too long are given up.
func (a *Assembler) Advance(now int64) {
	a.clock.set(now)
	a.expire()
}

// Flush ends the capture: what waits is delivered with its gaps, and all
// connections are closed in the order of their numbers. The Assembler may be
// used for another capture after that; the numbers go on.
func (a *Assembler) Flush() {
	for _, c := range a.inOrder() {
		a.close(c, ByEnd, c.Last)
	}
	a.linger.clear()
	a.last = nil
	a.clock = clock{}
}

// inOrder returns the open connections in the order of their numbers.
func (a *Assembler) inOrder() []*Conn {
	conns := make([]*Conn, 0, a.open.n)
	for c := a.open.head; c != nil; c = c.next {
		conns = append(conns, c)
	}
	slices.SortFunc(conns, func(x, y *Conn) int { return cmp.Compare(x.ID, y.ID) })
	return conns
}
