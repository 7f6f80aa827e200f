// Package sampling chooses which queries are told one by one, and how many each of
// those stands for: all that failed, the slow ones of each class (queries of the same
// normalised text), and of the rest one of so many. What is chosen depends on nothing
// but the queries and their order.
package sampling

import "math/bits"

const (
	// maxClasses bounds the classes that are told apart, some 700 bytes each; the
	// others are one.
	maxClasses = 10_000
	// window is how many calls a class's threshold is made of. It follows the
	// database through the day.
	window = 1000
	// least is how many calls of a class are needed to say which are its slowest.
	least = 100
	// steps divide each octave of durations: a threshold is right to an eighth.
	steps   = 8
	octaves = 42 // 2^42 ns are more than an hour
)

// LeftOut is the rate of a query that is not told.
const LeftOut = 0

// Choice chooses. The zero Choice keeps all.
type Choice struct {
	every   uint64 // of the rest, one of so many; 0 and 1: all; None: none
	classes map[uint64]*class
	other   *class
	// Left counts the queries that were left out, Told those that were not.
	Left, Told uint64
}

// None is a rate by which none of the rest are told.
const None = ^uint64(0)

// SetRate has one of so many of the rest be told from now on.
func (c *Choice) SetRate(every uint64) { c.every = every }

// class is what is known of the queries with one normalised text.
type class struct {
	since     uint64 // calls of the rest since one was told
	calls     uint32 // in the window
	threshold int64  // ns: what took longer is slow; 0: not known yet
	first     bool   // the next call is the first
	counts    [octaves * steps]uint16
}

func newClass(fingerprint uint64) *class { return &class{since: fingerprint, first: true} }

// Rate returns how many queries this one stands for, LeftOut if it is not told: 1 for
// what is told in any case. The duration is in nanoseconds, negative if it is not known.
func (c *Choice) Rate(fingerprint uint64, duration int64, failed bool) uint64 {
	if c.every <= 1 {
		c.Told++
		return 1
	}
	k := c.of(fingerprint)
	first, slow := k.first, k.slow(duration)
	k.first = false
	if failed || slow || first && c.every != None {
		c.Told++
		return 1
	}
	if c.every == None {
		c.Left++
		return LeftOut
	}
	if k.since++; k.since < c.every {
		c.Left++
		return LeftOut
	}
	k.since = 0
	c.Told++
	return c.every
}

func (c *Choice) of(fingerprint uint64) *class {
	if k := c.classes[fingerprint]; k != nil {
		return k
	}
	if len(c.classes) >= maxClasses {
		if c.other == nil {
			c.other = newClass(0)
		}
		return c.other
	}
	if c.classes == nil {
		c.classes = make(map[uint64]*class)
	}
	// Classes begin at different places of their count: else those that are called
	// less often than the rate would never be told, and sums would be too small.
	k := newClass(fingerprint % c.every)
	c.classes[fingerprint] = k
	return k
}

// slow adds a call, and reports whether it took longer than 99 of 100 of its class.
func (k *class) slow(duration int64) bool {
	if duration < 0 {
		return false
	}
	slow := k.threshold > 0 && duration > k.threshold
	k.counts[bucket(duration)]++
	k.calls++
	switch {
	case k.calls == window:
		k.threshold = k.percentile99()
		k.calls, k.counts = 0, [octaves * steps]uint16{}
	case k.threshold == 0 && k.calls == least:
		k.threshold = k.percentile99()
	}
	return slow
}

// percentile99 is the end of the bucket of the call that 99 of 100 do not exceed.
func (k *class) percentile99() int64 {
	beyond := k.calls / 100 // calls that may be slower
	for i := len(k.counts) - 1; i > 0; i-- {
		n := uint32(k.counts[i])
		if n > beyond {
			return upper(i)
		}
		beyond -= n
	}
	return upper(0)
}

// bucket is where a duration is counted: octaves, each in equal steps.
func bucket(ns int64) int {
	if ns < steps {
		return int(ns)
	}
	n := bits.Len64(uint64(ns)) - 4 // steps are 2^3
	return min((n+1)*steps+int(ns>>n)-steps, octaves*steps-1)
}

// upper is the longest duration of a bucket.
func upper(i int) int64 {
	if i < steps {
		return int64(i)
	}
	n := i/steps - 1
	return (int64(i%steps)+steps+1)<<n - 1
}
