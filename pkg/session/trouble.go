package session

import (
	"strconv"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// trouble is what is missing of a direction, or could not be made out, from the
// loss of the message boundaries until they are found again. The first of it is
// told at once, the rest in one sentence at the end: where every packet is cut
// off, two notices for each would bury what could be read.
type trouble struct {
	lost, skipped int64 // bytes since the latest notice
	gaps          int
	unknown       bool   // and a gap of unknown size
	reason        string // of the first skip
	at            Stamp  // of the latest of it
}

// tellEvery is how many bytes in trouble are told of even if no end is in sight.
const tellEvery = 16 << 20

// addLost notes a gap of n bytes, n < 0 for an unknown number.
func (s *Session) addLost(d messages.Direction, n int64, at Stamp) {
	t := s.trouble[d]
	if t == nil {
		s.trouble[d] = &trouble{}
		s.notice(&Notice{
			Code: NoticeLost, Text: lostText(n), Direction: d, Directed: true, Bytes: max(n, 0), At: at,
		})
		return
	}
	t.gaps++
	t.at = at
	if n < 0 {
		t.unknown = true
	} else {
		t.lost += n
	}
	s.tellTrouble(d, tellEvery)
}

// addSkipped notes n bytes that could not be made out.
func (s *Session) addSkipped(d messages.Direction, n int64, reason string, at Stamp) {
	t := s.trouble[d]
	if t == nil {
		t = &trouble{}
		s.trouble[d] = t
	}
	if t.skipped == 0 {
		t.reason = reason
	}
	t.skipped += n
	t.at = at
	s.tellTrouble(d, tellEvery)
}

// endTrouble is called where the boundaries of a direction are known again, and
// at its end.
func (s *Session) endTrouble(d messages.Direction) {
	s.tellTrouble(d, 1)
	s.trouble[d] = nil
}

// endTroubles is the same for both directions.
func (s *Session) endTroubles() {
	for d, t := range s.trouble {
		if t != nil {
			s.endTrouble(messages.Direction(d))
		}
	}
}

// tellTrouble tells what has not been told yet if it is at least least bytes.
func (s *Session) tellTrouble(d messages.Direction, least int64) {
	t := s.trouble[d]
	if t.lost+t.skipped < least && !(t.unknown && least == 1) {
		return
	}
	n := Notice{Code: NoticeLost, Direction: d, Directed: true, Bytes: t.lost, At: t.at}
	switch {
	case t.gaps == 0:
		n.Code, n.Bytes = NoticeSkipped, t.skipped
		n.Text = bytesText(t.skipped) + " could not be made out: " + t.reason
	case t.gaps == 1:
		n.Text = "then " + lostText(t.lost)
		if t.unknown {
			n.Text = "then " + lostText(-1)
		}
	default:
		n.Text = "then " + bytesText(t.lost) + " in " + strconv.Itoa(t.gaps) + " places were not captured"
		if t.unknown {
			n.Text += ", and more of unknown size"
		}
	}
	if t.gaps > 0 && t.skipped > 0 {
		n.Text += "; " + bytesText(t.skipped) + " around it could not be made out"
	}
	*t = trouble{}
	s.notice(&n)
}

func lostText(n int64) string {
	switch {
	case n < 0:
		return "an unknown number of bytes was not captured"
	case n == 1:
		return "1 byte was not captured"
	}
	return bytesText(n) + " were not captured"
}
