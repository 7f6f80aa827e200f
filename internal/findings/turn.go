package findings

// turn is what a client sent before it waited for all replies.
type turn struct {
	s                 *statement // nil where several were sent together
	first, start, end Stamp
	value             uint64
	values            [3]uint64 // hashes of its first values, which may be those of a source's rows
	rows              uint64
	exchanges         int
	server            int64
	think             int64
	took              int64 // from when the client began to ask, or to think where it went on at once
	id                uint64
	state             bool // it ended in an error
	txBefore, tx      byte
	rowInserted       bool
	own               bool
	bytes             uint64
	source            int32 // generation of the source that it is, 0: none
}

// takeTurn adds an exchange to the turn that it belongs to.
func (e *Engine) takeTurn(q *seenExchange) {
	c := q.c
	if c.turned && q.Pause < 0 && q.Start.Time <= c.turn.end.Time {
		t := &c.turn
		t.exchanges++
		t.end, t.tx = q.End, q.Tx
		t.rows += q.Rows
		if q.s != t.s {
			t.s = nil
		}
		return
	}
	e.endTurn(c, false)
	if q.Start.Time == 0 || q.End.Time == 0 || !q.Answered {
		e.endRun(c)
		return
	}
	c.turned = true
	c.turns++
	c.turn = turn{
		s: q.s, start: q.Start, first: q.FirstReply, end: q.End, value: q.value, rows: q.Rows, exchanges: 1, server: q.server,
		think: q.think, took: q.End.Time - q.from, id: q.ID, state: q.state != "", tx: q.Tx, own: q.own, bytes: q.Bytes,
	}
	if q.Pause >= 0 {
		c.turn.txBefore = q.PauseTx
	}
	if q.think >= 0 && q.think <= shortThink {
		c.turn.took += q.before
	}
	if q.s != nil && q.s.insertRow {
		c.turn.rowInserted = q.tag() == "INSERT 0 1"
	}
	if q.s != nil && q.s.isSelect {
		if c.turn.source = e.source(q); c.rows != nil && c.rows.generation > 0 {
			copy(c.turn.values[:], e.valuesOf(q))
		}
	}
}

// endTurn passes the turn that is over to the detectors; last is the one of its
// connection.
func (e *Engine) endTurn(c *conn, last bool) {
	if !c.turned {
		return
	}
	c.turned = false
	t := &c.turn
	if t.think < 0 || t.think > shortThink && !c.hiccup(t) {
		e.endRun(c)
	}
	e.inserting(c, t)
	e.chatting(c, t)
	if last && len(c.run) == 0 {
		return // a run of one
	}
	if c.run = append(c.run, *t); len(c.run) >= maxRun {
		e.endRun(c)
	}
}

const (
	// hiccupTime is the longest pause within a loop of a program that was held up: it
	// collected garbage, or had no processor.
	hiccupTime = 250 * millisecond
	// hiccupEach is how many turns there are, at least, for each such pause.
	hiccupEach = 5
)

// hiccup reports whether a turn goes on with the loop that its connection is in, after a
// pause that is long for one.
func (c *conn) hiccup(t *turn) bool {
	n := len(c.run)
	if t.think > hiccupTime || n < hiccupEach*(c.hiccups+1) || t.s == nil {
		return false
	}
	for i := n - hiccupEach + 1; i < n; i++ {
		if c.run[i].s != t.s {
			return false
		}
	}
	c.hiccups++
	return true
}

// maxRun bounds the turns of a run that are looked at together: 300 KB for a
// connection that never pauses.
const maxRun = 2048

// endRun judges the turns that followed each other without a pause.
func (e *Engine) endRun(c *conn) {
	if len(c.run) == 0 {
		return
	}
	e.loops(c, c.run)
	e.tripping(c, c.run)
	if cap(c.run) > 128 && len(c.run) < 32 {
		c.run = nil
	}
	c.run, c.hiccups = c.run[:0], 0
}
