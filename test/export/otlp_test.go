package export

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// span is what matters here of a span.
type span struct {
	TraceID    string `json:"traceId"`
	SpanID     string `json:"spanId"`
	Parent     string `json:"parentSpanId"`
	Name       string `json:"name"`
	Kind       int    `json:"kind"`
	Start      string `json:"startTimeUnixNano"`
	End        string `json:"endTimeUnixNano"`
	Attributes []struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	} `json:"attributes"`
	Status struct {
		Code int `json:"code"`
	} `json:"status"`
	Links []struct{ TraceID, SpanID string }
}

func (s *span) attribute(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			for _, v := range a.Value {
				return fmt.Sprint(v)
			}
		}
	}
	return ""
}

// spansIn returns the spans of bodies, one a line.
func spansIn(t *testing.T, lines []byte) (all []span) {
	t.Helper()
	for _, body := range records[struct {
		ResourceSpans []struct {
			ScopeSpans []struct {
				Spans []span `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}](t, lines) {
		for _, r := range body.ResourceSpans {
			for _, s := range r.ScopeSpans {
				all = append(all, s.Spans...)
			}
		}
	}
	return all
}

// collector is a running receiver of the OpenTelemetry Collector's.
type collector struct {
	cmd     *exec.Cmd
	address string
	mu      sync.Mutex
	out     bytes.Buffer
}

func (c *collector) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(b)
}

// lines returns the whole lines so far: one that is killed may leave a part of one.
func (c *collector) lines() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.out.Bytes()
	return bytes.Clone(b[:bytes.LastIndexByte(b, '\n')+1])
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startCollector runs test/otelcol, which .ci/run builds.
func startCollector(t *testing.T, address string) *collector {
	t.Helper()
	binary := os.Getenv("PGSNIFF_OTELCOL")
	if binary == "" {
		missing(t, "needs the OpenTelemetry Collector's receiver: (cd test/otelcol && go build .), and PGSNIFF_OTELCOL=the path of that program")
	}
	c := &collector{address: address, cmd: exec.Command(binary, address)}
	c.cmd.Stdout = c
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.stop() })
	for lines := bufio.NewScanner(stderr); ; {
		if !lines.Scan() {
			t.Fatal("the collector does not listen")
		}
		if lines.Text() == "listening" {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	return c
}

func (c *collector) stop() {
	if c.cmd != nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		c.cmd = nil
	}
}

// timedQueries returns the queries of a capture whose duration is known.
func timedQueries(t *testing.T, name string) (list []timed) {
	for _, q := range records[timed](t, read(t, name, "--json", "--view", "queries")) {
		if q.Type == "query" && q.Duration != nil && !q.Skipped {
			list = append(list, q)
		}
	}
	return list
}

type timed struct {
	Type     string `json:"type"`
	Conn     int    `json:"conn"`
	ID       int    `json:"id"`
	Duration *int64 `json:"duration_ns"`
	Skipped  bool   `json:"skipped"`
	Error    *struct {
		SQLState string `json:"sqlstate"`
	} `json:"error"`
}

// compare holds that each query is one span, with its time and its error.
func compareSpans(t *testing.T, spans []span, queries []timed) {
	t.Helper()
	if len(spans) != len(queries) || len(queries) == 0 {
		t.Errorf("%d spans, want %d", len(spans), len(queries))
	}
	seen := make(map[string]*span)
	for i := range spans {
		s := &spans[i]
		key := s.attribute("pgsniff.connection") + "/" + s.attribute("pgsniff.query")
		if seen[key] != nil || s.Kind != 3 || s.attribute("db.system.name") != "postgresql" || len(s.SpanID) != 16 || len(s.TraceID) != 32 {
			t.Errorf("%+v", s)
		}
		seen[key] = s
	}
	for _, q := range queries {
		s := seen[fmt.Sprintf("%d/%d", q.Conn, q.ID)]
		if s == nil {
			t.Errorf("no span of %d/%d", q.Conn, q.ID)
			continue
		}
		var start, end int64
		if _, err := fmt.Sscan(s.Start, &start); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(s.End, &end); err != nil {
			t.Fatal(err)
		}
		if end-start != *q.Duration {
			t.Errorf("%d/%d took %d, the span says %d", q.Conn, q.ID, *q.Duration, end-start)
		}
		state, code := "", 0
		if q.Error != nil {
			state, code = q.Error.SQLState, 2
		}
		if s.attribute("db.response.status_code") != state || s.Status.Code != code {
			t.Errorf("%d/%d ended in %q, the span in %q, status %d", q.Conn, q.ID, state, s.attribute("db.response.status_code"), s.Status.Code)
		}
	}
}

// TestOTLPLines holds the lines for the collector's file receiver.
func TestOTLPLines(t *testing.T) {
	for _, name := range []string{"base_mix", "libpq_pipeline", "client_jdbc"} {
		compareSpans(t, spansIn(t, read(t, name, "-o", "otlp")), timedQueries(t, name))
	}
}

// TestOTLPCollector sends captures to the collector's own receiver, and holds that it
// takes from each body what the lines say.
func TestOTLPCollector(t *testing.T) {
	c := startCollector(t, freePort(t))
	read(t, "base_mix", "--otlp", "http://"+c.address)
	compareSpans(t, spansIn(t, c.lines()), timedQueries(t, "base_mix"))
	out := string(c.lines())
	for _, want := range []string{`"db.client.operation.duration"`, `"explicitBounds":[0.001,0.005,0.01,0.05,0.1,0.5,1,5,10]`, `"pgsniff.packets"`, `"asInt":"427"`, `"service.name"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
}

// TestOTLPParent holds that an application's span is the parent, or linked.
func TestOTLPParent(t *testing.T) {
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	var got *span
	spans := spansIn(t, read(t, "sqlcommenter", "-o", "otlp"))
	for i := range spans {
		if spans[i].TraceID == trace {
			got = &spans[i]
		}
	}
	if got == nil || got.Parent != parent || got.attribute("pgsniff.comment.action") != "index" || strings.Contains(got.attribute("db.query.text"), "traceparent") {
		t.Errorf("%+v", got)
	}
	for _, s := range spansIn(t, read(t, "sqlcommenter", "-o", "otlp", "--otlp-link")) {
		if len(s.Links) == 1 && s.Links[0].TraceID == trace && s.Links[0].SpanID == parent && s.TraceID != trace && s.Parent == "" {
			return
		}
	}
	t.Error("no span has a link")
}

// TestOTLPRestart kills the collector while spans come, and starts it again: what was
// sent before and after is there, and what could not be is told, to the last span.
func TestOTLPRestart(t *testing.T) {
	address := freePort(t)
	c := startCollector(t, address)
	var b pcapBuilder
	b.open()
	const queries = 3000
	cmd := exec.Command(os.Args[0], "read", "--otlp", "http://"+address, "-")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range queries {
		b.now += 2_000_000 / 1000
		b.request("Q", fmt.Sprintf("select %d\x00", i))
		b.reply("C", "SELECT 1\x00")
		b.reply("Z", "I")
		if _, err := in.Write(b.buf); err != nil {
			t.Fatal(err)
		}
		b.buf = b.buf[:0]
		switch i {
		case queries / 3:
			for deadline := 100; len(spansIn(t, c.lines())) == 0 && deadline > 0; deadline-- {
				time.Sleep(50 * time.Millisecond)
			}
			c.stop()
		case 2 * queries / 3:
			first := c.lines()
			c = startCollector(t, address)
			_, _ = c.Write(first)
		}
	}
	in.Close()
	err = cmd.Wait()
	got := make(map[string]bool)
	for _, s := range spansIn(t, c.lines()) {
		got[s.attribute("pgsniff.query")] = true
	}
	if err != nil && !strings.Contains(stderr.String(), "were not") {
		t.Errorf("%v: %s", err, stderr.String())
	}
	if err == nil && len(got) != queries || len(got) < queries/2 {
		t.Errorf("%d of %d queries arrived, and it is said: %q", len(got), queries, stderr.String())
	}
	if !strings.Contains(stderr.String(), "OTLP") {
		t.Errorf("nothing is said of the collector that was away: %q", stderr.String())
	}
}
