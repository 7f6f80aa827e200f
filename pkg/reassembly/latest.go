package reassembly

// Latest returns the number of the connection that s, the segment taken last,
// belongs to; ok is false where it belongs to none, or to one that it ended and
// that is not remembered. It is for those who keep the packets of connections.
func (a *Assembler) Latest(s *Segment) (id uint64, ok bool) {
	c := a.last
	if c == nil || (c.A != s.Src || c.B != s.Dst) && (c.A != s.Dst || c.B != s.Src) {
		return 0, false
	}
	return c.ID, true
}

// Find returns the open connection between two endpoints, in either direction; nil if
// there is none.
func (a *Assembler) Find(x, y Endpoint) *Conn {
	c, _ := a.table.find(&x, &y, a.table.hash(&x, &y))
	if c == nil || c.state == stateClosed {
		return nil
	}
	return c
}

// TakeID takes the number of the next connection, for one that is not made of
// packets.
func (a *Assembler) TakeID() uint64 {
	a.ids++
	return a.ids
}
