package analyze_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// lossRuns is how often TestLossAtRandom takes each capture apart; by hand for long:
//
//	go test ./internal/analyze -run TestLossAtRandom -loss-runs 2000 -loss-seed 77 -timeout 0
var (
	lossRuns = flag.Int("loss-runs", 0, "how often TestLossAtRandom takes each capture apart; 0: a few times")
	lossSeed = flag.Uint64("loss-seed", 1, "the first seed of TestLossAtRandom")
)

// fewRuns is how often that is for a small capture where nobody asked for more.
const fewRuns = 12

// eachAtRandom calls damage for each capture, with its bytes and packets, and how often to
// damage it.
func eachAtRandom(t *testing.T, damage func(t *testing.T, b []byte, f *hostile.File, runs int)) {
	for _, path := range wholeCaptures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := hostile.ParsePcap(b)
			if err != nil || len(f.Records) < 2 {
				t.Skip("it is a file to be taken apart no further")
			}
			runs := *lossRuns
			if runs == 0 {
				runs = min(fewRuns, sampled/8/len(b)+1)
			}
			damage(t, b, f, runs)
		})
	}
}

// TestLossAtRandom loses packets at random, as captures do, one by one and in runs, and
// joins in the middle and ends early on top. What calls itself complete is in the whole
// capture, and took as long there; phase, transaction status and pauses are those of the
// whole, or left out; and nobody is accused.
func TestLossAtRandom(t *testing.T) {
	eachAtRandom(t, func(t *testing.T, b []byte, f *hostile.File, runs int) {
		l := lossy{whole: truthOf(t, f, way{quiet: true, ports: pgPorts})}
		a := accused(t, b)
		l.innocent = a.violations == 0 && a.connections > 0
		if l.innocent && !l.whole.repeats && !lacksSomething(b) {
			l.state = stateOf(t, b)
		}
		for seed := *lossSeed; seed < *lossSeed+uint64(runs) && !t.Failed(); seed++ {
			l.try(t, f, seed)
		}
	})
}

// lossy is what has to hold of a capture of which packets are lost.
type lossy struct {
	whole    *truth
	state    stateTruth
	innocent bool
}

func (l *lossy) try(t *testing.T, f *hostile.File, seed uint64) {
	t.Helper()
	c := f.Clone()
	what := fmt.Sprintf("seed %d: ", seed) + loseAtRandom(rand.New(rand.NewPCG(seed, 5)), c)
	if len(c.Records) == 0 {
		return
	}
	capture := c.Bytes()
	l.whole.hold(t, what, capture)
	if l.state != nil {
		l.state.hold(t, what, capture)
	}
	if l.innocent {
		if a := accused(t, capture); a.violations > 0 {
			t.Errorf("%s: %d violations: %.300q", what, a.violations, a.notes)
		}
	}
	if t.Failed() && *lossRuns > 0 {
		path := filepath.Join(os.TempDir(), fmt.Sprintf("loss-%s-%d.pcap", filepath.Base(t.Name()), seed))
		_ = os.WriteFile(path, capture, 0o600)
		t.Logf("it is in %s", path)
	}
}

// lossRates are how many packets in a hundred thousand are lost.
var lossRates = []int{100, 300, 1000, 3000, 5000, 10000}

// loseAtRandom takes packets from f and says which.
func loseAtRandom(r *rand.Rand, f *hostile.File) string {
	rate := lossRates[r.IntN(len(lossRates))]
	mode := r.IntN(5)
	n := len(f.Records)
	if mode == 0 {
		at, size := r.IntN(n), 2+r.IntN(11)
		f.Records = slices.Delete(f.Records, at, min(at+size, n))
		return fmt.Sprintf("without packets %d to %d", at+1, min(at+size, n))
	}
	what := fmt.Sprintf("%g %% lost", float64(rate)/1000)
	f.Records = slices.DeleteFunc(f.Records, func(hostile.Record) bool { return r.IntN(100_000) < rate })
	if n = len(f.Records); n == 0 {
		return what
	}
	switch mode {
	case 1:
		at := r.IntN(n)
		f.Records = f.Records[at:]
		return fmt.Sprintf("%s, joined at packet %d of those left", what, at+1)
	case 2:
		at := 1 + r.IntN(n)
		f.Records = f.Records[:at]
		return fmt.Sprintf("%s, ended after %d packets", what, at)
	}
	return what
}

// repeated reports whether data comes more than once in a capture: then what is left of
// it comes later if the first of it is lost.
func repeated(records []byte) bool {
	for line := range bytes.Lines(records) {
		if bytes.HasPrefix(line, []byte(`{"type":"connection",`)) && bytes.Contains(line, []byte(`"retransmitted_bytes":`)) {
			return true
		}
	}
	return false
}
