package analyze_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// TestCutAtRandom cuts packets at random lengths, as a snap length does but not all of
// them at one, so that names and texts end early; of some captures it loses packets as
// well. What calls itself complete is in the whole capture.
func TestCutAtRandom(t *testing.T) {
	eachAtRandom(t, func(t *testing.T, b []byte, f *hostile.File, runs int) {
		whole := truthOf(t, f, way{quiet: true, ports: pgPorts})
		for seed := *lossSeed; seed < *lossSeed+uint64(runs) && !t.Failed(); seed++ {
			r := rand.New(rand.NewPCG(seed, 7))
			c := f.Clone()
			what := fmt.Sprintf("seed %d: ", seed) + cutAtRandom(r, c)
			if r.IntN(2) == 0 {
				what += ", " + loseAtRandom(r, c)
			}
			whole.hold(t, what, c.Bytes())
		}
	})
}

// cutAtRandom cuts one packet in a few and says how.
func cutAtRandom(r *rand.Rand, f *hostile.File) string {
	every, least := 1+r.IntN(8), 60+r.IntN(20)
	for i := range f.Records {
		if r.IntN(every) == 0 {
			f.Records[i].Snap(least + r.IntN(80))
		}
	}
	return fmt.Sprintf("one packet in %d cut to %d bytes or more", every, least)
}
