package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// longIdle is how long a transaction may wait for its client without a remark;
	// veryIdle is a warning, and hours are critical even where nobody was seen to
	// wait.
	longIdle   = second
	veryIdle   = 10 * second
	tooIdle    = 300 * second
	minIdles   = 3
	maxTxTable = 16
	maxTxValue = 16
)

var idleInTransaction = &code{name: "idle_in_transaction", finish: finishIdle}

// transaction is what a connection's open transaction has done.
type transaction struct {
	id     uint64 // counts those of the connection; 0: none is open
	count  uint64
	start  int64
	tables []table
	values []uint64
	idle   int64 // of the client
	last   *statement
	lastID uint64
	wrote  bool
	block  block
	idles  []*draft // that its silence was noted in
	// statements are those that succeeded, the first of them.
	statements []*statement
}

// endedTx is a transaction that is over, for those who waited for it.
type endedTx struct {
	list [128]finishedTx
	next int
}

type finishedTx struct {
	id        uint64 // 0: nothing is filed here
	start     int64
	from, end int64 // of its last statement
	prompt    bool  // that was answered as usual
	tables    []table
	values    []uint64
	idle      int64
	last      *statement
	lastID    uint64
	app       *app
	client    string
	connID    uint64
	frame     uint64
	idleDraft *draft
	alone     bool   // a statement by itself
	root      *draft // the silent transaction that it waited for itself
}

// transacts follows the transaction that an exchange belongs to.
func (e *Engine) transacts(q *seenExchange) {
	c, x := q.c, &q.c.tx
	if q.Start.Time == 0 {
		return
	}
	in := q.Tx == 'T' || q.Tx == 'E'
	if x.id == 0 && (in || q.PauseTx == 'T' || q.PauseTx == 'E' || q.s != nil && len(q.s.tables) > 0) {
		x.count++
		x.id, x.start = x.count, q.Start.Time
		x.statements = x.statements[:0]
		x.tables, x.values, x.idle, x.wrote, x.last, x.idles = x.tables[:0], x.values[:0], 0, false, nil, nil
	}
	if x.id == 0 {
		return
	}
	if q.s != nil && q.state == "" {
		e.touches(q)
	}
	switch {
	case in:
		return
	case q.Tx == 'I', q.Tx == 0 && q.s != nil && q.s.ends:
		e.endTx(c, q)
	}
}

// calls adds the statements of a transaction that was in vain.
func (x *transaction) calls(d *draft) {
	if x.id == 0 {
		return
	}
	for _, s := range x.statements {
		d.calls(s, 1)
	}
}

// touches notes the tables and values of a statement.
func (e *Engine) touches(q *seenExchange) {
	x := &q.c.tx
	for _, t := range q.s.tables {
		x.touch(t)
	}
	if q.s.writes() {
		x.wrote = true
	}
	if len(x.values) < maxTxValue && q.s.writes() {
		for _, v := range e.valuesOf(q) {
			if len(x.values) < maxTxValue {
				x.values = append(x.values, v)
			}
		}
	}
	if q.s.ends || q.s.begins {
		return
	}
	x.last, x.lastID = q.s, q.ID
	if len(x.statements) < maxTxTable {
		x.statements = append(x.statements, q.s)
	}
}

func (x *transaction) touch(t table) {
	for i := range x.tables {
		if x.tables[i].name == t.name {
			x.tables[i].use |= t.use
			return
		}
	}
	if len(x.tables) < maxTxTable {
		x.tables = append(x.tables, t)
	}
}

// endTx files the transaction that u ended.
func (e *Engine) endTx(c *conn, q *seenExchange) {
	x := &c.tx
	s := c.server
	f := &s.ended.list[s.ended.next]
	s.ended.next = (s.ended.next + 1) % len(s.ended.list)
	tables, values := f.tables[:0], f.values[:0]
	*f = finishedTx{
		id: x.id, start: x.start, from: q.Start.Time, end: q.End.Time, prompt: q.server >= 0 && q.server < waitTime/2,
		idle: x.idle, last: x.last, lastID: x.lastID, app: c.app, client: c.Client, connID: c.ID, frame: q.End.Frame,
		alone: x.start == q.Start.Time,
	}
	f.tables, f.values = append(tables, x.tables...), append(values, x.values...)
	if len(x.idles) > 0 {
		f.idleDraft = x.idles[0]
	}
	x.id = 0
}

func endedByServer(state string) string { return "the server ended it (" + state + ")" }

// silentUntil returns until when the client of a transaction was silent that was open in
// the end, and what ended that: the server, which tells it to a client that may not look
// for long, the client, or the capture.
func (c *conn) silentUntil(at Stamp, open bool) (until Stamp, how string) {
	how = "the end of the connection"
	if open {
		how = "the end of the capture"
	}
	if c.gone.server != 0 && c.gone.server < at.Time {
		at = Stamp{Time: c.gone.server}
	}
	if c.gone.fatal != "" && c.gone.fatalAt.Time <= at.Time {
		at, how = c.gone.fatalAt, endedByServer(c.gone.fatal)
	}
	return at, how
}

