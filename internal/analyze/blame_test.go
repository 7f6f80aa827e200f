package analyze_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// accuser collects who is accused of breaking the protocol.
type accuser struct {
	connections int
	violations  uint64
	notes       []string
}

func (a *accuser) Message(e *session.Event) {
	if e.Step.Anomaly != nil {
		a.notes = append(a.notes, fmt.Sprintf("packet %d: %v", e.At.Frame, e.Step.Anomaly.Text()))
	}
}

func (*accuser) Exchange(*session.Session, *exchange.Exchange) {}
func (*accuser) Notice(*session.Session, *session.Notice)      {}

func (a *accuser) End(s *session.Session) {
	if s.PostgreSQL() && s.Info().State != session.StateNotPostgreSQL {
		a.connections++
		a.violations += s.Violations
	}
}

// accused returns what --strict has to say of a capture.
func accused(tb testing.TB, capture []byte) *accuser {
	tb.Helper()
	a := new(accuser)
	w := way{strict: true, ports: pgPorts, handler: a}
	if _, _, err := w.analyse(bytes.NewReader(capture)); err != nil {
		tb.Fatal(err)
	}
	return a
}

// TestLossAccusesNobody takes captures of healthy programs apart in the ways of
// TestNeverWrong: what a loss can explain is no violation of the protocol.
func TestLossAccusesNobody(t *testing.T) {
	for _, path := range wholeCaptures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := hostile.ParsePcap(b)
			if err != nil {
				t.Skip("it is a file to be taken apart no further")
			}
			if a := accused(t, b); a.violations > 0 || a.connections == 0 {
				t.Skip("somebody breaks the protocol in it")
			}
			accusesNobody(t, f)
		})
	}
}

func accusesNobody(t *testing.T, f *hostile.File) {
	n, step := len(f.Records), sampleStep(f)
	hold := func(what string, capture []byte) {
		if a := accused(t, capture); a.violations > 0 {
			t.Errorf("%s: %d violations: %.300q", what, a.violations, a.notes)
		}
	}
	r := hostile.Rand(2)
	for i := r.IntN(step); i < n; i += step {
		hold(fmt.Sprintf("without packet %d", i+1), without(f, i, 1))
		hold(fmt.Sprintf("without packets %d and %d", i+1, i+2), without(f, i, 2))
		hold(fmt.Sprintf("from packet %d on", i+1), f.From(i).Bytes())
	}
}
