package connection

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Option configures a connection.
type Option func(*config)

type config struct {
	machine           []tracker.Option
	maxMessageSize    int
	onSend, onReceive func(messages.Message)
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

// OnSend calls f with each message that was sent, after it has taken its effect.
// The message is borrowed for the call.
func OnSend(f func(messages.Message)) Option { return func(c *config) { c.onSend = f } }

// OnReceive calls f with each message that was received, after it has taken its
// effect and before Receive yields it. The message is borrowed for the call.
func OnReceive(f func(messages.Message)) Option { return func(c *config) { c.onReceive = f } }
