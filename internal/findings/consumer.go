package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

var slowConsumer = &code{name: "slow_consumer", finish: finishConsumer}

const (
	// Closed windows of minClosed times, closedTime in sum or closedShare of the
	// exchange's time, show a slow reader.
	minClosed   = 3
	closedTime  = 500 * millisecond
	closedShare = 0.2
	// Any reader of much data is slower than its server now and then: less than
	// closedWarning is a remark.
	closedWarning = 100 * millisecond
)

// copyingIn is the key of the mirror of a slow reader: a server that takes the data
// of COPY more slowly than its client sends them.
const copyingIn = 1

type consumerData struct {
	times uint64
	bytes uint64
	dur   int64
}

// speed is the bytes a second of those who had to wait.
func (x *consumerData) speed() string {
	return units.Bytes(uint64(float64(x.bytes) / (float64(max(x.dur, 1)) / 1e9)))
}

// windowsOf notes an exchange whose reader was slow.
func (e *Engine) windowsOf(q *seenExchange) {
	c := q.c
	if q.Copy == exchange.CopyIn && !c.Replication && q.Start.Time != 0 {
		e.slowServer(q)
		return
	}
	if q.Rows == 0 && q.Copy != exchange.CopyOut || c.Replication || q.Start.Time == 0 {
		return
	}
	end := e.endOf(q)
	times, sum := c.net.closed(true, q.Start.Time, end)
	c.net.lastClosed = sum
	if times < minClosed || sum < closedTime && float64(sum) < closedShare*float64(end-q.Start.Time) || sum < 20*millisecond {
		return
	}
	e.closedWindows(q, 0, "client", times, sum, q.Bytes+q.CopyBytes)
}

// slowServer notes a COPY whose server was slow. A client that is quicker than the
// server meets closed windows always, so that this is no more than a remark.
func (e *Engine) slowServer(q *seenExchange) {
	times, sum := q.c.net.closed(false, q.Start.Time, e.endOf(q))
	if times >= minClosed && sum >= closedTime {
		e.closedWindows(q, copyingIn, "server", times, sum, q.CopyBytes)
	}
}

// endOf is the exchange's end, or the latest time that is known.
func (e *Engine) endOf(q *seenExchange) int64 {
	if q.End.Time == 0 {
		return e.now
	}
	return q.End.Time
}

// closedWindows adds an exchange during which one side's window was closed.
func (e *Engine) closedWindows(q *seenExchange, key uint64, side string, times uint64, sum int64, bytes uint64) {
	c := q.c
	d := e.draft(slowConsumer, c.app, key)
	if d == nil {
		return
	}
	x, _ := d.data.(*consumerData)
	if x == nil {
		x = &consumerData{}
		d.data = x
	}
	dur := e.endOf(q) - q.Start.Time
	x.times += times
	x.bytes += bytes
	x.dur += dur
	d.note(q.Start)
	d.span(Stamp{Time: q.Start.Time + dur, Frame: q.End.Frame})
	d.on(c)
	d.calls(q.s, 1)
	d.cost.TimeNS += sum
	d.cost.Bytes += bytes
	d.show(q.Start, c, q.ID, fmt.Sprintf("the %s's window was closed %s, %s of %s", side, count(times, "time"), units.Duration(sum), units.Duration(dur)))
}

func finishConsumer(e *Engine, d *draft) (f Finding, ok bool) {
	if d.key.what == copyingIn {
		return finishSlowServer(d)
	}
	x := d.data.(*consumerData)
	f = d.finding(d.byCost(e), Strong)
	if d.cost.TimeNS < closedWarning {
		f.Severity = Info
	}
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s reads its result too slowly: the server had to wait %s of %s, %s a second", d.app.name(), units.Duration(d.cost.TimeNS), units.Duration(x.dur), x.speed())
	f.Advice = "Read the rows first and work on them afterwards, page through them, or use more workers: meanwhile the backend holds its snapshot and locks."
	return f, true
}

func finishSlowServer(d *draft) (f Finding, ok bool) {
	x := d.data.(*consumerData)
	f = d.finding(Info, Strong)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("The server takes the COPY of %s more slowly than it comes: the client had to wait %s of %s, %s a second", d.app.name(), units.Duration(d.cost.TimeNS), units.Duration(x.dur), x.speed())
	f.Advice = "The server's work limits the load, not the network: drop indexes and foreign keys for it and make them afterwards, raise max_wal_size, look at triggers and at the disk, or load over several connections."
	return f, true
}
