// Package selection is what of a capture is shown: which connections, messages and
// queries. What is not shown is followed all the same.
//
// A [Selection] answers the questions, and a [Handler] is the one way to ask them: it
// stands before an output, whatever that is, and holds back what cannot be answered yet.
package selection

import (
	"regexp"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Selection is what is shown. The zero Selection is all. It belongs to the goroutine of
// the sessions.
type Selection struct {
	Within func(at int64) bool      // whether a time is shown, 0 that of the capture's end; nil: all are
	Kinds  *[messages.NumKinds]bool // nil: all
	// Replicated are messages inside CopyData, nil if none is named.
	Replicated  *[replication.NumKinds]bool
	Users       map[string]bool // nil: all, as for the following
	Databases   map[string]bool
	Apps        map[string]bool
	Clients     *Addresses
	Conns       map[uint64]bool
	MinDuration int64 // nanoseconds
	Errors      bool
	Grep        *regexp.Regexp

	// Matched tells that something was shown.
	Matched bool
	// Longest is how long the slowest took of the queries that only MinDuration keeps
	// from being shown, in nanoseconds; Grep was not asked.
	Longest int64

	text    fieldText
	decoded [messages.NumKinds]messages.Message
	errs    messages.ErrorResponse
	latest  decision
}

// decision is what was said of the latest query cycle: several outputs ask of one.
type decision struct {
	conn, query uint64
	shown       bool
}

// All reports whether nothing was deselected.
func (s *Selection) All() bool {
	return s.Within == nil && s.Kinds == nil && s.anyConn() && s.MinDuration == 0 && !s.Errors && s.Grep == nil
}

func (s *Selection) anyConn() bool {
	return s.Users == nil && s.Databases == nil && s.Apps == nil && s.Clients == nil && s.Conns == nil
}

// Conn reports whether a connection is shown. Before its startup packet its
// user is not known, and it is not shown.
func (s *Selection) Conn(c *session.Session) bool {
	if s.anyConn() {
		return true
	}
	i := c.Info()
	return (s.Users == nil || s.Users[i.User]) &&
		(s.Databases == nil || s.Databases[i.Database]) &&
		(s.Apps == nil || s.Apps[i.Application]) &&
		(s.Conns == nil || s.Conns[c.ID]) &&
		(s.Clients == nil || s.Clients.of(c))
}

// Ended reports whether a connection is shown that has ended.
func (s *Selection) Ended(c *session.Session) bool {
	shown := s.Conn(c) && (s.Within == nil || s.Within(c.Info().Ended.Time))
	if s.Kinds == nil && s.MinDuration == 0 && !s.Errors && s.Grep == nil && c.PostgreSQL() {
		s.Matched = s.Matched || shown
	}
	return shown
}

// Notice reports whether what is said of a connection is shown.
func (s *Selection) Notice(c *session.Session, n *session.Notice) bool {
	return s.Conn(c) && (s.Within == nil || s.Within(n.At.Time))
}

// Message reports whether a message is shown, but for the duration of its query.
func (s *Selection) Message(e *session.Event) bool {
	return (s.Kinds == nil || s.named(e)) && s.anyType(e)
}

// named reports whether --type names a message.
func (s *Selection) named(e *session.Event) bool {
	return s.Kinds[e.Kind] || e.Replication != nil && s.holds(&e.Replication.Meaning)
}

// anyType is Message without --type, which says nothing of what views derive.
func (s *Selection) anyType(e *session.Event) bool {
	if s.Within != nil && !s.Within(e.At.Time) {
		return false
	}
	if s.Errors && e.Kind != messages.KindErrorResponse && e.Kind != messages.KindErrorResponseV2 {
		return false
	}
	if !s.anyConn() && !s.Conn(e.Session) {
		return false
	}
	shown := s.Grep == nil || s.grepMessage(e)
	s.Matched = s.Matched || shown && s.MinDuration == 0 // else its query tells
	return shown
}

// Failure reports whether an error outside of queries is counted.
func (s *Selection) Failure(e *session.Event) bool {
	return (s.Within == nil || s.Within(e.At.Time)) && s.Conn(e.Session) && (s.Grep == nil || s.grepMessage(e))
}

func (s *Selection) grepMessage(e *session.Event) bool {
	m := s.decoded[e.Kind]
	if m == nil {
		m = e.Kind.New()
		s.decoded[e.Kind] = m
	}
	err := m.Decode(e.Body)
	s.text.reset(e.Exchange, e.Kind)
	messages.VisitDecoded(m, err, &s.text)
	return s.Grep.Match(s.text.buf)
}

// Exchange reports whether a query is shown.
func (s *Selection) Exchange(c *session.Session, x *exchange.Exchange) bool {
	if d := &s.latest; d.conn != c.ID || d.query != x.ID || x.ID == 0 {
		*d = decision{c.ID, x.ID, s.decide(c, x)}
	}
	return s.latest.shown
}

func (s *Selection) decide(c *session.Session, x *exchange.Exchange) bool {
	if s.Within != nil && !s.Within(x.End.Time) {
		return false
	}
	if s.Errors && x.Error == nil || !s.Conn(c) {
		return false
	}
	if !s.longEnough(x) {
		s.tooShort(x)
		return false
	}
	shown := s.Grep == nil || s.grepExchange(x)
	s.Matched = s.Matched || shown
	return shown
}

func (s *Selection) longEnough(x *exchange.Exchange) bool {
	if s.MinDuration == 0 {
		return true
	}
	ns, ok := x.Duration()
	return ok && ns >= s.MinDuration
}

// tooShort notes a query that only took too little time.
func (s *Selection) tooShort(x *exchange.Exchange) {
	if ns, ok := x.Duration(); ok {
		s.Longest = max(s.Longest, ns)
	}
}

func (s *Selection) grepExchange(x *exchange.Exchange) bool {
	t := &s.text
	t.reset(x, messages.KindBind)
	t.Text("sql", x.SQL)
	t.Text("statement", x.Statement)
	values, formats := x.Parameters()
	t.Values("params", values, formats)
	for i := range x.Results {
		t.Text("command_tag", x.Results[i].Tag)
	}
	if x.ErrorFields(&s.errs) {
		s.errs.Visit(t)
	}
	return s.Grep.Match(t.buf)
}

// holds reports whether a CopyData holds one of the messages that are named.
func (s *Selection) holds(m *replication.Meaning) bool {
	if s.Replicated == nil {
		return false
	}
	return m.Kind != replication.KindUnknown && s.Replicated[m.Kind] || m.Logical != replication.KindUnknown && s.Replicated[m.Logical]
}

// typed reports whether --type names the message of a record.
func (s *Selection) typed(m *record.Message) bool {
	return s.Kinds[m.Kind] || m.More != nil && m.More.Replication != nil && s.holds(m.More.Replication)
}

// Inside reports whether --type names messages of logical replication, or what holds
// them: then it selects among the changes that these make.
func (s *Selection) Inside() bool {
	if s.Replicated == nil {
		return false
	}
	for k, named := range s.Replicated {
		if named && (k == int(replication.KindWALData) || k >= int(replication.KindBegin)) {
			return true
		}
	}
	return false
}
