// Package wire has what the packages about captured connections have in common: where
// in a capture something was seen, and why a connection ended.
package wire

// Stamp is a place in the capture: when and where something was seen.
type Stamp struct {
	Time  int64  // nanoseconds since the Unix epoch, as captured
	Frame uint64 // number of the packet in the capture, 1 = first
}

// Reason tells why a connection ended.
type Reason uint8

// The reasons.
const (
	EndFIN       Reason = iota // both sides closed; or one did and the other side was never seen
	EndRST                     // one side aborted it
	EndReplaced                // another connection began between the same endpoints
	EndGivenUp                 // it gave way to others, for memory
	EndOfCapture               // it may have gone on
)

var reasonNames = [...]string{"FIN", "RST", "reuse", "limit", "end of capture"}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "unknown"
}
