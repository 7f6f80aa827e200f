package app

import (
	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/redact"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// hidingFlags say what is hidden.
type hidingFlags struct {
	Redact        string
	ShowSecrets   bool // after check: is Redact none
	redact        redact.Level
	redactChanged bool // --redact was given
}

func (f *hidingFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.Redact, "redact", "secrets", "hide `LEVEL`: secrets (passwords, keys and what may repeat them), all (every value and constant) or none")
	s.BoolVar(&f.ShowSecrets, "show-secrets", false, "show passwords, proofs, salts and cancel keys: --redact none")
}

func (f *hidingFlags) notice(given func(string) bool) { f.redactChanged = given("redact") }

// check makes one of the two flags.
func (f *hidingFlags) check() error {
	if f.Redact == "" {
		f.Redact = "secrets"
	}
	if err := oneOf("redact", f.Redact, "all", "secrets", "none"); err != nil {
		return err
	}
	if f.ShowSecrets && f.redactChanged && f.Redact != "none" {
		return usageError("--show-secrets is --redact none: not both")
	}
	if f.ShowSecrets {
		f.Redact = "none"
	}
	f.redact, _ = redact.ParseLevel(f.Redact) // it was checked
	f.ShowSecrets = f.redact == redact.None
	return nil
}

// hiding puts what takes secrets out before a handler, and before all that sessions tell
// past it.
func hiding(level redact.Level, handler session.Handler, cfg *session.Config, limits *exchange.Limits) session.Handler {
	h, ok := redact.NewHandler(level, handler).(*redact.Handler)
	if !ok {
		return handler
	}
	if cfg.Messages {
		limits.NoColumns = false // rows are hidden by their columns
	}
	if before := cfg.OnError; before != nil {
		cfg.OnError = func(e *session.Event) { before(h.Event(e)) }
	}
	if before := cfg.Some; before != nil {
		some := *before
		some.Tell = func(e *session.Event) {
			if e.Kind != messages.KindDataRow { // rows are compared there, and never shown
				e = h.Event(e)
			}
			before.Tell(e)
		}
		cfg.Some = &some
	}
	return h
}
