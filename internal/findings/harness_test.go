package findings_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// packets reads a capture of testdata.
func packets(t testing.TB, path string) (list []capture.Packet) {
	t.Helper()
	files, err := capture.OpenFiles([]string{filepath.Join("../../testdata", path)}, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	var p capture.Packet
	for {
		err := files.Next(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		c := p
		c.Data = bytes.Clone(p.Data)
		list = append(list, c)
	}
}

// diagnose returns the findings of packets, of which drop tells those that the
// capture lacks.
func diagnose(list []capture.Packet, workers int, drop func(i int) bool) []findings.Finding {
	var out []findings.Finding
	env := &sink.Env{}
	r := findings.NewReporter(env, func(f *findings.Finding) { out = append(out, *f) })
	cfg := session.Config{Exchanges: true, NewTLS: analyze.NewTLS(nil)}
	var limits exchange.Limits
	h := sink.NewAdapter(r, false)
	h.Configure(h, &cfg, &limits)
	a := analyze.New(analyze.Options{
		Ports: []uint16{5432}, AnyPort: true, Session: cfg, Limits: limits, Workers: workers, Network: r.Network,
	}, h)
	for i := range list {
		if drop == nil || !drop(i) {
			a.Packet(&list[i])
		}
	}
	a.Finish()
	_ = r.End(&record.Totals{})
	return out
}

// truth is what is known of a capture from other sources.
type truth struct {
	Description string
	Illnesses   []string
	May         []string `json:"may_also_report"`
	Not         []string
	Healthy     bool
	Findings    []struct {
		Code    string
		Clients []string
		SQL     []string
	}
}

func truths(t testing.TB) map[string]truth {
	t.Helper()
	b, err := os.ReadFile("../../testdata/illness/truth.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]truth
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("%d captures only", len(all))
	}
	return all
}

// text shows findings in the messages of failed tests.
func text(list []findings.Finding) string {
	var b strings.Builder
	for i := range list {
		f := &list[i]
		fmt.Fprintf(&b, "\n\t%s %s (%s, ×%d): %s", f.Severity, f.Code, f.Confidence, f.Count, f.Title)
	}
	return b.String()
}
