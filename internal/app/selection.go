package app

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// selectionFlags say what is shown. What is not shown is tracked all the same.
type selectionFlags struct {
	span        *span // nil for live
	types       []string
	users       []string
	databases   []string
	apps        []string
	clients     []string
	conns       []string
	minDuration time.Duration
	errors      bool
	grep        string
}

func (f *selectionFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringSliceVar(&f.types, "type", nil, "show only messages of the names in `LIST` (Query,ErrorResponse)")
	s.StringSliceVar(&f.users, "user", nil, "show only connections of the users in `LIST`")
	s.StringSliceVar(&f.databases, "database", nil, "show only connections to the databases in `LIST`")
	s.StringSliceVar(&f.apps, "app", nil, "show only connections with the application_names in `LIST`")
	s.StringSliceVar(&f.clients, "client", nil, "show only connections from the addresses in `LIST` (10.0.0.7, 10.0.0.0/8 or 10.0.0.7:51950)")
	s.StringSliceVar(&f.conns, "conn", nil, "show only connections with the numbers in `LIST`")
	s.DurationVar(&f.minDuration, "min-duration", 0, "show only queries that took at least `D` (250ms), and their messages")
	s.BoolVar(&f.errors, "errors", false, "show only errors: failed queries, ErrorResponse messages")
	s.StringVar(&f.grep, "grep", "", "show only what the regular expression `RE` matches in SQL, values and texts")
}

func (f *selectionFlags) check() error {
	if f.span == nil {
		return nil
	}
	return f.span.check()
}

// selection is the compiled form.
type selection struct {
	span  *span                    // nil: all
	kinds *[messages.NumKinds]bool // nil: all
	// replicated are messages inside CopyData, nil if none is named.
	replicated  *[replication.NumKinds]bool
	users       map[string]bool
	databases   map[string]bool
	apps        map[string]bool
	clients     *addresses
	conns       map[uint64]bool
	minDuration int64
	errors      bool
	grep        *regexp.Regexp
	text        fieldText
	decoded     [messages.NumKinds]messages.Message
	errs        messages.ErrorResponse
	matched     bool // it has shown something
	// longest is how long the slowest took of the queries that only minDuration keeps
	// from being shown, in nanoseconds; grep was not asked.
	longest int64
}

func (f *selectionFlags) compile() (s *selection, err error) {
	s = &selection{
		users: set(f.users), databases: set(f.databases), apps: set(f.apps),
		minDuration: int64(f.minDuration), errors: f.errors,
	}
	if f.span != nil && f.span.from.set {
		s.span = f.span
	}
	if f.minDuration < 0 {
		return nil, usageError("--min-duration %s: must not be negative", f.minDuration)
	}
	if len(f.types) > 0 {
		s.kinds = new([messages.NumKinds]bool)
		for _, name := range f.types {
			if k, ok := replicationKind(name); ok {
				if s.replicated == nil {
					s.replicated = new([replication.NumKinds]bool)
				}
				s.replicated[k] = true
				continue
			}
			k, ok := kindByName(name)
			if !ok {
				return nil, usageError("--type %s: no such message; names are those of PostgreSQL's manual, such as Query, DataRow, ErrorResponse", name)
			}
			s.kinds[k] = true
		}
	}
	for _, c := range f.conns {
		n, err := strconv.ParseUint(strings.TrimPrefix(c, "#"), 10, 64)
		if err != nil {
			return nil, usageError("--conn %s: must be a connection's number", c)
		}
		if s.conns == nil {
			s.conns = make(map[uint64]bool)
		}
		s.conns[n] = true
	}
	if s.clients, err = parseAddresses(f.clients); err != nil {
		return nil, err
	}
	if f.grep != "" {
		re, err := regexp.Compile(f.grep)
		if err != nil {
			return nil, usageError("--grep: %v", err)
		}
		s.grep = re
	}
	return s, nil
}

func set(list []string) map[string]bool {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]bool, len(list))
	for _, v := range list {
		m[v] = true
	}
	return m
}

func kindByName(name string) (messages.Kind, bool) {
	for k := range messages.NumKinds {
		if strings.EqualFold(messages.Kind(k).String(), name) {
			return messages.Kind(k), true
		}
	}
	return 0, false
}

// all reports whether nothing was deselected.
func (s *selection) all() bool {
	return s.span == nil && s.kinds == nil && s.anyConn() && s.minDuration == 0 && !s.errors && s.grep == nil
}

func (s *selection) anyConn() bool {
	return s.users == nil && s.databases == nil && s.apps == nil && s.clients == nil && s.conns == nil
}

// conn reports whether a connection is shown. Before its startup packet its
// user is not known, and it is not shown.
func (s *selection) conn(c *session.Session) bool {
	if s.anyConn() {
		return true
	}
	i := c.Info()
	return (s.users == nil || s.users[i.User]) &&
		(s.databases == nil || s.databases[i.Database]) &&
		(s.apps == nil || s.apps[i.Application]) &&
		(s.conns == nil || s.conns[c.ID]) &&
		(s.clients == nil || s.clients.of(c))
}

