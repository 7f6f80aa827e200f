package findings

import "fmt"

const (
	// minInserts is how many rows by themselves are worth telling of; within one
	// transaction, where they cost round trips but no commits, minInsertsTx.
	minInserts   = 50
	minInsertsTx = 200
	// rowsAtOnce is how many rows a good batch has.
	rowsAtOnce = 1000
)

var singleRowInserts = &code{name: "single_row_inserts", finish: finishInserts}

// inserts is the latest INSERT of a connection that may be one of many.
type inserts struct {
	pending *turn // in a transaction that holds nothing else so far
	began   bool  // the turn before the latest one began a transaction
	others  int   // statements of the transaction but it
	inTx    int
	held    turn
	since   int64 // begin of the latest BEGIN
}

type insertData struct {
	s                      *statement
	alone, wrapped, within uint64
	time                   sample
	wall                   int64
	rtt                    int64
}

// inserting takes a turn that is over.
func (e *Engine) inserting(c *conn, t *turn) {
	x := &c.inserts
	if t.s == nil || t.exchanges != 1 || c.app.tool == toolBench || c.app.tool == toolDump {
		*x = inserts{}
		return
	}
	soon := t.think >= 0 && t.think <= shortThink
	switch {
	case t.s.begins:
		*x = inserts{began: true, since: t.start.Time, others: 0}
		if !soon {
			x.since = t.start.Time
		}
	case t.s.ends:
		if x.pending != nil && x.others == 0 && x.inTx == 1 && !t.s.rollback {
			e.inserted(c, x.pending, 2, t.end.Time-x.since)
		} else if x.pending != nil && x.inTx == 1 {
			e.inserted(c, x.pending, 3, 0)
		}
		*x = inserts{}
	case t.rowInserted && t.tx == 'I':
		if soon {
			e.inserted(c, t, 1, t.end.Time-t.start.Time+max(t.think, 0))
		}
		*x = inserts{}
	case t.rowInserted && t.tx == 'T':
		if x.inTx++; x.inTx == 1 && x.began {
			x.held = *t
			x.pending = &x.held
			return
		}
		if x.pending != nil {
			e.inserted(c, x.pending, 3, 0)
			x.pending = nil
		}
		if soon {
			e.inserted(c, t, 3, t.end.Time-t.start.Time+max(t.think, 0))
		}
	default:
		x.others++
	}
}

// inserted counts an INSERT of one row: how is 1 by itself, 2 in a transaction of
// its own, 3 in a longer one.
func (e *Engine) inserted(c *conn, t *turn, how int, wall int64) {
	d := e.draft(singleRowInserts, c.app, t.s.print)
	if d == nil {
		return
	}
	x, _ := d.data.(*insertData)
	if x == nil {
		x = &insertData{s: t.s}
		d.data = x
	}
	turns := int64(1)
	switch how {
	case 1:
		x.alone++
	case 2:
		x.wrapped++
		turns = 3
	default:
		x.within++
	}
	d.note(t.start)
	d.span(t.end)
	d.on(c)
	d.calls(t.s, 1)
	x.wall += wall
	x.time.add(max(t.server, 0))
	x.rtt = c.roundTrip()
	d.cost.RoundTrips += uint64(turns)
	if d.count%minInserts == 1 {
		d.show(t.start, c, t.id, "an INSERT of one row, "+[]string{"", "committed by itself", "between its own BEGIN and COMMIT", "in a transaction of several"}[how])
	}
}

func finishInserts(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*insertData)
	own := x.alone + x.wrapped
	n := own + x.within
	trips := x.alone + 3*x.wrapped + x.within
	d.cost.TimeNS = int64(trips-n/rowsAtOnce-1) * (x.rtt + x.time.median())
	d.cost.RoundTrips = trips
	switch {
	case own >= minInserts:
		f = d.finding(d.byCost(e), Strong)
	case n >= minInsertsTx:
		f = d.finding(Info, Strong)
	default:
		return f, false
	}
	how := "each committed by itself"
	switch {
	case x.wrapped > x.alone && x.wrapped > x.within:
		how = "each between its own BEGIN and COMMIT"
	case x.within > own:
		how = "a round trip for each"
	}
	f.Cost.Share = d.share()
	table := ""
	if len(x.s.tables) > 0 {
		table = " into " + x.s.tables[0].name
	}
	speed := ""
	if x.wall > 0 {
		speed = fmt.Sprintf(": %s rows a second", grouped(int64(float64(n)/(float64(x.wall)/1e9))))
	}
	f.Title = fmt.Sprintf("%s inserts %s%s one at a time, %s%s", d.app.name(), count(n, "row"), table, how, speed)
	f.Advice = insertWays.of(d.app)
	return f, true
}
