package replication

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Quantiles are right to within a fifth, whatever the durations.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 200 {
		var d, a, b Durations
		list := make([]int64, 1+r.IntN(300))
		for i := range list {
			list[i] = int64(1) << r.IntN(41)
			list[i] += r.Int64N(list[i])
			d.add(list[i])
			if i%2 == 0 {
				a.add(list[i])
			} else {
				b.add(list[i])
			}
		}
		if a.merge(&b); a != d {
			t.Fatalf("round %d: merged %+v, at once %+v", round, a, d)
		}
		slices.Sort(list)
		if d.Min != list[0] || d.Max != list[len(list)-1] || d.N != uint64(len(list)) {
			t.Fatalf("round %d: %+v", round, d)
		}
		for _, share := range []float64{0, 0.5, 0.95, 1} {
			got, want := d.Quantile(share), list[min(int(share*float64(len(list))), len(list)-1)]
			if got < want || float64(got) > 1.26*float64(want)+1024 {
				t.Fatalf("round %d: share %v is %d, want %d", round, share, got, want)
			}
		}
	}
}

// A series has few points however long it is, and loses no sample.
func TestSeries(t *testing.T) {
	for _, step := range []int64{1e6, 1e9, 3e9, 1e12} {
		var s series
		const n = 10000
		for i := range int64(n) {
			s.add(&Report{{Time: i, HasTime: true}, {}, {}}, 1e18+i*step)
		}
		sum := uint64(0)
		for i, p := range s.points {
			sum += p.Lag[StageWrite].N
			if i > 0 && p.Start < s.points[i-1].Start+s.period {
				t.Fatalf("step %d: point %d begins at %d after %d", step, i, p.Start, s.points[i-1].Start)
			}
		}
		if len(s.points) > maxPoints || sum != n {
			t.Errorf("step %d: %d points with %d samples", step, len(s.points), sum)
		}
	}
}
