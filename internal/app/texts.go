package app

import (
	"github.com/spf13/cobra"
)

// valueFlags say where values are cut, and what messages are told with.
type valueFlags struct {
	MaxValue   int
	Fields     []string
	Precision  string
	maxChanged bool // --max-value-bytes was given
}

func (f *valueFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.IntVar(&f.MaxValue, "max-value-bytes", 0, "cut longer values, `N` bytes; 0: never (default 4096 for JSON, 200 for pretty)")
	s.StringSliceVar(&f.Fields, "fields", nil, "add a `LIST` of fields to messages: state, the step of the conversation")
	s.StringVar(&f.Precision, "time-stamp-precision", "nano", "JSON: precision `P` of the times: nano, or micro, which DuckDB takes for times as they are")
}

func (f *valueFlags) notice(given func(string) bool) { f.maxChanged = given("max-value-bytes") }

func (f *valueFlags) check() error {
	for _, v := range f.Fields {
		if err := oneOf("fields", v, "state"); err != nil {
			return err
		}
	}
	if err := oneOf("time-stamp-precision", f.Precision, "nano", "micro"); err != nil {
		return err
	}
	return natural("max-value-bytes", f.MaxValue)
}

// states reports whether messages are told with the step of their conversation.
func (f *valueFlags) states() bool { return len(f.Fields) > 0 }

// maxValue is where an output cuts values.
func (f *valueFlags) maxValue(format string) int {
	switch {
	case f.maxChanged:
		return f.MaxValue
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
func (f *valueFlags) maxMessage() int {
	switch {
	case f.maxChanged && f.MaxValue == 0:
		return largeMessage
	case f.maxChanged:
		return min(max(2*f.MaxValue, usualMessage), largeMessage)
	}
	return usualMessage
}

// prettyFlags say how pretty output looks.
type prettyFlags struct {
	Rows  int
	SQL   string
	Color string
	Time  string
}

func (f *prettyFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.SQL, "sql", "fold", "pretty: write SQL as `HOW` says: fold, on one line; lines, in its own as it was sent")
	s.IntVar(&f.Rows, "rows", 10, "pretty: show at most `N` rows in a row, then count; 0: all")
	s.StringVar(&f.Color, "color", "auto", "`WHEN` to colour: auto, always or never")
	s.StringVar(&f.Time, "time", "abs", "pretty: `FORM` of the times: abs, utc, rel, delta or epoch")
}

func (f *prettyFlags) check() error {
	if err := oneOf("color", f.Color, "auto", "always", "never"); err != nil {
		return err
	}
	if err := oneOf("time", f.Time, "abs", "utc", "rel", "delta", "epoch"); err != nil {
		return err
	}
	if f.SQL != "fold" && f.SQL != "lines" {
		return usageError("--sql %s: must be fold or lines", f.SQL)
	}
	return natural("rows", f.Rows)
}
