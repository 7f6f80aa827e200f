package findings

import (
	"fmt"
	"slices"

	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// minLoop is how many executions in a row make a loop worth telling of; of
	// shorter ones from minShort there must be minBursts.
	minLoop   = 10
	minShort  = 5
	minBursts = 3
	minLoops  = 5 // of short ones
	// loopCost is the least that all loops of a statement cost.
	loopCost = 20 * millisecond
	// maxChildren is how many statements may take turns in one loop.
	maxChildren = 3
	// sourceBack is how many turns before a loop the query that it runs over may
	// be, and sourceAge how long.
	sourceBack = 8
	sourceAge  = second
)

var nPlusOne = &code{name: "n_plus_one", finish: finishNPlusOne}

// loopData is what is kept of a statement's loops.
type loopData struct {
	child, source *statement
	bursts, short uint64 // loops of minLoop and more, and of minShort and more
	executions    uint64
	sourced       uint64 // loops with a source
	column        string
	mixed         bool // loops over different columns
	sourceRows    uint64
	least, most   uint64 // executions of a loop
	lastRun       int64  // when the run of the latest loop began
	runs          uint64
}

// loops looks in a run for a SELECT that is executed again and again with other
// values.
func (e *Engine) loops(c *conn, run []turn) {
	if len(run) < minShort || c.app.tool == toolDump || c.app.tool == toolBench {
		return
	}
	run = e.withoutOverhead(run)
	var seen map[uint64]bool
	for i := range run {
		s := run[i].s
		if !childOf(&run[i]) || seen[s.print] {
			continue
		}
		if seen == nil {
			seen = make(map[uint64]bool)
		}
		seen[s.print] = true
		e.loopsOf(c, run, s, i, seen)
	}
}

// withoutOverhead returns a run without the turns that do nothing an application wants, as
// BEGIN and COMMIT around each query: they are no work between two children.
func (e *Engine) withoutOverhead(run []turn) []turn {
	first := 0
	for first < len(run) && (run[first].s == nil || !run[first].s.overhead()) {
		first++
	}
	if first == len(run) {
		return run
	}
	e.useful = append(e.useful[:0], run[:first]...)
	for i := first + 1; i < len(run); i++ {
		if t := &run[i]; t.s == nil || !t.s.overhead() {
			e.useful = append(e.useful, *t)
		}
	}
	return e.useful
}

func childOf(t *turn) bool {
	return t.s != nil && t.exchanges == 1 && t.s.isSelect && !t.s.overhead() && !t.s.catalog && !t.own && !t.state && !t.s.sleeps
}

// loopsOf looks for loops of one statement, whose first execution is at from.
func (e *Engine) loopsOf(c *conn, run []turn, s *statement, from int, seen map[uint64]bool) {
	begin, last, n := from, from, 0
	for i := from; i <= len(run); i++ {
		if i < len(run) && (run[i].s != s || !childOf(&run[i])) {
			continue
		}
		if i == len(run) || i-last > maxChildren+1 {
			if n >= minShort {
				e.segment(c, run, begin, last, s, n, seen)
			}
			begin, n = i, 0
		}
		last = i
		n++
	}
}

// segment judges turns among which a statement recurs: with others that take turns
// with it, it must make most of them. Where the query that it runs over recurs,
// another loop begins.
func (e *Engine) segment(c *conn, run []turn, begin, end int, s *statement, n int, seen map[uint64]bool) {
	counts := make(map[*statement]int, 4)
	for i := begin; i <= end; i++ {
		if childOf(&run[i]) && run[i].source == 0 {
			counts[run[i].s]++
		}
	}
	member := map[*statement]bool{s: true}
	for other, k := range counts {
		if other != s && k*2 >= n && len(member) < maxChildren && k <= 2*n {
			member[other] = true
		}
	}
	for n := 1; n < maxChildren && end+1 < len(run) && run[end+1].s != s && member[run[end+1].s]; n++ {
		end++ // what takes turns with the last one
	}
	of := 0
	for i := begin; i <= end; i++ {
		if member[run[i].s] {
			of++
		}
	}
	if of*5 < (end-begin+1)*3 {
		return
	}
	for other := range member {
		seen[other.print] = true
	}
	first := begin
	source := sourceAt(run, begin)
	for i := begin; i <= end+1; i++ {
		switch {
		case i > end:
		case member[run[i].s] || run[i].source == 0:
			continue
		case run[i].s != nil && run[i].s == source: // the same list again, of which a part may follow
		case !isSourceOf(run, i, end, member, len(member)):
			continue
		default:
			source = run[i].s
		}
		e.loop(c, run, first, i-1, s, member)
		first = i + 1
	}
}

