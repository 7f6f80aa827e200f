package codec

import "github.com/pgsniff/pgsniff/pkg/messages"

// Rest is what a Stream knows while nothing is going on, for callers with more
// connections than they want Streams for. Its zero value is that of a new one.
type Rest struct {
	largest int32
	settled bool
}

// Rest returns what the Stream knows; ok is false unless it is at a message
// boundary with nothing pending. After it the Stream may be used, by Wake, for
// another connection.
func (s *Stream) Rest() (r Rest, ok bool) {
	if s.mode != inStep || s.head.size != 0 || s.in.available() != 0 {
		return r, false
	}
	return Rest{largest: int32(min(s.largest, 1<<30)), settled: s.settled}, true
}

// Wake makes s the Stream of direction d that was in state r.
func (s *Stream) Wake(d messages.Direction, r Rest) {
	s.Reset(d)
	s.largest, s.settled = int(r.largest), r.settled
}
