package connection

import (
	"errors"
	"iter"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// ErrInjected tells that there are bytes between SSLRequest or GSSENCRequest and
// the encryption that it brings about. Nobody who speaks the protocol sends such:
// they may have been slipped in by somebody in the middle, to be taken for
// encrypted ones (CVE-2021-23214 and CVE-2021-23222). The connection must be
// closed.
var ErrInjected = errors.New("postgresql protocol: unencrypted bytes where encryption begins")

// machine is what both state machines can do.
type machine interface {
	Send(messages.Message) error
	Receive(messages.Message) error
	Phase() messages.Phase
	PhaseOf(messages.Direction) messages.Phase
	Strict() bool
	IsReady() bool
	IsActive() bool
	PendingSyncs() int
	TxStatus() byte
	TLSEstablished() error
}

// connection is what both sides have in common.
type connection struct {
	machine   machine
	decoder   *codec.Decoder
	remote    messages.Direction
	onSend    func(messages.Message)
	onReceive func(messages.Message)
	err       error // final
}

func (c *connection) hooks(cfg config) {
	c.onSend, c.onReceive = cfg.onSend, cfg.onReceive
}

// Send returns the bytes of a message to be written to the other side; they
// belong to the caller. It returns an error, no bytes, and leaves the connection
// as it was, for a message that its format cannot carry (see messages.Encodable)
// and, if the connection is strict, for one that is out of order
// (*tracker.Anomaly). A lenient connection returns the *tracker.Anomaly together
// with the bytes.
func (c *connection) Send(m messages.Message) ([]byte, error) { return c.Append(nil, m) }

// Append is Send for callers with a buffer: it appends the message's bytes to dst
// and returns the extended slice, or dst as it was if Send would return no bytes.
func (c *connection) Append(dst []byte, m messages.Message) ([]byte, error) {
	if _, fixed := m.Kind().FixedLen(); !fixed {
		if err := messages.Encodable(m); err != nil {
			return dst, err
		}
	}
	if encrypts(m) && c.decoder.Buffered() > 0 {
		return dst, ErrInjected
	}
	err := c.machine.Send(m)
	if err != nil && c.machine.Strict() {
		return dst, err
	}
	if c.onSend != nil {
		c.onSend(m)
	}
	return m.Append(dst), err
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

// Receive takes bytes that were read from the other side, in chunks of any size,
// and ranges over the messages that are complete with them. What the loop does
// not come to is there for the next Receive, which may be one of no bytes: only
// when a loop has run to its end is everything read. Until then the chunk is
// borrowed and must not be changed. A message is borrowed until the loop's next
// step or the next Receive.
//
// The error tells of a message out of order (*tracker.Anomaly) or one whose body
// does not have its format (*codec.DecodingError): the message stands beside it,
// and the loop can go on. In a strict connection such a message has no effect,
// in a lenient one it has. A *codec.FramingError and ErrInjected come without a
// message and are final.
func (c *connection) Receive(data []byte) iter.Seq2[messages.Message, error] {
	c.decoder.Feed(data)
	return func(yield func(messages.Message, error) bool) { c.all(yield) } // costs nothing where it is inlined
}

// all ranges over what can be decoded of the bytes that are there.
func (c *connection) all(yield func(messages.Message, error) bool) {
	for {
		m, err := c.next()
		if m == nil && err == nil || !yield(m, err) || m == nil {
			return
		}
	}
}

// next returns the next message; neither message nor error if more is needed.
func (c *connection) next() (messages.Message, error) {
	if c.err != nil {
		return nil, c.err
	}
	if c.decoder.Buffered() > 0 && c.answerDue() {
		c.err = ErrInjected
		return nil, c.err
	}
	c.decoder.SetPhase(c.machine.PhaseOf(c.remote))
	m, err := c.decoder.Next()
	switch {
	case errors.Is(err, codec.ErrNeedMore):
		return nil, nil
	case errors.Is(err, codec.ErrEncrypted):
		c.err = ErrInjected
		return nil, c.err
	case m == nil:
		c.err = err
		return nil, c.err
	case err != nil && c.machine.Strict():
		return m, err
	}
	anomaly := c.machine.Receive(m)
	if anomaly != nil && c.machine.Strict() {
		return m, anomaly
	}
	if c.onReceive != nil {
		c.onReceive(m)
	}
	if err == nil {
		err = anomaly
	}
	return m, err
}

// answerDue reports whether the other side has to wait for the answer to its
// SSLRequest or GSSENCRequest.
func (c *connection) answerDue() bool {
	if c.remote == messages.Backend {
		return false
	}
	p := c.machine.Phase()
	return p == messages.PhaseSSLNegotiation || p == messages.PhaseGSSNegotiation
}

// TLSEstablished tells that the encryption which the SSLRequest or GSSENCRequest
// brought about is up: from now on Receive takes the decrypted bytes and what
// Send returns is to be encrypted. It is also in order at the very beginning, for
// TLS without negotiation. It returns ErrInjected if unencrypted bytes are left
// over, and another error if the phase is wrong.
func (c *connection) TLSEstablished() error {
	if c.decoder.Buffered() > 0 {
		return ErrInjected
	}
	return c.machine.TLSEstablished()
}

// Phase returns the connection's phase as this side sees it.
func (c *connection) Phase() messages.Phase { return c.machine.Phase() }

// IsReady reports whether every request has been answered, so that the backend
// waits for the next query cycle.
func (c *connection) IsReady() bool { return c.machine.IsReady() }

// IsActive reports whether the connection is past its startup and not yet ended.
func (c *connection) IsActive() bool { return c.machine.IsActive() }

// PendingSyncs returns how many Syncs are still to be answered by ReadyForQuery.
func (c *connection) PendingSyncs() int { return c.machine.PendingSyncs() }

// TxStatus returns the latest ReadyForQuery's transaction status: 'I', 'T' or
// 'E', and 0 before the first.
func (c *connection) TxStatus() byte { return c.machine.TxStatus() }

// Buffered returns the number of bytes that were received and not yet returned in
// messages.
func (c *connection) Buffered() int { return c.decoder.Buffered() }

// Unread hands over the bytes that were received and not yet returned in
// messages, and forgets them: for programs that go on without the connection.
// They are borrowed until the next Receive.
func (c *connection) Unread() []byte { return c.decoder.Unread() }

// FrontendConnection is a connection to a PostgreSQL server, seen from the
// program that plays the frontend. The zero value is not usable; see NewFrontend.
type FrontendConnection struct{ connection }

// NewFrontend returns a connection before its first startup packet.
func NewFrontend(options ...Option) *FrontendConnection {
	cfg := newConfig(options)
	c := &FrontendConnection{connection{
		machine: tracker.NewFrontendMachine(cfg.machine...),
		decoder: codec.NewBackendDecoder(codec.DecoderOptions{MaxMessageSize: cfg.maxMessageSize}),
		remote:  messages.Backend,
	}}
	c.hooks(cfg)
	return c
}

// BackendConnection is a connection from a PostgreSQL client, seen from the
// program that plays the backend. The zero value is not usable; see NewBackend.
type BackendConnection struct{ connection }

// NewBackend returns a connection before its first startup packet.
func NewBackend(options ...Option) *BackendConnection {
	cfg := newConfig(options)
	c := &BackendConnection{connection{
		machine: tracker.NewBackendMachine(cfg.machine...),
		decoder: codec.NewFrontendDecoder(codec.DecoderOptions{MaxMessageSize: cfg.maxMessageSize}),
		remote:  messages.Frontend,
	}}
	c.hooks(cfg)
	return c
}
