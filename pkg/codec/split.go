package codec

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// maxSplit is the size in bytes of the longest chunk that Split looks at: the
// offsets of a friend.Part hold it, and one look at a longer one in vain would cost too
// much.
const maxSplit = 1 << 20

func init() {
	friend.OfCodec = friend.Codec[StreamOptions, Stream]{
		Split:   StreamOptions.split,
		Divided: (*Stream).divided,
		Rest:    (*Stream).resting,
		Wake:    (*Stream).wake,
	}
}

func (o StreamOptions) split(d messages.Direction, b []byte, parts []friend.Part) (n int, shape friend.Shape) {
	if len(b) > maxSplit || len(b) > int(o.limit()) {
		return 0, 0
	}
	fast, parts := &fastTypes[d], parts[:min(len(parts), friend.MaxParts)]
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
		shape = shape<<friend.KindBits | friend.Shape(info.kind)
	}
	return n, shape
}

func (s *Stream) divided(n int) bool {
	if s.mode != inStep || s.settled || s.in.available() != 0 || s.head.size != 0 {
		return false
	}
	s.chunk, s.ending = n, false
	s.largest = max(s.largest, n)
	return true
}
