package reassembly

import (
	"encoding/binary"
	"math/bits"
)

const (
	// copiesKept is how many of the latest segments are remembered that are not simply
	// the next text, a power of two: the copies of a packet that crosses a bridge come
	// within some others. 64 KiB of memory, which stays in the second level cache.
	copiesKept = 4096
	// copyTime is for how long, in nanoseconds, a packet may be on its way from one
	// interface to the next, shaped or queued. Identifications come again after 65,536
	// packets.
	copyTime = int64(1e9)
)

// copies knows packets that the capture holds more than once, as on "any", where a
// packet passes a bridge and a veth, or on a mirror port that takes both ways. A
// retransmission of TCP is another packet: it has another identification of IPv4 or
// another time in TCP's timestamps.
//
// Text that comes in order is no copy of anything before. It is remembered with its
// fingerprint (recent), which costs less than to remember it here.
type copies struct {
	n    uint64
	seen []seenPacket
}

type seenPacket struct {
	hash uint64
	time int64
}

func newCopies() copies { return copies{seen: make([]seenPacket, copiesKept)} }

// Copies returns how many segments were copies of packets taken before. They are
// passed over.
func (a *Assembler) Copies() uint64 { return a.copies.n }

// mark is what tells the packet of a segment from others with the same text: 0 if
// there is nothing.
func (s *Segment) mark() uint32 {
	stamp, stamped := timestamps(s.Options)
	if s.ID == 0 && !stamped {
		return 0
	}
	const a, b, c = 0x9e3779b1, 0x85ebca77, 0xc2b2ae3d
	return (uint32(stamp>>32)*a + uint32(stamp)*b + s.ID*c) | 1
}

// copied reports whether s, in direction d of c, which is nil if it is not known, is a
// copy of a packet that was taken lately. It remembers it.
func (a *Assembler) copied(c *Conn, d Dir, s *Segment) bool {
	stamp, stamped := timestamps(s.Options)
	if s.ID == 0 && !stamped {
		return false // nothing tells a copy from a repetition
	}
	h := s.hash(stamp)
	e := &a.copies.seen[h%copiesKept]
	age := s.At.Time - e.time
	switch {
	case e.hash == h && e.time != 0 && age >= -copyTime && age <= copyTime:
	case c != nil && len(s.Payload) > 0 && a.recent.holds(c.half[d].recent, s.Seq, s.Payload, s.mark()):
	default:
		e.hash, e.time = h, s.At.Time
		return false
	}
	a.copies.n++
	return true
}

// hash is of all that a sender may change in a packet. Each word is multiplied by a
// number of its own: the upper bits of the sum depend on all of them.
func (s *Segment) hash(stamp uint64) uint64 {
	const a, b, c, d, e = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93, 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3
	h := (uint64(s.Seq)<<32|uint64(s.Ack))*a + stamp*b +
		(s.Src.Addr.Lo^bits.RotateLeft64(s.Dst.Addr.Lo^s.Src.Addr.Hi, 32)^s.Dst.Addr.Hi)*c +
		(uint64(s.Src.Port)<<48|uint64(s.Dst.Port)<<32|uint64(s.Window))*d +
		(uint64(s.ID)<<40|uint64(s.Flags)<<32|uint64(uint32(s.span())))*e
	if p := s.Payload; len(p) >= 8 { // a sign of other bytes in the same place
		h += binary.LittleEndian.Uint64(p) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(p[len(p)-8:]), 32)
	}
	return h ^ h>>32
}

const (
	optionEnd, optionNone    = 0, 1
	optionTimes, sizeOfTimes = 8, 10
)

// timestamps returns both values of TCP's option of this name (RFC 7323, section 3).
func timestamps(options []byte) (values uint64, ok bool) {
	const usual = optionNone<<24 | optionNone<<16 | optionTimes<<8 | sizeOfTimes
	// As most systems write it: two fillers, then the option alone.
	if len(options) == 2+sizeOfTimes && binary.BigEndian.Uint32(options) == usual {
		return binary.BigEndian.Uint64(options[4:]), true
	}
	return findTimestamps(options)
}

// findTimestamps goes through the options one by one.
func findTimestamps(options []byte) (values uint64, ok bool) {
	for len(options) > 1 {
		switch n := int(options[1]); {
		case options[0] == optionNone:
			options = options[1:]
		case options[0] == optionEnd || n < 2 || n > len(options):
			return 0, false
		case options[0] == optionTimes && n == sizeOfTimes:
			for _, b := range options[2:sizeOfTimes] {
				values = values<<8 | uint64(b)
			}
			return values, true
		default:
			options = options[n:]
		}
	}
	return 0, false
}
