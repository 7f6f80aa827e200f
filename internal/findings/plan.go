package findings

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

const (
	// customPlans is how often PostgreSQL plans a prepared statement for its
	// parameters before it considers a generic plan (manual: PREPARE).
	customPlans = 5
	// A flip makes executions flipFactor times as slow and flipTime at least, for
	// minFlipped executions.
	flipFactor = 5
	flipTime   = 5 * millisecond
	minFlipped = 4
	// keptTimes bounds the executions that are looked at.
	keptTimes = 40
	// maxPlans bounds the named statements of a connection that are followed.
	maxPlans = 64
	// sameMagnitude is how many times as many rows are still as many.
	sameMagnitude = 10
)

var planFlip = &code{name: "plan_flip", finish: finishPlan}

// plan is a named statement of a connection with the times of its executions.
type plan struct {
	s      *statement
	text   uint64
	calls  int
	times  []int64
	values []uint64
	rows   []uint64
	first  Stamp
	slowAt Stamp
	slowID uint64
	judged bool
}

// planned takes an execution of a named statement.
func (e *Engine) planned(q *seenExchange) {
	c := q.c
	if q.s != nil && q.SQL != nil && q.state == "" && q.server >= 0 {
		switch q.s.verb {
		case "prepare":
			e.preparesBySQL(q)
			return
		case "execute":
			e.executesBySQL(q)
			return
		}
	}
	if q.Protocol != exchange.ProtocolExtended || len(q.Statement) == 0 || q.s == nil || q.SQL == nil || q.state != "" || q.server < 0 {
		return
	}
	// Where the Parse was not seen, nobody knows how many executions there were.
	if _, alive := c.named.alive[hashOf(q.Statement)]; !alive {
		return
	}
	p := c.plans[string(q.Statement)]
	text := hashOf(q.SQL)
	if p == nil || p.text != text {
		if c.plans == nil {
			c.plans = make(map[string]*plan)
		}
		if p == nil && len(c.plans) >= maxPlans {
			return
		}
		p = &plan{s: q.s, text: text, first: q.Start}
		c.plans[string(bytes.Clone(q.Statement))] = p
	}
	p.add(q)
}

// add adds an execution.
func (p *plan) add(q *seenExchange) {
	if p.calls++; len(p.times) >= keptTimes {
		return
	}
	p.times = append(p.times, q.server-q.c.net.closedWithin(q.Start.Time, q.FirstReply.Time))
	p.values = append(p.values, q.value)
	p.rows = append(p.rows, q.Rows)
	if len(p.times) == customPlans+1 {
		p.slowAt, p.slowID = q.Start, q.ID
	}
}

type planData struct {
	s          *statement
	fast, slow int64
	conns      uint64
}

// judgePlans looks for statements that became slow with their sixth execution.
func (e *Engine) judgePlans(c *conn) {
	for _, name := range sortedKeys(c.plans) {
		e.judgePlan(c, name, c.plans[name])
	}
}

func (e *Engine) judgePlan(c *conn, name string, p *plan) {
	if p.judged || len(p.times) < customPlans+minFlipped || p.s.sleeps {
		return
	}
	before, after := p.times[1:customPlans], p.times[customPlans:]
	fast, slow := quantileOf(before, 0.5), quantileOf(after, 0.5)
	if slow < flipTime || slow < flipFactor*fast || !p.steady(fast) {
		return
	}
	d := e.draft(planFlip, c.app, p.s.print)
	if d == nil {
		return
	}
	x, _ := d.data.(*planData)
	if x == nil {
		x = &planData{s: p.s, fast: fast, slow: slow}
		d.data = x
	}
	p.judged = true
	x.conns++
	d.count += uint64(len(after))
	d.span(p.slowAt)
	d.span(c.lastEnd)
	d.on(c)
	d.calls(p.s, uint64(p.calls))
	for _, t := range after {
		d.cost.TimeNS += max(t-fast, 0)
	}
	d.cost.TimeNS += int64(p.calls-len(p.times)) * (slow - fast)
	d.show(p.slowAt, c, p.slowID, fmt.Sprintf("statement %q: %s at its first executions, %s from the 6th on", clean([]byte(name)), units.Duration(fast), units.Duration(slow)))
}

