package stats

// Durations adds up durations as reports do, for other views of queries: what they show
// of the same queries is the same.
type Durations struct{ d durations }

// Add adds a duration in nanoseconds. Up to 64 are kept as they are; of more, a
// histogram is made, which has two significant figures if fine is set and one
// otherwise. It tells whether it made it.
func (d *Durations) Add(ns int64, fine bool) (made bool) { return d.d.add(ns, fine) }

// Count returns how many there are.
func (d *Durations) Count() uint64 { return d.d.count }

// Total returns their sum in nanoseconds.
func (d *Durations) Total() int64 { return d.d.total }

// Mean returns their mean in nanoseconds, 0 if there are none.
func (d *Durations) Mean() int64 { return d.d.mean() }

// Max returns the longest in nanoseconds, 0 if there are none.
func (d *Durations) Max() int64 { return d.d.max }

// Percentile returns the shortest duration that so many in a hundred of all are not
// longer than, 0 if there are none.
func (d *Durations) Percentile(percent float64) int64 { return d.d.percentiles(percent)[0] }

// FormatCount writes a number with commas between thousands.
func FormatCount(n uint64) string { return formatCount(n) }
