package reassembly

// admit finds the connection that s belongs to, opening one if need be. c and
// d are what the table knows. It returns nil if s belongs to none: RSTs and
// ghosts of closed connections begin nothing.
func (a *Assembler) admit(c *Conn, d Dir, s *Segment) (*Conn, Dir) {
	if c == nil || c.state == stateClosed { // the latest, which nobody has used again yet
		hash := a.table.hash(&s.Src, &s.Dst)
		if e, d := a.linger.find(&s.Src, &s.Dst, hash); e != nil {
			if e.ghost(d, s, a.clock.now) {
				return nil, 0
			}
			a.linger.remove(e)
		}
		return a.begin(s, hash)
	}
	if s.Flags&(SYN|RST) == SYN && !a.handshake(c, d, s) {
		a.close(c, ByReuse, c.Last)
		return a.begin(s, c.hash)
	}
	return c, d
}

// begin opens the connection that s is the first packet of.
func (a *Assembler) begin(s *Segment, hash uint32) (*Conn, Dir) {
	if s.Flags&RST != 0 {
		return nil, 0
	}
	bareFIN := s.Flags&(SYN|FIN) == FIN && s.span() == 0
	if a.open.n >= a.cfg.MaxConns && !bareFIN {
		a.evict()
	}
	c := a.newConn()
	d := Dir(0)
	c.A, c.B = s.Src, s.Dst
	if s.Flags&(SYN|ACK) == SYN|ACK {
		c.A, c.B, d = s.Dst, s.Src, 1
	}
	c.hash = hash
	c.First, c.Last = s.At, s.At
	a.last = c
	if bareFIN { // the end of something before the capture: expect its ghosts
		c.state = stateClosed
		a.linger.add(c, ByFIN, a.clock.now)
		a.recycle(c)
		return nil, 0
	}
	a.table.insert(c)
	a.ids++
	c.ID = a.ids
	c.MidStream = s.Flags&SYN == 0
	c.used, c.listed = a.count, a.count
	a.open.push(c)
	a.h.Open(c, s.At)
	if !c.MidStream {
		a.handshake(c, d, s)
	}
	return c, d
}

// handshake takes in a SYN. It returns false if the SYN is not of this
// connection.
func (a *Assembler) handshake(c *Conn, d Dir, s *Segment) bool {
	h, r := &c.half[d], &c.half[d^1]
	fresh := c.Stats[d].Bytes == 0 && !h.is(hasFIN)
	switch {
	case !h.is(known):
		if !h.is(seen) && s.Flags&ACK == 0 && c.Stats[d^1].Bytes > 0 {
			return false // this side's second connection; its first was not captured
		}
		if s.Flags&ACK != 0 && r.is(synSeen) && (diff(s.Ack, r.isn) <= 0 || diff(s.Ack, r.next) > 0) {
			return false // answers another SYN
		}
	case s.Seq == h.isn:
	case s.Flags&ACK != 0:
		// Another SYN-ACK to the same SYN: the passive side began anew.
		if !r.is(known) || s.Ack != r.isn+1 || !fresh {
			return false
		}
	case !h.is(seen) && fresh:
		// next came from the SYN-ACK, which may have acknowledged data on the SYN.
		if n := diff(h.next, s.Seq+1); n < 0 || n > 1<<16 {
			return false
		}
	default:
		return false
	}
	if !h.is(synSeen) {
		if fresh {
			h.isn, h.next = s.Seq, s.Seq+1
			h.bits &^= tentative
			a.dropFar(c, d)
		}
		h.bits |= known | synSeen
	} else if s.Seq != h.isn {
		h.isn, h.next = s.Seq, s.Seq+1
		a.dropWaiting(c, d) // it had the numbers of the first attempt
	}
	if s.Flags&ACK != 0 && !r.is(known) {
		r.isn, r.next = s.Ack-1, s.Ack
		r.bits |= known
	}
	c.MidStream = false
	return true
}

// dropFar drops what waits in a direction and is nowhere near next, which a SYN
// has just moved.
func (a *Assembler) dropFar(c *Conn, d Dir) {
	if c.wait == nil {
		return
	}
	for _, k := range c.wait.q[d].chunks[c.wait.q[d].head:] {
		if off := diff(k.seq, c.half[d].next); off > maxAhead || off < -maxBehind {
			a.dropWaiting(c, d)
			return
		}
	}
}

// dropWaiting drops all that waits in a direction.
func (a *Assembler) dropWaiting(c *Conn, d Dir) {
	if c.wait == nil {
		return
	}
	for c.wait.q[d].len() > 0 {
		a.pool.put(c.wait.q[d].pop())
	}
}

func (a *Assembler) newConn() *Conn {
	n := len(a.free)
	if n == 0 {
		return new(Conn)
	}
	c := a.free[n-1]
	a.free[n-1] = nil
	a.free = a.free[:n-1]
	*c = Conn{}
	return c
}

// evict closes the least recently used connection. The list is put in order
// only here: whatever was used since it was listed goes back to the end.
func (a *Assembler) evict() {
	for c := a.open.head; c != nil; c = a.open.head {
		if c.used == c.listed {
			a.close(c, ByLimit, c.Last)
			return
		}
		c.listed = c.used
		a.open.remove(c)
		a.open.push(c)
	}
}

// maxFreeConns bounds the connections kept for reuse: as many as a batch of short
// ones has open.
const maxFreeConns = 1024

// recycle keeps c, which has ended, for another connection. It is not changed
// before it is used again.
func (a *Assembler) recycle(c *Conn) {
	if len(a.free) < maxFreeConns {
		a.free = append(a.free, c)
	}
}
