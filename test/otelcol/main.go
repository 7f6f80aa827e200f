// Otelcol is the OpenTelemetry Collector's own receiver for OTLP, for tests: it listens
// on an address and prints what it takes as lines of JSON. It is a module of its own, so
// that nothing of the collector is a dependency of pgsniff.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	factory := otlpreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig()
	conf := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": address}}})
	if err := conf.Unmarshal(cfg); err != nil {
		return err
	}
	var mu sync.Mutex
	print := func(line []byte, err error) error {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			_, err = os.Stdout.Write(append(line, '\n'))
		}
		return err
	}
	traces, err := consumer.NewTraces(func(_ context.Context, t ptrace.Traces) error {
		return print((&ptrace.JSONMarshaler{}).MarshalTraces(t))
	})
	if err != nil {
		return err
	}
	metrics, err := consumer.NewMetrics(func(_ context.Context, m pmetric.Metrics) error {
		return print((&pmetric.JSONMarshaler{}).MarshalMetrics(m))
	})
	if err != nil {
		return err
	}
	settings := receivertest.NewNopSettings(factory.Type())
	host := componenttest.NewNopHost()
	tr, err := factory.CreateTraces(ctx, settings, cfg, traces)
	if err != nil {
		return err
	}
	mr, err := factory.CreateMetrics(ctx, settings, cfg, metrics)
	if err != nil {
		return err
	}
	for _, c := range []component.Component{tr, mr} {
		if err := c.Start(ctx, host); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "listening")
	<-ctx.Done()
	for _, c := range []component.Component{tr, mr} {
		if err := c.Shutdown(context.Background()); err != nil {
			return err
		}
	}
	return nil
}
