package metrics

import (
	"cmp"
	"sync"

	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
)

// Bounds are the upper bounds of the histograms' buckets in seconds: those that
// OpenTelemetry's conventions give for db.client.operation.duration.
var Bounds = [...]float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}

var boundsNS = func() (b [len(Bounds)]int64) {
	for i, s := range Bounds {
		b[i] = int64(s * 1e9)
	}
	return b
}()

// What is told apart is bounded; what comes beyond is "other".
const (
	maxWhos       = 200  // combinations of database, user and application
	maxErrors     = 200  // of database and SQLSTATE
	maxCandidates = 4096 // classes that are watched for one period
	// period is how often the classes that have a series are chosen anew.
	period = 60_000_000_000
	other  = "other"
	// maxLabel is where labels are cut.
	maxLabel = 120
)

// Who is whom a series is about. Schema is the first one of the search path, empty where
// that is not known.
type Who struct{ Database, Schema, User, Application string }

// Series is the queries of a class, or of all others.
type Series struct {
	Who
	Class       string // summary of the statement, or "other"
	Fingerprint uint64 // 0 for "other"

	Times
	Failed              []Failed // of these, the calls that failed, by SQLSTATE
	Calls, Errors       uint64
	Rows, Bytes         uint64
	recent              int64 // nanoseconds in this period
	retired             int64 // when it gave its place up
	Skipped, Unfinished uint64
}

// Times is a histogram of durations.
type Times struct {
	Buckets [len(Bounds) + 1]uint64 // not cumulative; the last one has no bound
	Timed   uint64                  // sum of Buckets: calls whose duration is known
	Sum     int64                   // of durations, nanoseconds
}

// Failed is the durations of calls that ended in one SQLSTATE.
type Failed struct {
	State string
	Times
}

type classKey struct {
	Who
	fingerprint uint64
}

type errorKey struct{ Database, State string }

// Registry holds the series. Its methods may be called from several goroutines.
type Registry struct {
	mu         sync.Mutex
	top        int
	classes    map[classKey]*Series
	retired    map[classKey]*Series // that gave up their place, see retire
	others     map[Who]*Series
	candidates map[classKey]int64 // nanoseconds in this period
	errors     map[errorKey]uint64
	open       map[Who]int64
	conns      map[Who]uint64
	chosen     int64 // when the classes were chosen last
	totals     record.Totals
	started    int64
	now        int64
	summary    []byte
	looked     uint
}

// New returns a registry that gives the top classes a series of their own.
func New(top int) *Registry {
	return &Registry{
		top: top, classes: make(map[classKey]*Series), retired: make(map[classKey]*Series), others: make(map[Who]*Series),
		candidates: make(map[classKey]int64), errors: make(map[errorKey]uint64),
		open: make(map[Who]int64), conns: make(map[Who]uint64),
	}
}

// Query adds a query.
func (r *Registry) Query(q *record.Query) {
	r.mu.Lock()
	defer r.mu.Unlock()
	who := r.who(q.Who)
	s := r.series(who, q)
	s.add(q)
	if state := q.SQLState(); state != nil {
		k := errorKey{who.Database, string(state)}
		if _, ok := r.errors[k]; !ok && len(r.errors) >= maxErrors {
			k = errorKey{other, other}
		}
		r.errors[k]++
	}
}

// who bounds the combinations that are told apart.
func (r *Registry) who(w *record.Who) Who {
	k := Who{label(w.Database), label(w.SchemaName()), label(w.User), label(w.Application)}
	if r.others[k] == nil && k.Schema != "" && len(r.others) >= maxWhos/2 {
		k.Schema = "" // a schema for each tenant is not to hide the users
	}
	if r.others[k] == nil {
		if len(r.others) >= maxWhos {
			k = Who{other, "", other, other}
		}
		if r.others[k] == nil {
			r.others[k] = &Series{Who: k, Class: other}
		}
	}
	return k
}

func label(s string) string {
	if len(s) > maxLabel {
		return s[:maxLabel]
	}
	return s
}

// series returns where a query belongs.
func (r *Registry) series(who Who, q *record.Query) *Series {
	k := classKey{who, q.Fingerprint}
	if s := r.classes[k]; s != nil {
		return s
	}
	if q.Fingerprint == 0 {
		return r.others[who]
	}
	if len(r.classes) < r.top {
		return r.admit(k, q)
	}
	if r.top == 0 {
		return r.others[who]
	}
	d, ok := r.candidates[k]
	if ok || len(r.candidates) < maxCandidates {
		d += max(q.Duration, 0)
		r.candidates[k] = d
	}
	if !r.elapsed() || len(r.retired) >= r.top || !r.looks() {
		return r.others[who]
	}
	least := r.least()
	if d <= 2*least.recent {
		return r.others[who]
	}
	r.retire(least)
	delete(r.candidates, k)
	return r.admit(k, q)
}

