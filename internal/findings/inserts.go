package findings

import "fmt"

const (
	// minInserts is how many rows by themselves are worth telling of; within one
	// transaction, where they cost round trips but no commits, minInsertsTx.
	minInserts   = 50
	minInsertsTx = 200
	// rowsAtOnce is how many rows a good batch has.
	rowsAtOnce = 1000
	// minSeries is how many rows one after the other make a longer transaction one that
	// inserts many: what a request writes is not added up over all requests.
	minSeries = 10
)

var singleRowInserts = &code{name: "single_row_inserts", finish: finishInserts}

// How a row was committed.
const (
	committedAlone   = iota + 1 // by itself
	committedWrapped            // between its own BEGIN and COMMIT
	committedLater              // with others
)

// inserts is what a connection has inserted row by row, as far as it may be a loop.
type inserts struct {
	began  bool  // the transaction has its own BEGIN
	soon   bool  // which came at once
	others int   // statements of the transaction that are none of the series
	since  int64 // begin of the latest BEGIN
	// series are the rows of one statement, one after the other, of a transaction that
	// goes on: n of them, the first one, and sums of all.
	n     int64
	first insertedRow
	sums  insertedRow
	// before is a row that came after a pause, of which the next one tells whether it
	// was the first of a loop; how is 0 where there is none.
	before insertedRow
	how    int
	pace   pace
}

// pace is how many rows of a loop came at once, how many after a pause that is long for one,
// since its program was held up, and how many other statements there were since the latest.
type pace struct{ quick, slow, between int }

// maxBetween is how many other statements there may be for each row, as one that looks
// whether it is there: with more, rows are not what the program mainly sends.
const maxBetween = 1

// keeps reports whether a loop goes on with a turn after such a pause, and counts it.
func (x *pace) keeps(t *turn) bool {
	if t.think > hiccupTime || x.quick < hiccupEach*(x.slow+1) {
		return false
	}
	x.slow++
	return true
}

// insertedRow is what is kept of a row until it is known to be one of many.
type insertedRow struct {
	s            *statement
	start, end   Stamp
	id           uint64
	server, wall int64
}

func rowOf(t *turn) insertedRow {
	return insertedRow{s: t.s, start: t.start, end: t.end, id: t.id, server: t.server, wall: t.took}
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
	soon := t.think >= 0 && (t.think <= shortThink || x.pace.keeps(t))
	switch {
	case t.s.begins:
		*x = inserts{began: true, soon: soon, since: t.end.Time - t.took, before: x.before, how: x.how, pace: x.pace}
	case t.s.ends:
		row := x.first
		alone := x.began && x.n == 1 && x.others == 0 && !t.s.rollback
		row.wall = t.end.Time - x.since
		soon = x.soon && x.pace.between <= maxBetween
		if alone {
			x.pace.between = 0
		}
		*x = inserts{before: x.before, how: x.how, pace: x.pace}
		if alone {
			e.insertedAfter(c, row, committedWrapped, soon)
		} else {
			x.how = 0
		}
	case t.rowInserted && t.tx == 'I':
		*x = inserts{before: x.before, how: x.how, pace: x.pace}
		soon = soon && x.pace.between <= maxBetween
		x.pace.between = 0
		e.insertedAfter(c, rowOf(t), committedAlone, soon)
	case t.rowInserted && t.tx == 'T':
		e.insertedOnward(c, rowOf(t), soon)
	default:
		x.others++
		x.n, x.how, x.pace = 0, 0, pace{between: x.pace.between + 1}
	}
}

// insertedAfter takes a row that is committed. What comes after a pause is the first of a
// loop where the next one follows at once, and else what a request writes.
func (e *Engine) insertedAfter(c *conn, row insertedRow, how int, soon bool) {
	x := &c.inserts
	if !soon {
		x.before, x.how = row, how
		return
	}
	if x.how == how && x.before.s == row.s {
		e.inserted(c, &x.before, how)
	}
	x.how = 0
	x.pace.quick++
	e.inserted(c, &row, how)
}

// insertedOnward takes a row of a transaction that goes on.
func (e *Engine) insertedOnward(c *conn, row insertedRow, soon bool) {
	x := &c.inserts
	if x.n > 0 && (!soon || row.s != x.first.s) {
		x.n = 0
		x.others++
	}
	if x.n++; x.n == 1 {
		x.first, x.sums = row, insertedRow{}
	} else {
		x.pace.quick++
	}
	x.sums.server += max(row.server, 0)
	x.sums.wall += row.wall
	switch {
	case x.n == minSeries:
		x.first.server, x.first.wall = x.sums.server/minSeries, x.sums.wall/minSeries
		for range minSeries {
			e.inserted(c, &x.first, committedLater)
		}
	case x.n > minSeries:
		e.inserted(c, &row, committedLater)
	}
}

// inserted counts an INSERT of one row.
func (e *Engine) inserted(c *conn, t *insertedRow, how int) {
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
	case committedAlone:
		x.alone++
	case committedWrapped:
		x.wrapped++
		turns = 3
	default:
		x.within++
	}
	d.note(t.start)
	d.span(t.end)
	d.on(c)
	d.calls(t.s, 1)
	x.wall += t.wall
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
