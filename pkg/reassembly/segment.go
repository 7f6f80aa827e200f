package reassembly

import "github.com/pgsniff/pgsniff/pkg/wire"

// Control bits of a TCP header, as Segment.Flags holds them.
const (
	FIN uint8 = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// Stamp tells when and where in the capture something was seen.
type Stamp = wire.Stamp

// Dir is a direction of a connection: 0 from Conn.A to Conn.B, 1 back.
type Dir uint8

// Opposite returns the other direction.
func (d Dir) Opposite() Dir { return d ^ 1 }

// Segment is one TCP segment as captured. The caller may reuse it, and the
// memory of Payload and Options, as soon as Assembler.Segment returns.
type Segment struct {
	Src, Dst Endpoint
	Seq, Ack uint32 // Ack counts only where Flags has ACK
	Flags    uint8
	Window   uint16 // as in the header, not scaled
	Payload  []byte
	// Missing is the number of payload bytes that the snap length cut off
	// the end, between 0 and 2^30.
	Missing int
	Options []byte // of the header, as captured
	// ID is the identification in the IPv4 header with bit 16 set, by which copies of a
	// packet are known; 0 where there is none, or where it is 0, as in packets that are
	// never to be divided.
	ID uint32
	At Stamp
}

// span is the length of the segment's text in sequence numbers.
func (s *Segment) span() int { return len(s.Payload) + s.Missing }

// diff is a-b in the arithmetic of RFC 1982: how far a is ahead of b.
func diff(a, b uint32) int { return int(int32(a - b)) }