// retire takes a class's place. What it has counted stays to be seen for a while, so
// that whoever looks once a minute misses nothing of it.
func (r *Registry) retire(s *Series) {
	k := classKey{s.Who, s.Fingerprint}
	delete(r.classes, k)
	s.retired = r.now
	r.retired[k] = s
}

// looks is true for one in many: the classes are gone over to find the least.
func (r *Registry) looks() bool {
	const oneIn = 64
	r.looked++
	return r.looked%oneIn == 0
}

// elapsed reports whether classes have been watched for long enough to be held
// against one another.
func (r *Registry) elapsed() bool { return r.now-r.chosen >= period/2 }

func (r *Registry) admit(k classKey, q *record.Query) *Series {
	if s := r.retired[k]; s != nil {
		delete(r.retired, k)
		r.classes[k] = s
		return s
	}
	r.summary = sqlnorm.AppendSummary(r.summary[:0], q.SQL)
	class := label(string(r.summary))
	if class == "" {
		class = cmp.Or(q.Operation, "unknown")
	}
	s := &Series{Who: k.Who, Class: class, Fingerprint: k.fingerprint, recent: 1}
	r.classes[k] = s
	return s
}

// least returns the class with the least time in this period.
func (r *Registry) least() (least *Series) {
	for _, s := range r.classes {
		if least == nil || s.recent < least.recent || s.recent == least.recent && s.Fingerprint < least.Fingerprint {
			least = s
		}
	}
	return least
}

func (s *Series) add(q *record.Query) {
	s.Calls++
	s.Rows += q.Rows
	s.Bytes += q.Bytes
	switch {
	case q.Error != nil:
		s.Errors++
	case q.Skipped:
		s.Skipped++
	case !q.Complete:
		s.Unfinished++
	}
	if q.Duration < 0 {
		return
	}
	s.Times.add(q.Duration)
	s.recent += q.Duration
	if state := q.SQLState(); state != nil && IsFailure(state) {
		s.failed(state).add(q.Duration)
	}
}

// Opened and Closed follow a connection.
func (r *Registry) Opened(w *record.Who) {
	r.mu.Lock()
	defer r.mu.Unlock()
	who := r.who(w)
	r.open[who]++
	r.conns[who]++
}

// Closed takes a connection that was opened.
func (r *Registry) Closed(w *record.Who) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if who := r.who(w); r.open[who] > 0 {
		r.open[who]--
	}
}

// Tick tells the time, and what was counted in all so far.
func (r *Registry) Tick(now int64, t *record.Totals) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now = now; r.started == 0 {
		r.started, r.chosen = now, now
		if t.First != 0 {
			r.started = t.First
		}
	}
	r.totals = *t
	if now-r.chosen < period {
		return
	}
	r.chosen = now
	clear(r.candidates)
	for _, s := range r.classes {
		s.recent = 1
	}
	for k, s := range r.retired {
		if now-s.retired >= 2*period {
			delete(r.retired, k)
		}
	}
}

// Snapshot is a copy of what was added up.
type Snapshot struct {
	Series       []Series // by database, user, application, class
	Errors       []ErrorCount
	Connections  []ConnectionCount
	Totals       record.Totals
	Started, Now int64 // capture clock, nanoseconds since the Unix epoch
}

// ErrorCount is the queries of a database that ended in an error.
type ErrorCount struct {
	Database, State string
	Count           uint64
}

// ConnectionCount is the connections of one Who.
type ConnectionCount struct {
	Who
	Open  int64
	Total uint64
}

// Snapshot returns a copy.
func (r *Registry) Snapshot() *Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &Snapshot{Totals: r.totals, Started: r.started, Now: r.now}
	for _, c := range r.classes {
		s.Series = append(s.Series, c.copied())
	}
	for _, c := range r.retired {
		s.Series = append(s.Series, c.copied())
	}
	for _, o := range r.others {
		if o.Calls > 0 {
			s.Series = append(s.Series, o.copied())
		}
	}
	for k, n := range r.errors {
		s.Errors = append(s.Errors, ErrorCount{k.Database, k.State, n})
	}
	for k, n := range r.conns {
		s.Connections = append(s.Connections, ConnectionCount{k, r.open[k], n})
	}
	order.By(s.Series, func(a, b *Series) int {
		return cmp.Or(a.Who.compare(b.Who), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	order.By(s.Errors, func(a, b *ErrorCount) int {
		return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.State, b.State))
	})
	order.By(s.Connections, func(a, b *ConnectionCount) int { return a.Who.compare(b.Who) })
	return s
}

func (w Who) compare(o Who) int {
	return cmp.Or(cmp.Compare(w.Database, o.Database), cmp.Compare(w.Schema, o.Schema), cmp.Compare(w.User, o.User), cmp.Compare(w.Application, o.Application))
}
