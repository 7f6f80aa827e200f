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
