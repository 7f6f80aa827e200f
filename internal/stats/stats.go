package stats

import (
	"time"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Limits bounds a Stats. A zero field means its default.
type Limits struct {
	Queries    int  // distinct normalised queries; default 10,000
	Text       int  // bytes of a normalised query that are kept; default 2,048
	Groups     int  // distinct users, databases, applications and clients, each; default 1,000
	SQLStates  int  // distinct SQLSTATEs, and kinds of errors; PostgreSQL has some 260; default 1,000
	Mergeable  bool // reports have histograms that can be added to those of others
	Histograms int  // queries whose percentiles are right to 1 % beyond 64 calls; default 256
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{{&l.Queries, 10_000}, {&l.Text, 2048}, {&l.Groups, 1000}, {&l.SQLStates, 1000}, {&l.Histograms, 256}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return l
}

// Traffic is what the reader of packets has counted.
type Traffic struct {
	Packets       uint64
	Bytes         uint64
	LostBytes     uint64
	Live          bool   // KernelDropped says something
	KernelDropped uint64 // packets
}

// QuerySample is one exchange: what a query record of the output is.
type QuerySample struct {
	Normalized  []byte // nil if its SQL is not known
	Fingerprint uint64 // of Normalized; 0 if its SQL is not known
	Operation   string // "SELECT"; empty if not known
	Duration    int64  // nanoseconds; negative if its end or begin was not seen
	Rows        uint64
	Bytes       uint64
	SQLState    []byte // of the error that it ended in; see UnknownState; empty if it did not
	Message     []byte // of that error
	// Which call it is: when it was asked for, in nanoseconds since the epoch, on which
	// connection, its number there, and its text as it was sent, of SQLLen bytes.
	At       int64
	Conn, ID uint64
	SQL      []byte
	SQLLen   int
	End      int64 // when it had taken Duration, in nanoseconds since the epoch
	// Script makes what runs the query again, if it is its class's slowest so far; nil
	// where nobody reads it. The memory may be used again.
	Script func() []byte
}

// ConnectionSample is one connection, when it has ended.
type ConnectionSample struct {
	User, Database, Application string // empty if not known
	Client                      string // address, without the port
	Queries, Errors, Bytes      uint64
	Lifetime                    time.Duration
	Encrypted                   bool // its ciphertext could not be read
	Continues                   bool // it was counted before; this is more of it
}

// Stats adds up. The zero Stats is not usable; see New.
type Stats struct {
	limits Limits

	traffic  Traffic
	queries  map[uint64]*query
	latest   *query // of queries, and its fingerprint: often the next one's, too
	latestOf uint64
	other    *query // those beyond the limit
	all      *query
	fine     int // histograms of full precision so far
	buckets  [len(bucketBounds) + 1]uint64
	messages [messages.NumKinds]uint64

	connections uint64
	encrypted   uint64 // of them
	lifetime    time.Duration
	groups      [4]groups // users, databases, applications, clients

	errors        uint64
	states        map[[sqlStateLen]byte]uint64
	otherStates   uint64
	failures      map[failureKey]*Failure
	otherFailures uint64
	failed        ErrorSample // of the query at hand
	slow          slow
	scripts       int // bytes of the scripts of examples
	active        active
}

// UnknownState is the SQLSTATE of errors that came without one. Its name in a
// Report is empty.
var UnknownState = []byte{0}

// sqlStateLen is the length of a SQLSTATE (manual: "PostgreSQL Error Codes").
const sqlStateLen = 5

// New returns an empty Stats.
func New(limits Limits) *Stats {
	s := &Stats{
		limits:  limits.withDefaults(),
		queries: map[uint64]*query{},
		all:     newQuery(limits),
		states:  map[[sqlStateLen]byte]uint64{}, failures: map[failureKey]*Failure{},
	}
	for i := range s.groups {
		s.groups[i].byName = map[string]*Group{}
	}
	return s
}

func newQuery(l Limits) *query {
	q := new(query)
	if l.Mergeable {
		q.buckets = make(bucketCounts)
	}
	return q
}

// SetTraffic sets the counters of the packets, all of them since the beginning.
func (s *Stats) SetTraffic(t Traffic) { s.traffic = t }

// Message counts n messages of a kind.
func (s *Stats) Message(k messages.Kind, n uint64) {
	if int(k) >= messages.NumKinds {
		k = messages.KindUnknown
	}
	s.messages[k] += n
}

// Query adds a query. It keeps nothing of q.
func (s *Stats) Query(q *QuerySample) {
	known := s.latest
	if known == nil || s.latestOf != q.Fingerprint {
		if known = s.queries[q.Fingerprint]; known == nil {
			known = s.admit(q)
		}
		s.latest, s.latestOf = known, q.Fingerprint
	}
	fine := s.fine < s.limits.Histograms
	if known.add(q, fine) && fine {
		s.fine++
	}
	s.all.add(q, true)
	if q.Duration >= 0 {
		if known != s.other {
			s.worst(known, q)
		}
		s.buckets[bucketOf(q.Duration)]++
		s.slow.add(q)
		s.active.add(q.Conn, q.End-q.Duration, q.End)
	}
	if len(q.SQLState) > 0 {
		s.failed = ErrorSample{
			SQLState: q.SQLState, Message: q.Message, At: q.At, Conn: q.Conn, ID: q.ID,
			Normalized: q.Normalized, Fingerprint: q.Fingerprint, Operation: q.Operation,
		}
		s.Error(&s.failed)
	}
}

// admit returns the record of a query that was not seen before: its own, or that
// of the others if there are too many.
func (s *Stats) admit(q *QuerySample) *query {
	if len(s.queries) < s.limits.Queries {
		text := q.Normalized[:min(len(q.Normalized), s.limits.Text)]
		known := newQuery(s.limits)
		known.text, known.textLen, known.operation = string(text), len(q.Normalized), q.Operation
		s.queries[q.Fingerprint] = known
		return known
	}
	if s.other == nil {
		s.other = newQuery(s.limits)
	}
	return s.other
}

// Leave forgets what is kept of a connection that is over, whether it is added or not.
func (s *Stats) Leave(conn uint64) { s.active.leave(conn) }

// Connection adds a connection that has ended, or that the capture's end found
// open.
func (s *Stats) Connection(c *ConnectionSample) {
	if !c.Continues {
		s.connections++
	}
	if c.Encrypted {
		s.encrypted++
	}
	s.lifetime += c.Lifetime
	for i, name := range [...]string{c.User, c.Database, c.Application, c.Client} {
		s.groups[i].add(name, c, s.limits.Groups)
	}
}

// groups adds up connections by one of their properties.
type groups struct {
	byName map[string]*Group
	latest *Group // usually the next one's, too
	other  *Group
}

func (g *groups) add(name string, c *ConnectionSample, limit int) {
	group := g.latest
	if group == nil || group.Name != name {
		group = g.byName[name]
	}
	switch {
	case group != nil:
	case len(g.byName) < limit:
		group = &Group{Name: name}
		g.byName[name] = group
	default:
		if g.other == nil {
			g.other = &Group{}
		}
		group = g.other
	}
	if group != g.other {
		g.latest = group
	}
	if !c.Continues {
		group.Connections++
	}
	group.Queries += c.Queries
	group.Errors += c.Errors
	group.Bytes += c.Bytes
}
