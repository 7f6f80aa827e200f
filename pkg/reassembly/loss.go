package reassembly

import "math"

// hole is a run of n missing bytes of direction d that something waits for.
type hole struct {
	d     Dir
	n     int
	text  bool // what waits has text, or lies beyond the hole in d itself
	knot  bool // no hole: see Conn.knot
	order uint64
	since int64
	at    Stamp
}

// want merges a demand for the next n bytes into h. The nearest end counts:
// what lies beyond is asked for by others, in their turn.
func (h *hole) want(n int, text bool, it *item) {
	if h.n == 0 || it.order < h.order {
		h.order, h.since, h.at = it.order, it.since, it.at
	}
	if h.n == 0 || n < h.n {
		h.n = n
	}
	h.text = h.text || text
}

// hole returns the hole to be given up first: the one that what was captured
// first waits for. Without force, only holes of which the peer has
// acknowledged the bytes count, and no more than those bytes.
func (a *Assembler) hole(c *Conn, force bool) hole {
	if g, ok := c.knot(); ok {
		return g
	}
	holes := [2]hole{{d: 0}, {d: 1}}
	for d := range Dir(2) {
		h := &c.half[d]
		it, ok := c.front(d)
		if ok {
			c.demand(&holes, d, &it)
		}
		if n := h.ackedAhead(); n > 0 && h.is(seen) && !(ok && it.seq == h.next) {
			holes[d].want(n, false, &item{order: math.MaxUint64, since: c.wait.moved, at: c.Last})
		}
	}
	if c.wait.rst.set {
		c.demandReset(&holes)
	}
	if !force {
		for d := range holes {
			holes[d].n = min(holes[d].n, c.half[d].ackedAhead())
		}
	}
	if holes[0].n == 0 || holes[1].n > 0 && holes[1].order < holes[0].order {
		return holes[1]
	}
	return holes[0]
}

// knot finds what both directions have next, but each acknowledges the other:
// at least one is a retransmission whose original was sent earlier. Unless that
// turns up, the one that was captured first must go.
func (c *Conn) knot() (hole, bool) {
	f0, ok0 := c.front(0)
	f1, ok1 := c.front(1)
	if !ok0 || !ok1 || f0.seq != c.half[0].next || f1.seq != c.half[1].next {
		return hole{}, false
	}
	if f1.order < f0.order {
		return hole{d: 1, knot: true, since: f1.since}, true
	}
	return hole{d: 0, knot: true, since: f0.since}, true
}

// demand adds the hole that it, next in direction d, waits for.
func (c *Conn) demand(holes *[2]hole, d Dir, it *item) {
	if n := diff(it.seq, c.half[d].next); n > 0 {
		holes[d].want(n, true, it)
	} else if n := c.unanswered(d, it.hasAck, it.ack); n > 0 {
		holes[d^1].want(n, it.text, it)
	}
}

// demandReset adds the hole that the RST waits for. What waits before it asks for
// its own, and nothing is missing after a FIN.
func (c *Conn) demandReset(holes *[2]hole) {
	m, d := &c.wait.rst, c.wait.dir
	h := &c.half[d]
	it := item{m.seq, m.ack, m.hasAck, false, m.order, m.since, m.at}
	if f, ok := c.front(d); ok && diff(it.seq, f.seq) > 0 {
		it.seq = f.seq
	}
	if h.is(finDone) {
		it.seq = h.next
	}
	if h.ackedAhead() > 0 || diff(it.seq, h.next) <= 0 {
		c.demand(holes, d, &it)
	}
}

// giveUp reports a hole of c as lost if enough has come after it, or in any
// case with force. It returns whether it did.
func (a *Assembler) giveUp(c *Conn, force bool) bool {
	w := c.wait
	if !force && w.segments() < a.cfg.LossSegments {
		return false
	}
	g := a.hole(c, force)
	if g.knot {
		a.deliverFront(c, g.d)
		return true
	}
	if g.n == 0 {
		if !force || !w.rst.set {
			return false
		}
		w.rst.seq, w.rst.hasAck = c.half[w.dir].next, false // nobody misses what it skipped
		return true
	}
	h := &c.half[g.d]
	if g.n == 1 && !g.text && h.bits&hasFIN == 0 {
		a.presumeFIN(c, g.d, g.at)
		return true
	}
	if w.q[g.d].len() == 0 && !h.is(hasFIN) {
		if h.silent++; h.silent >= silentLosses {
			h.silent = 0
			h.bits &^= seen
		}
	}
	a.lose(c, g.d, g.n, g.at)
	return true
}

// presumeFIN takes one number that is acknowledged, and that no text asks for,
// for a FIN that is not in the capture. If the other side is closed too, that
// is the end; else the number is left open.
func (a *Assembler) presumeFIN(c *Conn, d Dir, at Stamp) {
	h, w := &c.half[d], c.wait
	if w.fin[d^1].set || c.half[d^1].is(finDone) {
		h.bits |= hasFIN
		h.fin = h.next
		a.finish(c, d, at)
		return
	}
	h.bits &^= hasAcked
	if w.rst.set {
		w.rst.hasAck = false
	}
}

// overdue tells whether the hole that c waits on has been open for too long.
func (a *Assembler) overdue(c *Conn) bool {
	timeout := int64(a.cfg.GapTimeout)
	g := a.hole(c, true)
	if g.n == 0 && !g.knot {
		return c.wait.rst.set && a.clock.now-c.wait.rst.since >= timeout
	}
	if !g.knot && c.stalled(g.d) {
		timeout *= stallRounds
	}
	return a.clock.now-g.since >= timeout
}

// expire gives up the holes that have been open for GapTimeout.
func (a *Assembler) expire() {
	timeout := int64(a.cfg.GapTimeout)
	for w := a.waiting.head; w != nil && a.clock.now-w.since >= timeout; w = a.waiting.head {
		c := w.c
		before := c.progress()
		for a.drain(c) && a.overdue(c) && a.giveUp(c, true) {
		}
		if c.wait == w {
			a.postpone(w)
		}
		a.park(c, before)
		if w == a.waiting.head && a.clock.now-w.since >= timeout {
			return // stamped by a clock that has since stepped back
		}
	}
}

// relieve gives up holes, those of the longest waiting first, until the
// queues are within MaxTotalBytes.
func (a *Assembler) relieve() {
	for w := a.waiting.head; w != nil && a.pool.inUse > a.cfg.MaxTotalBytes; w = a.waiting.head {
		a.exhaust(w.c)
		if w == a.waiting.head && w.c.wait == w {
			return
		}
	}
}
