package findings

import (
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Stamp is a place in the capture.
type Stamp = exchange.Stamp

// Unknown is the value of a time that is not known.
const Unknown = -1

// Conn is what is known of a connection when something of it is told.
type Conn struct {
	ID                          uint64
	Client, Server              string // address:port
	User, Database, Application string // empty where not known
	Started                     Stamp
	MidStream                   bool
	Replication                 bool

	edition uint64 // another for each content, 0 where nobody counts
}

// Exchange is one query cycle. All that it reaches is borrowed for the call.
type Exchange struct {
	ID       uint64
	Protocol exchange.Protocol
	SQL      []byte // nil if not known
	Escapes  bool   // backslashes in its plain constants are escapes
	// Normalized, Fingerprint and Operation are derived from SQL.
	Normalized  []byte
	Fingerprint uint64
	Operation   string
	Statement   []byte // name; nil where there is none, empty for the unnamed
	Portal      []byte
	HasParams   bool
	Params      messages.Values
	Formats     []int16
	Results     []Result
	Rows, Bytes uint64
	CopyBytes   uint64
	Copy        exchange.CopyMode
	Error       []byte // body of the ErrorResponse
	FailedAt    messages.Kind
	Start       Stamp
	FirstReply  Stamp
	FirstRow    Stamp
	End         Stamp
	Pause       int64 // since the end of the one before; negative: pipelined, or not known
	PauseTx     byte
	Tx          byte
	CancelledBy uint64
	Answered    bool // the end of its replies was seen
	Complete    bool
	Skipped     bool
}

// Result is what one command returned.
type Result struct {
	Tag       []byte
	Rows      uint64
	Suspended bool
	Columns   []messages.ColumnDescription
}

// Message is one message that is not, or not only, part of a query cycle. Its body
// is borrowed for the call.
type Message struct {
	Direction messages.Direction
	Kind      messages.Kind
	Body      []byte
	Len       int
	Query     uint64 // number of its query cycle, 0: none
	At        Stamp
	First     Stamp // the packet with its first byte
	Phase     messages.Phase
	Truncated bool
	Columns   []messages.ColumnDescription // of a DataRow; nil if not known
	// Anomaly is the code of what is against the protocol, and AnomalyText says it;
	// empty for most.
	Anomaly, AnomalyText string
	// Cancels is the connection that a CancelRequest is for, 0 if it is not known.
	Cancels uint64
}

// Ending is what is known of a connection when it is over, or when the capture is.
type Ending struct {
	At         Stamp
	Open       bool // it was open when the capture ended
	TLSVersion string
	Cipher     string
	TLSFailed  bool   // the handshake came to nothing
	Lost       uint64 // bytes
}