// sourceAt returns the statement of the result that a loop from begin on follows, nil if
// there is none.
func sourceAt(run []turn, begin int) *statement {
	for i := begin - 1; i >= max(begin-sourceBack, 0); i-- {
		if run[i].source != 0 && run[i].s != run[begin].s {
			return run[i].s
		}
	}
	return nil
}

// isSourceOf reports whether the rows of turn i are as many as the executions that
// follow it.
func isSourceOf(run []turn, i, end int, member map[*statement]bool, kinds int) bool {
	n := 0
	for k := i + 1; k <= end && (member[run[k].s] || run[k].source == 0); k++ {
		if member[run[k].s] {
			n++
		}
	}
	return fits(uint64(n/kinds), run[i].rows)
}

// fits reports whether n executions may be one for each of rows.
func fits(n, rows uint64) bool {
	return n >= minShort && 2*n >= rows && 10*n <= 12*rows
}

// loop judges one loop.
func (e *Engine) loop(c *conn, run []turn, begin, end int, s *statement, member map[*statement]bool) {
	for begin <= end && !member[run[begin].s] {
		begin++
	}
	for end >= begin && !member[run[end].s] {
		end--
	}
	turns := e.turns[:0]
	defer func() { e.turns = turns }()
	var all, longest int64
	executions := uint64(0)
	for i := begin; i <= end; i++ {
		if !member[run[i].s] {
			continue
		}
		executions++
		longest = max(longest, run[i].end.Time-run[i].start.Time)
		if run[i].s == s {
			turns = append(turns, run[i])
		}
	}
	if len(turns) < minShort {
		return
	}
	changed, most := e.differing(turns)
	if changed*5 < (len(turns)-1)*4 || most*5 >= len(turns)*4 {
		return // the same is asked again: a cache is missing, no join
	}
	all = run[end].end.Time - run[begin].start.Time
	for i := begin + 1; i <= end; i++ {
		all -= max(run[i].think-shortThink, 0) // the program was held up
	}
	src := e.sourceBefore(c, run, begin, turns)
	if src.s == nil && (len(turns) < minLoop || !atOnce(turns)) {
		return // requests of many users, that happened to come one after the other
	}
	d := e.loopDraft(c.app, s, member)
	if d == nil {
		return
	}
	x, _ := d.data.(*loopData)
	if x == nil {
		x = &loopData{child: s}
		d.data = x
	}
	cost := max(all-c.roundTrip()-longest, 0)
	if len(turns) >= minLoop {
		x.bursts++
	} else {
		x.short++
	}
	x.add(run[0].start.Time, uint64(len(turns)))
	d.count += executions
	d.span(run[begin].start)
	d.span(run[end].end)
	d.cost.TimeNS += cost
	d.cost.RoundTrips += executions - 1
	d.on(c)
	for m := range member {
		n := uint64(0)
		for i := begin; i <= end; i++ {
			if run[i].s == m {
				n++
			}
		}
		d.calls(m, n)
	}
	text := fmt.Sprintf("%s in %s, %s each", count(len(turns), "execution"), units.Duration(all), units.Duration(all/int64(executions)))
	if src.s != nil {
		x.source, x.sourceRows = src.s, src.rows
		x.sourced++
		x.link(src.column)
		text += fmt.Sprintf(", after %s with %s", brief(src.s, 60), count(src.rows, "row"))
	}
	d.show(run[begin].start, c, run[begin].id, text)
}

// loopDraft returns the draft of a loop: that of its statement, or, where others take turns
// with it, the one that they are in: which of them comes first is chance.
func (e *Engine) loopDraft(a *app, s *statement, member map[*statement]bool) *draft {
	key := s.print
	if e.peek(nPlusOne, a, key) == nil {
		for m := range member {
			if e.peek(nPlusOne, a, m.print) != nil && (key == s.print || m.print < key) {
				key = m.print
			}
		}
	}
	return e.draft(nPlusOne, a, key)
}

// link notes the column whose values a loop took. Of several that they may be of it is
// that of the loops that tell.
func (x *loopData) link(column string) {
	switch {
	case column == "" || x.mixed:
	case x.column == "" || x.column == column:
		x.column = column
	default:
		x.column, x.mixed = "", true
	}
}

func (x *loopData) add(runStart int64, n uint64) {
	if x.runs == 0 || runStart != x.lastRun {
		x.runs++
		x.lastRun = runStart
	}
	x.executions += n
	if x.least == 0 || n < x.least {
		x.least = n
	}
	x.most = max(x.most, n)
}

