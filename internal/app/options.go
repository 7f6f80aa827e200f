package app

import (
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/pgsniff/pgsniff/internal/redact"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/spf13/cobra"
)

// Options are the flags that read and live share.
type Options struct {
	outputs       outputFlags
	only          sink.Sink // in place of all outputs, for commands with one of their own
	hooks         hooks
	choice        choiceFlags
	Config        string
	Ports         []string
	AnyPort       bool
	kept          keptFlags
	KeyLog        string
	Strict        bool
	Redact        string
	ShowSecrets   bool // is Redact none
	redact        redact.Level
	MaxValue      int
	Rows          int
	SQL           string
	Color         string
	Time          string
	Sort          string
	Top           int
	Count         uint64
	Duration      time.Duration
	Slow          time.Duration
	Every         time.Duration
	Histograms    bool
	WALOut        string
	Quiet         bool
	Verbose       bool
	Workers       int
	Fields        []string
	selection     selectionFlags
	portsChanged  bool
	live          bool
	inside        bool // the plaintext of servers comes in, too
	maxChanged    bool
	redactChanged bool
}

// add declares the shared flags.
func (o *Options) add(cmd *cobra.Command) {
	f := cmd.Flags()
	keepOptions(cmd, o)
	f.StringVar(&o.Config, "config", "", "what flags are that the command line does not name, from this `FILE`, in TOML")
	o.outputs.add(cmd)
	f.StringSliceVar(&o.Ports, "port", []string{"5432"}, "server ports, a `LIST` with ranges (5432,6432-6435)")
	f.BoolVar(&o.AnyPort, "any-port", false, "take PostgreSQL on all ports; with live, and without -f, capture all TCP")
	o.kept.add(cmd)
	f.StringVar(&o.KeyLog, "keylog", "", "decrypt TLS with this `FILE`, an NSS key log (SSLKEYLOGFILE)")
	f.BoolVar(&o.Strict, "strict", false, "exit 3 if anything broke the protocol")
	f.StringVar(&o.WALOut, "wal-out", "", "write the WAL of physical replication into segment files in `DIR`, for pg_waldump")
	f.StringVar(&o.Redact, "redact", "secrets", "hide `LEVEL`: secrets (passwords, keys and what may repeat them), all (every value and constant) or none")
	f.BoolVar(&o.ShowSecrets, "show-secrets", false, "show passwords, proofs, salts and cancel keys: --redact none")
	f.IntVar(&o.MaxValue, "max-value-bytes", 0, "cut longer values, `N` bytes; 0: never (default 4096 for JSON, 200 for pretty)")
	f.StringVar(&o.SQL, "sql", "fold", "pretty: write SQL as `HOW` says: fold, on one line; lines, in its own as it was sent")
	f.IntVar(&o.Rows, "rows", 10, "pretty: show at most `N` rows in a row, then count; 0: all")
	f.StringVar(&o.Color, "color", "auto", "`WHEN` to colour: auto, always or never")
	f.StringVar(&o.Sort, "sort", "total", "stats: `ORDER` of the queries: "+strings.Join(stats.SortNames(), ", "))
	f.IntVar(&o.Top, "top", 10, "stats: list at most `N` queries (pretty: users, clients, … too); 0: all")
	f.StringVar(&o.Time, "time", "abs", "pretty: `FORM` of the times: abs, utc, rel, delta or epoch")
	f.Uint64VarP(&o.Count, "count", "c", 0, "stop after `N` packets")
	f.DurationVar(&o.Duration, "duration", 0, "stop after `D` (90s, 1h)")
	f.IntVar(&o.Workers, "workers", 0, "use up to `N` goroutines, of 3, for reading, decoding and formatting; 0: 3 if there are several processors. The output is the same")
	f.DurationVar(&o.Slow, "slow", 0, "tell of queries that are still running after `D` (5s)")
	f.DurationVar(&o.Every, "every", 0, "stats: in periods of `D` (10s) of the capture's time")
	f.BoolVar(&o.Histograms, "histograms", false, "stats: with histograms, for pgsniff merge; lists all queries, unless --top says otherwise")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "nothing on standard error but errors")
	f.BoolVarP(&o.Verbose, "verbose", "v", false, "more on standard error")
	f.StringSliceVar(&o.Fields, "fields", nil, "add a `LIST` of fields to messages: state, the step of the conversation")
	o.selection.add(cmd)
	cmd.PreRun = func(cmd *cobra.Command, _ []string) {
		if o.Histograms && !cmd.Flags().Changed("top") {
			o.Top = 0
		}
		o.portsChanged = cmd.Flags().Changed("port")
		o.maxChanged = cmd.Flags().Changed("max-value-bytes")
		o.redactChanged = cmd.Flags().Changed("redact")
	}
}

