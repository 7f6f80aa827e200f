package session

// stalls are the times that the loss of packets took from a connection, the latest of
// them.
type stalls struct {
	list []stall
	kept [1]stall // most connections that have any have one
}

// stall is a time between two packets, in nanoseconds since the Unix epoch, of which n
// nanoseconds were lost.
type stall struct{ from, to, n int64 }

// maxStalls bounds those that are told apart: an exchange seldom has as many.
const maxStalls = 64

// Stalled tells that nothing was seen of the connection from one time to another, both
// in nanoseconds since the Unix epoch, and that a segment then came again which its
// receiver had not.
func (s *Session) Stalled(from, to int64) {
	if s.stalls == nil {
		s.stalls = new(stalls)
		s.stalls.list = s.stalls.kept[:0]
	}
	l := s.stalls.list
	if n := len(l); n > 0 {
		from = max(from, l[n-1].to)
	}
	if to <= from {
		return
	}
	if len(l) == maxStalls {
		// The two oldest are one from now on.
		l[1].from, l[1].n = l[0].from, l[1].n+l[0].n
		l = append(l[:0], l[1:]...)
	}
	s.stalls.list = append(l, stall{from, to, to - from})
}

// StalledWithin returns how many nanoseconds between two times the loss of packets took,
// 0 where none is known. It is never more than was lost.
func (s *Session) StalledWithin(from, to int64) (ns int64) {
	if s.stalls == nil {
		return 0
	}
	for _, x := range s.stalls.list {
		begin, end := max(x.from, from), min(x.to, to)
		if end <= begin {
			continue
		}
		// Of several that became one it is not known where in it they are.
		ns += max(x.n-(x.to-x.from)+(end-begin), 0)
	}
	return ns
}