// leaves files the transaction of a connection that is over; open tells that it is not, and
// the capture is.
func (e *Engine) leaves(c *conn, at Stamp, open bool) {
	if c.tx.id != 0 && (c.lastTx == 'T' || c.lastTx == 'E') {
		if !c.lossy && !c.waiting { // else it may have asked for something
			until, how := c.silentUntil(at, open)
			e.idle(c, until, until.Time-c.lastEnd.Time, how)
		}
		q := &seenExchange{Exchange: &Exchange{Start: at, End: at}, c: c, server: 0}
		e.endTx(c, q)
	}
}

type idleData struct {
	idles     int
	longest   int64
	sum       int64
	killed    int // by the server's idle_in_transaction_session_timeout
	wrote     bool
	last      *statement
	waiters   uint64
	waited    int64
	waiterApp map[string]bool
	tables    []table
}

// paused looks at the pause before an exchange.
func (e *Engine) paused(q *seenExchange) {
	c := q.c
	if q.Pause >= 0 && (q.PauseTx == 'T' || q.PauseTx == 'E') {
		until := q.Start
		if q.from < until.Time {
			until = Stamp{Time: q.from}
		}
		c.tx.idle += q.think
		how := "the next statement"
		if q.s != nil && q.s.ends {
			how = "COMMIT"
			if q.s.rollback {
				how = "ROLLBACK"
			}
		}
		silent := q.before
		if end := c.gone.fatalAt; c.gone.fatal != "" && end.Time >= c.lastEnd.Time && end.Time < until.Time {
			until, how = end, endedByServer(c.gone.fatal)
			silent = end.Time - c.lastEnd.Time
		}
		e.idle(c, until, silent, how)
	}
}

// idle notes that the client of an open transaction was silent.
func (e *Engine) idle(c *conn, until Stamp, silent int64, how string) {
	if silent < longIdle || c.lastEnd.Time == 0 || c.app.tool == toolDump || c.Replication {
		return
	}
	d := e.draft(idleInTransaction, c.app, 0)
	if d == nil {
		return
	}
	x, _ := d.data.(*idleData)
	if x == nil {
		x = &idleData{waiterApp: make(map[string]bool)}
		d.data = x
	}
	x.idles++
	x.sum += silent
	x.longest = max(x.longest, silent)
	if c.gone.fatal == idleTxTimeout {
		x.killed++
	}
	x.wrote = x.wrote || c.tx.wrote
	if x.last == nil || c.tx.wrote {
		x.last = c.tx.last
	}
	for _, t := range c.tx.tables {
		if t.use&(writes|locks|alters) != 0 && len(x.tables) < maxTxTable && !hasTable(x.tables, t.name) {
			x.tables = append(x.tables, t)
		}
	}
	d.note(c.lastEnd)
	d.span(until)
	d.on(c)
	if c.tx.last != nil {
		d.calls(c.tx.last, 1)
	}
	d.cost.TimeNS += silent
	if len(c.tx.idles) == 0 {
		c.tx.idles = append(c.tx.idles, d)
	}
	d.show(c.lastEnd, c, c.lastID, fmt.Sprintf("silent for %s after %s, then %s", units.Duration(silent), brief(c.tx.last, 60), how))
}

func hasTable(list []table, name string) bool {
	for i := range list {
		if list[i].name == name {
			return true
		}
	}
	return false
}

func finishIdle(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*idleData)
	s := Info
	switch {
	case x.waiters > 0 && x.waited >= second || x.longest >= tooIdle && x.wrote:
		s = Critical
	case x.waiters > 0, x.killed > 0, x.longest >= veryIdle && x.wrote, x.idles >= minIdles && x.wrote, x.longest >= tooIdle:
		s = Warning
	}
	d.cost.TimeNS = x.sum + x.waited
	f = d.finding(s, Strong)
	f.Title = fmt.Sprintf("%s keeps transactions open while it does something else: %s in %s, %s at most", d.app.name(), units.Duration(x.sum), count(x.idles, "pause"), units.Duration(x.longest))
	if x.waiters > 0 {
		f.Title += fmt.Sprintf("; %s of others waited %s for it", count(x.waiters, "statement"), units.Duration(x.waited))
	}
	if x.killed > 0 {
		f.Confidence = Certain
		f.Title += fmt.Sprintf("; the server ended %s for it (idle_in_transaction_session_timeout, 25P03)", count(x.killed, "connection"))
	}
	f.Advice = idleWays.of(d.app)
	return f, true
}
