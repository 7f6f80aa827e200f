package overview

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/pgsniff/pgsniff/internal/stats"
)

const (
	// maxClasses bounds the normalised queries that are told apart: the screen of a
	// busy server has some hundred. The calls of further ones are counted together.
	maxClasses = 2000
	// maxSQL is how much of a normalised text is kept, in bytes.
	maxSQL = 4000
	// fineClasses is how many have percentiles right to 1 %; see stats.Limits.
	fineClasses = 256
)

// class is the queries with one normalised text, or those whose text is not known: it
// was prepared before the capture began. These have the fingerprint 0.
type class struct {
	print     uint64
	sql       string
	operation string
	errors    uint64
	rows      uint64
	arms      bool // see mayPrepare
	calls     series
	durations stats.Durations
	p95       int64
	p95of     uint64 // how many durations it was taken of
	fine      bool

	slowest []execution // slowest first
	recent  []execution // a ring
	next    int
	kept    int64 // when the latest was kept
}

// classOf returns the class of a query, which becomes the latest.
func (c *Collector) classOf(q *sample) *class {
	k := c.classes[q.print]
	if k == nil {
		if len(c.classes) >= maxClasses {
			return c.other
		}
		k = &class{print: q.print, fine: len(c.classes) < fineClasses}
		if t := q.text; t != nil {
			k.sql, k.operation, k.arms = cut(t.Text, maxSQL), t.Operation, mayPrepare(t.Text)
		}
		c.classes[q.print] = k
	}
	c.latest = k
	return k
}

func (k *class) add(q *sample, slot int64, moving bool) {
	k.calls.add(slot, moving)
	k.rows += q.rows
	if q.failed {
		k.errors++
	}
	if q.duration >= 0 {
		k.durations.Add(q.duration, k.fine)
	}
}

// mayPrepare reports whether a text may be the command PREPARE, which decides on what
// later texts may show.
func mayPrepare(normalized []byte) bool {
	const word = "prepare"
	for i := 0; i+len(word) <= len(normalized); i++ {
		if normalized[i]|0x20 == 'p' && bytes.EqualFold(normalized[i:i+len(word)], []byte(word)) {
			return true
		}
	}
	return false
}

// Class is a normalised query as the screen shows it. Durations are nanoseconds.
type Class struct {
	Fingerprint           uint64
	SQL                   string // empty where it is not known, and of Others
	Others                bool   // those that were not told apart
	Operation             string
	Calls, Errors         uint64
	Rows                  uint64
	Rate                  float64 // a second
	Total, Mean, P95, Max int64
	Share                 float64 // of the time of all queries, 0 to 1
	Spark                 []uint32
}

// Queries returns the normalised queries, those that took most time first, without what
// Fill fills in. Their percentiles are there where percentiles is set.
func (c *Collector) Queries(percentiles bool) []Class {
	c.mu.Lock()
	defer c.mu.Unlock()
	sorted := slices.Collect(maps.Values(c.classes))
	slices.SortFunc(sorted, func(a, b *class) int {
		return cmp.Or(cmp.Compare(b.durations.Total(), a.durations.Total()), cmp.Compare(b.calls.total, a.calls.total), cmp.Compare(a.print, b.print))
	})
	list := make([]Class, 0, len(sorted)+1)
	for _, k := range sorted {
		list = append(list, c.report(k))
		if percentiles {
			list[len(list)-1].P95 = k.percentile(lateP95)
		}
	}
	if c.other.calls.total > 0 {
		others := c.report(c.other)
		others.Others = true
		list = append(list, others)
	}
	return list
}

// Query returns one of them.
func (c *Collector) Query(fingerprint uint64) (Class, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.classes[fingerprint]
	if k == nil {
		return Class{}, false
	}
	r := c.report(k)
	c.fill(&r, k)
	return r, true
}

// Fill fills in what takes longer than all the rest, for what is on the screen: the
// percentile, and the calls over time.
func (c *Collector) Fill(r *Class) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.other
	if !r.Others {
		k = c.classes[r.Fingerprint]
	}
	if k != nil {
		c.fill(r, k)
	}
}

func (c *Collector) fill(r *Class, k *class) {
	r.P95, r.Spark = k.percentile(0), k.calls.list(c.slotOf(c.now), c.opt.Live)
}

// lateP95 is by which part of its calls a percentile that only sorts may be late.
const lateP95 = 1.0 / 64

// percentile returns the 95th, as of late of the calls before now or later.
func (k *class) percentile(late float64) int64 {
	if n := k.durations.Count(); n != k.p95of && float64(n-k.p95of) >= late*float64(n) {
		k.p95, k.p95of = k.durations.Percentile(95), n
	}
	return k.p95
}

func (c *Collector) report(k *class) Class {
	r := Class{
		Fingerprint: k.print, SQL: k.sql, Operation: k.operation, Calls: k.calls.total, Errors: k.errors, Rows: k.rows,
		Rate: c.rate(&k.calls), Total: k.durations.Total(), Mean: k.durations.Mean(), Max: k.durations.Max(),
	}
	if c.spent > 0 {
		r.Share = float64(r.Total) / float64(c.spent)
	}
	return r
}
