package pooler

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

const (
	// proof is how many queries of an address must have had the only query that fits
	// behind another one before they are believed, and proofShare how many times as
	// many they must be as those that had none.
	proof      = 3
	proofShare = 8
)

// relation is what was seen of two addresses: how many queries of one had exactly one
// that fits at the other. Two servers that are asked the same at the same time by chance
// have many more that do not.
type relation struct{ fit, alone uint64 }

func (r *relation) proven() bool { return r.fit >= proof && r.fit >= proofShare*r.alone }

// pair looks for the server's leg of a query that is over, and tells it. It is the one
// that fits, if nothing else can be it.
func (m *Matcher) pair(s *session.Session, x *exchange.Exchange, f *leg) {
	b, held := m.bound[f.conn]
	delete(m.bound, f.conn)
	if held = held && b.next == f.id; held && inTransaction(f) {
		m.hold(f, b.conn)
	}
	var best *leg
	n := 0
	whole := m.look(f.key, f.start, func(l *leg) {
		if l.server != f.server && l.start >= f.start && l.end <= f.end && !l.used && (!held || l.conn == b.conn) {
			best = l
			n++
		}
	})
	switch {
	case !whole || n > 1:
		return
	case n == 0:
		m.unmatched(f)
		return
	}
	if best.outcome != f.outcome || best.tx != f.tx || best.before != f.before && best.before != 0 && f.before != 0 || best.asked < f.asked {
		return
	}
	if !held && (m.otherAnswers(x, f, best) || m.otherAskers(x, f, best)) {
		return
	}
	r := m.relation(f.server, best.server)
	if r == nil {
		return
	}
	if r.fit++; !r.proven() {
		return
	}
	best.used, f.used, best.server.known = true, true, true
	if inTransaction(f) {
		m.hold(f, best.conn)
	}
	if !best.told {
		return // nobody has waited for this
	}
	record.SetPooled(s, x.ID, record.Pooled{Conn: best.conn, Query: best.id, Wait: best.asked - f.asked})
}

func inTransaction(f *leg) bool { return f.tx == 'T' || f.tx == 'E' }

// hold notes that a client's transaction holds a server's connection.
func (m *Matcher) hold(f *leg, conn uint64) {
	if len(m.bound) < maxBound {
		m.bound[f.conn] = bound{conn: conn, next: f.id + 1}
	}
}

// relation returns that of two addresses, nil where there are too many.
func (m *Matcher) relation(front, back *server) *relation {
	key := [2]*server{front, back}
	r := m.pairs[key]
	if r == nil && len(m.pairs) < maxRelations {
		r = new(relation)
		m.pairs[key] = r
		front.behind, back.before = append(front.behind, back), append(back.before, front)
	}
	return r
}

// unmatched notes that a query of an address had no other leg.
func (m *Matcher) unmatched(f *leg) {
	for _, back := range f.server.behind {
		if back.doubt < f.start {
			m.pairs[[2]*server{f.server, back}].alone++
		}
	}
}

// otherAnswers reports whether the query might have become another one than best: one
// whose end was not seen, or of which something was lost.
func (m *Matcher) otherAnswers(x *exchange.Exchange, f, best *leg) bool {
	if m.doubtful(x, f, best.server, f.start, f.end) {
		return true
	}
	for _, back := range f.server.behind {
		if back != best.server && m.doubtful(x, f, back, f.start, f.end) {
			return true
		}
	}
	return false
}

// otherAskers reports whether another query than x might have become best: what is known
// of one that went on may come late, after a loss, so both sides are to be without doubt.
func (m *Matcher) otherAskers(x *exchange.Exchange, f, best *leg) bool {
	found := false
	whole := m.look(f.key, best.end, func(l *leg) {
		found = found || l.server != best.server && !l.used && l.start <= best.start
	})
	if !whole || found || m.doubtful(x, f, f.server, 0, best.start) {
		return true
	}
	for _, front := range best.server.before {
		if front != f.server && m.doubtful(x, f, front, 0, best.start) {
			return true
		}
	}
	return false
}

// doubtful reports whether a connection to a server does, or did, what may be the query x,
// begun at since or later and until at the latest.
func (m *Matcher) doubtful(x *exchange.Exchange, f *leg, v *server, since, until int64) bool {
	if v.doubt >= f.start {
		return true
	}
	open := m.open[v.address]
	if open == nil {
		return false
	}
	if len(open.list) > maxOpen {
		return true
	}
	for _, s := range open.list {
		y := s.InFlight()
		if y == nil || y == x || y.Start.Time != 0 && (y.Start.Time < since || y.Start.Time > until) {
			continue
		}
		if y.SQL == nil || y.LostBytes > 0 || y.Missing != 0 || y.SQLLen == x.SQLLen && m.keyOf(y) == f.key {
			return true
		}
	}
	return false
}
