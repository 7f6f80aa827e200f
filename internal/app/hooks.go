package app

import (
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// hooks let a command take part in a run of read or live. Each may be nil.
type hooks struct {
	// wrap puts a handler before or in place of that of the outputs, behind the one that
	// takes secrets out, and says what it wants.
	wrap func(h session.Handler, c *session.Config, l *exchange.Limits) session.Handler
	// made is given the run before packets come, and puts a handler before all others,
	// which sees what is secret.
	made func(r *run, h session.Handler, c *session.Config) session.Handler
	// begun is called when the source is open; stop ends it in good order, and may be
	// called from any goroutine. progress is nil where nobody knows how much there is.
	begun  func(stop func(), progress func() (read, total int64, ok bool))
	opened func(*session.Session)        // see analyze.Options
	guard  func()                        // likewise
	less   *atomic.Pointer[netfacts.Set] // see analyze.Options.NetworkLess
	// asked is called between two packets after run.ask. It reports whether it was meant.
	asked   func(r *run) bool
	history *flow.History // where packets are kept
}
