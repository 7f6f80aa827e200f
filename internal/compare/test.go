package compare

import (
	"math"

	"github.com/pgsniff/pgsniff/internal/order"
)

// Test is the name of the test that tells chance from change.
const Test = "Mann-Whitney U"

// significant is the probability below which a difference is no chance: with a
// hundred statements compared, one in a hundred would be expected at 0.01.
const significant = 0.001

// minSample is how many durations of each side the normal approximation needs.
const minSample = 8

// mannWhitney returns the probability that two samples of one distribution differ
// as much as these, by the two-sided test of Mann and Whitney with the normal
// approximation, corrected for ties and continuity. It is 1 where they are too few.
func mannWhitney(a, b []float64) float64 {
	n, m := float64(len(a)), float64(len(b))
	if n < minSample || m < minSample {
		return 1
	}
	type value struct {
		v     float64
		first bool
	}
	all := make([]value, 0, len(a)+len(b))
	for _, v := range a {
		all = append(all, value{v, true})
	}
	for _, v := range b {
		all = append(all, value{v, false})
	}
	order.By(all, func(x, y *value) int {
		switch {
		case x.v < y.v:
			return -1
		case x.v > y.v:
			return 1
		}
		return 0
	})
	var ranks, ties float64
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].v == all[i].v {
			j++
		}
		t := float64(j - i)
		rank := float64(i+j+1) / 2 // the mean of i+1 to j
		for k := i; k < j; k++ {
			if all[k].first {
				ranks += rank
			}
		}
		ties += t*t*t - t
		i = j
	}
	u := ranks - n*(n+1)/2
	total := n + m
	variance := n * m / 12 * (total + 1 - ties/(total*(total-1)))
	if variance <= 0 {
		return 1
	}
	z := (math.Abs(u-n*m/2) - 0.5) / math.Sqrt(variance)
	if z <= 0 {
		return 1
	}
	return math.Erfc(z / math.Sqrt2)
}
