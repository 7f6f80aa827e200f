package codec

import (
	"encoding/binary"
	"slices"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Part is a message of a chunk that was split, or a run of DataRow messages. It
// begins where the part before it ends, the first at 0.
type Part struct {
	// The first message, with its type byte, ends at To, the run at End.
	To, End int32
	N       int32 // messages, 1 but for a run
	Kind    messages.Kind
}

// MaxParts is how many parts a chunk that is split may have.
const MaxParts = 10

// Shape is what kinds of messages a chunk is made of: those of its parts, from the
// first on, six bits each. 0 is that of a chunk that was not split.
type Shape uint64

const kindBits = 6

const (
	_ = uint(1<<kindBits - messages.NumKinds) // no kind takes more
	_ = uint(64 - kindBits*MaxParts)
)

// Kinds returns the kinds of the parts.
func (s Shape) Kinds() (kinds []messages.Kind) {
	for ; s != 0; s >>= kindBits {
		kinds = append(kinds, messages.Kind(s&(1<<kindBits-1)))
	}
	slices.Reverse(kinds)
	return kinds
}

// maxSplit is the size in bytes of the longest chunk that Split looks at: the
// offsets of a Part hold it, and one look at a longer one in vain would cost too
// much.
const maxSplit = 1 << 20

// Split divides a chunk of direction d into messages as a Stream with the options
// would, if b begins at a message boundary, ends at one, and holds nothing but
// messages that their type byte and a length that such a message can have make
// out. They are written to parts, and their number and Shape are returned; 0 where b
// is not of that sort, has more parts than there is room for or than MaxParts, or is
// longer than the largest message that is kept. It looks at nothing but b: whether b
// is at a boundary and of a phase in session, other bytes decide; see
// Stream.Divided.
func (o StreamOptions) Split(d messages.Direction, b []byte, parts []Part) (n int, shape Shape) {
	if len(b) > maxSplit || len(b) > int(o.limit()) {
		return 0, 0
	}
	fast, parts := &fastTypes[d], parts[:min(len(parts), MaxParts)]
	for at := 0; at < len(b); {
		head := b[at:]
		if len(head) < standardHead {
			return 0, 0
		}
		info := &fast[head[0]]
		body := binary.BigEndian.Uint32(head[1:]) - 4
		if body < info.min || body > info.max || int(body) > len(head)-standardHead {
			return 0, 0
		}
		at += standardHead + int(body)
		if info.kind == messages.KindDataRow && n > 0 && parts[n-1].Kind == messages.KindDataRow {
			parts[n-1].End = int32(at)
			parts[n-1].N++
			continue
		}
		if n == len(parts) {
			return 0, 0
		}
		p := &parts[n]
		p.To, p.End, p.N, p.Kind = int32(at), int32(at), 1, info.kind
		n++
		shape = shape<<kindBits | Shape(info.kind)
	}
	return n, shape
}

// Divided takes note of a chunk of n bytes that Split has divided into what it
// holds, in place of Feed and Next. It is for phases in session only; in others the
// same bytes may mean something else. It reports whether the Stream is at a message
// boundary; if not, nothing was done, and the chunk is to be fed.
func (s *Stream) Divided(n int) bool {
	if s.mode != inStep || s.settled || s.in.available() != 0 || s.head.size != 0 {
		return false
	}
	s.chunk, s.ending = n, false
	s.largest = max(s.largest, n)
	return true
}
