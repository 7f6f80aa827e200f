package session

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// places is where the two directions of a connection stand, in bytes from where the
// session began to see them, and what the sender of the latest chunk of each had
// acknowledged of the other one. Replies are told by it from the requests that they
// cannot answer.
type places struct {
	at    [2]int64 // of the next message
	fed   [2]int64 // the end of what has come or is known to be lost
	acked [2]int64 // of the other direction, by the sender of the latest chunk; or unknownPlace
	// told is Unacked of the chunk that comes next, if it is told.
	told    int64
	hasTold bool
}

const unknownPlace = tracker.UnknownPlace

// Unacked tells, for the chunk that is passed next, how many of the bytes of the other
// direction that were passed before its sender had not acknowledged.
func (s *Session) Unacked(n int) { s.places.told, s.places.hasTold = int64(n), true }

// arrive is called for each chunk of direction d before it is looked at.
func (p *places) arrive(d messages.Direction) {
	if !p.hasTold {
		p.acked[d] = unknownPlace
		return
	}
	p.hasTold = false
	p.acked[d] = max(p.fed[1-d]-p.told, 0)
}

// forget is for ciphertext, whose bytes are not those of messages.
func (p *places) forget(d messages.Direction) { p.acked[d] = unknownPlace }

// next is the place of a message of n bytes in direction d whose sender had
// acknowledged acked.
func (p *places) next(d messages.Direction, n int, acked int64) tracker.Place {
	begin := p.at[d]
	return tracker.Place{Begin: begin, End: begin + int64(n), Acked: acked, Other: p.fed[1-d]}
}

// gap is the place of what was lost last in direction d.
func (p *places) gap(d messages.Direction) tracker.Place {
	return tracker.Place{Begin: p.at[d], End: p.fed[d], Acked: unknownPlace, Other: p.fed[1-d]}
}

// skipped is the place of n bytes in direction d that were passed over just now.
func (p *places) skipped(d messages.Direction, n int) tracker.Place {
	return tracker.Place{Begin: p.at[d] - int64(n), End: p.at[d], Acked: unknownPlace, Other: p.fed[1-d]}
}

// placeFrame tells the tracker where the message of n bytes stands that it is about
// to observe. A request is sent with its last byte, a reply with its first.
func (s *Session) placeFrame(d messages.Direction, n int, p *pendingStamp) {
	acked := s.places.acked[d]
	if p != nil {
		acked = p.ackedLast
		if d == messages.Backend {
			acked = p.ackedFirst
		}
	}
	s.tracker.At(s.places.next(d, n, acked))
	s.places.at[d] += int64(n)
}
