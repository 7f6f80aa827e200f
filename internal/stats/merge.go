package stats

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/pgsniff/pgsniff/internal/order"
)

// Merge joins reports with mergeable histograms, which list all of their queries: the
// result is the report of all their captures together, but for numbers of connections
// and queries, which each capture has of its own, and for replication connections. The
// first top queries are listed in an order, all if top is 0.
func Merge(reports []*Report, by Sort, top int) *Report {
	m := &merger{queries: make(map[uint64]*Query), failures: make(map[failureKey]*Failure)}
	m.sum.Sort = by
	m.all.Histogram = new(Mergeable)
	for i, r := range reports {
		m.traffic(r, i == 0)
		m.add(r)
	}
	return m.report(by, top)
}

type merger struct {
	sum      Report
	all      Query
	other    *Query
	queries  map[uint64]*Query
	failures map[failureKey]*Failure
	buckets  [len(bucketBounds) + 1]uint64
	states   map[string]uint64
	kinds    map[string]uint64
	groups   [4]map[string]*Group
	rest     [4]*Group
}

func (m *merger) traffic(r *Report, first bool) {
	s := &m.sum
	s.Packets += r.Packets
	s.Bytes += r.Bytes
	s.LostBytes += r.LostBytes
	s.Live = s.Live || r.Live
	s.KernelDropped += r.KernelDropped
	s.Connections += r.Connections
	s.Encrypted += r.Encrypted
	s.Lifetime += r.Lifetime
	if s.Active += r.Active; s.Active < 0 {
		s.Active = math.MaxInt64
	}
	s.Messages += r.Messages
	s.Queries += r.Queries
	s.Errors += r.Errors
	s.OtherStreams += r.OtherStreams + uint64(len(r.Streams))
	if first {
		s.Start, s.End = r.Start, r.End
	} else if s.End != 0 && r.End != 0 {
		s.Start, s.End = min(s.Start, r.Start), max(s.End, r.End)
	} else {
		s.Start, s.End = 0, 0
	}
	if r.Last > 0 {
		if s.Last == 0 || r.First < s.First {
			s.First = r.First
		}
		s.Last = max(s.Last, r.Last)
	}
}

func (m *merger) add(r *Report) {
	m.all.join(&r.All)
	if r.Other != nil {
		if m.other == nil {
			m.other = &Query{Histogram: new(Mergeable)}
		}
		m.other.join(r.Other)
	}
	for i := range r.Top {
		q := &r.Top[i]
		known := m.queries[q.Fingerprint]
		if known == nil {
			known = &Query{
				Normalized: q.Normalized, TextLen: q.TextLen, Fingerprint: q.Fingerprint, Operation: q.Operation, Histogram: new(Mergeable),
			}
			m.queries[q.Fingerprint] = known
		}
		known.join(q)
	}
	for _, b := range r.Durations {
		m.buckets[bucketOf(b.From)] += b.Count
	}
	m.sum.Slowest = append(m.sum.Slowest, r.Slowest...)
	m.addFailures(r)
	m.states, m.kinds = addCounts(m.states, r.SQLStates), addCounts(m.kinds, r.ByMessage)
	m.sum.OtherSQLStates += r.OtherSQLStates
	for i, g := range [...]*Groups{&r.Users, &r.Databases, &r.Applications, &r.Clients} {
		m.addGroups(i, g)
	}
}

// join adds the calls of a query.
func (q *Query) join(o *Query) {
	q.Calls += o.Calls
	q.Errors += o.Errors
	q.Rows += o.Rows
	q.Bytes += o.Bytes
	if o.Timed == 0 {
		return
	}
	if q.Timed == 0 || o.Min < q.Min {
		q.Min = o.Min
	}
	q.Max = max(q.Max, o.Max)
	q.Timed += o.Timed
	if q.Total += o.Total; q.Total < 0 {
		q.Total = math.MaxInt64
	}
	q.Mean = q.Total / int64(q.Timed)
	if q.Worst.less(o.Worst) {
		q.Worst = o.Worst.elsewhere()
	}
	q.Histogram.add(o.Histogram)
	q.setPercentiles()
}

func (m *merger) addFailures(r *Report) {
	m.sum.OtherFailures += r.OtherFailures
	for _, f := range r.Failures {
		key := failureKey{fingerprint: f.Fingerprint}
		copy(key.state[:], f.SQLState)
		known := m.failures[key]
		if known == nil {
			m.failures[key] = &f
			continue
		}
		n := known.Count + f.Count
		if f.At < known.At {
			*known = f
		}
		known.Count = n
	}
}

func addCounts(sum map[string]uint64, list []Count) map[string]uint64 {
	if sum == nil {
		sum = make(map[string]uint64)
	}
	for _, c := range list {
		sum[c.Name] += c.Count
	}
	return sum
}

func (m *merger) addGroups(i int, list *Groups) {
	if m.groups[i] == nil {
		m.groups[i] = make(map[string]*Group)
	}
	for _, g := range list.Groups {
		known := m.groups[i][g.Name]
		if known == nil {
			known = &Group{Name: g.Name}
			m.groups[i][g.Name] = known
		}
		known.join(&g)
	}
	if list.Other != nil {
		if m.rest[i] == nil {
			m.rest[i] = new(Group)
		}
		m.rest[i].join(list.Other)
	}
}

func (g *Group) join(o *Group) {
	g.Connections += o.Connections
	g.Queries += o.Queries
	g.Errors += o.Errors
	g.Bytes += o.Bytes
}

func (m *merger) report(by Sort, top int) *Report {
	r := &m.sum
	r.All, r.Other, r.Distinct = m.all, m.other, len(m.queries)
	for _, q := range m.queries {
		r.Top = append(r.Top, *q)
	}
	r.Top = sorted(r.Top, by, top)
	s := Stats{buckets: m.buckets}
	r.Durations = s.durationBuckets()
	order.By(r.Slowest, compareCalls)
	r.Slowest = slices.Clone(r.Slowest[:min(len(r.Slowest), maxSlow)])
	for i := range r.Slowest {
		r.Slowest[i].Conn, r.Slowest[i].ID = 0, 0
	}
	s.failures = m.failures
	r.Failures = s.failureReport()
	for i := range r.Failures {
		r.Failures[i].Conn, r.Failures[i].ID = 0, 0
	}
	r.SQLStates, r.ByMessage = counts(m.states), counts(m.kinds)
	for i, to := range [...]*Groups{&r.Users, &r.Databases, &r.Applications, &r.Clients} {
		g := groups{byName: m.groups[i], other: m.rest[i]}
		*to = g.report()
	}
	return r
}

func counts(m map[string]uint64) (list []Count) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, Count{name, m[name]})
	}
	sortCounts(list)
	return list
}

func compareCalls(a, b *Call) int {
	return cmp.Or(cmp.Compare(b.Duration, a.Duration), cmp.Compare(a.At, b.At), cmp.Compare(a.Conn, b.Conn), cmp.Compare(a.ID, b.ID))
}
