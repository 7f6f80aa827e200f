package check

import (
	"slices"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
)

// Broken is a budget that something exceeded.
type Broken struct {
	Budget, Scope, Name, Measure string
	Limit, Got                   int64 // durations in nanoseconds
	At                           record.Stamp
	Conn                         uint64
	budget                       int // its index
}

// Result is what a check found.
type Result struct {
	Rules    *Rules
	Broken   []Broken
	Denied   []findings.Finding
	Findings []findings.Finding // all of them
	Queries  int64
	Began    int64 // nanoseconds since the Unix epoch of the first query, 0: there is none
	Dropped  uint64
}

// Failed reports whether anything forbidden was found.
func (r *Result) Failed() bool { return len(r.Broken)+len(r.Denied) > 0 }

// Checker is the sink that checks.
type Checker struct {
	*findings.Reporter
	// Ended tells that the capture was read, to its end or to where it is damaged.
	Ended  bool
	rules  *Rules
	counts *counter
	all    []findings.Finding
}

// New returns a Checker for rules that are valid.
func New(env *sink.Env, rules *Rules) *Checker {
	c := &Checker{rules: rules, counts: newCounter(rules.Budgets)}
	c.Reporter = findings.NewReporter(env, func(f *findings.Finding) { c.all = append(c.all, *f) })
	return c
}

// Record takes a record.
func (c *Checker) Record(r record.Record) {
	switch r := r.(type) {
	case *record.Query:
		c.counts.query(r)
	case *record.Message:
		c.counts.message(r)
	case *record.Connection:
		c.counts.ended(r.Conn.ID)
	}
	c.Reporter.Record(r)
}

// End takes the end of the capture.
func (c *Checker) End(t *record.Totals) error {
	c.Ended = true
	return c.Reporter.End(t)
}

// Result returns what was found, after End.
func (c *Checker) Result() *Result {
	r := &Result{Rules: c.rules, Broken: c.counts.finish(), Findings: c.all, Queries: c.counts.all.queries, Began: c.counts.all.first.Time, Dropped: c.counts.Dropped}
	least, given := findings.ParseSeverity(c.rules.FailOn)
	for i := range c.all {
		f := &c.all[i]
		if given && f.Severity >= least || slices.Contains(c.rules.Deny, f.Code) {
			r.Denied = append(r.Denied, *f)
		}
	}
	return r
}
