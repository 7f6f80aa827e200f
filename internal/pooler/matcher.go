package pooler

import (
	"hash/maphash"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

const (
	// maxRecent is how many queries are remembered that are over. A client's query needs
	// those that ended within it, the latest of them its own.
	maxRecent = 4096
	// maxServers and maxRelations bound what is known of addresses.
	maxServers   = 64
	maxRelations = 256
	// maxBound bounds the clients whose transactions are followed.
	maxBound = 1 << 14
	// maxLook is how many queries of one text are looked at for one query, maxOpen how
	// many connections to one address: beyond that it has no pair.
	maxLook = 256
	maxOpen = 512
)

// Matcher stands before all that shows queries and tells them their pairs, by
// record.SetPooled. It belongs to the goroutine of the sessions, and costs next to
// nothing while there is one server.
type Matcher struct {
	session.Handler

	first  string // the first server's address
	since  int64  // when the second one was seen; 0: it was not
	seed   maphash.Seed
	hash   maphash.Hash
	open   map[string]*sessions // by server
	server map[string]*server
	pairs  map[[2]*server]*relation
	bound  map[uint64]bound // by the client's connection

	recent []leg // a ring; leg n is at n % maxRecent
	next   uint64
	latest map[uint64]uint64 // the latest leg of a key, by number + 1
	gone   int64             // the latest end of those that are forgotten
}

// server is an address that queries were sent to.
type server struct {
	address string
	doubt   int64     // until when it is not known what its connections did
	known   bool      // to be behind a pooler
	behind  []*server // those that were seen behind it
	before  []*server // those that it was seen behind
}

// leg is a query that is over, as one connection saw it.
type leg struct {
	server     *server
	conn, id   uint64
	start, end int64
	asked      int64
	outcome    uint64
	before, tx byte
	used       bool // it has a pair
	told       bool // it was told to be behind a pooler, perhaps
	key        uint64
	prev       uint64 // the one before it of the same key, by number + 1
}

// bound is the server's connection that a client's transaction holds.
type bound struct {
	conn uint64
	next uint64 // the number of the client's next query
}

// New returns a matcher before another handler. Sessions are to be told to Opened.
func New(next session.Handler) *Matcher {
	return &Matcher{
		Handler: next, seed: maphash.MakeSeed(), open: make(map[string]*sessions),
		server: make(map[string]*server), pairs: make(map[[2]*server]*relation), bound: make(map[uint64]bound),
		latest: make(map[uint64]uint64),
	}
}

// Opened takes a session that begins.
func (m *Matcher) Opened(s *session.Session) {
	set := m.open[s.Server]
	if set == nil {
		set = &sessions{at: make(map[*session.Session]int)}
		m.open[s.Server] = set
	}
	set.add(s)
}

// End takes a session that is over.
func (m *Matcher) End(s *session.Session) {
	for _, address := range [...]string{s.Server, s.Client} { // the sides may have turned out the other way
		if set := m.open[address]; set != nil && set.remove(s) {
			delete(m.open, address)
		}
	}
	delete(m.bound, s.ID)
	m.Handler.End(s)
}

// Notice takes what is said of a connection: after a loss, nobody knows what it did.
func (m *Matcher) Notice(s *session.Session, n *session.Notice) {
	if m.since != 0 && n.Bytes != 0 {
		if v := m.serverOf(s); v != nil {
			v.doubt = max(v.doubt, n.At.Time)
		}
	}
	m.Handler.Notice(s, n)
}

// Exchange looks for the pair of a query, and hands it on.
func (m *Matcher) Exchange(s *session.Session, x *exchange.Exchange) {
	switch {
	case m.since != 0:
		m.observe(s, x)
	case m.first == "":
		m.first = s.Server
	case m.first != s.Server:
		m.since = max(x.End.Time, x.Start.Time, 1)
		m.observe(s, x)
	}
	m.Handler.Exchange(s, x)
}

func (m *Matcher) serverOf(s *session.Session) *server {
	v := m.server[s.Server]
	if v == nil && len(m.server) < maxServers {
		v = &server{address: s.Server}
		m.server[s.Server] = v
	}
	return v
}

func (m *Matcher) observe(s *session.Session, x *exchange.Exchange) {
	v := m.serverOf(s)
	if v == nil {
		return
	}
	if s.Turned() {
		m.Opened(s) // it was under its client's address
	}
	if !certain(x) {
		v.doubt = max(v.doubt, x.End.Time, x.FirstReply.Time, x.Start.Time)
		delete(m.bound, s.ID)
		return
	}
	l := leg{
		server: v, conn: s.ID, id: x.ID, start: x.Start.Time, end: x.End.Time, asked: x.Asked.Time,
		before: x.PauseTx, tx: x.Tx, key: m.keyOf(x), outcome: m.outcomeOf(x),
	}
	// The first of what a client has outstanding is what a pooler is at.
	if first := x.Pause >= 0 || x.ID == 1; first && x.Start.Time > m.since {
		m.pair(s, x, &l)
	}
	if l.told = v.known; l.told {
		record.SetBehind(s, x.ID)
	}
	m.add(&l)
}

// certain reports whether a query was seen whole, and went to a server.
func certain(x *exchange.Exchange) bool {
	return x.Complete && x.Missing == 0 && x.LostBytes == 0 && x.SQL != nil && len(x.SQL) == x.SQLLen &&
		x.Start.Time != 0 && x.End.Time != 0 && !x.Skipped && !x.Unanswered && x.CutParameter() == 0
}

// add remembers a leg.
func (m *Matcher) add(l *leg) {
	if m.recent == nil {
		m.recent = make([]leg, maxRecent)
	}
	at := &m.recent[m.next%maxRecent]
	if m.next >= maxRecent {
		if m.gone = max(m.gone, at.end); m.latest[at.key] == m.next-maxRecent+1 {
			delete(m.latest, at.key)
		}
	}
	l.prev = m.latest[l.key]
	*at = *l
	m.next++
	m.latest[l.key] = m.next
}

// look calls f with the legs of a key that ended at since or later, the latest first. It
// returns false where there were more than can be looked at.
func (m *Matcher) look(key uint64, since int64, f func(l *leg)) bool {
	n := 0
	for at := m.latest[key]; at != 0; n++ {
		if at+maxRecent <= m.next {
			return m.gone < since
		}
		l := &m.recent[(at-1)%maxRecent]
		if l.key != key || n == maxLook {
			return false
		}
		if l.end < since {
			return true
		}
		f(l)
		at = l.prev
	}
	return m.gone < since
}
