package findings

import "fmt"

const (
	// A cursor that is read in steps of smallFetch rows at most, minFetches times,
	// for minFetched rows at least.
	smallFetch = 50
	minFetches = 20
	minFetched = 200
	// largeRows is a step that is large although its rows are few.
	largeRows = 64 << 10
)

var tinyFetchSize = &code{name: "tiny_fetch_size", finish: finishFetches}

// fetches is the portal or cursor that a connection is reading in steps.
type fetches struct {
	name      string // of the portal or cursor
	cursor    bool
	s         *statement
	value     uint64 // of its parameters
	open      bool   // suspended; the next step may follow
	steps     uint64
	rows      uint64
	most      uint64
	first     Stamp
	firstID   uint64
	last      Stamp
	time      sample
	unfit     bool
	paused    uint64 // steps that a pause came before
	lastID    uint64
	declaring *statement // of the latest DECLARE
}

type fetchData struct {
	cursors, steps, rows, most uint64
	cursor                     bool
	time                       sample
	rtt                        int64
	s                          *statement
}

// resumes reports whether an exchange goes on with a portal that was suspended. Who asks for
// one row each, of other values, begins another portal each time.
func (f *fetches) resumes(q *seenExchange) bool {
	return f.open && !f.cursor && f.lastID != q.ID && f.name == string(q.Portal) && f.s == q.s && f.value == q.value
}

// fetching takes the steps of portals and cursors.
func (e *Engine) fetching(q *seenExchange) {
	c, f := q.c, &q.c.fetch
	if q.s != nil && q.s.verb == "declare" {
		f.declaring = q.s
	}
	step := q.suspended() || f.resumes(q)
	name, cursor := string(q.Portal), false
	if q.s != nil && q.s.verb == "fetch" {
		step, name, cursor = true, lastWord(q.s.text), true
	}
	if !step {
		if f.steps > 0 && q.s != nil && (q.s.ends || q.s.verb == "close" || q.Tx == 'I') {
			e.endFetches(c)
		}
		return
	}
	if f.steps > 0 && (f.name != name || f.cursor != cursor || !cursor && !f.resumes(q)) {
		e.endFetches(c)
	}
	if f.steps == 0 {
		declared := f.declaring
		*f = fetches{name: name, cursor: cursor, s: q.s, value: q.value, first: q.Start, firstID: q.ID, declaring: declared}
	}
	f.steps++
	f.rows += q.Rows
	f.most = max(f.most, q.Rows)
	f.last, f.lastID = q.End, q.ID
	f.open = q.suspended() && q.Tx != 'I' // with the transaction its portals end
	if q.Rows > smallFetch || q.Bytes >= largeRows {
		f.unfit = true
	}
	if f.steps > 1 && (q.think < 0 || q.think > shortThink) {
		f.paused++
	}
	f.time.add(max(q.dur, 0))
	if !cursor && !f.open || cursor && q.Rows == 0 {
		e.endFetches(c)
	}
}

func lastWord(text string) string {
	w := words{rest: text}
	last := ""
	for w.next() {
		last = w.word
	}
	return last
}

// endFetches judges the portal or cursor that was read.
func (e *Engine) endFetches(c *conn) {
	f := &c.fetch
	if f.steps >= minFetches && f.rows >= minFetched && !f.unfit && f.paused*2 <= f.steps && c.app.tool == toolNone {
		s := f.s
		if f.cursor && f.declaring != nil {
			s = f.declaring
		}
		print := uint64(0)
		if s != nil {
			print = s.print
		}
		if d := e.draft(tinyFetchSize, c.app, print); d != nil {
			x, _ := d.data.(*fetchData)
			if x == nil {
				x = &fetchData{s: s, cursor: f.cursor}
				d.data = x
			}
			x.cursors++
			x.steps += f.steps
			x.rows += f.rows
			x.most = max(x.most, f.most)
			x.rtt = c.roundTrip()
			x.time.add(f.time.median())
			d.count = x.steps
			d.span(f.first)
			d.span(f.last)
			d.on(c)
			d.calls(s, f.steps)
			d.show(f.first, c, f.firstID, fmt.Sprintf("%s for %s", count(f.steps, "fetch"), count(f.rows, "row")))
		}
	}
	declared := f.declaring
	*f = fetches{declaring: declared}
}

func finishFetches(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*fetchData)
	needed := x.rows/rowsAtOnce + 1
	saved := x.steps - min(needed, x.steps)
	d.cost.RoundTrips = saved
	d.cost.TimeNS = int64(saved) * (x.rtt + x.time.median())
	f = d.finding(d.byCost(e), Strong)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s reads %s in steps of %s at most: %s, a round trip each", d.app.name(), count(x.rows, "row"), count(x.most, "row"), count(x.steps, "fetch"))
	f.Advice = fetchWays.of(d.app)
	return f, true
}
