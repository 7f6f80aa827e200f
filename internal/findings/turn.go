package findings

// turn is what a client sent before it waited for all replies.
type turn struct {
	s                 *statement // nil where several were sent together
	first, start, end Stamp
	value             uint64
	values            [3]uint64 // hashes of its first values, which may be those of a source's rows
	rows              uint64
	units             int
	server            int64
	think             int64
	id                uint64
	state             bool // it ended in an error
	txBefore, tx      byte
	rowInserted       bool
	own               bool
	bytes             uint64
	source            int32 // generation of the source that it is, 0: none
}

// takeTurn adds a unit to the turn that it belongs to.
func (e *Engine) takeTurn(u *unit) {
	c := u.c
	if c.turned && u.Pause < 0 && u.Start.Time <= c.turn.end.Time {
		t := &c.turn
		t.units++
		t.end, t.tx = u.End, u.Tx
		t.rows += u.Rows
		if u.s != t.s {
			t.s = nil
		}
		return
	}
	e.endTurn(c, false)
	if u.Start.Time == 0 || u.End.Time == 0 || !u.Answered {
		e.endRun(c)
		return
	}
	c.turned = true
	c.turns++
	c.turn = turn{
		s: u.s, start: u.Start, first: u.FirstReply, end: u.End, value: u.value, rows: u.Rows, units: 1, server: u.server,
		think: u.think, id: u.ID, state: u.state != "", tx: u.Tx, own: u.own, bytes: u.Bytes,
	}
	if u.Pause >= 0 {
		c.turn.txBefore = u.PauseTx
	}
	if u.s != nil && u.s.insertRow {
		c.turn.rowInserted = u.tag() == "INSERT 0 1"
	}
	if u.s != nil && u.s.isSelect {
		if c.turn.source = e.source(u); c.rows != nil && c.rows.generation > 0 {
			copy(c.turn.values[:], e.valuesOf(u))
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
	if t.think < 0 || t.think > shortThink {
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
	c.run = c.run[:0]
}
