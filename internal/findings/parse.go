package findings

import (
	"bytes"
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// minParses is how often one text has to be parsed to be worth telling.
	minParses = 50
	// minExecutions is how often it has to be executed.
	minExecutions = 5
	// maxParsed bounds the texts of a connection whose parses are counted, and
	// maxNamed its named statements.
	maxParsed = 256
	maxNamed  = 8192
	// leaking is how many statements alive are too many, leakingSame how many of
	// them with one text, leakingBadly what takes a backend's memory.
	leaking      = 100
	leakingSame  = 50
	leakingBadly = 1000
)

var (
	reparseChurn  = &code{name: "reparse_churn", finish: finishReparse}
	statementLeak = &code{name: "statement_leak", finish: finishLeak}
)

// parses is what a connection parses.
type parses struct {
	texts map[uint64]*parsedText
}

// parsedCounts is how often a text was parsed.
type parsedCounts struct {
	parses, named, executions uint64
	turns                     uint64 // parses that were waited for
	time                      int64  // of these
}

// parsedText is one text of a connection.
type parsedText struct {
	parsedCounts
	judged      parsedCounts // what is in a draft
	first, last Stamp
	parsedIn    uint64 // the exchange of its latest Parse, until it is executed
	s           *statement
	id          uint64
}

// named are the prepared statements that are alive on a connection.
type named struct {
	alive   map[uint64]uint64 // hash of text by hash of name
	texts   map[uint64]int    // how many with one text
	parses  uint64
	closes  uint64
	most    int    // alive at a time
	before  uint64 // closes until then: what a program closes when it ends leaked until then
	same    int    // most of one text
	sameOf  uint64 // hash of it
	s       map[uint64]*statement
	first   string
	latest  string
	begin   Stamp
	charged int
	judged  bool
	was     namedCounts // what is in a draft
}

type namedCounts struct{ alive, parses, closes, same uint64 }

// parsed takes a Parse.
func (e *Engine) parsed(c *conn, m *Message) {
	name, rest, ok := bytes.Cut(m.Body, []byte{0})
	if !ok {
		return
	}
	sql, _, _ := bytes.Cut(rest, []byte{0})
	if len(sql) == 0 {
		return
	}
	text := hashOf(sql)
	p := &c.parse
	t := p.texts[text]
	if t == nil && len(p.texts) < maxParsed {
		if p.texts == nil {
			p.texts = make(map[uint64]*parsedText)
		}
		t = &parsedText{first: m.First}
		p.texts[text] = t
	}
	if t != nil {
		t.parses++
		t.last, t.parsedIn = m.At, m.Query
		if len(name) > 0 {
			t.named++
		}
	}
	if len(name) > 0 {
		e.prepares(c, name, text, m.At)
	}
}

// prepares files a named statement.
func (e *Engine) prepares(c *conn, name []byte, text uint64, at Stamp) {
	n := &c.named
	if n.alive == nil {
		n.alive, n.texts, n.begin = make(map[uint64]uint64), make(map[uint64]int), at
		n.first = clean(name)
	}
	key := hashOf(name)
	n.parses++
	if old, ok := n.alive[key]; ok {
		n.texts[old]--
	} else if len(n.alive) >= maxNamed || !e.reserve(4) {
		return
	} else {
		n.charged += 4
	}
	n.alive[key] = text
	n.texts[text]++
	n.latest = clean(name)
	if len(n.alive) > n.most {
		n.most, n.before = len(n.alive), n.closes
	}
	if n.texts[text] > n.same {
		n.same, n.sameOf = n.texts[text], text
	}
}

func (n *named) drop(key uint64) {
	if text, ok := n.alive[key]; ok {
		delete(n.alive, key)
		if n.texts[text]--; n.texts[text] <= 0 {
			delete(n.texts, text)
		}
		n.closes++
	}
}

func (n *named) dropAll() {
	n.closes += uint64(len(n.alive))
	if !n.judged {
		n.most, n.same = 0, 0
	}
	clear(n.alive)
	clear(n.texts)
}

// closed takes a Close.
func (e *Engine) closed(c *conn, m *Message) {
	if len(m.Body) < 2 || m.Body[0] != 'S' || len(c.named.alive) == 0 {
		return
	}
	name, _, _ := bytes.Cut(m.Body[1:], []byte{0})
	c.named.drop(hashOf(name))
}

// prepared follows what an exchange tells of prepared statements.
func (e *Engine) prepared(q *seenExchange) {
	c := q.c
	if q.s == nil {
		return
	}
	switch q.s.verb {
	case "discard", "deallocate":
		if q.state == "" {
			c.removesBySQL(q)
		}
		return
	}
	if q.state != "" && q.FailedAt == messages.KindParse && len(q.Statement) > 0 {
		c.named.drop(hashOf(q.Statement))
	}
	if len(c.parse.texts) == 0 || q.SQL == nil || q.Statement == nil {
		return
	}
	text := hashOf(q.SQL)
	if n := &c.named; len(q.Statement) > 0 && n.same >= leakingSame && text == n.sameOf && (n.s == nil || n.s[text] == nil) {
		if n.s == nil || len(n.s) > 8 {
			n.s = make(map[uint64]*statement)
		}
		n.s[text] = q.s
	}
	if t := c.parse.texts[text]; t != nil {
		t.executions++
		if t.parsedIn != 0 && t.parsedIn != q.ID && q.Pause >= 0 {
			// Its Parse was answered before: the pause began with that.
			t.turns++
			t.time += max(q.Start.Time-q.Pause-t.last.Time, 0)
		}
		t.parsedIn = 0
		t.s = q.s
		if t.id == 0 {
			t.id = q.ID
		}
	}
}

// The shapes of preparing again and again.
const (
	parsedAlong  = iota // with the execution
	parsedApart         // in a round trip of its own
	parsedByName        // under a name that is dropped
)

func (t *parsedText) shape() int {
	switch {
	case t.named*2 >= t.parses || t.named*2 >= t.executions && t.named >= minParses:
		return parsedByName
	case t.turns*5 >= t.parses*4:
		return parsedApart
	}
	return parsedAlong
}

type reparseData struct {
	shape, texts              int
	s                         *statement
	parses, executions, named uint64
	turns                     uint64
	time                      int64
	rtt                       int64
}

// judgeParses makes drafts of what a connection parsed.
func (e *Engine) judgeParses(c *conn) {
	for _, text := range sortedKeys(c.parse.texts) {
		t := c.parse.texts[text]
		if t.parses < minParses || t.executions < minExecutions || t.executions >= 2*t.parses || t.s == nil || c.app.tool == toolDump {
			continue
		}
		d := e.draft(reparseChurn, c.app, uint64(t.shape()))
		if d == nil {
			continue
		}
		x, _ := d.data.(*reparseData)
		if x == nil {
			x = &reparseData{s: t.s, shape: t.shape()}
			d.data = x
		}
		o := &t.judged
		x.parses += t.parses - o.parses
		x.executions += t.executions - o.executions
		x.named += t.named - o.named
		x.turns += t.turns - o.turns
		x.time += t.time - o.time
		x.rtt = c.roundTrip()
		d.count = x.parses
		d.span(t.first)
		d.span(t.last)
		d.on(c)
		d.calls(t.s, t.executions-o.executions)
		if o.parses == 0 {
			x.texts++
			d.show(t.first, c, t.id, fmt.Sprintf("%s, %s", count(t.parses, "Parse"), count(t.executions, "execution")))
		}
		*o = parsedCounts{t.parses, t.named, t.executions, t.turns, t.time}
	}
	e.judgeNamed(c)
}

func finishReparse(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*reparseData)
	s, shape := Info, "in one round trip with each execution, but the server parses and plans each time"
	switch x.shape {
	case parsedByName:
		// The way back is a DEALLOCATE or Close, another round trip.
		d.cost.TimeNS = x.time + int64(x.turns+x.named)*x.rtt
		d.cost.RoundTrips = x.turns + x.named
		s, shape = d.byCost(e), "under a name that is used once and dropped"
	case parsedApart:
		d.cost.TimeNS = x.time + int64(x.turns)*x.rtt
		d.cost.RoundTrips = x.turns
		s, shape = d.byCost(e), "with a round trip of its own each time"
	}
	f = d.finding(s, Strong)
	f.Cost.Share = d.share()
	what := "one statement"
	if x.texts > 1 {
		what = count(len(d.queries), "statement")
	}
	f.Title = fmt.Sprintf("%s prepares %s again and again: %s for %s, %s", d.app.name(), what, count(x.parses, "Parse"), count(x.executions, "execution"), shape)
	f.Advice = reparseWays.of(d.app) + " Behind PgBouncer in transaction mode: version 1.21 with max_prepared_statements."
	return f, true
}

type leakData struct {
	alive, texts, parses, closes uint64
	worst                        int
	s                            *statement
	life                         int64
	first, last                  string
}

// judgeNamed makes a draft of a connection's prepared statements, if they are many.
func (e *Engine) judgeNamed(c *conn) {
	n := &c.named
	if n.most < leaking || n.same < leakingSame || n.before*2 > n.parses {
		return
	}
	s := n.s[n.sameOf]
	print := n.sameOf
	if s != nil {
		print = s.print
	}
	d := e.draft(statementLeak, c.app, print)
	if d == nil {
		return
	}
	x, _ := d.data.(*leakData)
	if x == nil {
		x = &leakData{s: s, first: n.first}
		d.data = x
	}
	again := n.judged
	x.alive += uint64(n.most) - n.was.alive
	x.texts = max(x.texts, uint64(len(n.texts)), 1)
	x.parses += n.parses - n.was.parses
	x.closes += n.before - n.was.closes
	d.calls(s, uint64(n.same)-n.was.same)
	n.judged, n.was = true, namedCounts{uint64(n.most), n.parses, n.before, uint64(n.same)}
	x.worst = max(x.worst, n.most)
	x.last = n.latest
	x.life = max(x.life, e.now-n.begin.Time)
	d.count = x.alive
	d.span(n.begin)
	d.span(Stamp{Time: e.now})
	d.on(c)
	if again {
		return
	}
	d.show(n.begin, c, 0, fmt.Sprintf("%s alive, the first %q, the last %q", count(n.most, "prepared statement"), n.first, n.latest))
}

func finishLeak(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*leakData)
	s := Warning
	if x.worst >= leakingBadly {
		s = Critical
	}
	f = d.finding(s, Strong)
	f.Title = fmt.Sprintf("%s never closes its prepared statements: %s alive on a connection, of %s; %s", d.app.name(), grouped(int64(x.worst)), count(x.texts, "text"), count(x.closes, "Close"))
	f.Advice = leakWays.of(d.app) + " Each takes some 10 to 100 kB of the backend's memory until the connection ends."
	return f, true
}
