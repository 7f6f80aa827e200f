package stats

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestWorst holds that each query has its slowest call, whose script alone is made, and
// that the scripts take no more than they may.
func TestWorst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := New(Limits{})
	slowest := map[uint64]int64{}
	made := 0
	q := QuerySample{Conn: 3, Normalized: []byte("x")}
	q.Script = func() []byte {
		made++
		return []byte(strings.Repeat("s", int(q.Duration%(2*maxScript))))
	}
	const calls = 20_000
	for i := range uint64(calls) {
		q.Fingerprint, q.ID, q.Duration = 1+random.Uint64N(20), i, random.Int64N(1e9)
		s.Query(&q)
		slowest[q.Fingerprint] = max(slowest[q.Fingerprint], q.Duration)
	}
	if made > calls/20 {
		t.Errorf("%d scripts were made of %d calls", made, calls)
	}
	for _, r := range s.Snapshot(SortTotal, 0).Top {
		w := r.Worst
		want := int(w.Duration % (2 * maxScript))
		if want > maxScript {
			want = 0 // what is cut could not be run
		}
		if w.Duration != slowest[r.Fingerprint] || w.Duration != r.Max || w.Conn != 3 || len(w.Script) != want {
			t.Errorf("%d: %d, %d bytes, want %d, %d", r.Fingerprint, w.Duration, len(w.Script), slowest[r.Fingerprint], want)
		}
	}
	for i := range uint64(2 * maxScripts / maxScript) {
		q.Fingerprint, q.Duration = 100+i, maxScript
		s.Query(&q)
	}
	sum := 0
	for _, r := range s.Snapshot(SortTotal, 0).Top {
		sum += len(r.Worst.Script)
	}
	if sum > maxScripts || s.scripts > maxScripts || sum < maxScripts/2 {
		t.Errorf("%d bytes of scripts, %d counted", sum, s.scripts)
	}
}
