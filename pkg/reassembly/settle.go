package reassembly

// A connection of which something cannot be delivered yet has a wait, with a queue for each
// direction, in the list of all that wait (wait.go). Each segment that comes for it ends in
// settle: what can be delivered is (drain), holes that nothing will fill any more are given
// up (giveUp), and either makes more ready for the other. Then the connection waits on, at
// the end of the list if it got anywhere, or its wait is taken from it (park).

// settle delivers what has become ready on c, and gives up holes that enough
// has come after.
func (a *Assembler) settle(c *Conn) {
	if c.state != stateOpen {
		return
	}
	if c.wait == nil {
		if c.ignored || !c.hasHole() {
			c.refresh()
			return
		}
		a.waitOf(c)
	}
	before := c.progress()
	for a.drain(c) && a.giveUp(c, a.overfull(c)) {
	}
	a.park(c, before)
}

// exhaust gives up all holes of c.
func (a *Assembler) exhaust(c *Conn) {
	before := c.progress()
	for a.drain(c) && a.giveUp(c, true) {
	}
	a.park(c, before)
}

// progress changes whenever something was delivered or lost.
func (c *Conn) progress() [2]uint32 { return [2]uint32{c.half[0].next, c.half[1].next} }

// park decides whether c goes on waiting.
func (a *Assembler) park(c *Conn, before [2]uint32) {
	w := c.wait
	if w == nil || c.state != stateOpen {
		return
	}
	if c.ignored || w.empty() && !c.hasHole() {
		a.release(c)
	} else if before != c.progress() {
		w.moved = a.clock.stamp()
		a.postpone(w)
	}
	c.refresh()
}

func (a *Assembler) postpone(w *wait) {
	a.waiting.remove(w)
	w.since = a.clock.stamp()
	a.waiting.push(w)
}

// release drops all that waits on c.
func (a *Assembler) release(c *Conn) {
	w := c.wait
	if w == nil {
		return
	}
	for d := range w.q {
		for w.q[d].len() > 0 {
			a.pool.put(w.q[d].pop())
		}
	}
	a.waiting.remove(w)
	c.wait = nil
	a.pool.putWait(w)
}

// hasHole tells whether the peer has acknowledged bytes that have not come,
// in a direction that is in the capture.
func (c *Conn) hasHole() bool {
	return c.half[0].is(seen) && c.half[0].ackedAhead() > 0 ||
		c.half[1].is(seen) && c.half[1].ackedAhead() > 0
}

// drain delivers all that is ready, in the order of the capture as far as the
// sequence and acknowledgment numbers allow. It returns false if the
// connection needs no more of it: it is closed, ignored, or nothing waits.
func (a *Assembler) drain(c *Conn) bool {
	for c.wait != nil && c.state != stateClosed && !c.ignored {
		// What waits first in a direction is in sequence (ok) if no byte before it is
		// missing, and ready (r) if all that it acknowledges has been delivered, too. Of
		// two that are ready the one goes first that came first, and a RST before both if
		// it came before them.
		w := c.wait
		w.q[0].trim(c.half[0].next, a.pool.put)
		w.q[1].trim(c.half[1].next, a.pool.put)
		f0, ok0 := c.front(0)
		f1, ok1 := c.front(1)
		ok0 = ok0 && f0.seq == c.half[0].next
		ok1 = ok1 && f1.seq == c.half[1].next
		r0, r1 := ok0 && c.answered(0, f0.hasAck, f0.ack), ok1 && c.answered(1, f1.hasAck, f1.ack)
		d, order := Dir(0), f0.order
		if !r0 || r1 && f1.order < f0.order {
			d, order = 1, f1.order
		}
		if w.rst.set && a.resetReady(c) && (!r0 && !r1 || w.rst.order < order) {
			a.close(c, ByRST, w.rst.at)
			return false
		}
		if !r0 && !r1 {
			return !w.empty() || c.hasHole()
		}
		a.deliverFront(c, d)
	}
	return false
}

// deliverFront hands over what waits first in direction d.
func (a *Assembler) deliverFront(c *Conn, d Dir) {
	w := c.wait
	if w.q[d].len() > 0 {
		k := w.q[d].pop()
		c.weigh(d, k.hasAck, k.ack)
		a.deliver(c, d, k.data, k.miss, k.at)
		a.pool.put(k)
		return
	}
	m := w.fin[d]
	w.fin[d] = mark{}
	a.finish(c, d, m.at)
}

// overfull tells whether a queue of c has reached its bounds.
func (a *Assembler) overfull(c *Conn) bool {
	if c.wait == nil {
		return false
	}
	for d := range Dir(2) {
		q, factor := &c.wait.q[d], 1
		if c.stalled(d) {
			factor = stallFactor
		}
		if q.len() > factor*a.cfg.MaxQueueSegments || q.bytes > factor*a.cfg.MaxQueueBytes {
			return true
		}
	}
	return false
}

// stalled tells whether the receiver of direction d is seen to have the same
// hole as the capture: it will be filled.
func (c *Conn) stalled(d Dir) bool {
	return c.wait.heard[d] && c.half[d].ackedAhead() == 0
}
