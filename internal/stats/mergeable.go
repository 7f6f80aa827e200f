package stats

import (
	"math"
	"math/bits"
	"slices"
)

// Buckets of mergeable histograms are the same for all: each octave of nanoseconds in 64
// equal steps. Bucket i holds the duration i alone below 64; from there on, those d for
// which i = 64 * (n+1) + (d >> n) - 64, where n = floor(log2 d) - 6. A percentile read from
// one is less than 1/64 too long.
const (
	histogramBits  = 6
	histogramSteps = 1 << histogramBits
	// maxBucket is that of the longest duration.
	maxBucket = (63-histogramBits)*histogramSteps + histogramSteps - 1
)

// Mergeable is a histogram that can be added to others without loss: counts by bucket,
// in the order of the buckets, none of them 0.
type Mergeable struct {
	Buckets []int
	Counts  []uint64
}

func mergeableBucket(ns int64) int {
	if ns < histogramSteps {
		return int(max(ns, 0))
	}
	n := bits.Len64(uint64(ns)) - 1 - histogramBits
	return (n+1)*histogramSteps + int(ns>>n) - histogramSteps
}

// mergeableEnd is the longest duration of a bucket.
func mergeableEnd(bucket int) int64 {
	if bucket < histogramSteps {
		return int64(bucket)
	}
	n := bucket/histogramSteps - 1
	return (int64(bucket%histogramSteps)+histogramSteps+1)<<n - 1
}

// add adds a histogram.
func (h *Mergeable) add(o *Mergeable) {
	var sum Mergeable
	for i, k := 0, 0; i < len(h.Buckets) || k < len(o.Buckets); {
		switch {
		case k == len(o.Buckets) || i < len(h.Buckets) && h.Buckets[i] < o.Buckets[k]:
			sum.put(h.Buckets[i], h.Counts[i])
			i++
		case i == len(h.Buckets) || o.Buckets[k] < h.Buckets[i]:
			sum.put(o.Buckets[k], o.Counts[k])
			k++
		default:
			sum.put(h.Buckets[i], h.Counts[i]+o.Counts[k])
			i, k = i+1, k+1
		}
	}
	*h = sum
}

func (h *Mergeable) put(bucket int, n uint64) {
	h.Buckets, h.Counts = append(h.Buckets, bucket), append(h.Counts, n)
}

// percentile is the end of the bucket of the call that so many in a hundred of all do
// not exceed.
func (h *Mergeable) percentile(percent float64, count uint64) int64 {
	rank := uint64(max(math.Ceil(percent/100*float64(count)), 1))
	for i, n := range h.Counts {
		if n >= rank {
			return mergeableEnd(h.Buckets[i])
		}
		rank -= n
	}
	return 0
}

// bucketCounts is a histogram while it is made.
type bucketCounts map[int]uint64

func (c bucketCounts) report() *Mergeable {
	h := new(Mergeable)
	for i := range c {
		h.Buckets = append(h.Buckets, i)
	}
	slices.Sort(h.Buckets)
	for _, i := range h.Buckets {
		h.Counts = append(h.Counts, c[i])
	}
	return h
}

// setPercentiles reads them from the histogram.
func (q *Query) setPercentiles() {
	if q.Histogram == nil || q.Timed == 0 {
		return
	}
	for _, p := range [...]struct {
		percent float64
		to      *int64
	}{{50, &q.P50}, {95, &q.P95}, {99, &q.P99}} {
		*p.to = min(max(q.Histogram.percentile(p.percent, q.Timed), q.Min), q.Max)
	}
}
