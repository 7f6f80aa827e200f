package codec

import (
	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

func (s *Stream) resting() (r friend.Rest, ok bool) {
	if s.mode != inStep || s.head.size != 0 || s.in.available() != 0 {
		return r, false
	}
	return friend.Rest{Largest: int32(min(s.largest, 1<<30)), Settled: s.settled}, true
}

func (s *Stream) wake(d messages.Direction, r friend.Rest) {
	s.Reset(d)
	s.largest, s.settled = int(r.Largest), r.Settled
}
