package analyze

import (
	"encoding/binary"
	"math/bits"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

const (
	// duplicatesKept is how many of the latest segments are remembered, a power of
	// two: the copies of a packet that crosses a bridge come within some others.
	// 64 KiB of memory, which stays in the second level cache.
	duplicatesKept = 4096
	// duplicateTime is for how long, in nanoseconds, a packet may be on its way from
	// one interface to the next, shaped or queued. Identifications come again after
	// 65,536 packets.
	duplicateTime = int64(1e9)
)

// duplicates knows packets that the capture holds more than once, as on "any", where a
// packet passes a bridge and a veth, or on a mirror port that takes both ways. A
// retransmission of TCP is another packet: it has another identification of IPv4 or
// another time in TCP's timestamps.
type duplicates struct {
	seen [duplicatesKept]struct {
		hash uint64
		time int64
	}
}

// has reports whether the segment, of a packet with the identification id (0: none),
// is a copy of one that was taken lately, and remembers it.
func (l *duplicates) has(s *reassembly.Segment, id uint32) bool {
	stamp, stamped := timestamps(s.Options)
	if id == 0 && !stamped {
		return false // nothing tells a copy from a repetition
	}
	h := mix(s.Src.Addr.Hi^bits.RotateLeft64(s.Dst.Addr.Hi, 32), s.Src.Addr.Lo)
	h = mix(h, s.Dst.Addr.Lo)
	h = mix(h, uint64(s.Src.Port)<<48|uint64(s.Dst.Port)<<32|uint64(s.Seq))
	h = mix(h, uint64(s.Ack)<<32|uint64(s.Window)<<16|uint64(s.Flags))
	h = mix(h, stamp)
	h = mix(h, uint64(id)<<32|uint64(uint32(len(s.Payload)+s.Missing)))
	if p := s.Payload; len(p) >= 8 { // a sign of other bytes in the same place
		h = mix(h, binary.LittleEndian.Uint64(p)^binary.LittleEndian.Uint64(p[len(p)-8:]))
	}
	e := &l.seen[h%duplicatesKept]
	age := s.At.Time - e.time
	copied := e.hash == h && e.time != 0 && age >= -duplicateTime && age <= duplicateTime
	if !copied {
		e.hash, e.time = h, s.At.Time
	}
	return copied
}

// mix folds two words into one, of which all bits depend on all of theirs.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd6e8feb86659fd93)
	return hi ^ lo
}

// timestamps returns both values of TCP's option of this name (RFC 7323, section 3).
func timestamps(options []byte) (values uint64, ok bool) {
	const end, none, kind, size = 0, 1, 8, 10
	for len(options) > 1 {
		switch n := int(options[1]); {
		case options[0] == none:
			options = options[1:]
		case options[0] == end || n < 2 || n > len(options):
			return 0, false
		case options[0] == kind && n == size:
			for _, b := range options[2:size] {
				values = values<<8 | uint64(b)
			}
			return values, true
		default:
			options = options[n:]
		}
	}
	return 0, false
}
