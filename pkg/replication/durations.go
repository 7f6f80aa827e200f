package replication

import "math/bits"

// Durations counts durations in nanoseconds, in classes of at most a fifth of
// their size; the least and the greatest are exact.
type Durations struct {
	N        uint64
	Min, Max int64
	classes  [durationClasses]uint32
}

const (
	// durationClasses are four to each power of two from a microsecond to an hour.
	durationClasses = 128
	shortest        = 10 // bits of what is not told apart: some microsecond
)

func classOf(ns int64) int {
	if ns < 1<<shortest {
		return 0
	}
	n := bits.Len64(uint64(ns)) - 1 // ns is at least 1<<n
	return min(1+(n-shortest)*4+int(ns>>(n-2)&3), durationClasses-1)
}

// upper is the least duration above a class.
func upper(class int) int64 {
	if class == 0 {
		return 1 << shortest
	}
	n := (class-1)/4 + shortest
	return (5 + int64((class-1)%4)) << (n - 2)
}

func (d *Durations) add(ns int64) {
	ns = max(ns, 0)
	if d.N == 0 || ns < d.Min {
		d.Min = ns
	}
	d.Max = max(d.Max, ns)
	d.N++
	d.classes[classOf(ns)]++
}

func (d *Durations) merge(o *Durations) {
	if o.N == 0 {
		return
	}
	if d.N == 0 || o.Min < d.Min {
		d.Min = o.Min
	}
	d.Max = max(d.Max, o.Max)
	d.N += o.N
	for i, n := range o.classes {
		d.classes[i] += n
	}
}

// Quantile returns the duration that a share of all, from 0 to 1, does not exceed.
func (d *Durations) Quantile(share float64) int64 {
	want := uint64(share * float64(d.N))
	seen := uint64(0)
	for i, n := range d.classes {
		if seen += uint64(n); n > 0 && seen > want || seen == d.N {
			return min(max(upper(i), d.Min), d.Max)
		}
	}
	return d.Max
}
