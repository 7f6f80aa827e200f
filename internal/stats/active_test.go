package stats

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestActive compares with what a look at every moment finds, for random traffic whose
// queries come in order of their ends, or a little out of it.
func TestActive(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		type call struct {
			conn     uint64
			from, to int64
		}
		var calls []call
		for conn := range uint64(1 + r.IntN(12)) {
			at, from := 1+r.Int64N(50), int64(1)
			for range r.IntN(40) {
				from = max(at-r.Int64N(3)*r.Int64N(10), from) // some are sent before the one before ends
				at = max(at, from) + r.Int64N(20)
				calls = append(calls, call{conn + 1, from, at})
				at += r.Int64N(30) * r.Int64N(2)
			}
		}
		slices.SortStableFunc(calls, func(a, b call) int { return cmp.Compare(a.to, b.to) })
		want, total := 0, int64(0)
		busy := map[int64]map[uint64]bool{} // by the unit of time that begins
		for _, c := range calls {
			for at := min(c.from, c.to-1); at < c.to; at++ {
				if busy[at] == nil {
					busy[at] = map[uint64]bool{}
				}
				busy[at][c.conn] = busy[at][c.conn] || c.from < c.to
			}
		}
		for _, conns := range busy {
			want = max(want, len(conns))
			for _, took := range conns {
				if took {
					total++
				}
			}
		}
		var a active
		for i := 0; i+1 < len(calls); i++ {
			if k := i + 1; calls[i].conn != calls[k].conn && r.IntN(4) == 0 {
				calls[i], calls[k] = calls[k], calls[i] // those of one connection stay in order
			}
		}
		for i, c := range calls {
			a.add(c.conn, c.from, c.to)
			if i == len(calls)/2 {
				a.report() // SIGUSR1 asks for it in between
			}
			if len(a.peaks) > 12+1 {
				t.Fatalf("seed %d: %d peaks of 12 connections", seed, len(a.peaks))
			}
		}
		gotTotal, got := a.report()
		if gotTotal != total {
			t.Errorf("seed %d: active for %d, want %d", seed, gotTotal, total)
		}
		if got != want {
			t.Errorf("seed %d: %d active at most, want %d", seed, got, want)
		}
	}
}

// TestActiveIsBounded has one connection after the other come and go.
func TestActiveIsBounded(t *testing.T) {
	var a active
	allocated := testing.AllocsPerRun(10, func() {
		for i := range int64(10_000) {
			conn := uint64(i + 1)
			a.add(conn, i, i+5)
			a.leave(conn)
		}
	})
	if len(a.ends) != 0 || len(a.peaks) > 6 || cap(a.recent) > 2*maxRecent {
		t.Errorf("%d ends, %d peaks, room for %d stretches are kept", len(a.ends), len(a.peaks), cap(a.recent))
	}
	if allocated > 10_001 { // the entry of each connection
		t.Errorf("%v allocations for 10,000 connections", allocated)
	}
	b := active{}
	b.add(1, 0, 1)
	if n := testing.AllocsPerRun(1000, func() { b.add(1, b.total, b.total+1) }); n > 0 {
		t.Errorf("%v allocations for a query of a known connection", n)
	}
}
