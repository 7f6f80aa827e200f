package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Name is that of the output.
const Name = "metrics"

// Output is the row of the registry. What it is told to write to is an address to
// listen on.
var Output = sink.Output{
	Name: Name, Help: "metrics for Prometheus, served at the address that --to names (live)",
	Setup: func(f *pflag.FlagSet) sink.OpenOutput {
		classes := f.Int("metrics-classes", 100, "metrics: at most `N` classes of queries have series of their own, the rest is \"other\"")
		return func(env *sink.Env) (sink.Sink, error) { return serve(env, *classes) }
	},
}

// Times that bound what a client may take, so that none can hold connections open.
const (
	headerTimeout = 5 * time.Second
	answerTimeout = 30 * time.Second
	tick          = time.Second
)

func serve(env *sink.Env, classes int) (sink.Sink, error) {
	switch {
	case !env.Live:
		return nil, errors.New("metrics are served while traffic is captured: pgsniff live")
	case env.To == "":
		return nil, errors.New("metrics need an address to listen on: --metrics 127.0.0.1:9187")
	case classes < 0:
		return nil, fmt.Errorf("--metrics-classes %d: must not be negative", classes)
	}
	l, err := net.Listen("tcp", env.To)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s := &server{env: env, registry: New(classes)}
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: headerTimeout, WriteTimeout: answerTimeout}
	go func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			env.Warn(fmt.Errorf("metrics: %w", err))
		}
	}()
	return s, nil
}

// server is the sink.
type server struct {
	env      *sink.Env
	registry *Registry
	http     *http.Server
}

func (s *server) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, "text/plain; version=0.0.4; charset=utf-8")
		_ = s.registry.Snapshot().WriteText(w) // a client that goes is nothing to tell of
	})
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, "text/plain; charset=utf-8")
		fmt.Fprintln(w, "ok")
	})
	return m
}

// plain says what an answer is, which browsers are not to guess: labels are captured text,
// as it was but for what the format escapes.
func plain(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

// Wants asks for what tells that a connection is there, besides queries.
func (s *server) Wants() sink.Wants {
	return sink.Wants{
		Messages: sink.KindsOf(messages.KindBackendKeyData), Queries: true, LeftOut: true, Connections: true,
		Normalized: true, Tick: int64(tick),
	}
}

func (s *server) Record(r record.Record) { Observe(s.registry, s.env.Slot, r) }

func (s *server) Tick(now int64) {
	t := s.env.Totals()
	s.registry.Tick(now, &t)
}

// End stops to serve; scrapes that run are let finish.
func (s *server) End(t *record.Totals) error {
	s.registry.Tick(t.Last, t)
	ctx, cancel := context.WithTimeout(context.Background(), headerTimeout)
	defer cancel()
	return s.http.Shutdown(ctx)
}
