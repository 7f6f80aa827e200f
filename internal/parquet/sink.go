package parquet

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
)

// Output is the row of the registry.
var Output = sink.Output{
	Name: "parquet", Help: "Parquet files for DuckDB, ClickHouse and Spark, in the directory that --to names",
	Views: []string{"queries", "messages", "connections"},
	Setup: func(f *pflag.FlagSet) sink.OpenOutput {
		size := f.Int("parquet-size", 256, "parquet: begin a new file after `MB` megabytes; 0: never")
		every := f.Duration("parquet-every", time.Hour, "parquet: begin a new file after `D` of the capture; 0: never")
		host := f.String("parquet-host", "", "parquet: `NAME` of the host in the files' paths (default: this host's)")
		return func(env *sink.Env) (sink.Sink, error) { return open(env, *size, *every, *host) }
	},
}

func open(env *sink.Env, size int, every time.Duration, host string) (sink.Sink, error) {
	switch {
	case env.To == "":
		return nil, errors.New("-o parquet writes files: --to DIRECTORY says where")
	case size < 0 || every < 0:
		return nil, errors.New("--parquet-size and --parquet-every must not be negative")
	}
	if host == "" {
		var err error
		if host, err = os.Hostname(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(env.To, 0o700); err != nil {
		return nil, err
	}
	return &output{env: env, size: int64(size) << 20, every: int64(every), host: safeName(host), series: make(map[string]*series)}, nil
}

// safeName makes a name fit for a path in which name=value is a partition.
func safeName(host string) string {
	b := []byte(host)
	for i, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			b[i] = '_'
		}
	}
	if len(b) == 0 || b[0] == '.' {
		return "_" + string(b)
	}
	return string(b)
}

// output writes a series of files for each kind of record.
type output struct {
	env    *sink.Env
	size   int64 // 0: no limit
	every  int64
	host   string
	series map[string]*series
	order  []*series
	err    error
}

// Wants is asked by the views that hand records on.
func (o *output) Wants() sink.Wants {
	w := sink.Everything()
	w.Notices = false // they are no rows of a table
	w.Tick = int64(time.Second)
	return w
}

func (o *output) Record(r record.Record) {
	if o.err != nil {
		return
	}
	if _, notice := r.(*record.Notice); notice {
		return
	}
	schema := r.Schema()
	s := o.series[schema.Name]
	if s == nil {
		s = newSeries(o, schema)
		o.series[schema.Name] = s
		o.order = append(o.order, s)
	}
	if err := s.write(r); err != nil {
		o.err = fmt.Errorf("%s: %w", o.env.To, err)
	}
}

// Tick ends files whose time has come, so that they can be read.
func (o *output) Tick(now int64) {
	for _, s := range o.order {
		if err := s.rotate(now); o.err == nil {
			o.err = err
		}
	}
}

func (o *output) Failed() bool { return o.err != nil }

// End makes all files whole.
func (o *output) End(*record.Totals) error {
	for _, s := range o.order {
		if err := s.close(); o.err == nil {
			o.err = err
		}
	}
	return o.err
}
