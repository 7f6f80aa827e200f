package stats

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// Report is what a Stats has added up, in an order that depends on nothing but
// what was added. All durations are nanoseconds.
type Report struct {
	Traffic
	// Start and End are those of the period that it is about, in nanoseconds since
	// the epoch; 0 for a report about all of the capture.
	Start, End  int64
	First, Last int64 // times of the first and the last packet that it is about, likewise
	Connections uint64
	Encrypted   uint64        // of them, that could not be read: nothing else is known of them
	Lifetime    time.Duration // of all connections together
	// Active is how long connections had queries under way, added up over them, in
	// nanoseconds; MaxActive, how many had at once at most, 0 where it is not known.
	Active    int64
	MaxActive int
	Messages  uint64
	Queries   uint64
	Errors    uint64 // of queries and others

	Top      []Query // as many as were asked for, in the order asked for
	Sort     Sort    // that order
	Distinct int     // normalised queries, not more than the limit
	Other    *Query  // those that came when the limit was reached; nil if none did
	All      Query   // all queries together

	Durations []Bucket // without the empty ones at both ends

	Users, Databases, Applications, Clients Groups // most connections first

	// Streams are the replication connections that are over, in order of their ends.
	Streams      []Stream
	OtherStreams uint64 // those beyond the limit

	Slowest       []Call    // slowest first, at most 10
	Failures      []Failure // most first
	OtherFailures uint64    // errors of further kinds, when the limit was reached

	SQLStates      []Count // most first
	OtherSQLStates uint64  // errors whose SQLSTATE came when the limit was reached
	ByMessage      []Count // most first
}

// Stream is a replication connection.
type Stream struct {
	Conn           uint64
	Client, Server string // address:port
	*replication.Summary
}

// MaxStreams bounds the replication connections of a report: a server has some ten
// slots, and each takes up to 200 kB.
const MaxStreams = 100

// Query is a normalised query. Its durations are 0 if Timed is.
type Query struct {
	Normalized              string // cut to Limits.Text bytes, maybe within a character
	TextLen                 int    // bytes of the whole text
	Fingerprint             uint64
	Operation               string
	Calls, Errors           uint64
	Rows, Bytes             uint64
	Timed                   uint64 // calls whose duration is known
	Total, Mean             int64
	Min, P50, P95, P99, Max int64
	Histogram               *Mergeable // where Limits.Mergeable
	Worst                   *Example   // the slowest call, where samples have a Script
}

// Bucket counts durations from From up to but not including To; To is 0 in the
// last possible one, which has no end.
type Bucket struct {
	From, To int64
	Count    uint64
}

// Groups is connections by one property.
type Groups struct {
	Groups []Group
	Other  *Group // those that came when the limit was reached; nil if none did
}

// Group is the connections that have a property in common. The name is empty
// where it is not known.
type Group struct {
	Name                   string
	Connections            uint64
	Queries, Errors, Bytes uint64
}

// Count is how many there are of something.
type Count struct {
	Name  string
	Count uint64
}

// Sort is an order of queries, greatest first.
type Sort uint8

// The orders of queries.
const (
	SortTotal Sort = iota
	SortCalls
	SortErrors
	SortRows
	SortBytes
	SortMean
	SortP50
	SortP95
	SortP99
	SortMax
)

var sorts = [...]struct {
	name string
	key  func(*Query) uint64
}{
	SortTotal:  {"total", func(q *Query) uint64 { return uint64(q.Total) }},
	SortCalls:  {"calls", func(q *Query) uint64 { return q.Calls }},
	SortErrors: {"errors", func(q *Query) uint64 { return q.Errors }},
	SortRows:   {"rows", func(q *Query) uint64 { return q.Rows }},
	SortBytes:  {"bytes", func(q *Query) uint64 { return q.Bytes }},
	SortMean:   {"mean", func(q *Query) uint64 { return uint64(q.Mean) }},
	SortP50:    {"p50", func(q *Query) uint64 { return uint64(q.P50) }},
	SortP95:    {"p95", func(q *Query) uint64 { return uint64(q.P95) }},
	SortP99:    {"p99", func(q *Query) uint64 { return uint64(q.P99) }},
	SortMax:    {"max", func(q *Query) uint64 { return uint64(q.Max) }},
}

