package connection

import (
	"errors"
	"io"
	"iter"
	"log/slog"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Connection is what FrontendConnection and BackendConnection have in common, for
// code that serves both, such as a proxy's.
type Connection interface {
	Send(m messages.Message) ([]byte, error)
	Append(dst []byte, m messages.Message) ([]byte, error)
	Receive(data []byte) iter.Seq2[messages.Message, error]
	Read(r io.Reader) iter.Seq2[messages.Message, error]
	Feed(data []byte)
	Next() (messages.Message, error)
	Wire() []byte
	TLSEstablished() error
	Phase() messages.Phase
	IsReady() bool
	IsActive() bool
	PendingSyncs() int
	TxStatus() messages.TxStatus
	Answered() (tracker.Request, bool)
	Outstanding() iter.Seq[tracker.Request]
	Buffered() int
	Unread() []byte
	Clear()
	Decoder() *codec.Decoder
	Machine() tracker.Machine
}

var (
	_ Connection = (*FrontendConnection)(nil)
	_ Connection = (*BackendConnection)(nil)
)

// ErrInjected tells that there are bytes between SSLRequest or GSSENCRequest and
// the encryption that it brings about. Nobody who speaks the protocol sends such:
// they may have been slipped in by somebody in the middle, to be taken for
// encrypted ones (CVE-2021-23214 and CVE-2021-23222). The connection must be
// closed. It is a messages.ErrProtocol.
var ErrInjected error = injected{}

type injected struct{}

func (injected) Error() string {
	return "postgresql protocol: unencrypted bytes where encryption begins"
}

func (injected) Is(target error) bool { return target == messages.ErrProtocol }

// made returns the state machine of a connection that was made as it should be.
func (c *connection) made() tracker.Machine {
	if c.machine == nil {
		panic(errNotMade)
	}
	return c.machine
}

// reader returns the decoder, likewise.
func (c *connection) reader() *codec.Decoder {
	if c.decoder == nil {
		panic(errNotMade)
	}
	return c.decoder
}

// errNotMade is of a zero connection.
var errNotMade = errors.New("postgresql connection: made without NewFrontend or NewBackend")

// connection is what both sides have in common.
type connection struct {
	machine   tracker.Machine
	decoder   *codec.Decoder
	remote    messages.Direction
	strict    bool
	onSend    func(messages.Message, []byte) error
	onReceive func(messages.Message, []byte)
	logger    *slog.Logger
	err       error // final
	// row tells that the latest message was a row, in order: what comes next is of the
	// same phase, whatever was sent meanwhile.
	row bool
}

func newConnection(cfg *config, m tracker.Machine, d *codec.Decoder, remote messages.Direction) connection {
	return connection{
		machine: m, decoder: d, remote: remote, strict: m.Strict(),
		onSend: cfg.onSend, onReceive: cfg.onReceive, logger: cfg.logger,
	}
}

// Send returns the bytes of a message to be written to the other side; they
// belong to the caller. It returns an error, no bytes, and leaves the connection
// as it was, for a message that its format cannot carry (see messages.Encodable)
// and, if the connection is strict, for one that is out of order
// (*tracker.Anomaly). A lenient connection returns the *tracker.Anomaly together
// with the bytes. So does any with an error of the function given to OnSend, after
// which the message counts as sent.
func (c *connection) Send(m messages.Message) ([]byte, error) { return c.Append(nil, m) }

// Append is Send for callers with a buffer: it appends the message's bytes to dst
// and returns the extended slice, or dst as it was if Send would return no bytes.
// With a buffer that is large enough nothing is allocated.
func (c *connection) Append(dst []byte, m messages.Message) ([]byte, error) {
	if c.machine == nil {
		return dst, errNotMade
	}
	if err := messages.Encodable(m); err != nil {
		return dst, err
	}
	if encrypts(m) && c.decoder.Buffered() > 0 {
		return dst, ErrInjected
	}
	err := c.machine.Send(m)
	if err != nil {
		if c.strict {
			return dst, err
		}
		c.log("sent", m, err)
	}
	out := m.Append(dst)
	if c.onSend != nil {
		if failed := c.onSend(m, out[len(dst):]); failed != nil {
			return out, failed
		}
	}
	return out, err
}

// encrypts reports whether ciphertext follows a message.
func encrypts(m messages.Message) bool {
	switch m := m.(type) {
	case *messages.SSLResponse:
		return m.Accepted
	case *messages.GSSENCResponse:
		return m.Accepted
	}
	return false
}

// log tells what a lenient connection goes on after.
func (c *connection) log(what string, m messages.Message, err error) {
	if c.logger == nil {
		return
	}
	phase := c.Phase()
	if a := (*tracker.Anomaly)(nil); errors.As(err, &a) {
		phase = a.Phase // that it was sent in, not what it has led to
	}
	c.logger.Warn("postgresql protocol: a message "+what+" is not in order",
		"message", m.Kind().String(), "phase", phase.String(), "error", err)
}

// Receive takes bytes that were read from the other side, in chunks of any size,
// and ranges over the messages that are complete with them. A message is borrowed
// until the loop's next step or the next Receive; see messages.Clone. The chunk is
// borrowed until the loop ends or is left; what a loop that is left has not come to
// is kept for the next one, which may be that of a Receive of no bytes.
//
// The error tells of a message out of order (*tracker.Anomaly) or one whose body
// does not have its format (*codec.DecodingError): the message stands beside it,
// and the loop can go on. In a strict connection such a message has no effect,
// in a lenient one it has. A *codec.FramingError and ErrInjected come without a
// message and are final.
func (c *connection) Receive(data []byte) iter.Seq2[messages.Message, error] {
	c.Feed(data)
	return func(yield func(messages.Message, error) bool) { c.all(yield) } // costs nothing where it is inlined
}

// all ranges over what can be decoded of the bytes that are there.
func (c *connection) all(yield func(messages.Message, error) bool) {
	for {
		m, err := c.Next()
		if m == nil && errors.Is(err, codec.ErrNeedMore) {
			return
		}
		if !yield(m, err) {
			c.decoder.Keep()
			return
		}
		if m == nil {
			return
		}
	}
}

// Feed and Next are Receive in two parts, for programs that take one message at a
// time. Feed takes bytes that were read from the other side; they are borrowed
// until Next has returned codec.ErrNeedMore.
//
//go:noinline
func (c *connection) Feed(data []byte) { // so that Receive is small enough to be inlined
	if c.decoder != nil {
		c.decoder.Feed(data)
	}
}

// Next returns the next message of what was fed, with the errors of Receive, and
// codec.ErrNeedMore, which is no failure, where there is none. The message is
// borrowed until the next call of Next or Feed.
func (c *connection) Next() (messages.Message, error) {
	if c.decoder == nil {
		return nil, errNotMade
	}
	if c.err != nil {
		return nil, c.err
	}
	if c.remote == messages.Frontend && c.decoder.Buffered() > 0 && c.answerDue() {
		return c.end(ErrInjected)
	}
	if !c.row {
		c.decoder.SetPhase(c.machine.PhaseOf(c.remote))
	}
	c.row = false
	m, err := c.decoder.Next()
	if err != nil {
		switch {
		case errors.Is(err, codec.ErrNeedMore):
			return nil, err
		case errors.Is(err, codec.ErrEncrypted):
			return c.end(ErrInjected)
		case m == nil:
			return c.end(err)
		case m.Kind() == messages.KindUnknown:
			err = nil // the machine says it, with the phase
		case c.strict:
			return m, err
		}
	}
	anomaly := c.machine.Receive(m)
	if anomaly != nil && c.strict {
		return m, anomaly
	}
	if c.onReceive != nil {
		c.onReceive(m, c.decoder.Wire())
	}
	if err == nil {
		if err = anomaly; err == nil {
			_, c.row = m.(*messages.DataRow)
			return m, nil
		}
	}
	c.log("received", m, err)
	return m, err
}

// end is for an error after which nothing more can be read.
func (c *connection) end(err error) (messages.Message, error) {
	c.err = err
	return nil, err
}

// answerDue reports whether the other side has to wait for the answer to its
// SSLRequest or GSSENCRequest.
func (c *connection) answerDue() bool {
	p := c.machine.Phase()
	return p == messages.PhaseSSLNegotiation || p == messages.PhaseGSSNegotiation
}

// Wire returns the bytes of the message that was received last, as they were sent:
// for proxies that pass it on. They are borrowed as the message is.
func (c *connection) Wire() []byte { return c.reader().Wire() }

// Decoder returns the decoder of what the other side sends. Its phase is set before
// each message.
func (c *connection) Decoder() *codec.Decoder { return c.reader() }

// Machine returns the state machine, which Send and Receive tell of each message.
func (c *connection) Machine() tracker.Machine { return c.made() }

// Clear forgets the bytes that were received and not yet returned in messages, and
// an error that was final. The phase and what is outstanding stay.
func (c *connection) Clear() {
	c.reader().Clear()
	c.err = nil
}

// TLSEstablished tells that the encryption which the SSLRequest or GSSENCRequest
// brought about is up: from now on Receive takes the decrypted bytes and what
// Send returns is to be encrypted. It is also in order at the very beginning, for
// TLS without negotiation. It returns ErrInjected if unencrypted bytes are left
// over, and another error if the phase is wrong.
func (c *connection) TLSEstablished() error {
	if c.made(); c.decoder.Buffered() > 0 {
		return ErrInjected
	}
	return c.machine.TLSEstablished()
}

// Phase returns the connection's phase as this side sees it.
func (c *connection) Phase() messages.Phase { return c.made().Phase() }

// IsReady reports whether every request has been answered, so that the backend
// waits for the next query cycle.
func (c *connection) IsReady() bool { return c.made().IsReady() }

// IsActive reports whether the connection has not ended: neither has Terminate been
// sent nor has it failed.
func (c *connection) IsActive() bool { return c.made().IsActive() }

// PendingSyncs returns how many Syncs are still to be answered by ReadyForQuery.
func (c *connection) PendingSyncs() int { return c.made().PendingSyncs() }

// TxStatus returns the latest ReadyForQuery's transaction status, and 0 before the
// first.
func (c *connection) TxStatus() messages.TxStatus { return c.made().TxStatus() }

// Answered returns the request that the latest reply answers: for a frontend the
// latest message that it received, for a backend the latest that it sent. ok is
// false if that is no reply, as notices and notifications are none. The names in it
// are borrowed until the next message.
func (c *connection) Answered() (r tracker.Request, ok bool) { return c.made().Answered() }

// Outstanding ranges over the requests whose replies are still due, the oldest
// first; see tracker.Request.
func (c *connection) Outstanding() iter.Seq[tracker.Request] { return c.made().Outstanding() }

// Buffered returns the number of bytes that were received and not yet returned in
// messages.
func (c *connection) Buffered() int { return c.reader().Buffered() }

// Unread hands over the bytes that were received and not yet returned in
// messages, and forgets them: for programs that go on without the connection.
// They are borrowed until the next Receive.
func (c *connection) Unread() []byte { return c.reader().Unread() }

// FrontendConnection is a connection to a PostgreSQL server, seen from the
// program that plays the frontend. It is made by NewFrontend: methods of the zero value
// return an error, or panic, that says so.
type FrontendConnection struct{ connection }

// NewFrontend returns a connection before its first startup packet.
func NewFrontend(options ...Option) *FrontendConnection {
	cfg := newConfig(options)
	m := tracker.NewFrontendMachine(cfg.machine...)
	d := codec.NewBackendDecoder(codec.DecoderOptions{MaxMessageSize: cfg.maxMessageSize})
	return &FrontendConnection{newConnection(&cfg, m, d, messages.Backend)}
}

// BackendConnection is a connection from a PostgreSQL client, seen from the
// program that plays the backend. It is made by NewBackend: methods of the zero value
// return an error, or panic, that says so.
type BackendConnection struct{ connection }

// NewBackend returns a connection before its first startup packet.
func NewBackend(options ...Option) *BackendConnection {
	cfg := newConfig(options)
	m := tracker.NewBackendMachine(cfg.machine...)
	d := codec.NewFrontendDecoder(codec.DecoderOptions{MaxMessageSize: cfg.maxMessageSize})
	return &BackendConnection{newConnection(&cfg, m, d, messages.Frontend)}
}
