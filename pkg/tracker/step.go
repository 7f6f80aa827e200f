package tracker

import (
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Step is what one message meant for the connection.
type Step struct {
	// Phase is the connection's phase when the message was sent, After the one
	// that the message led to.
	Phase, After messages.Phase
	// Tx is the transaction status once known ('I', 'T' or 'E'), else 0. A
	// ReadyForQuery carries its own.
	Tx byte
	// Exchange is the number of the exchange that the message belongs to,
	// counting from 1 in each connection; 0 where it belongs to none.
	Exchange uint64
	// Over, where it is not 0, tells that no more replies are due for this exchange
	// and all before it.
	Over uint64
	// Request is the kind of the request that a reply answers; KindUnknown where
	// it answers none or the request was not seen.
	Request messages.Kind
	// Begins tells that the message is the first of its exchange.
	Begins bool
	// Rested tells that nothing was outstanding when this request was sent.
	Rested bool
	// Discarded tells that the server passes over this request because an
	// earlier one failed in the same cycle.
	Discarded bool
	// Inferred tells that the request which this reply answers was not seen.
	Inferred bool
	// Doubtful tells that after a loss it is not certain which replies are those of the
	// message's exchange; of a reply without an Exchange, that nobody can say whose it is.
	Doubtful bool
	// Trial tells that after a loss, or a join, it still has to be shown that replies are
	// given to the right requests: what a reply says may disprove it.
	Trial bool
	// Spoiled, where it is not 0, tells that the replies which were said to belong to
	// this exchange, or to those before it that are not over, may be others'.
	Spoiled uint64
	// Anomaly is what is wrong with the message in this place; nil if nothing.
	Anomaly *Anomaly
}

// reset empties s. The pointer is written only where there is one: this runs
// for every message, and a write to the heap is not free.
func (s *Step) reset() {
	s.Phase, s.After, s.Tx, s.Request = 0, 0, 0, 0
	s.Exchange, s.Over, s.Spoiled = 0, 0, 0
	s.Begins, s.Rested, s.Discarded, s.Inferred, s.Doubtful, s.Trial = false, false, false, false, false, false
	if s.Anomaly != nil {
		s.Anomaly = nil
	}
}

// Anomaly is a message out of the protocol's order. It is an error value, so
// strict machines return it as it is.
type Anomaly struct {
	Code      string // stable identifier, such as "unexpected_message"
	Direction messages.Direction
	Kind      messages.Kind
	Phase     messages.Phase
	Expected  []messages.Kind // what would have been in order, where that is a short list
	Detail    string          // more, where the code does not say it all
}

// Codes of anomalies.
const (
	CodeUnexpectedMessage = "unexpected_message" // not in order in this phase
	CodeUnsolicitedReply  = "unsolicited_reply"  // answers no outstanding request
	CodeSkippedReply      = "skipped_reply"      // earlier requests were not answered
	CodeSwallowed         = "swallowed_request"  // sent inside COPY data: it is not answered
	CodeUnknownType       = "unknown_type"       // a type byte that the protocol does not define
	CodeBadVersion        = "bad_protocol_version"
	CodeQueueOverflow     = "too_many_outstanding"
)

// Error makes an Anomaly the error of strict machines.
func (a *Anomaly) Error() string { return "postgresql protocol: " + a.Text() }

// Is reports whether target is messages.ErrProtocol.
func (a *Anomaly) Is(target error) bool { return target == messages.ErrProtocol }

// maxHint is the longest list of expected messages that still helps a reader.
const maxHint = 12

// Text describes the anomaly in one line.
func (a *Anomaly) Text() string {
	var b strings.Builder
	b.WriteString(a.Kind.String())
	switch a.Code {
	case CodeUnsolicitedReply:
		b.WriteString(" answers no outstanding request")
	case CodeSkippedReply:
		b.WriteString(" came before the replies to earlier requests")
	case CodeSwallowed:
		b.WriteString(" was sent while the server waited for COPY data, which ended the COPY; it has no reply of its own")
	case CodeUnknownType:
		b.WriteString(": the protocol does not define this message type")
	case CodeBadVersion:
		b.WriteString(": no such protocol version")
	case CodeQueueOverflow:
		b.WriteString(": too many requests without a reply; the oldest was given up")
	default:
		b.WriteString(" is out of order in phase ")
		b.WriteString(a.Phase.String())
	}
	if a.Detail != "" {
		b.WriteString(" (" + a.Detail + ")")
	}
	if n := len(a.Expected); n > 0 && n <= maxHint {
		b.WriteString("; expected ")
		for i, k := range a.Expected {
			switch {
			case i > 0 && i == n-1:
				b.WriteString(" or ")
			case i > 0:
				b.WriteString(", ")
			}
			b.WriteString(k.String())
		}
	}
	return b.String()
}
