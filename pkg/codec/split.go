package codec

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Part is a message of a chunk that was split, or a run of DataRow messages.
type Part struct {
	Kind messages.Kind
	N    int32 // messages, 1 but for a run
	// The first message begins at From, with its type byte, and ends at To; the
	// run ends at End.
	From, To, End int32
}

// maxSplit is the size in bytes of the longest chunk that Split looks at: the
// offsets of a Part hold it, and one look at a longer one in vain would cost too
// much.
const maxSplit = 1 << 20

// Split is Feed and Next in one for the usual chunk: it divides b into messages
// if b begins at a message boundary, ends at one, and holds nothing but messages
// that their type byte and a length that such a message can have make out. They
// are written to parts, and their number is returned. It returns 0 where b is not
// of that sort, has more parts than there is room for, or the Stream is not at a
// message boundary: then nothing was done, and b is to be fed. It is for phases
// in session only; in others the same bytes may mean something else.
func (s *Stream) Split(b []byte, parts []Part) int {
	if s.mode != inStep || s.settled || s.in.available() != 0 || s.head.size != 0 || len(b) > maxSplit {
		return 0
	}
	n := 0
	for at := 0; at < len(b); n++ {
		end := s.fits(b, at)
		if end < 0 || n == len(parts) {
			return 0
		}
		p := &parts[n]
		p.Kind, p.N = s.fast[b[at]].kind, 1
		p.From, p.To = int32(at), int32(end)
		if p.Kind == messages.KindDataRow {
			for end < len(b) && b[end] == b[at] {
				next := s.fits(b, end)
				if next < 0 {
					return 0
				}
				p.N++
				end = next
			}
		}
		p.End = int32(end)
		at = end
	}
	s.chunk, s.ending = len(b), false
	s.largest = max(s.largest, len(b))
	return n
}

// fits returns where the message at a place of b ends, -1 if it is not usual, or
// not all there.
func (s *Stream) fits(b []byte, at int) int {
	if len(b)-at < standardHead {
		return -1
	}
	info := &s.fast[b[at]]
	body := binary.BigEndian.Uint32(b[at+1:]) - 4
	if body < info.min || body > info.max || body > s.maxBody || int(body) > len(b)-at-standardHead {
		return -1
	}
	return at + standardHead + int(body)
}
