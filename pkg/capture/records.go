package capture

import (
	"time"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Record is a *Query, *Message, *Connection or *Notice.
type Record interface{ record() }

// Conn is a connection as its records refer to it: the same pointer in all of them.
// Its names are filled in as the connection tells them.
type Conn struct {
	ID             uint64 // number within the capture, from 1
	Client, Server string // address:port
	Started        time.Time
	// User, Database and Application are those of the startup, or what was set
	// since; empty where not known, as in connections that were joined in the middle.
	User, Database, Application string
}

// Query is one query cycle: a Query with all its commands; an Execute with the Parse,
// Bind and Describe that led to it; a function call.
type Query struct {
	Conn   *Conn
	Number uint64 // within the connection, from 1
	// Protocol is "simple", "extended", "function_call" and so on.
	Protocol string
	SQL      string // cut where it is very long; empty where it is not known
	// Normalized is the text with its constants replaced by $1, $2, …; Fingerprint
	// is the same for texts that differ in nothing else; Operation is its first word,
	// such as "SELECT".
	Normalized  string
	Fingerprint uint64
	Operation   string
	Statement   string // name of the prepared statement
	Portal      string
	Params      []Value
	Results     []Result // one for each command
	Rows        uint64   // of all results
	CopyBytes   uint64   // of COPY data
	// Err is the error that the query ended with, nil if it did not.
	Err *messages.ErrorResponse

	Start time.Time // first byte of the request
	// Duration is from there to the end of the last reply, FirstReply and FirstRow
	// to these; negative where that was not seen.
	Duration, FirstReply, FirstRow time.Duration
	// Packet is the number of the packet in the capture that the query begins in.
	Packet uint64
	Tx     messages.TxStatus // after it
	// Complete tells that request and replies were captured whole.
	Complete bool
}

// Value is a parameter.
type Value struct {
	Null bool
	// Text is the value as PostgreSQL prints it; that of a binary one of a type that
	// is not known is in hexadecimal digits after \x.
	Text string
	OID  uint32 // of the type, 0 where not known
}

// Result is what one command returned.
type Result struct {
	Tag     string // such as "SELECT 5"; empty if the command did not complete
	Rows    uint64
	Columns []messages.ColumnDescription // nil where not known
}

// Message is one message of the protocol.
type Message struct {
	Conn      *Conn
	Query     uint64 // Number of the query that it belongs to; 0 for none
	At        time.Time
	Packet    uint64 // number in the capture
	Direction messages.Direction
	Kind      messages.Kind
	Phase     messages.Phase
	Len       int // of the whole message on the wire in bytes
	// Body is what follows the length; nil where it is a secret. Truncated tells that
	// it is not all there.
	Body      []byte
	Truncated bool
	// Anomaly says what is out of the protocol's order; empty if nothing.
	Anomaly string
}

// Decode returns the message itself, with the error of messages.Message.Decode.
func (m *Message) Decode() (messages.Message, error) {
	out := m.Kind.New()
	err := out.Decode(m.Body)
	return out, err
}

// Connection is a connection that has ended, or is still open at the capture's end.
type Connection struct {
	Conn *Conn
	End  time.Time // its last packet, or the one that ended it
	// State is "terminated", "closed", "reset", "failed", "open" and so on.
	State          string
	Auth           string // method of authentication, empty where not known
	Encryption     string // "none", "tls" and so on
	TLSVersion     string
	ServerVersion  string
	MidStream      bool      // its beginning was not captured
	Bytes, Lost    [2]uint64 // of TCP payload, by messages.Direction
	Errors         uint64
	ReplicationOf  string // the startup parameter "replication"
	BackendProcess uint32
}

// Notice is what is to be said of a connection between its messages, such as that
// bytes are missing.
type Notice struct {
	Conn *Conn
	At   time.Time
	Code string // stable identifier, such as "lost"
	Text string
}

func (*Query) record()      {}
func (*Message) record()    {}
func (*Connection) record() {}
func (*Notice) record()     {}
