package session

import (
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Stamp is a place in the capture.
type Stamp = exchange.Stamp

// Event is one message of a connection, with what it meant there. All of it is
// borrowed until the handler returns.
type Event struct {
	exchange.Message
	Session *Session
	Tag     byte // 0 where the message has no type byte
	// Truncated tells that Body is shorter than the message was.
	Truncated bool
	// Exchange is the exchange that the message belongs to, while it is
	// open; nil where there is none. It knows the types of parameters and columns.
	Exchange *exchange.Exchange
	Notes    []Note
	// State is how far the conversation has come with this message, where
	// Config.States asks for it.
	State tracker.State
	// Cancels is what a CancelRequest cancels, where it is known at this point.
	Cancels Cancelled
	// Replication is what a CopyData of a replication connection holds; nil for all
	// other messages.
	Replication *replication.Event
}

// Note is something odd about a message.
type Note struct {
	Code string // stable identifier
	Text string
}

// Codes of notes that are not the tracker's anomalies.
const (
	NoteTruncated    = "truncated"           // part of the message was not captured, or not kept
	NoteMalformed    = "malformed"           // the body does not have the message's format
	NotePlaintext    = "plaintext_injection" // bytes between the answer to SSLRequest and the handshake
	NoteInferred     = "inferred"            // the request that it answers was not seen
	NoteDiscarded    = "discarded"           // the server passes over it after an error
	NoteAmbiguous    = "ambiguous"           // it has two readings
	NoteStream       = "stream_state"        // a logical message is not in the form called for
	NoteForeign      = "foreign"             // another product's addition to the protocol
	NoticeLost       = "lost"                // bytes that were not captured
	NoticeSkipped    = "skipped"             // bytes that could not be made out
	NoticeEncrypted  = "encrypted"           // what follows cannot be read
	NoticeCut        = "cut"                 // the capture ends inside a message, or a reset does
	NoticeNotPG      = "not_postgresql"
	NoticeRetransmit = "conflicting_retransmission"
	NoticeTLS        = "tls"
	NoticeInference  = "inference_given_up" // what later messages contradict
	NoticeGivenUp    = "given_up"           // more connections are open than are followed
)

// Notice is something about a connection that is no message.
type Notice struct {
	Code      string
	Text      string
	Direction messages.Direction
	Directed  bool // Direction says something
	Bytes     int64
	At        Stamp
}

// Cancelled names an exchange of another connection; the zero value none.
type Cancelled struct {
	Conn  uint64
	Query uint64 // 0 where the connection is known but nothing was in flight
}

// Handler takes what a session makes of its connection.
type Handler interface {
	// Message takes each message, in causal order.
	Message(e *Event)
	// Exchange takes each exchange when it is over.
	Exchange(s *Session, x *exchange.Exchange)
	// Notice takes what is to be said between messages.
	Notice(s *Session, n *Notice)
	// End takes the connection when it is over; its Info is final.
	End(s *Session)
}

// RowCounter is implemented by handlers of messages that look at the first rows of a
// result only, and count the others.
type RowCounter interface {
	// Counts reports whether another message of e's kind, DataRow or CopyData, and of
	// its query cycle would only be counted if it came next.
	Counts(e *Event) bool
	// Rows takes n such messages that followed e, with their bytes on the wire, instead
	// of as many calls of Message.
	Rows(e *Event, n, bytes int)
}
