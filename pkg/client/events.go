package client

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Event is what one message of the server meant. Each is a pointer to one of this
// package's types; which may come in which state is what the manual's "Message
// Flow" says.
type Event interface{ event() }

// EncryptionResponse is the answer to DoSSLRequest. If it is accepted, the program
// does the TLS handshake and calls TLSEstablished; if not, it goes on in clear or
// closes the connection.
type EncryptionResponse struct{ Accepted bool }

// VersionNegotiated tells that the server speaks an older minor version of the
// protocol than was asked for, or does not know some protocol options.
type VersionNegotiated struct {
	Version     messages.ProtocolVersion
	Unsupported []string // names of options
}

// AuthenticationRequest tells what the server asks for. The answer comes from
// Outgoing.
type AuthenticationRequest struct {
	Method     AuthMethod // what the client is going to do
	Mechanisms []string   // what the server offers, for SASL
}

// TokenRefused tells that the server does not take Config.Token, or where to get one
// if there is none. The answer comes from Outgoing; a *ServerError follows.
type TokenRefused struct {
	Status, Scope string // such as "invalid_token"
	// OpenIDConfiguration is the address of the document that tells where tokens come
	// from, "" if there is none. It is not to be followed unless it is trusted.
	OpenIDConfiguration string
}

// SASLChallenge tells that the server's challenge has come. The answer comes from
// Outgoing.
type SASLChallenge struct{}

// SASLVerified tells that the server has proved that it knows the password.
type SASLVerified struct{}

// Authenticated tells that the server is content. Ready follows.
type Authenticated struct{ Method AuthMethod }

// ParameterStatus tells the value of a run-time parameter. It may come at any time.
type ParameterStatus struct{ Name, Value string }

// BackendKey is what DoCancel is going to send.
type BackendKey struct {
	ProcessID uint32
	SecretKey []byte
}

// Ready tells that a request has been answered and the next one may be sent, or, in a
// pipeline, that the answers to the next one follow.
type Ready struct {
	// Queued tells that a further request of a pipeline is being answered now.
	Queued   bool
	TxStatus messages.TxStatus
	// Skipped is the number of requests sent since Hold that the server passed over
	// after an error. They have no events.
	Skipped int
}

// Column describes a column of a result.
type Column struct {
	Name         string
	TableOID     uint32 // 0 if the column is not one of a table
	Attribute    int16  // number in the table, 0 if none
	TypeOID      uint32
	TypeSize     int16 // negative: variable width
	TypeModifier int32
	Format       int16 // 0 text, 1 binary
}

// RowDescription begins the rows of a simple query's command.
type RowDescription struct{ Columns []Column }

// CommandComplete tells that a command has ended.
type CommandComplete struct {
	Tag     string // as sent, such as "INSERT 0 1"
	Command string // without the numbers: "INSERT"
	Rows    uint64 // that were returned or affected, 0 where the tag tells none
}

// EmptyQuery comes in place of CommandComplete for a string without a command.
type EmptyQuery struct{}

// ParseComplete tells that a statement has been prepared; its description
// follows.
type ParseComplete struct{ Name string }

// ParameterDescription tells the types of the parameters. They are in the
// PreparedStatement as well, which follows.
type ParameterDescription struct{ OIDs []uint32 }

// PreparedStatement is what DoBindExecute needs to know of a statement. It may be
// made by hand for a statement that was prepared otherwise; one that has neither
// Columns nor SQL may be a COPY, and its Sync is sent one round trip later.
type PreparedStatement struct {
	Name          string // "" for the unnamed statement
	SQL           string
	ParameterOIDs []uint32
	Columns       []Column // nil for a statement that returns no rows
}

// BindComplete tells that the arguments have been accepted.
type BindComplete struct{}

// Portal is a statement in execution that can be continued.
type Portal struct {
	Name    string // "" for the unnamed portal
	Columns []Column
}

// Suspended tells that the limit of rows has been reached and that there may be
// more: DoContinue fetches them. A portal lives until it is closed, until the
// next Bind with its name, or the transaction's end, which outside of a
// transaction block is the next Ready.
type Suspended struct{ Portal *Portal }

// CloseComplete tells that a statement or portal does not exist any more.
type CloseComplete struct{}

// CopyIn tells that the server waits for DoCopyData and then DoCopyDone or
// DoCopyFail.
type CopyIn struct{ CopyFormat }

// CopyOut begins the server's CopyData.
type CopyOut struct{ CopyFormat }

// CopyBoth begins CopyData in both directions: streaming replication.
type CopyBoth struct{ CopyFormat }

// CopyFormat tells what COPY data looks like.
type CopyFormat struct {
	Binary        bool    // not textual
	ColumnFormats []int16 // 0 text, 1 binary
}

// CopyData is data of COPY TO STDOUT, one row each, or of a replication stream.
// It is borrowed until the next call of NextEvent or Receive.
type CopyData struct {
	Data []byte // as sent, in the session's client_encoding if it is textual
}

// CopyDone tells that the server's data has ended.
type CopyDone struct{}

// FunctionResult is the result of DoFunctionCall.
type FunctionResult struct {
	Value []byte // in the format that was asked for; nil is NULL
}

// Notification is what a session sent with NOTIFY. It may come at any time.
type Notification struct {
	ProcessID        uint32 // of the session that sent it
	Channel, Payload string
}

func (*EncryptionResponse) event()    {}
func (*VersionNegotiated) event()     {}
func (*AuthenticationRequest) event() {}
func (*SASLChallenge) event()         {}
func (*TokenRefused) event()          {}
func (*SASLVerified) event()          {}
func (*Authenticated) event()         {}
func (*ParameterStatus) event()       {}
func (*BackendKey) event()            {}
func (*Ready) event()                 {}
func (*RowDescription) event()        {}
func (*Row) event()                   {}
func (*CommandComplete) event()       {}
func (*EmptyQuery) event()            {}
func (*ParseComplete) event()         {}
func (*ParameterDescription) event()  {}
func (*PreparedStatement) event()     {}
func (*BindComplete) event()          {}
func (*Suspended) event()             {}
func (*CloseComplete) event()         {}
func (*CopyIn) event()                {}
func (*CopyOut) event()               {}
func (*CopyBoth) event()              {}
func (*CopyData) event()              {}
func (*CopyDone) event()              {}
func (*FunctionResult) event()        {}
func (*Notification) event()          {}
func (*ServerError) event()           {}
func (*Notice) event()                {}
