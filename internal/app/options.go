package app

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/sink"
)

// Options are the flags that read and live share: those of each feature, which know
// nothing of each other.
type Options struct {
	portFlags
	hidingFlags
	valueFlags
	prettyFlags
	statsFlags
	endFlags
	keyFlags
	watchFlags
	workFlags
	talkFlags
	outputs   outputFlags
	choice    choiceFlags
	kept      keptFlags
	selection selectionFlags
	Config    string

	// What a command says of its run, and no flag.
	only   sink.Sink // in place of all outputs, for commands with one of their own
	hooks  hooks
	live   bool
	inside bool // the plaintext of servers comes in, too
}

// feature is the flags of one feature: they are declared, and then refuse what no type of
// a flag refuses.
type feature interface {
	add(cmd *cobra.Command)
	check() error
}

// features are those that read and live share. The commands add those of --sample, which
// some have with caps and some without, and of --since and --until.
func (o *Options) features() []feature {
	return []feature{
		&o.outputs, &o.portFlags, &o.kept, &o.keyFlags, &o.watchFlags, &o.hidingFlags, &o.valueFlags, &o.prettyFlags,
		&o.statsFlags, &o.endFlags, &o.workFlags, &o.talkFlags, &o.selection,
	}
}

// packetBound is a feature with flags that mean nothing where no packets are captured. It
// refuses those that were given.
type packetBound interface{ checkWithoutPackets() error }

// noticing is a feature for which it matters whether a flag was given.
type noticing interface {
	notice(given func(flag string) bool)
}

// add declares the shared flags.
func (o *Options) add(cmd *cobra.Command) {
	keepOptions(cmd, o)
	cmd.Flags().StringVar(&o.Config, "config", "", "what flags are that the command line does not name, from this `FILE`, in TOML")
	for _, f := range o.features() {
		f.add(cmd)
	}
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		for _, f := range o.features() {
			if n, ok := f.(noticing); ok {
				n.notice(cmd.Flags().Changed)
			}
		}
	}
}

// check refuses values that no flag type refuses.
func (o *Options) check() error {
	for _, f := range o.features() {
		if err := f.check(); err != nil {
			return err
		}
	}
	return o.choice.check()
}

// checkWithoutPackets refuses what makes no sense in a run that captures no packets.
func (o *Options) checkWithoutPackets() error {
	for _, f := range o.features() {
		if p, ok := f.(packetBound); ok {
			if err := p.checkWithoutPackets(); err != nil {
				return err
			}
		}
	}
	return nil
}

func oneOf(flag, value string, allowed ...string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return usageError("--%s %s: must be one of %s", flag, value, strings.Join(allowed, ", "))
}

// natural refuses numbers below nothing.
func natural(flag string, n int) error {
	if n < 0 {
		return usageError("--%s %d: must be a number from 0", flag, n)
	}
	return nil
}

// forward refuses durations below nothing.
func forward(flag string, d time.Duration) error {
	if d < 0 {
		return usageError("--%s %s: must not be negative", flag, d)
	}
	return nil
}

// endFlags say when a run ends by itself.
type endFlags struct {
	Count    uint64
	Duration time.Duration
}

func (f *endFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.Uint64VarP(&f.Count, "count", "c", 0, "stop after `N` packets")
	s.DurationVar(&f.Duration, "duration", 0, "stop after `D` (90s, 1h)")
}

func (f *endFlags) check() error { return forward("duration", f.Duration) }

func (f *endFlags) checkWithoutPackets() error {
	if f.Count > 0 {
		return usageError("without -i there are no packets for -c to count")
	}
	return nil
}

// talkFlags say what is told on standard error.
type talkFlags struct{ Quiet, Verbose bool }

func (f *talkFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.BoolVarP(&f.Quiet, "quiet", "q", false, "nothing on standard error but errors")
	s.BoolVarP(&f.Verbose, "verbose", "v", false, "more on standard error")
}

func (f *talkFlags) check() error { return nil }

// watchFlags say what a run looks for beside what it shows.
type watchFlags struct {
	Strict bool
	Slow   time.Duration
	WALOut string
}

func (f *watchFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.BoolVar(&f.Strict, "strict", false, "exit 3 if anything broke the protocol")
	s.StringVar(&f.WALOut, "wal-out", "", "write the WAL of physical replication into segment files in `DIR`, for pg_waldump")
	s.DurationVar(&f.Slow, "slow", 0, "tell of queries that are still running after `D` (5s)")
}

func (f *watchFlags) check() error { return forward("slow", f.Slow) }

// keyFlags say where the secrets of TLS are.
type keyFlags struct{ KeyLog string }

func (f *keyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.KeyLog, "keylog", "", "decrypt TLS with this `FILE`, an NSS key log (SSLKEYLOGFILE)")
}

func (f *keyFlags) check() error { return nil }

func (f *keyFlags) checkWithoutPackets() error {
	if f.KeyLog != "" {
		return usageError("without -i there is nothing that --keylog could decrypt")
	}
	return nil
}
