package reassembly

// numCalms is how many connections on which segments come again are known at once. Where
// two have the same place the later one has it, and less time is told than was lost.
const numCalms = 64

// calm is how far a connection was when a segment first came again, and the time of the
// packet before.
type calm struct {
	conn  uint64
	at    [2]uint32
	since int64
}

// calmSince returns since when nothing new was seen of c, whose latest segment came again.
func (a *Assembler) calmSince(c *Conn) int64 {
	k := &a.calms[c.ID%numCalms]
	if now := c.progress(); k.conn != c.ID || k.at != now {
		*k = calm{c.ID, now, a.before}
	}
	return k.since
}

// stalled tells of the time before a segment of direction d that comes again, or late.
func (a *Assembler) stalled(c *Conn, d Dir, since int64, at Stamp) {
	if a.stalls == nil || since == 0 || at.Time-since < MinStall || c.half[d^1].is(shut) {
		return
	}
	a.stalls.Stalled(c, since, at)
}
