package reassembly

import "github.com/pgsniff/pgsniff/pkg/wire"

// Handler receives what the Assembler puts together. Its methods are called
// from within Segment, Advance and Flush, never concurrently, and must not
// call them. A *Conn is valid until Close returns.
type Handler interface {
	// Open tells of the first packet of a connection.
	Open(c *Conn, at Stamp)
	// Data hands over the next bytes of a direction; at is the packet that
	// carried them. b is borrowed until Data returns.
	Data(c *Conn, d Dir, b []byte, at Stamp)
	// Gap tells that the next n bytes of a direction will never come: they
	// are not in the capture, or cut off by the snap length. n < 0 means an
	// unknown number. at is the packet that made it known.
	Gap(c *Conn, d Dir, n int64, at Stamp)
	// Close ends the connection, exactly once for each Open and after all of
	// its data; at is the connection's last packet.
	Close(c *Conn, why Reason, at Stamp)
}

// HalfCloser is implemented by a Handler that wants to know of each
// direction's FIN, told in its place in the order of Data and Gap.
type HalfCloser interface {
	HalfClose(c *Conn, d Dir, at Stamp)
}

// AnomalyHandler is implemented by a Handler that wants to know of segments
// that no healthy pair of TCPs sends.
type AnomalyHandler interface {
	Anomaly(c *Conn, d Dir, kind Anomaly, at Stamp)
}

// StallHandler is implemented by a Handler that wants to know what time the loss of
// packets took: from since, in nanoseconds since the Unix epoch, nothing new was seen of
// the connection, and at at came a segment again that its receiver had not acknowledged,
// or one that fills a hole. Times below MinStall are not told, nor what comes again to a
// closed receive window.
type StallHandler interface {
	Stalled(c *Conn, since int64, at Stamp)
}

// MinStall is the shortest time that is told, 100 ms in nanoseconds. What comes again
// sooner may do so needlessly: probes of the tail (RFC 8985) are sent before a receiver's
// delayed acknowledgment. Timeouts of usual systems are 200 ms and more.
const MinStall = 100_000_000

// Observer is implemented by a Handler that wants to see each segment of a
// connection, those that carry no text and those that come again included, before
// anything of it is handed over. s is borrowed until Segment returns. Nothing is
// told of segments that belong to no connection.
type Observer interface {
	Segment(c *Conn, d Dir, s *Segment)
}

// Anomaly is a kind of oddity.
type Anomaly uint8

const (
	// ConflictingRetransmission: bytes came again and were others. What was
	// delivered first stands. Bytes that wait are compared with those that
	// overlap them. Delivered ones are compared by a fingerprint of their
	// segment, all of it up to 256 bytes and its first 192 and last 64 above,
	// while it is among the last 8192 segments of the capture and where the
	// retransmission covers all of it.
	ConflictingRetransmission Anomaly = iota + 1
)

func (k Anomaly) String() string {
	if k == ConflictingRetransmission {
		return "conflicting retransmission"
	}
	return "unknown anomaly"
}

// Reason tells why a connection ended.
type Reason = wire.Reason

// The reasons of Handler.Close.
const (
	ByFIN   = wire.EndFIN       // both sides closed; or one did and the other side was never seen
	ByRST   = wire.EndRST       // one side aborted it
	ByReuse = wire.EndReplaced  // a SYN began another connection between the same endpoints
	ByLimit = wire.EndGivenUp   // the least recently used of Config.MaxConns gave way to a new one
	ByEnd   = wire.EndOfCapture // the capture ended
)