// String returns the name that ParseSort takes.
func (s Sort) String() string { return sorts[s].name }

// SortNames returns the names of all orders, the default one first.
func SortNames() []string {
	var names []string
	for _, s := range sorts {
		names = append(names, s.name)
	}
	return names
}

// ParseSort returns the order of a name.
func ParseSort(name string) (Sort, error) {
	for i, s := range sorts {
		if s.name == name {
			return Sort(i), nil
		}
	}
	return 0, fmt.Errorf("unknown order %q: one of %s", name, strings.Join(SortNames(), ", "))
}

// Snapshot returns what was added up so far, with the first top queries in an
// order; top 0 means all of them. The report is the caller's own.
func (s *Stats) Snapshot(by Sort, top int) *Report {
	r := &Report{
		Traffic: s.traffic, Connections: s.connections, Encrypted: s.encrypted, Lifetime: s.lifetime,
		Queries: s.all.calls, Errors: s.errors, Sort: by, Distinct: len(s.queries),
		All: s.all.report(0), OtherSQLStates: s.otherStates,
		Users: s.groups[0].report(), Databases: s.groups[1].report(),
		Applications: s.groups[2].report(), Clients: s.groups[3].report(),
	}
	if s.other != nil {
		other := s.other.report(0)
		r.Other = &other
	}
	r.Top = s.top(by, top)
	r.Slowest, r.Failures, r.OtherFailures = s.slow.report(), s.failureReport(), s.otherFailures
	r.Durations = s.durationBuckets()
	r.Active, r.MaxActive = s.active.report()
	for state, n := range s.states {
		r.SQLStates = append(r.SQLStates, Count{strings.TrimRight(string(state[:]), "\x00"), n})
	}
	for k, n := range s.messages {
		if n > 0 {
			r.ByMessage = append(r.ByMessage, Count{messages.Kind(k).String(), n})
		}
		r.Messages += n
	}
	sortCounts(r.SQLStates)
	sortCounts(r.ByMessage)
	return r
}

// top returns the first queries in an order. Those that are equal in it are
// ordered by their calls and then by their texts.
func (s *Stats) top(by Sort, top int) []Query {
	all := make([]Query, 0, len(s.queries))
	for fingerprint, q := range s.queries {
		all = append(all, q.report(fingerprint))
	}
	return sorted(all, by, top)
}

func sorted(all []Query, by Sort, top int) []Query {
	key := sorts[by].key
	order.By(all, func(a, b *Query) int {
		return cmp.Or(cmp.Compare(key(b), key(a)), cmp.Compare(b.Calls, a.Calls),
			cmp.Compare(a.Normalized, b.Normalized), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	if top > 0 && top < len(all) {
		all = slices.Clone(all[:top])
	}
	return all
}

// durationBuckets returns the buckets from the first to the last that is not
// empty.
func (s *Stats) durationBuckets() []Bucket {
	var out []Bucket
	last := 0
	for i, n := range s.buckets {
		if n == 0 && len(out) == 0 {
			continue
		}
		b := Bucket{Count: n}
		if i > 0 {
			b.From = bucketBounds[i-1]
		}
		if i < len(bucketBounds) {
			b.To = bucketBounds[i]
		}
		out = append(out, b)
		if n > 0 {
			last = len(out)
		}
	}
	return out[:last]
}

func (g *groups) report() Groups {
	var out Groups
	for _, group := range g.byName {
		out.Groups = append(out.Groups, *group)
	}
	order.By(out.Groups, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(b.Connections, a.Connections), cmp.Compare(b.Queries, a.Queries),
			cmp.Compare(a.Name, b.Name))
	})
	if g.other != nil {
		other := *g.other
		out.Other = &other
	}
	return out
}

func sortCounts(c []Count) {
	order.By(c, func(a, b *Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
}
