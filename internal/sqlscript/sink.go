package sqlscript

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/spf13/pflag"
)

// Output is the row of the registry.
var Output = sink.Output{
	Name: "sql", Help: "queries as a script for psql that runs them again",
	Views: []string{"queries"},
	Setup: func(f *pflag.FlagSet) sink.OpenOutput {
		explain := f.Bool("explain", false, "sql: write EXPLAIN (ANALYZE, BUFFERS) of each, rolled back")
		return func(env *sink.Env) (sink.Sink, error) {
			w, err := env.CreateText()
			if err != nil {
				return nil, err
			}
			_, err = w.Write([]byte(head))
			return &output{Text: w, script: script{explain: *explain}}, err
		}
	},
}

// head is the begin of each script. Captured text is written as if it were so.
const head = "-- Queries of a capture, by pgsniff. Run it with: psql -X -f FILE\n" +
	"set standard_conforming_strings = on;\nset client_encoding = 'UTF8';\n\n"

type output struct {
	*sink.Text
	script script
}

func (o *output) Wants() sink.Wants {
	return sink.Wants{Queries: true, Normalized: true, Parameters: true}
}

func (o *output) Record(r record.Record) {
	q, ok := r.(*record.Query)
	if !ok || o.Failed() {
		return
	}
	_, _ = o.Write(o.script.query(q)) // the error stays
}

func (o *output) Tick(int64) {}

func (o *output) End(*record.Totals) error {
	if n := o.script.left; n > 0 {
		fmt.Fprintf(o, "-- %d of %d queries are not in this script: see the comments in their places.\n", n, o.script.number)
	}
	return o.Close()
}