// loopThink is how long a loop thinks between two executions: what the requests of
// users bring comes less evenly.
const loopThink = 5 * millisecond

// atOnce reports whether nearly all turns followed the one before at once.
func atOnce(turns []turn) bool {
	quick := 0
	for i := range turns {
		if turns[i].think >= 0 && turns[i].think <= loopThink {
			quick++
		}
	}
	return quick*10 >= len(turns)*9
}

// differing counts the turns whose value is not that of the one before, and those
// with the value that is met most.
func (e *Engine) differing(turns []turn) (changed, most int) {
	e.values = e.values[:0]
	for i := range turns {
		if i > 0 && turns[i].value != turns[i-1].value {
			changed++
		}
		e.values = append(e.values, turns[i].value)
	}
	slices.Sort(e.values)
	same := 0
	for i, v := range e.values {
		if i > 0 && v != e.values[i-1] {
			same = 0
		}
		same++
		most = max(most, same)
	}
	return changed, most
}

// loopSource is the result that a loop runs over, with the column whose values it takes
// where that is known.
type loopSource struct {
	s      *statement // nil: none is known
	rows   uint64
	column string
}

// sourceBefore returns what the loop from begin on runs over.
func (e *Engine) sourceBefore(c *conn, run []turn, begin int, turns []turn) (best loopSource) {
	for i := begin - 1; i >= max(begin-sourceBack, 0); i-- {
		t := &run[i]
		if run[begin].start.Time-t.end.Time > sourceAge {
			return best
		}
		if t.s == nil || !t.s.isSelect || t.s == turns[0].s || t.own || t.rows < 2 {
			continue
		}
		if column, linked := c.rows.found(t.source).linked(turns); linked {
			return loopSource{t.s, t.rows, column}
		}
		if best.s == nil && fits(uint64(len(turns)), t.rows) {
			best = loopSource{s: t.s, rows: t.rows}
		}
	}
	if best.s != nil || c.rows == nil || begin > maxChildren {
		return best
	}
	// The program may have thought between the list and the loop.
	first := &run[begin]
	for i := range c.rows.sources {
		src := &c.rows.sources[i]
		if src.generation == 0 || src.s == first.s || src.turn >= first.number || first.number-src.turn > sourceBack || first.start.Time-src.end > sourceAge {
			continue
		}
		if column, linked := src.linked(turns); linked {
			return loopSource{src.s, src.rows, column}
		}
	}
	return best
}

func finishNPlusOne(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*loopData)
	if u := e.uses[usesKey{d.app, d.key.what}]; u != nil && x.sourced == 0 && 2*x.executions < u.calls {
		return f, false // requests of many users, some of which followed each other at once
	}
	if x.sourced == 0 && e.pool.behind(d.conns) {
		return f, false
	}
	switch {
	case x.bursts > 0 && x.executions >= minLoop && d.cost.TimeNS >= loopCost, x.bursts >= minBursts:
		f = d.finding(d.byCost(e), Likely)
		sourced := 2*x.sourced >= x.bursts+x.short
		switch {
		case sourced && !d.lossy:
			f.Confidence = Strong
		case sourced:
		case x.runs < minBursts:
			f.Severity = Info // one long loop over who knows what
		}
	case x.bursts > 0 && x.sourced == x.bursts+x.short, x.short >= minLoops:
		// It costs next to nothing where it was captured: on one host, or in a test.
		f = d.finding(Info, Likely)
		if 2*x.sourced >= x.bursts+x.short && !d.lossy {
			f.Confidence = Strong
		}
	default:
		return f, false
	}
	loops := count(x.bursts+x.short, "loop")
	each := grouped(int64(x.most))
	if x.least != x.most {
		each = grouped(int64(x.least)) + " to " + each
	}
	f.Cost.Share = d.share()
	if x.source != nil {
		f.Queries = append(f.Queries, QueryRef{Normalized: x.source.text, Fingerprint: x.source.print, Calls: x.sourced})
	}
	f.Title = fmt.Sprintf("%s asks one by one: %s of one SELECT in %s of %s, one round trip each", d.app.name(), count(x.executions, "execution"), loops, each)
	if x.source != nil {
		f.Title += ", one for each row of the query before"
	}
	f.Advice = "Load the related rows at once: WHERE key = ANY($1), or a join; " + eager(d.app)
	if x.column != "" {
		f.Advice = "Load the related rows at once: WHERE key = ANY($1) with the values of " + x.column + ", or a join; " + eager(d.app)
	}
	return f, true
}

// eager names the ways of the usual mappers.
func eager(a *app) string { return eagerWays.of(a) }
