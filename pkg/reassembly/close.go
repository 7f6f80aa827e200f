package reassembly

// markFIN notes the FIN of segment s at sequence number seq.
func (a *Assembler) markFIN(c *Conn, d Dir, seq uint32, s *Segment) {
	h := &c.half[d]
	if h.is(hasFIN) || diff(seq, h.next) < 0 {
		return
	}
	if c.wait != nil {
		if diff(seq, c.wait.q[d].end(seq)) < 0 {
			return // no FIN stands before text that was sent
		}
	}
	h.bits = h.bits&^tentative | hasFIN
	h.fin = seq
	a.waitOf(c).fin[d] = mark{
		set: true, seq: seq, ack: s.Ack, hasAck: s.Flags&ACK != 0,
		at: s.At, order: a.count, since: a.clock.stamp(),
	}
}

// finishNext takes a segment with a FIN that is next in a connection on which
// nothing waits, the usual one.
func (a *Assembler) finishNext(c *Conn, d Dir, s *Segment) {
	h := &c.half[d]
	if len(s.Payload) > 0 {
		c.weigh(d, s.Flags&ACK != 0, s.Ack)
		a.data(c, d, s.Payload, 0, s.At)
	}
	h.bits, h.fin = h.bits&^tentative|hasFIN, h.next
	if !c.ignored {
		a.finish(c, d, s.At)
	}
}

// finish delivers the FIN of direction d.
func (a *Assembler) finish(c *Conn, d Dir, at Stamp) {
	h, r := &c.half[d], &c.half[d^1]
	h.bits |= finDone
	h.next++
	if a.halves != nil {
		a.halves.HalfClose(c, d, at)
	}
	// Where the other side is not captured, its FIN will not be seen.
	if r.is(finDone) || !r.is(seen) && !c.MidStream {
		a.close(c, ByFIN, at)
	}
}

// reset takes a RST. One that is not near the place it should be in is not
// believed: anybody can send those.
func (a *Assembler) reset(c *Conn, d Dir, s *Segment) {
	h, r := &c.half[d], &c.half[d^1]
	seq := s.Seq
	if h.is(known) {
		ahead := h.ackedAhead()
		if c.wait != nil {
			ahead = max(ahead, diff(c.wait.q[d].end(h.next), h.next))
		}
		if off := diff(seq, h.next); off > ahead+maxResetAhead || off < -maxResetBehind {
			return
		}
	} else {
		if s.Flags&ACK != 0 && r.is(known) {
			if off := diff(s.Ack, r.next); off > maxResetAhead || off < -maxResetBehind {
				return
			}
		}
		seq = h.next
	}
	h.bits |= seen
	if c.ignored {
		a.close(c, ByRST, s.At)
		return
	}
	if s.Flags&ACK != 0 {
		a.acknowledge(c, d, s.Ack)
	}
	if w := a.waitOf(c); !w.rst.set {
		w.dir = d
		w.rst = mark{
			set: true, seq: seq, ack: s.Ack, hasAck: s.Flags&ACK != 0,
			at: s.At, order: a.count, since: a.clock.stamp(),
		}
	}
}

// resetReady tells whether all that was sent before the RST is delivered.
func (a *Assembler) resetReady(c *Conn) bool {
	m, d := &c.wait.rst, c.wait.dir
	return diff(m.seq, c.half[d].next) <= 0 && c.answered(d, m.hasAck, m.ack)
}

// close delivers what waits, with its gaps, and ends c. Where the two sides ended
// it, it lingers.
func (a *Assembler) close(c *Conn, why Reason, at Stamp) {
	if c.state != stateOpen {
		return
	}
	lingers := why == ByFIN || why == ByRST
	c.state, c.plain = stateClosing, false
	if c.wait == nil && !c.ignored && c.hasHole() {
		a.waitOf(c)
	}
	if w := c.wait; w != nil {
		if w.rst.set {
			why, at = ByRST, w.rst.at
			w.rst = mark{}
		}
		for a.drain(c) && a.giveUp(c, true) {
		}
		a.release(c)
	}
	if why >= ByReuse && why <= ByEnd {
		for d := range c.half {
			if c.half[d].is(finDone) && (!c.half[d^1].is(seen) || c.half[d^1].is(finDone)) {
				why = ByFIN
			}
		}
	}
	a.open.remove(c)
	a.table.remove(c)
	c.state = stateClosed
	if lingers {
		a.linger.add(c, why, a.clock.now)
	}
	a.h.Close(c, why, at)
	c.Value = nil
	a.recycle(c)
}
