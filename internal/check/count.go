package check

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqltext"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// counts are the measures of one thing.
type counts struct {
	queries, trips, rows, bytes, errors, busy int64
	first                                     record.Stamp
	conn                                      uint64
}

func (c *counts) of(measure string) int64 {
	switch measure {
	case "queries":
		return c.queries
	case "round_trips":
		return c.trips
	case "rows":
		return c.rows
	case "bytes":
		return c.bytes
	case "errors":
		return c.errors
	}
	return c.busy
}

// cost is what one query takes.
type cost struct{ trips, busy int64 }

func (c *counts) add(q *record.Query, x cost) {
	if c.queries == 0 {
		c.first, c.conn = q.Place(), q.Conn.ID
	}
	c.queries++
	c.trips += x.trips
	c.rows += int64(q.Rows)
	c.bytes += int64(q.Bytes + q.CopyBytes)
	if q.Error != nil {
		c.errors++
	}
	c.busy += x.busy
}

const (
	// maxThings bounds the connections, applications and sections that are counted;
	// a test has some.
	maxThings = 100_000
	// maxName is how much is kept of a section's name, in bytes.
	maxName = 256
	// maxBroken bounds the connections, transactions and others that are told of: those
	// that break a budget.
	maxBroken = 1000
)

// conn is a connection while it is open.
type conn struct {
	name    string
	app     string // of its latest query
	section string
	busyTo  int64
	asked   int64 // when the first Parse or Close came since the latest query; 0: none
	all, tx counts
	txs     int
}

// counter counts by all scopes.
type counter struct {
	budgets      []Budget
	all          counts
	applications map[string]*counts
	sections     map[string]*counts
	open         map[uint64]*conn
	broken       []Broken
	appOrder     []string
	sectionOrder []string
	Dropped      uint64
}

func newCounter(budgets []Budget) *counter {
	return &counter{
		budgets: budgets, applications: make(map[string]*counts), sections: make(map[string]*counts), open: make(map[uint64]*conn),
	}
}

func (c *counter) query(q *record.Query) {
	if q.Skipped {
		return
	}
	k := c.connectionOf(q.Conn.ID)
	if k == nil {
		return
	}
	if app := q.Who.Application; k.name == "" || app != k.app {
		k.app = app
		k.name = fmt.Sprintf("connection %d (%s", q.Conn.ID, q.Conn.Client)
		if app != "" {
			k.name += ", " + app
		}
		k.name += ")"
	}
	x := k.cost(q)
	c.all.add(q, x)
	k.all.add(q, x)
	if a := c.named(c.applications, q.Who.Application, &c.appOrder); a != nil {
		a.add(q, x)
	}
	c.section(k, q, x)
	k.tx.add(q, x)
	if q.Tx != 'T' && q.Tx != 'E' {
		c.transaction(k)
	}
}

// cost is what a query adds to its connection's round trips, and to the time that was waited
// for replies.
func (k *conn) cost(q *record.Query) (x cost) {
	asked := k.asked
	k.asked = 0
	if q.Duration > 0 {
		x.busy = max(q.End.Time-max(q.Start.Time, k.busyTo), 0)
		k.busyTo = max(k.busyTo, q.End.Time)
	}
	// What is sent while another is being answered is no trip of its own.
	if q.Pause >= 0 || k.all.queries == 0 || x.busy > 0 && x.busy == q.Duration {
		x.trips = 1
	}
	// The pause begins with the latest reply: what was asked before that was one to a Parse or
	// a Close that was waited for.
	if answered := q.Start.Time - q.Pause; q.Pause >= 0 && asked != 0 && asked < answered {
		x.trips++
		x.busy += answered - asked
	}
	return x
}

// connectionOf returns the connection with a number, nil if there is no room.
func (c *counter) connectionOf(id uint64) *conn {
	k := c.open[id]
	if k == nil {
		if len(c.open) >= maxThings {
			c.Dropped++
			return nil
		}
		k = &conn{}
		c.open[id] = k
	}
	return k
}

// message takes a message that may be a round trip of its own.
func (c *counter) message(m *record.Message) {
	if m.Kind != messages.KindParse && m.Kind != messages.KindClose {
		return
	}
	if k := c.connectionOf(m.Conn.ID); k != nil && k.asked == 0 {
		k.asked = m.At.Time
		if m.More != nil && m.More.First.Time != 0 {
			k.asked = m.More.First.Time
		}
	}
}

func (c *counter) named(m map[string]*counts, name string, order *[]string) *counts {
	x := m[name]
	if x == nil {
		if len(m) >= maxThings {
			c.Dropped++
			return nil
		}
		x = &counts{}
		m[name] = x
		*order = append(*order, name)
	}
	return x
}