// steady reports whether what became slow stayed slow, with as many rows as before
// and with parameters that were quick before.
func (p *plan) steady(fast int64) bool {
	slow := 0
	for _, t := range p.times[customPlans:] {
		if t >= 3*fast && t >= flipTime/2 {
			slow++
		}
	}
	if slow*5 < len(p.times[customPlans:])*4 {
		return false
	}
	var before, after uint64
	seen := make(map[uint64]bool)
	again := false
	for i := range p.times {
		if i < customPlans {
			before = max(before, p.rows[i])
			seen[p.values[i]] = true
			continue
		}
		after = max(after, p.rows[i])
		again = again || seen[p.values[i]]
	}
	return again && after <= sameMagnitude*max(before, 1)
}

func finishPlan(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*planData)
	f = d.finding(d.byCost(e), Strong)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("A prepared statement of %s became %.0f times as slow from its 6th execution on: %s, before %s, as PostgreSQL turned to a generic plan", d.app.name(), float64(x.slow)/float64(max(x.fast, 1)), units.Duration(x.slow), units.Duration(x.fast))
	f.Advice = planWays.of(d.app)
	return f, true
}

const (
	// A first execution is slow where it takes slowFirst times what later ones take,
	// and slowFirstTime at least, on minFirst connections.
	slowFirst     = 5
	slowFirstTime = 5 * millisecond
	minFirst      = 3
	minLater      = 5
	// maxFirsts bounds the statements of a connection whose first use is noted.
	maxFirsts = 32
	maxKept   = 1024
)

var slowFirstQuery = &code{name: "slow_first_query", finish: finishFirst}

// firstUse notes the first execution of a statement on a connection.
func (e *Engine) firstUse(q *seenExchange) {
	c := q.c
	if q.uses == nil || q.state != "" || q.server < 0 || q.own || c.MidStream || q.s.overhead() || !q.s.dml || q.s.sleeps {
		return
	}
	if known := slices.Contains(c.firsts, q.s.print); known || len(c.firsts) >= maxFirsts {
		if known {
			q.uses.later.add(q.server)
		}
		return
	}
	c.firsts = append(c.firsts, q.s.print)
	x := q.uses
	if len(x.first) < maxKept {
		x.first = append(x.first, q.server)
	}
	if q.server >= slowFirstTime {
		if q.Start.Time > x.firstEnd {
			x.moments++
		}
		x.firstEnd = max(x.firstEnd, q.End.Time)
	}
	if d := e.draft(slowFirstQuery, c.app, q.s.print); d != nil {
		d.data = x
		d.on(c)
		d.calls(q.s, 1)
		d.note(q.Start)
		if q.server >= slowFirstTime {
			d.show(q.Start, c, q.ID, "the first execution on this connection took "+units.Duration(q.server))
		}
	}
}

func finishFirst(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*uses)
	later := x.later.median()
	if x.later.n < minLater {
		return f, false
	}
	slow := 0
	d.cost.TimeNS = 0
	var times []int64
	for _, t := range x.first {
		if t >= slowFirstTime && t >= slowFirst*later {
			slow++
			times = append(times, t)
			d.cost.TimeNS += t - later
		}
	}
	if slow < minFirst || x.moments < minFirst || slow*5 < len(x.first)*4 {
		return f, false
	}
	d.count = uint64(slow)
	f = d.finding(d.byCost(e), Strong)
	f.Cost.Share = d.share()
	f.Queries = []QueryRef{{Normalized: x.s.text, Fingerprint: x.s.print, Calls: x.calls}}
	f.Title = fmt.Sprintf("The first execution of a statement on each connection of %s takes %s, later ones %s: seen on %s", d.app.name(), units.Duration(quantileOf(times, 0.5)), units.Duration(later), count(slow, "connection"))
	f.Advice = "A new backend fills its caches of relations and catalogs: keep connections (pool, longer max lifetime), use fewer partitions or name the partition key so that others are pruned, warm connections up before use."
	return f, true
}
