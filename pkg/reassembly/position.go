package reassembly

// Position returns the sequence number of the byte of direction d that is to be
// delivered next. ok is false where that is not certain, or something waits.
func (c *Conn) Position(d Dir) (next uint32, ok bool) {
	h := &c.half[d]
	return h.next, c.plain && h.is(known) && !h.is(tentative)
}

// Continue tells, from Handler.Open, which byte of direction d is to be delivered
// first, of a connection whose beginning is in another capture. What lies between it
// and the first packet is a gap then.
func (c *Conn) Continue(d Dir, next uint32) {
	h := &c.half[d]
	h.next, h.isn = next, next-1
	h.bits |= known | seen
}

// Each calls f for each open connection, the one that was opened first first.
func (a *Assembler) Each(f func(*Conn)) {
	for _, c := range a.inOrder() {
		f(c)
	}
}
