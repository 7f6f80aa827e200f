package session

import (
	"math/rand/v2"
	"testing"
)

// TestStalledWithin compares what is told with all stalls kept: it is never more, and the
// same while there are few.
func TestStalledWithin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 19))
	for range 200 {
		s := &Session{}
		now, n := int64(1000), rng.IntN(3*maxStalls)
		var all [][2]int64
		for range n {
			from := now + rng.Int64N(50)
			to := from + 1 + rng.Int64N(100)
			all = append(all, [2]int64{from, to})
			s.Stalled(from-rng.Int64N(2), to) // which the one before may have had already
			now = to
		}
		for range 20 {
			from := 1000 + rng.Int64N(now)
			to := from + rng.Int64N(now)
			want, slack := int64(0), int64(0)
			for _, x := range all {
				if part := min(x[1], to) - max(x[0], from); part > 0 {
					want += part
					slack++ // each may have begun a nanosecond sooner
				}
			}
			got := s.StalledWithin(from, to)
			if got > want+slack+1 || n <= maxStalls && got < want {
				t.Fatalf("%d stalls, %d to %d: %d, want %d", n, from, to, got, want)
			}
		}
		if s.stalls != nil && len(s.stalls.list) > maxStalls {
			t.Fatalf("%d are kept", len(s.stalls.list))
		}
	}
}