// check refuses values that no flag type refuses.
func (o *Options) check() error {
	if err := oneOf("color", o.Color, "auto", "always", "never"); err != nil {
		return err
	}
	if err := oneOf("time", o.Time, "abs", "utc", "rel", "delta", "epoch"); err != nil {
		return err
	}
	if err := oneOf("sort", o.Sort, stats.SortNames()...); err != nil {
		return err
	}
	if err := o.checkRedact(); err != nil {
		return err
	}
	if o.selection.span != nil {
		if err := o.selection.span.check(); err != nil {
			return err
		}
	}
	if o.Slow < 0 {
		return usageError("--slow %s: must not be negative", o.Slow)
	}
	if o.Every < 0 {
		return usageError("--every %s: must not be negative", o.Every)
	}
	if o.Duration < 0 {
		return usageError("--duration %s: must not be negative", o.Duration)
	}
	if err := o.kept.check(); err != nil {
		return err
	}
	if err := o.choice.check(); err != nil {
		return err
	}
	for _, v := range o.Fields {
		if err := oneOf("fields", v, "state"); err != nil {
			return err
		}
	}
	if o.SQL != "fold" && o.SQL != "lines" {
		return usageError("--sql %s: must be fold or lines", o.SQL)
	}
	if o.MaxValue < 0 || o.Rows < 0 || o.Top < 0 || o.Workers < 0 {
		return usageError("--max-value-bytes, --rows, --top and --workers take a number from 0")
	}
	return nil
}

// checkRedact makes one of the two flags that say what is hidden.
func (o *Options) checkRedact() error {
	if o.Redact == "" {
		o.Redact = "secrets"
	}
	if err := oneOf("redact", o.Redact, "all", "secrets", "none"); err != nil {
		return err
	}
	if o.ShowSecrets && o.redactChanged && o.Redact != "none" {
		return usageError("--show-secrets is --redact none: not both")
	}
	if o.ShowSecrets {
		o.Redact = "none"
	}
	o.redact, _ = redact.ParseLevel(o.Redact) // it was checked
	o.ShowSecrets = o.redact == redact.None
	return nil
}

// maxValue is where an output cuts values.
func (o *Options) maxValue(format string) int {
	switch {
	case o.maxChanged:
		return o.MaxValue
	case format == "pretty":
		return 200
	}
	return 4096
}

// Messages are kept whole up to 1 MiB, of larger ones the beginning; where longer
// values are asked for, up to what one connection may hold of them.
const (
	usualMessage = 1 << 20
	largeMessage = 16 << 20
)

// maxMessage is the largest message that is kept whole, in bytes.
func (o *Options) maxMessage() int {
	switch {
	case o.maxChanged && o.MaxValue == 0:
		return largeMessage
	case o.maxChanged:
		return min(max(2*o.MaxValue, usualMessage), largeMessage)
	}
	return usualMessage
}

func oneOf(flag, value string, allowed ...string) error {
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return usageError("--%s %s: must be one of %s", flag, value, strings.Join(allowed, ", "))
}

// maxWorkers is how many goroutines there is work for: one reads and reassembles,
// one decodes, one formats. With fewer processors than goroutines they take turns as
// it comes, which no fixed division of the work does as well.
const maxWorkers = 3

// workers is how many goroutines analyze. Where used keys go into the file of
// packets, before those that they decrypt, one does all.
func (o *Options) workers() int {
	if o.kept.embedKeys {
		return 1
	}
	if o.Workers > 0 {
		return o.Workers
	}
	if runtime.GOMAXPROCS(0) == 1 {
		return 1
	}
	return maxWorkers
}

// ports reads the list of ports and ranges.
func (o *Options) ports() (list []uint16, err error) {
	for _, p := range o.Ports {
		lo, hi, isRange := strings.Cut(strings.TrimSpace(p), "-")
		a, err1 := strconv.ParseUint(lo, 10, 16)
		b := a
		var err2 error
		if isRange {
			b, err2 = strconv.ParseUint(hi, 10, 16)
		}
		if err1 != nil || err2 != nil || b < a || a == 0 {
			return nil, usageError("--port %s: must be a port number or a range", p)
		}
		for n := a; n <= b; n++ {
			list = append(list, uint16(n))
		}
	}
	return list, nil
}
