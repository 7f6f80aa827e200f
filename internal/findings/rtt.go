package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// minTrips is how many turns of a run are worth telling, minRTT how far away the
	// server has to be, tripShare what the way has to make of the run's time.
	minTrips  = 50
	minRTT    = 2 * millisecond
	tripShare = 0.7
)

var rttBound = &code{name: "rtt_bound", finish: finishTrips}

type tripData struct {
	turns        uint64
	wall, server int64
	rtt          int64
	statements   map[*statement]uint64
	mostOfOne    uint64
	guessed      bool // the handshake was not seen
}

// tripping judges a run by the time that its turns spent on the way.
func (e *Engine) tripping(c *conn, run []turn) {
	rtt := c.roundTrip()
	if len(run) < minTrips || rtt < minRTT || !c.timed[0] && !c.timed[1] {
		return
	}
	wall := run[len(run)-1].end.Time - run[0].start.Time
	var server int64
	for i := range run {
		server += max(run[i].server, 0)
	}
	n := int64(len(run))
	if n*rtt > wall+wall/10 {
		return // the smallest of acknowledgments that were late: the way cannot take so long
	}
	if float64(n*rtt) < tripShare*float64(wall) || server/n >= rtt/2 {
		return
	}
	d := e.draft(rttBound, c.app, 0)
	if d == nil {
		return
	}
	x, _ := d.data.(*tripData)
	if x == nil {
		x = &tripData{statements: make(map[*statement]uint64)}
		d.data = x
	}
	x.turns += uint64(n)
	x.wall += wall
	x.server += server
	x.rtt = rtt
	x.guessed = x.guessed || !c.shaken
	d.count = x.turns
	d.cost.RoundTrips += uint64(n - 1)
	d.cost.TimeNS += (n - 1) * rtt
	d.span(run[0].start)
	d.span(run[n-1].end)
	d.on(c)
	for i := range run {
		if s := run[i].s; s != nil && !s.overhead() && (len(x.statements) < 64 || x.statements[s] > 0) {
			x.statements[s]++
			x.mostOfOne = max(x.mostOfOne, x.statements[s])
			d.calls(s, 1)
		}
	}
	d.show(run[0].start, c, run[0].id, fmt.Sprintf("%s in %s, the server worked for %s of it", count(n, "round trip"), units.Duration(wall), units.Duration(server)))
}

func finishTrips(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*tripData)
	f = d.finding(d.byCost(e), Strong)
	if x.guessed {
		// The smallest of acknowledgments that may all have been late.
		f.Confidence, f.Severity = Likely, Info
	}
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s is far from its server: %s of %s each make %s of %s; the server worked for %s", d.app.name(), count(x.turns, "round trip"), units.Duration(x.rtt), percent(min(1, float64(int64(x.turns)*x.rtt)/float64(max(x.wall, 1)))), units.Duration(x.wall), units.Duration(x.server))
	f.Advice = tripWays.of(d.app)
	return f, true
}
