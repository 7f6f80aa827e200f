package app

import (
	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/redact"
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