// ended reports whether a connection is shown that has ended.
func (s *selection) ended(c *session.Session) bool {
	shown := s.conn(c) && (s.span == nil || s.span.has(c.Info().Ended.Time))
	if s.kinds == nil && s.minDuration == 0 && !s.errors && s.grep == nil && c.PostgreSQL() {
		s.matched = s.matched || shown
	}
	return shown
}

// notice reports whether what is said of a connection is shown.
func (s *selection) notice(c *session.Session, n *session.Notice) bool {
	return s.conn(c) && (s.span == nil || s.span.has(n.At.Time))
}

// host is an address without its port and brackets.
func host(address string) string {
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		address = address[:i]
	}
	return strings.Trim(address, "[]")
}

// message reports whether a message is shown, but for the duration of its query.
func (s *selection) message(e *session.Event) bool {
	if s.kinds != nil && !s.kinds[e.Kind] && (e.Replication == nil || !s.holds(&e.Replication.Meaning)) {
		return false
	}
	return s.anyType(e)
}

// anyType is message without --type, which says nothing of what views derive.
func (s *selection) anyType(e *session.Event) bool {
	if s.span != nil && !s.span.has(e.At.Time) {
		return false
	}
	if s.errors && e.Kind != messages.KindErrorResponse && e.Kind != messages.KindErrorResponseV2 {
		return false
	}
	if !s.conn(e.Session) {
		return false
	}
	shown := s.grep == nil || s.grepMessage(e)
	s.matched = s.matched || shown && s.minDuration == 0 // else its query tells
	return shown
}

// failure reports whether an error outside of queries is counted.
func (s *selection) failure(e *session.Event) bool {
	return (s.span == nil || s.span.has(e.At.Time)) && s.conn(e.Session) && (s.grep == nil || s.grepMessage(e))
}

func (s *selection) grepMessage(e *session.Event) bool {
	m := s.decoded[e.Kind]
	if m == nil {
		m = e.Kind.New()
		s.decoded[e.Kind] = m
	}
	err := m.Decode(e.Body)
	s.text.reset(e.Exchange, e.Kind)
	messages.VisitDecoded(m, err, &s.text)
	return s.grep.Match(s.text.buf)
}

// exchange reports whether a query is shown.
func (s *selection) exchange(c *session.Session, x *exchange.Exchange) bool {
	if s.span != nil && !s.span.has(x.End.Time) {
		return false
	}
	if s.errors && x.Error == nil || !s.conn(c) {
		return false
	}
	if !s.longEnough(x) {
		s.tooShort(x)
		return false
	}
	shown := s.grep == nil || s.grepExchange(x)
	s.matched = s.matched || shown
	return shown
}

func (s *selection) longEnough(x *exchange.Exchange) bool {
	if s.minDuration == 0 {
		return true
	}
	ns, ok := x.Duration()
	return ok && ns >= s.minDuration
}

// tooShort notes a query that only took too little time.
func (s *selection) tooShort(x *exchange.Exchange) {
	if ns, ok := x.Duration(); ok {
		s.longest = max(s.longest, ns)
	}
}

func (s *selection) grepExchange(x *exchange.Exchange) bool {
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
	return s.grep.Match(t.buf)
}

// replicationKind finds a message inside CopyData by its name; XLogData is another
// name of WALData. Names of the protocol's own messages come first.
func replicationKind(name string) (replication.Kind, bool) {
	if _, ok := kindByName(name); ok {
		return 0, false
	}
	if strings.EqualFold(name, "XLogData") {
		return replication.KindWALData, true
	}
	for k := replication.KindUnknown + 1; k < replication.NumKinds; k++ {
		if strings.EqualFold(k.String(), name) {
			return k, true
		}
	}
	return 0, false
}

// holds reports whether a CopyData holds one of the messages that are named.
func (s *selection) holds(m *replication.Meaning) bool {
	if s.replicated == nil {
		return false
	}
	return m.Kind != replication.KindUnknown && s.replicated[m.Kind] || m.Logical != replication.KindUnknown && s.replicated[m.Logical]
}

// typed reports whether --type names the message of a record.
func (s *selection) typed(m *record.Message) bool {
	return s.kinds[m.Kind] || m.More != nil && m.More.Replication != nil && s.holds(m.More.Replication)
}

// inside reports whether --type names messages of logical replication, or what holds
// them: then it selects among the changes that these make.
func (s *selection) inside() bool {
	if s.replicated == nil {
		return false
	}
	for k, named := range s.replicated {
		if named && (k == int(replication.KindWALData) || k >= int(replication.KindBegin)) {
			return true
		}
	}
	return false
}
