package report

import "math"

// numBuckets is how many buckets durations are counted in, perOctave of them for each
// doubling from a microsecond up to more than an hour.
const (
	perOctave  = 4
	numBuckets = 32 * perOctave
)

// histogram counts durations.
type histogram [numBuckets]uint32

var bounds = func() (b [numBuckets]int64) {
	for i := range b {
		b[i] = int64(1000 * math.Pow(2, float64(i)/perOctave))
	}
	return b
}()

// bucketOf returns the bucket whose upper bound is the first not below ns.
func bucketOf(ns int64) int {
	if ns <= bounds[0] {
		return 0
	}
	i := int(math.Ceil(math.Log2(float64(ns)/1000) * perOctave))
	return max(0, min(i, numBuckets-1))
}

func (h *histogram) add(ns int64) { h[bucketOf(ns)]++ }

func (h *histogram) merge(o *histogram) {
	for i, n := range o {
		h[i] += n
	}
}

// quantile returns about the duration below which a part q of them is, -1 of none.
func (h *histogram) quantile(q float64) int64 {
	var sum uint64
	for _, n := range h {
		sum += uint64(n)
	}
	if sum == 0 {
		return -1
	}
	want := uint64(math.Ceil(q * float64(sum)))
	var seen uint64
	for i, n := range h {
		if seen += uint64(n); seen >= max(want, 1) {
			return bounds[i]
		}
	}
	return bounds[numBuckets-1]
}
