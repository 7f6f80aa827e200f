package otlp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/metrics"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Name is that of the output.
const Name = "otlp"

// Output is the row of the registry. Where it goes to a URL, that is a collector's; else
// it writes the bodies as lines, for the collector's otlpjsonfile receiver.
var Output = sink.Output{
	Name: Name, Help: "OpenTelemetry spans and metrics, as lines or to a collector's URL",
	Setup: func(f *pflag.FlagSet) sink.OpenOutput {
		var o options
		f.BoolVar(&o.parameters, "otlp-parameters", false, "otlp: send the values of parameters with spans")
		f.BoolVar(&o.rows, "otlp-rows", false, "otlp: send the number of rows with spans")
		f.BoolVar(&o.link, "otlp-link", false, "otlp: link the application's span instead of making it the parent")
		f.BoolVar(&o.unsampled, "otlp-unsampled", false, "otlp: send also what belongs to traces that are not sampled")
		f.IntVar(&o.classes, "otlp-classes", 100, "otlp: metrics of at most `N` classes of queries, the rest together")
		return func(env *sink.Env) (sink.Sink, error) { return open(env, o) }
	},
}

type options struct {
	parameters, rows, link, unsampled bool
	classes                           int
}

// IsURL reports whether a place to write to is a collector's.
func IsURL(to string) bool {
	return strings.HasPrefix(to, "http://") || strings.HasPrefix(to, "https://")
}

const (
	// spansEvery is how long spans wait for their body to become full.
	spansEvery = time.Second
	// patience is how long the end waits for a collector.
	patience = 10 * time.Second
	// intervalVariable is in milliseconds; the default is the specification's.
	intervalVariable = "OTEL_METRIC_EXPORT_INTERVAL"
	defaultInterval  = time.Minute
)

func open(env *sink.Env, o options) (sink.Sink, error) {
	if o.classes < 0 {
		return nil, fmt.Errorf("--otlp-classes %d: must not be negative", o.classes)
	}
	e := &exporter{env: env, interval: defaultInterval, registry: metrics.New(o.classes)}
	if v := env.Getenv(intervalVariable); v != "" {
		ms, err := strconv.Atoi(v)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("%s=%q: must be milliseconds", intervalVariable, v)
		}
		e.interval = time.Duration(ms) * time.Millisecond
	}
	resource, err := e.openPlace()
	if err != nil {
		return nil, err
	}
	e.spans = spans{
		batch:      newBatch("resourceSpans", "scopeSpans", "spans", version(), resource),
		parameters: o.parameters, rows: o.rows, link: o.link, unsampled: o.unsampled,
		warned: make(warnings),
	}
	e.points = points{batch: newBatch("resourceMetrics", "scopeMetrics", "metrics", version(), resource)}
	return e, nil
}

// openPlace opens the collector or the file.
func (e *exporter) openPlace() ([]KeyValue, error) {
	if IsURL(e.env.To) {
		cfg, err := FromEnvironment(e.env.To, "pgsniff", e.env.Getenv)
		if err != nil {
			return nil, err
		}
		e.sender = NewSender(cfg, e.env.Warn)
		return cfg.Resource, nil
	}
	kv, err := resource("pgsniff", e.env.Getenv)
	if err != nil {
		return nil, err
	}
	if e.w, err = e.env.Create(); err != nil {
		return nil, err
	}
	e.buf = bufio.NewWriterSize(e.w, 64<<10)
	return kv, nil
}

// version is the module's, for the scope of spans.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// exporter is the sink.
type exporter struct {
	env      *sink.Env
	spans    spans
	points   points
	registry *metrics.Registry
	interval time.Duration

	sender *Sender // nil where lines are written
	w      io.WriteCloser
	buf    *bufio.Writer
	err    error

	due  int64 // capture time of the next metrics
	told uint64
}

// Wants asks for ticks of the length in which spans may wait, and for what tells that
// a connection is there.
func (e *exporter) Wants() sink.Wants {
	return sink.Wants{
		Messages: sink.KindsOf(messages.KindBackendKeyData, messages.KindNoticeResponse), Queries: true, LeftOut: true, Connections: true,
		Normalized: true, Parameters: true, Pooled: true, Tick: int64(spansEvery),
	}
}

// Record takes a record.
func (e *exporter) Record(r record.Record) {
	metrics.Observe(e.registry, e.env.Slot, r)
	switch r := r.(type) {
	case *record.Message:
		if r.Kind == messages.KindNoticeResponse {
			e.spans.warned.note(r)
		}
	case *record.Query:
		if r.Sampled.LeftOut {
			e.spans.warned.take(r)
			return
		}
		e.spans.take(r)
	}
	if e.spans.full() {
		e.send("/v1/traces", e.spans.batch)
	}
}

// Tick sends what waits.
func (e *exporter) Tick(now int64) {
	e.spans.settle(now - int64(pooledFor))
	e.send("/v1/traces", e.spans.batch)
	t := e.env.Totals()
	e.registry.Tick(now, &t)
	if e.due == 0 {
		e.due = now + int64(e.interval)
	}
	if now >= e.due {
		e.due = now + int64(e.interval)
		e.sendMetrics()
	}
	e.tellDropped()
}

// tellDropped says, while the run goes on, that spans could not be sent.
func (e *exporter) tellDropped() {
	if e.sender == nil {
		return
	}
	if _, d := e.sender.Counts(); e.told == 0 && d.Total() > 0 {
		e.told = d.Total()
		e.env.Warn(fmt.Errorf("OTLP: the collector does not keep up; spans are being dropped (%d so far), the end says how many", d.Total()))
	}
}

func (e *exporter) sendMetrics() {
	e.points.write(e.registry.Snapshot())
	e.send("/v1/metrics", e.points.batch)
}

// send hands a body on.
func (e *exporter) send(path string, b *batch) {
	body, items := b.take()
	if items == 0 {
		return
	}
	if e.sender != nil {
		e.sender.Send(path, body, items)
		return
	}
	if _, err := e.buf.Write(append(body, '\n')); e.err == nil {
		e.err = err
	}
}

// Flush writes lines that wait. What goes to a collector waits for its tick.
func (e *exporter) Flush() error {
	if e.buf != nil {
		if err := e.buf.Flush(); e.err == nil {
			e.err = err
		}
	}
	return e.err
}

// Failed reports whether lines can no longer be written. A collector may come back.
func (e *exporter) Failed() bool { return e.err != nil }

// End sends what is left.
func (e *exporter) End(t *record.Totals) error {
	e.spans.settle(math.MaxInt64)
	e.send("/v1/traces", e.spans.batch)
	e.registry.Tick(t.Last, t)
	e.sendMetrics()
	if e.sender == nil {
		_ = e.Flush() // the error stays
		return errors.Join(e.err, e.w.Close())
	}
	sent, d := e.sender.Close(patience)
	if n := d.Total(); n > 0 {
		return fmt.Errorf("OTLP: %d spans and metrics were sent, %d were not: %d found the queue full, %d the collector refused, %d could not be delivered",
			sent, n, d.Queue, d.Rejected, d.Failed)
	}
	return nil
}
