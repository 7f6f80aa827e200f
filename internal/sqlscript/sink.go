package sqlscript

import (
	"bufio"
	"fmt"
	"io"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/internal/termsafe"
	"github.com/spf13/pflag"
)

// Output is the row of the registry.
var Output = sink.Output{
	Name: "sql", Help: "queries as a script for psql that runs them again",
	Views: []string{"queries"},
	Setup: func(f *pflag.FlagSet) sink.OpenOutput {
		explain := f.Bool("explain", false, "sql: write EXPLAIN (ANALYZE, BUFFERS) of each, rolled back")
		return func(env *sink.Env) (sink.Sink, error) {
			w, err := env.Create()
			if err != nil {
				return nil, err
			}
			to := io.Writer(w)
			if env.Width > 0 {
				to = termsafe.NewWriter(w)
			}
			o := &output{w: w, buf: bufio.NewWriterSize(to, 64<<10), script: script{explain: *explain}}
			_, o.err = o.buf.WriteString(head)
			return o, nil
		}
	},
}

// head is the begin of each script. Captured text is written as if it were so.
const head = "-- Queries of a capture, by pgsniff. Run it with: psql -X -f FILE\n" +
	"set standard_conforming_strings = on;\nset client_encoding = 'UTF8';\n\n"

type output struct {
	w      io.WriteCloser
	buf    *bufio.Writer
	script script
	err    error
}

func (o *output) Wants() sink.Wants {
	return sink.Wants{Queries: true, Normalized: true, Parameters: true}
}

func (o *output) Record(r record.Record) {
	q, ok := r.(*record.Query)
	if !ok || o.err != nil {
		return
	}
	_, o.err = o.buf.Write(o.script.query(q))
}

func (o *output) Tick(int64) {}

func (o *output) Flush() error {
	if err := o.buf.Flush(); o.err == nil {
		o.err = err
	}
	return o.err
}

func (o *output) Failed() bool { return o.err != nil }

func (o *output) End(*record.Totals) error {
	if n := o.script.left; n > 0 && o.err == nil {
		_, o.err = fmt.Fprintf(o.buf, "-- %d of %d queries are not in this script: see the comments in their places.\n", n, o.script.number)
	}
	_ = o.Flush() // the error stays
	if err := o.w.Close(); o.err == nil {
		o.err = err
	}
	return o.err
}
