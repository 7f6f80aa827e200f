package findings

import "slices"

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
	number            uint64 // among those of its connection
	state             bool   // it ended in an error
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
		think: q.think, took: q.End.Time - q.from, id: q.ID, number: c.turns, state: q.state != "", tx: q.Tx, own: q.own, bytes: q.Bytes,
	}
	if q.Pause >= 0 {
		c.turn.txBefore = q.PauseTx
	}
	if q.think >= 0 && q.think <= shortThink {
		c.turn.took += q.before
	}
	if q.s != nil && q.s.insertRow {
		// Who asks for one row of RETURNING hears of no end, but that it is suspended.
		c.turn.rowInserted = q.tag() == "INSERT 0 1" || q.suspended() && q.Rows == 1
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
	// hiccupEach is how many turns there are, at least, for each such pause, and
	// hiccupLinked where the values show that the loop goes on.
	hiccupEach   = 5
	hiccupLinked = 2
	// hiccupSame is how many turns have to repeat those before them.
	hiccupSame = 4
)

// hiccup reports whether a turn goes on with the loop that its connection is in, after a
// pause that is long for one.
func (c *conn) hiccup(t *turn) bool {
	n := len(c.run)
	if n == 0 || t.think > hiccupTime || t.s == nil {
		return false
	}
	if n >= hiccupEach*(c.hiccups+1) && c.repeats(t.s) || n >= hiccupLinked*c.hiccups && c.goesOnWith(t) {
		c.hiccups++
		return true
	}
	return false
}

// repeats reports whether the latest turns repeat those before them, one statement or some
// that take turns, and a turn of s would go on with that.
func (c *conn) repeats(s *statement) bool {
	n := len(c.run)
next:
	for k := 1; k <= maxChildren && n >= hiccupSame+k-1; k++ {
		if c.run[n-k].s != s {
			continue
		}
		for i := n - 1; i > n-hiccupSame && i >= k; i-- {
			if c.run[i].s != c.run[i-k].s {
				continue next
			}
		}
		return true
	}
	return false
}

// loopStep is how many rows a loop may pass over that have nothing to ask for.
const loopStep = 3

// goesOnWith reports whether a turn asks for the row that follows the one which the latest
// turn of its statement asked for, in a result of this run: users do not ask in that order.
func (c *conn) goesOnWith(t *turn) bool {
	before := c.latestOf(t.s)
	if c.rows == nil || before == nil || !childOf(t) {
		return false
	}
	for i := range c.rows.sources {
		src := &c.rows.sources[i]
		if src.generation == 0 || src.sorted || src.turn+maxChildren < c.run[0].number || src.s == t.s {
			continue
		}
		for _, column := range src.columns {
			at, last := placeOf(column, t), placeOf(column, before)
			if last < 0 && before.number > src.turn+maxChildren {
				continue // it is not of the first row, which is not kept
			}
			if at > last && at <= last+loopStep {
				return true
			}
		}
	}
	return false
}

// placeOf returns where the first of a turn's values is in a column, -1 if none is.
func placeOf(column []uint64, t *turn) int {
	for i, v := range column {
		if v != 0 && slices.Contains(t.values[:], v) {
			return i
		}
	}
	return -1
}

// latestOf returns the latest turn of a statement, nil if it is not among the last few.
func (c *conn) latestOf(s *statement) *turn {
	for i := len(c.run) - 1; i >= max(len(c.run)-maxChildren-1, 0); i-- {
		if c.run[i].s == s {
			return &c.run[i]
		}
	}
	return nil
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
