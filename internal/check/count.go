package check

import (
	"bytes"
	"fmt"

	"github.com/pgsniff/pgsniff/internal/record"
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

func (c *counts) add(q *record.Query, trip bool, busy int64) {
	if c.queries == 0 {
		c.first, c.conn = q.Place(), q.Conn.ID
	}
	c.queries++
	if trip {
		c.trips++
	}
	c.rows += int64(q.Rows)
	c.bytes += int64(q.Bytes)
	if q.Error != nil {
		c.errors++
	}
	c.busy += busy
}

const (
	// maxThings bounds the connections, applications and sections that are counted;
	// a test has some.
	maxThings = 100_000
	// maxTransactions bounds the transactions that are kept for a budget: those that
	// break it.
	maxTransactions = 1000
)

// conn is a connection while it is open.
type conn struct {
	section string
	busyTo  int64
	tx      counts
	txs     int
}

// counter counts by all scopes.
type counter struct {
	budgets      []Budget
	all          counts
	connections  map[uint64]*counts
	names        map[uint64]string
	applications map[string]*counts
	sections     map[string]*counts
	open         map[uint64]*conn
	broken       []Broken // by transactions, which are many
	order        []uint64
	appOrder     []string
	sectionOrder []string
	Dropped      uint64
}

func newCounter(budgets []Budget) *counter {
	return &counter{
		budgets: budgets, connections: make(map[uint64]*counts), names: make(map[uint64]string),
		applications: make(map[string]*counts), sections: make(map[string]*counts), open: make(map[uint64]*conn),
	}
}

func (c *counter) query(q *record.Query) {
	if q.Skipped {
		return
	}
	k := c.open[q.Conn.ID]
	if k == nil {
		if len(c.open) >= maxThings {
			c.Dropped++
			return
		}
		k = &conn{}
		c.open[q.Conn.ID] = k
	}
	busy := int64(0)
	if q.Duration > 0 {
		busy = max(q.End.Time-max(q.Start.Time, k.busyTo), 0)
		k.busyTo = max(k.busyTo, q.End.Time)
	}
	// What is sent while another is being answered is no trip of its own.
	trip := q.Pause >= 0 || c.connections[q.Conn.ID] == nil || busy > 0 && busy == q.Duration
	c.all.add(q, trip, busy)
	c.connection(q).add(q, trip, busy)
	if a := c.named(c.applications, q.Who.Application, &c.appOrder); a != nil {
		a.add(q, trip, busy)
	}
	c.section(k, q, trip, busy)
	c.transaction(k, q, trip, busy)
}

func (c *counter) connection(q *record.Query) *counts {
	x := c.connections[q.Conn.ID]
	if x == nil {
		x = &counts{}
		c.connections[q.Conn.ID] = x
		c.order = append(c.order, q.Conn.ID)
		name := fmt.Sprintf("connection %d (%s", q.Conn.ID, q.Conn.Client)
		if q.Who.Application != "" {
			name += ", " + q.Who.Application
		}
		c.names[q.Conn.ID] = name + ")"
	}
	return x
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
func (c *counter) section(k *conn, q *record.Query, trip bool, busy int64) {
	name, alone := mark(q.SQL)
	if name == "" {
		for i := range q.Comment {
			if key := string(q.Comment[i].Name); key == "section" || key == "test" {
				name = string(q.Comment[i].Value)
			}
		}
	}
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
	if x := c.named(c.sections, name, &c.sectionOrder); x != nil {
		x.add(q, trip, busy)
	}
}

// mark finds a comment "section: NAME" or "test: NAME" in a statement, and tells
// whether there is nothing else in it. An empty NAME ends a section.
func mark(sql []byte) (name string, alone bool) {
	for at := 0; ; {
		i := bytes.IndexAny(sql[at:], "/-")
		if i < 0 {
			return "", false
		}
		at += i
		rest := sql[at:]
		var end, skip int
		switch {
		case bytes.HasPrefix(rest, []byte("/*")):
			length := bytes.Index(rest[2:], []byte("*/"))
			if length < 0 {
				return "", false
			}
			end, skip = length+2, length+4
		case bytes.HasPrefix(rest, []byte("--")):
			if end = bytes.IndexByte(rest, '\n'); end < 0 {
				end = len(rest)
			}
			skip = end
		default:
			at++
			continue
		}
		text := bytes.TrimSpace(rest[2:end])
		for _, word := range []string{"section:", "test:"} {
			if value, ok := bytes.CutPrefix(text, []byte(word)); ok {
				before := bytes.Trim(sql[:at], "; \t\r\n")
				after := bytes.Trim(rest[skip:], "; \t\r\n")
				return string(bytes.TrimSpace(value)), len(before)+len(after) == 0
			}
		}
		at += skip
	}
}

// transaction counts a query for the transaction that it is in.
func (c *counter) transaction(k *conn, q *record.Query, trip bool, busy int64) {
	k.tx.add(q, trip, busy)
	if q.Tx == 'T' || q.Tx == 'E' {
		return
	}
	k.txs++
	name := fmt.Sprintf("transaction %d of %s", k.txs, c.names[q.Conn.ID])
	for i := range c.budgets {
		if b := &c.budgets[i]; b.Scope == "transaction" && b.fits(q.Who.Application) {
			c.judge(b, name, &k.tx)
		}
	}
	k.tx = counts{}
}

func (c *counter) judge(b *Budget, name string, x *counts) {
	for _, m := range measures {
		limit, ok := b.limit(m)
		if got := x.of(m); ok && got > limit {
			if len(c.broken) >= maxTransactions {
				c.Dropped++
				return
			}
			c.broken = append(c.broken, Broken{Budget: b.title(), Scope: b.Scope, Name: name, Measure: m, Limit: limit, Got: got, At: x.first, Conn: x.conn})
		}
	}
}

// finish judges what is counted until the end.
func (c *counter) finish() []Broken {
	for i := range c.budgets {
		b := &c.budgets[i]
		switch b.Scope {
		case "capture":
			c.judge(b, "the capture", &c.all)
		case "connection":
			for _, id := range c.order {
				c.judge(b, c.names[id], c.connections[id])
			}
		case "application":
			c.each(b, "application", c.appOrder, c.applications)
		case "section":
			c.each(b, "section", c.sectionOrder, c.sections)
		}
	}
	return c.broken
}

func (c *counter) each(b *Budget, what string, order []string, m map[string]*counts) {
	for _, name := range order {
		if b.fits(name) {
			c.judge(b, fmt.Sprintf("%s %q", what, name), m[name])
		}
	}
}

func (c *counter) ended(id uint64) { delete(c.open, id) }
