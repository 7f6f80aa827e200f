package connection

import (
	"log/slog"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Option configures a connection.
type Option func(*config)

type config struct {
	machine        []tracker.Option
	maxMessageSize int
	onSend         func(messages.Message, []byte) error
	onReceive      func(messages.Message, []byte)
	logger         *slog.Logger
}

func newConfig(options []Option) (c config) {
	for _, o := range options {
		o(&c)
	}
	return c
}

// InPhase begins in another phase than PhaseStartup: PhaseReady for a connection
// that comes from a pool or was handed over after its startup.
func InPhase(p messages.Phase) Option {
	return func(c *config) { c.machine = append(c.machine, tracker.InPhase(p)) }
}

// Lenient reports messages out of order and bodies that cannot be decoded, but
// goes on with them.
func Lenient() Option {
	return func(c *config) { c.machine = append(c.machine, tracker.Lenient()) }
}

// MaxMessageSize sets the greatest length field in bytes that Receive accepts.
// The default is codec.DefaultMaxMessageSize, which is what PostgreSQL accepts;
// who reads what strangers send should set less.
func MaxMessageSize(bytes int) Option {
	return func(c *config) { c.maxMessageSize = bytes }
}

// OnSend calls f with each message that was sent and its bytes, after it has taken
// its effect. Both are borrowed for the call. An error of f is what Send returns, so
// that f may be what writes to the transport.
func OnSend(f func(m messages.Message, wire []byte) error) Option {
	return func(c *config) { c.onSend = f }
}

// OnReceive calls f with each message that was received and its bytes as they were
// sent, after it has taken its effect and before Receive yields it. Both are
// borrowed for the call.
func OnReceive(f func(m messages.Message, wire []byte)) Option {
	return func(c *config) { c.onReceive = f }
}

// Logger has a lenient connection write what it goes on after to l, as warnings.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }
