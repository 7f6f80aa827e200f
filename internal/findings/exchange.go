package findings

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// seenExchange is a query cycle with what is concluded of it.
type seenExchange struct {
	*Exchange
	c      *conn
	s      *statement // nil where nothing is known of its text
	uses   *uses      // nil likewise
	state  string     // SQLSTATE
	value  uint64     // of its parameters and constants together
	dur    int64      // Unknown where an end was not seen
	wait   int64      // to the first reply byte
	server int64      // of wait, without what the network explains
	lost   int64      // of wait, what retransmission explains
	queue  int64      // of wait, what it waited for a connection of its pooler
	// lostLater is what retransmission explains of the time after the first reply.
	lostLater int64
	think     int64 // of the client before it, Unknown where it did not wait
	// from is when the client began to ask: with its first request, or that of a round trip
	// of its own just before, which prepared the statement or closed another one. before is
	// how long the client was silent until then, 0 where that is not known.
	from, before int64
	own          bool // the driver's, not the application's
}

// prepare concludes what detectors need.
func (e *Engine) prepare(q *seenExchange) {
	c := q.c
	c.exchanges++
	c.app.exchanges++
	q.dur, q.wait, q.server, q.think = Unknown, Unknown, Unknown, Unknown
	if q.Start.Time != 0 {
		if q.End.Time != 0 {
			q.dur = q.End.Time - q.Start.Time
		}
		if q.FirstReply.Time != 0 {
			q.wait = q.FirstReply.Time - q.Start.Time
			q.lost = c.net.explains(q.Start.Time, q.FirstReply.Time)
			q.server = max(q.wait-c.rtt[0]-q.lost, 0)
			if q.dur >= 0 {
				q.lostLater = c.net.explains(q.FirstReply.Time, q.End.Time)
			}
		}
	}
	q.pauses()
	if q.Error != nil {
		x := exchange.Exchange{Error: q.Error}
		q.state = string(x.SQLState())
	}
	q.value = e.valueOf(q)
	q.own = c.app.tool == toolDump || q.s != nil && (q.s.catalog || q.s.setup || q.s.ping) && c.exchanges <= 10 || q.s != nil && q.s.catalog
	if q.own {
		c.own++
	}
	q.uses = e.usesOf(q)
	c.learnDriver(q)
	if q.dur >= 0 {
		from := q.from
		if q.think >= 0 && q.think <= shortThink && from == q.Start.Time {
			from -= q.before
		}
		c.app.busy += max(q.End.Time-max(from, c.busyTo), 0)
		c.busyTo = max(c.busyTo, q.End.Time)
	}
}

// asks notes when the client began to ask for what comes next.
func (c *conn) asks(m *Message) {
	if c.askedAt == 0 {
		c.askedAt = m.First.Time
	}
}

// pauses concludes how long the client was silent before. The pause that is told begins
// with the latest reply, which may be that to a Parse.
func (q *seenExchange) pauses() {
	c := q.c
	q.from = q.Start.Time
	if q.Pause >= 0 {
		q.think = max(q.Pause-c.rtt[1], 0)
		q.before = q.think
		if asked, end := c.askedAt, c.lastEnd.Time; asked != 0 && end != 0 && !c.missed && asked >= end && asked < q.Start.Time-q.Pause {
			q.from, q.before = asked, max(asked-end-c.rtt[1], 0)
			q.think += q.before
		}
	}
	c.askedAt, c.missed = 0, false
}

// shortThink is the longest pause of a program that goes on at once.
const shortThink = 20 * millisecond

// valueOf hashes what differs between executions of one statement: its parameters,
// or its text.
func (e *Engine) valueOf(q *seenExchange) uint64 {
	if !q.HasParams {
		return hashOf(q.SQL)
	}
	h := uint64(1)
	for _, v := range q.Params {
		h = hashInt(int64(h)) + hashOf(v) + uint64(len(v))
	}
	return h
}

// hashOf is a hash that is the same in each run, so that the output is.
func hashOf(b []byte) uint64 { return sqlnorm.Fingerprint(b) }

// sqlText returns whether the text of an exchange holds its constants itself.
func (q *seenExchange) literal() bool {
	return q.SQL != nil && q.s != nil && q.s.constants && q.s.dml && (!q.HasParams || q.Params.Len() == 0)
}

// tag is the command tag of the last result.
func (q *seenExchange) tag() string {
	if n := len(q.Results); n > 0 {
		return string(q.Results[n-1].Tag)
	}
	return ""
}

func (q *seenExchange) suspended() bool {
	n := len(q.Results)
	return n > 0 && q.Results[n-1].Suspended
}

// errorText is the message of the exchange's error.
func (q *seenExchange) errorField(kind byte) string { return errorField(q.Error, kind) }

// errorField returns a field of an ErrorResponse's body.
func errorField(body []byte, kind byte) string {
	for len(body) > 1 && body[0] != 0 {
		n := 1
		for n < len(body) && body[n] != 0 {
			n++
		}
		if body[0] == kind {
			return string(body[1:n])
		}
		if n >= len(body) {
			return ""
		}
		body = body[n+1:]
	}
	return ""
}

// usesKey names a statement of an application.
type usesKey struct {
	app   *app
	print uint64
}

// uses is how an application uses a statement.
type uses struct {
	app   *app
	s     *statement
	calls uint64
	time  sample // server time, in nanoseconds
	// first is the server time of the first execution on each connection, later
	// that of the others.
	first []int64
	later sample
	// moments is how many of the slow ones did not begin during another, as all do that
	// a program begins with, which is busy then; firstEnd is the end of the latest.
	moments  int
	firstEnd int64
	text     texts
	width    *width
	// common are values that its executions which took long have in common.
	common []uint64
}

func (e *Engine) usesOf(q *seenExchange) *uses {
	if q.s == nil {
		return nil
	}
	x := q.s.latest
	if x != nil && x.app == q.c.app {
		x.calls++
		return x
	}
	key := usesKey{q.c.app, q.s.print}
	if x = e.uses[key]; x == nil {
		if len(e.uses) >= maxAppStatements {
			e.Dropped++
			return nil
		}
		x = &uses{app: q.c.app, s: q.s}
		e.uses[key] = x
		q.c.app.learnMapper(q.s)
	}
	q.s.latest = x
	x.calls++
	return x
}

// detect passes an exchange to the detectors.
func (e *Engine) detect(q *seenExchange) {
	c := q.c
	if q.Skipped {
		return
	}
	if c.start.ready.Time == 0 && q.Start.Time != 0 {
		e.startedUp(c, q.Start)
	}
	if c.gone.server != 0 && q.Start.Time > c.gone.server {
		e.wroteToClosed(c, q.Start)
	}
	e.paused(q)
	e.takeTurn(q)
	e.failing(q)
	e.result(q)
	e.fetching(q)
	e.prepared(q)
	e.literals(q)
	e.planned(q)
	e.firstUse(q)
	e.transacts(q)
	e.waited(q)
	e.networked(q)
	e.pooled(q)
	e.slowest(q)
	if q.uses != nil && q.server >= 0 && q.state == "" {
		q.uses.time.add(q.server)
	}
	if q.End.Time > c.lastEnd.Time && q.Answered {
		c.lastEnd = q.End
	}
	if q.Tx != 0 {
		c.lastTx = q.Tx
	}
	c.waiting = !q.Answered
	c.last, c.lastID = q.s, q.ID
}

// number returns a value's canonical hash: that of a whole number is the same in
// text and in binary.
func (e *Engine) number(v []byte, format int16) uint64 {
	if format == 1 {
		switch len(v) {
		case 2:
			return hashInt(int64(int16(binary.BigEndian.Uint16(v))))
		case 4:
			return hashInt(int64(int32(binary.BigEndian.Uint32(v))))
		case 8:
			return hashInt(int64(binary.BigEndian.Uint64(v)))
		}
		return hashOf(v)
	}
	if n, ok := parseInt(v); ok {
		return hashInt(n)
	}
	return hashOf(v)
}

func hashInt(n int64) uint64 {
	x := uint64(n) * 0x9e3779b97f4a7c15
	return x ^ x>>29
}

func parseInt(v []byte) (n int64, ok bool) {
	digits := v
	if len(v) > 0 && v[0] == '-' {
		digits = v[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(v) {
		n = -n
	}
	return n, true
}

// maxValues bounds the values of one execution that are compared with others.
const maxValues = 8

// valuesOf returns hashes of the values of an execution: its parameters, or the
// constants in its text. They are borrowed until the next call.
func (e *Engine) valuesOf(q *seenExchange) []uint64 {
	e.values = e.values[:0]
	if q.HasParams && q.Params.Len() > 0 {
		for i, v := range q.Params[:min(len(q.Params), maxValues)] {
			if v != nil {
				e.values = append(e.values, e.number(v, messages.FormatOf(q.Formats, i)))
			}
		}
		return e.values
	}
	e.constants(q.SQL)
	return e.values
}

// ofConstants are the bytes that constants, and names in quotes, begin with.
const ofConstants = `'"0123456789`

// constants finds the numbers and strings of a text.
func (e *Engine) constants(sql []byte) {
	sql = sql[:min(len(sql), maxText)]
	for i := 0; i < len(sql) && len(e.values) < maxValues; {
		at := bytes.IndexAny(sql[i:], ofConstants)
		if at < 0 {
			return
		}
		from := i + at
		c := sql[from]
		switch {
		case c == '\'' || c == '"':
			n := bytes.IndexByte(sql[from+1:], c)
			if n < 0 {
				n = len(sql) - from - 1
			}
			if c == '\'' {
				e.values = append(e.values, e.number(sql[from+1:from+1+n], 0))
			}
			i = from + n + 2
		case from > 0 && isWord[sql[from-1]]: // the digit of a name, or of a parameter
			for i = from; i < len(sql) && isWord[sql[i]]; i++ {
			}
		default:
			for i = from; i < len(sql) && (isWord[sql[i]] || sql[i] == '.'); i++ {
			}
			e.values = append(e.values, e.number(sql[from:i], 0))
		}
	}
}

// tool is a program that is known by its name and asks what no application asks.
type tool uint8

const (
	toolNone   tool = iota
	toolDump        // pg_dump, pg_restore and the like
	toolBench       // pgbench
	toolPerson      // psql, pgAdmin
)

func toolOf(application string) tool {
	name := strings.ToLower(application)
	switch {
	case strings.HasPrefix(name, "pg_dump"), strings.HasPrefix(name, "pg_restore"), strings.HasPrefix(name, "pg_basebackup"),
		strings.HasPrefix(name, "pg_receivewal"), name == "vacuumdb", name == "reindexdb", name == "pg_amcheck", name == "pg_upgrade":
		return toolDump
	case name == "pgbench":
		return toolBench
	case name == "psql", strings.HasPrefix(name, "pgadmin"), strings.HasPrefix(name, "dbeaver"):
		return toolPerson
	}
	return toolNone
}

// failed takes an error message that no query cycle ends in.
func (e *Engine) failed(c *conn, m *Message) {
	if m.Query != 0 {
		if m.Phase == messages.PhaseCopyBoth && errorField(m.Body, messages.FieldSQLState) != "" {
			e.fatal(c, m)
		}
		return
	}
	e.fatal(c, m)
}