// section counts a query for the section that its connection is in. A statement
// that is nothing but a mark begins one, and is not counted.
func (c *counter) section(k *conn, q *record.Query, x cost) {
	name, alone := mark(q.SQL, q.Escapes())
	if name == "" {
		for i := range q.Comment {
			if key := string(q.Comment[i].Name); key == "section" || key == "test" {
				name = string(q.Comment[i].Value)
			}
		}
	}
	name = name[:min(len(name), maxName)]
	if alone {
		k.section = name
		return
	}
	if name == "" {
		name = k.section
	}
	if name == "" {
		return
	}
	if of := c.named(c.sections, name, &c.sectionOrder); of != nil {
		of.add(q, x)
	}
}

// marks are what a comment that names a section begins with.
var marks = [][]byte{[]byte("section:"), []byte("test:")}

// mark finds a comment "section: NAME" or "test: NAME" in a statement, and tells
// whether there is nothing else in it. An empty NAME ends a section. Escapes tells that
// backslashes in its plain constants are escapes.
func mark(sql []byte, escapes bool) (name string, alone bool) {
	if !bytes.Contains(sql, marks[0]) && !bytes.Contains(sql, marks[1]) {
		return "", false
	}
	l := sqltext.Lexer{Src: sql, Escapes: escapes}
	for {
		from := l.Pos
		t := l.Next()
		for c := range sqltext.Comments(sql, from, t.Start) {
			text := bytes.TrimSpace(c.Text(sql))
			for _, word := range marks {
				if value, ok := bytes.CutPrefix(text, word); ok {
					before := bytes.Trim(sql[:c.Start], "; \t\r\n")
					after := bytes.Trim(sql[c.End:], "; \t\r\n")
					return string(bytes.TrimSpace(value)), len(before)+len(after) == 0
				}
			}
		}
		if t.Kind == sqltext.EOF {
			return "", false
		}
	}
}

// transaction judges a connection's transaction that is over.
func (c *counter) transaction(k *conn) {
	k.txs++
	for i := range c.budgets {
		if b := &c.budgets[i]; b.Scope == "transaction" && b.fits(k.app) {
			c.judge(i, fmt.Sprintf("transaction %d of %s", k.txs, k.name), &k.tx)
		}
	}
	k.tx = counts{}
}

// connection judges a connection that is over.
func (c *counter) connection(k *conn) {
	if k.tx.queries > 0 {
		c.transaction(k) // it ended with the connection
	}
	for i := range c.budgets {
		if b := &c.budgets[i]; b.Scope == "connection" && b.fits(k.app) {
			c.judge(i, k.name, &k.all)
		}
	}
}

// judge compares what was counted of a thing with a budget.
func (c *counter) judge(budget int, name string, x *counts) {
	b := &c.budgets[budget]
	for _, m := range measures {
		limit, ok := b.limit(m)
		if got := x.of(m); ok && got > limit {
			if len(c.broken) >= maxBroken {
				c.Dropped++
				return
			}
			c.broken = append(c.broken, Broken{
				Budget: b.title(), Scope: b.Scope, Name: name, Measure: m, Limit: limit, Got: got, At: x.first, Conn: x.conn, budget: budget,
			})
		}
	}
}

// finish judges what is counted until the end, and returns what is broken in the order of
// the budgets, that of connections in the order of their first queries.
func (c *counter) finish() []Broken {
	ids := make([]uint64, 0, len(c.open))
	for id := range c.open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c.connection(c.open[id])
	}
	clear(c.open)
	for i := range c.budgets {
		switch c.budgets[i].Scope {
		case "capture":
			c.judge(i, "the capture", &c.all)
		case "application":
			c.each(i, "application", c.appOrder, c.applications)
		case "section":
			c.each(i, "section", c.sectionOrder, c.sections)
		}
	}
	order.StableBy(c.broken, func(a, b *Broken) int {
		if a.budget != b.budget {
			return a.budget - b.budget
		}
		return cmp.Compare(a.At.Time, b.At.Time)
	})
	return c.broken
}

func (c *counter) each(budget int, what string, names []string, m map[string]*counts) {
	for _, name := range names {
		if c.budgets[budget].fits(name) {
			c.judge(budget, fmt.Sprintf("%s %q", what, name), m[name])
		}
	}
}

// ended takes the end of a connection.
func (c *counter) ended(id uint64) {
	if k := c.open[id]; k != nil {
		c.connection(k)
		delete(c.open, id)
	}
}
