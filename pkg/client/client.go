package client

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Config says who connects to what, and how. Only User is needed.
type Config struct {
	User     string
	Database string // User if empty
	Password string
	// Token is for OAUTHBEARER: what an authorization server gave. Without a Token
	// and a Password the server is asked where to get one; see TokenRefused.
	Token           string
	ApplicationName string
	// Parameters are further parameters of the StartupMessage, such as "options",
	// "replication" or a run-time parameter. They go before the defaults
	// client_encoding UTF8, DateStyle ISO and IntervalStyle postgres; an empty value
	// keeps one of these from being sent, as old poolers need. "user", "database"
	// and "application_name" have their own fields.
	Parameters map[string]string
	// ProtocolVersion is what to ask for; 0 stands for 3.0.
	ProtocolVersion messages.ProtocolVersion
	// RequireAuth is the weakest method of authentication that is gone through
	// with. A server that asks for a weaker one, or for none, is refused before
	// anything secret is sent. The zero value allows all, as libpq does: without TLS,
	// a password in clear to whoever asks for it.
	RequireAuth AuthMethod
	// MaxMessageSize is the greatest message in bytes that is accepted; 0 stands
	// for codec.DefaultMaxMessageSize, which is PostgreSQL's.
	MaxMessageSize int
	// Pipeline lets requests be sent while others are being answered: all but those
	// that may begin a COPY or have a limit of rows. Each has its own Ready event, in
	// the order of the requests, and its own Sync, so that the failure of one leaves
	// the others alone. What it sends must fit into the network's buffers together
	// with the answers, or the program reads and writes at the same time. Where
	// requests are to share a Sync, see Client.Hold.
	Pipeline bool
	// Logger, if not nil, is told of each message that is sent or received, at level
	// debug: its kind and the state, never what is in it.
	Logger *slog.Logger
	// Types converts values; nil stands for pgtype.NewMap. Clients in different
	// goroutines must not share one.
	Types *pgtype.Map
	// RefuseUnknownTypes has Row.Value return ErrUnknownType for values of types
	// that Types does not know, in place of their text.
	RefuseUnknownTypes bool
}

// cycle is what kind of request is being answered.
type cycle uint8

const (
	cycleNone cycle = iota
	cycleSimple
	cyclePrepare
	cycleExecute
	cycleClose // Close, or Sync alone
	cycleFunction
)

// extended reports whether only a Sync ends the cycle.
func (c cycle) extended() bool { return c == cyclePrepare || c == cycleExecute || c == cycleClose }

// Client is the frontend's side of one connection. The zero value is not usable;
// see New.
type Client struct {
	config Config
	conn   *connection.FrontendConnection
	state  State
	err    error // final, returned by NextEvent

	in      []byte // the latest chunk received, which conn may still read
	drained bool   // conn has read all of in

	wanted      messages.Message // to be sent by Outgoing, nil if nothing
	wantedState State            // after that

	auth authentication
	key  atomic.Pointer[messages.CancelRequest] // nil until BackendKeyData; see DoCancel

	queue     []queued // behind the request that is being answered
	hold      hold
	cycle     cycle
	statement PreparedStatement // being prepared
	portal    string            // being executed
	columns   []Column          // of the rows that come
	row       Row
	copyData  CopyData

	parameters map[string]string
	conversion *conversion // replaced when the session's parameters change
}

// New returns a client that has nothing sent yet.
func New(config Config) *Client {
	if config.Database == "" {
		config.Database = config.User
	}
	if config.ProtocolVersion == 0 {
		config.ProtocolVersion = messages.Version30
	}
	c := &Client{
		config:     config,
		conn:       connection.NewFrontend(connection.MaxMessageSize(config.MaxMessageSize)),
		drained:    true,
		parameters: map[string]string{},
		conversion: &conversion{
			types:         &typeMap{Map: config.Types},
			text:          newTextEncoding("UTF8"), // which is what Startup asks for
			session:       value.Session{TimeZone: time.UTC},
			refuseUnknown: config.RefuseUnknownTypes,
		},
	}
	return c
}

// State returns how far the conversation has come.
func (c *Client) State() State { return c.state }

// IsReady reports whether a request may be sent.
func (c *Client) IsReady() bool { return c.state == StateReady }

// IsDead reports whether the connection is of no more use: after DoTerminate, or
// an error that cannot be recovered from.
func (c *Client) IsDead() bool {
	return c.state == StateUnrecoverableError || c.state == StateTerminated
}

// Err returns what ended the connection: ErrTerminated, or the error that NextEvent
// has returned or is going to return; nil as long as it is of use.
func (c *Client) Err() error { return c.err }

// TxStatus returns the latest Ready's transaction status, and 0 before the first.
func (c *Client) TxStatus() messages.TxStatus { return c.conn.TxStatus() }

// InTransaction reports whether the latest Ready told of a transaction block, a
// failed one included.
func (c *Client) InTransaction() bool {
	return c.TxStatus() == messages.TxInBlock || c.TxStatus() == messages.TxFailed
}

// Parameter returns the latest value of a run-time parameter that the server
// reported, by the name that it gives it; ok is false if there is none.
func (c *Client) Parameter(name string) (value string, ok bool) {
	value, ok = c.parameters[name]
	return value, ok
}

// ServerVersion returns the parameter server_version, such as "15.13", and ""
// before it was reported.
func (c *Client) ServerVersion() string { return c.parameters["server_version"] }

// ClientEncoding returns the parameter client_encoding, and "UTF8", which startup
// asks for, before it was reported.
func (c *Client) ClientEncoding() string { return c.text().name }

// TimeZone returns the location of the parameter TimeZone. It is UTC before that
// was reported, and where the name is not known on this machine.
func (c *Client) TimeZone() *time.Location { return c.conversion.session.TimeZone }

// EncodeText converts text to the session's client_encoding, as COPY data and the
// arguments of function calls need. The error is an *EncodingError.
func (c *Client) EncodeText(s string) ([]byte, error) { return c.text().encode([]byte(s)) }

// DecodeText is the reverse of EncodeText. Bytes that the encoding does not have
// become U+FFFD.
func (c *Client) DecodeText(b []byte) (string, error) {
	out, err := c.text().decode(b)
	return string(out), err
}

func (c *Client) text() *textEncoding {
	if c.conversion == nil { // a zero Client
		return newTextEncoding("UTF8")
	}
	return c.conversion.text
}
