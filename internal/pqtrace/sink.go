package pqtrace

import (
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/spf13/pflag"
)

// Output is the row of the registry.
var Output = sink.Output{
	Name: "pqtrace", Help: "libpq's own trace of the messages (PQtrace)",
	Setup: func(f *pflag.FlagSet) sink.OpenOutput {
		regress := f.Bool("pqtrace-regress", false, "pqtrace: put marks in place of what differs from run to run, as PostgreSQL's tests do")
		bare := f.Bool("pqtrace-no-timestamps", false, "pqtrace: leave the times out")
		return func(env *sink.Env) (sink.Sink, error) {
			w, err := env.CreateEscaped()
			if err != nil {
				return nil, err
			}
			return &output{Text: w, o: Options{
				NoTimestamps: *bare, Regress: *regress, Secrets: env.ShowSecrets, Escape: env.Width > 0, Location: time.Local,
			}}, nil
		}
	},
}

type output struct {
	*sink.Text
	o     Options
	line  []byte
	shown shown
}

func (t *output) Wants() sink.Wants { return sink.Wants{Messages: sink.AllKinds(), Parameters: true} }

// Record writes a message. What is shown of its texts is what the record shows.
func (t *output) Record(r record.Record) {
	m, ok := r.(*record.Message)
	if !ok || t.Failed() {
		return
	}
	t.o.Redact = nil
	if !t.o.Secrets && !secret(m.Kind) {
		t.shown.take(m)
		t.o.Redact = t.shown.field
	}
	l := Line{Time: m.At.Time, Direction: m.Direction, Kind: m.Kind, Tag: m.Tag, Len: m.Len, Body: m.Wire()}
	t.line = Append(t.line[:0], &l, &t.o)
	_, _ = t.Write(t.line) // the error stays
}

func (t *output) Tick(int64) {}

func (t *output) End(*record.Totals) error { return t.Close() }
