package stats

import (
	"math"
	"math/bits"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// maxExact is how many durations are kept as they are.
	maxExact = 64
	// maxTracked is the longest duration that a histogram tells from longer
	// ones, in nanoseconds: an hour.
	maxTracked = int64(3600e9)
	// The resolutions that histograms do not go below, in nanoseconds, by
	// their significant figures. Most captures have microseconds.
	minUnit1 = 512
	minUnit2 = 64
	// headroom is how much shorter and longer durations may get than those so
	// far before a histogram is made anew.
	headroom = 2
)

// durations has the durations of some queries, in nanoseconds: all of them
// while they are few, then a histogram.
type durations struct {
	count     uint64
	total     int64 // stays at the greatest int64 once it is reached
	min, max  int64
	exact     []int64
	histogram *hdrhistogram.Histogram
}

// add adds a duration. It tells whether it made the histogram, which has two
// significant figures if fine is set and one otherwise.
func (d *durations) add(ns int64, fine bool) (made bool) {
	d.sum(ns)
	if d.histogram == nil && len(d.exact) < maxExact {
		d.exact = append(d.exact, ns)
		return false
	}
	if d.histogram == nil {
		d.makeHistogram(fine)
		made = true
	}
	d.record(ns)
	return made
}

// sum adds a duration to all but the percentiles.
func (d *durations) sum(ns int64) {
	if d.count == 0 || ns < d.min {
		d.min = ns
	}
	d.max = max(d.max, ns)
	d.count++
	if d.total += ns; d.total < 0 {
		d.total = math.MaxInt64
	}
}

// makeHistogram moves the durations into a histogram.
func (d *durations) makeHistogram(fine bool) {
	figures := 1
	if fine {
		figures = 2
	}
	d.histogram = newHistogram(d.min, d.max, figures)
	for _, ns := range d.exact {
		d.record(ns)
	}
	d.exact = nil
}

// newHistogram returns a histogram that has the given significant figures for
// the durations from shortest to longest, with headroom at both ends.
func newHistogram(shortest, longest int64, figures int) *hdrhistogram.Histogram {
	shortest = min(shortest, maxTracked)
	steps, minUnit := precision(figures)
	unit := max(shortest/headroom/steps, minUnit)
	return hdrhistogram.New(unit, min(min(longest, maxTracked)*headroom+2*unit, maxTracked), figures)
}

// precision returns how many units a duration must have to be right to so many
// figures, and the least unit.
func precision(figures int) (steps, minUnit int64) {
	if figures == 1 {
		return 8, minUnit1
	}
	return 64, minUnit2
}

// record adds a duration to the histogram. One that is out of the range, or too
// short for the resolution, has the histogram made anew for it; that happens a
// few times at most, because of the headroom.
func (d *durations) record(ns int64) {
	ns = min(ns, maxTracked)
	h := d.histogram
	unit, figures := h.LowestTrackableValue(), int(h.SignificantFigures())
	steps, minUnit := precision(figures)
	if ns > h.HighestTrackableValue() || ns < unit*steps && unit > minUnit {
		h = newHistogram(min(ns, d.min), max(ns, d.max), figures)
		h.Merge(d.histogram)
		d.histogram = h
	}
	_ = h.RecordValue(ns) // it is in the range
}

func (d *durations) mean() int64 {
	if d.count == 0 {
		return 0
	}
	return d.total / int64(d.count)
}

// percentiles returns, for each percentage, the shortest duration that so many
// of all are not longer than (the nearest-rank method): one of the durations, or,
// from a histogram, the end of the range that it falls into; 0 if there are none.
func (d *durations) percentiles(percents ...float64) []int64 {
	out := make([]int64, len(percents))
	if d.count == 0 {
		return out
	}
	sorted := slices.Sorted(slices.Values(d.exact))
	for i, p := range percents {
		rank := max(math.Ceil(p/100*float64(d.count)), 1)
		if d.histogram == nil {
			out[i] = sorted[int(rank)-1]
			continue
		}
		// The library rounds to a rank; given one, it finds it again.
		v := d.histogram.ValueAtPercentile(rank / float64(d.count) * 100)
		out[i] = min(max(v, d.min), d.max)
	}
	return out
}

// bucketBounds are the ends, not included, of the buckets in which the durations
// of all queries are counted, in nanoseconds; the last bucket has none.
var bucketBounds = [...]int64{
	10e3, 20e3, 50e3, 100e3, 200e3, 500e3,
	1e6, 2e6, 5e6, 10e6, 20e6, 50e6, 100e6, 200e6, 500e6,
	1e9, 2e9, 5e9, 10e9, 20e9, 50e9, 100e9,
}

// octave is what bucketOf knows of the durations with a number of binary digits:
// the bucket of the shortest, and where the next bucket begins.
type octave struct {
	first int
	next  int64
}

// octaves has one of each. In none does more than one bucket begin: a bound is at
// least twice the one before.
var octaves = func() (t [64]octave) {
	for n := range t {
		o := &t[n]
		shortest := int64(uint64(1) << n >> 1)
		for o.first < len(bucketBounds) && bucketBounds[o.first] <= shortest {
			o.first++
		}
		o.next = math.MaxInt64
		if o.first < len(bucketBounds) {
			o.next = bucketBounds[o.first]
		}
	}
	return t
}()

// bucketOf returns the bucket that a duration belongs to, which is not negative.
func bucketOf(ns int64) int {
	o := &octaves[bits.Len64(uint64(ns))&63]
	if ns >= o.next {
		return o.first + 1
	}
	return o.first
}
