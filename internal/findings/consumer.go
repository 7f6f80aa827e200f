package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/exchange"
)

var slowConsumer = &code{name: "slow_consumer", finish: finishConsumer}

const (
	// Closed windows of minClosed times, closedTime in sum or closedShare of the
	// unit's time, show a slow reader.
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
	return size(uint64(float64(x.bytes) / (float64(max(x.dur, 1)) / 1e9)))
}

// unitWindows notes a unit whose reader was slow.
func (e *Engine) unitWindows(u *unit) {
	c := u.c
	if u.Copy == exchange.CopyIn && !c.Replication && u.Start.Time != 0 {
		e.slowServer(u)
		return
	}
	if u.Rows == 0 && u.Copy != exchange.CopyOut || c.Replication || u.Start.Time == 0 {
		return
	}
	end := e.endOf(u)
	times, sum := c.net.closed(true, u.Start.Time, end)
	c.net.lastClosed = sum
	if times < minClosed || sum < closedTime && float64(sum) < closedShare*float64(end-u.Start.Time) || sum < 20*millisecond {
		return
	}
	e.closedWindows(u, 0, "client", times, sum, u.Bytes+u.CopyBytes)
}

// slowServer notes a COPY whose server was slow. A client that is quicker than the
// server meets closed windows always, so that this is no more than a remark.
func (e *Engine) slowServer(u *unit) {
	times, sum := u.c.net.closed(false, u.Start.Time, e.endOf(u))
	if times >= minClosed && sum >= closedTime {
		e.closedWindows(u, copyingIn, "server", times, sum, u.CopyBytes)
	}
}

// endOf is the unit's end, or the latest time that is known.
func (e *Engine) endOf(u *unit) int64 {
	if u.End.Time == 0 {
		return e.now
	}
	return u.End.Time
}

// closedWindows adds a unit during which one side's window was closed.
func (e *Engine) closedWindows(u *unit, key uint64, side string, times uint64, sum int64, bytes uint64) {
	c := u.c
	d := e.draft(slowConsumer, c.app, key)
	if d == nil {
		return
	}
	x, _ := d.data.(*consumerData)
	if x == nil {
		x = &consumerData{}
		d.data = x
	}
	dur := e.endOf(u) - u.Start.Time
	x.times += times
	x.bytes += bytes
	x.dur += dur
	d.note(u.Start)
	d.span(Stamp{Time: u.Start.Time + dur, Frame: u.End.Frame})
	d.on(c)
	d.calls(u.s, 1)
	d.cost.TimeNS += sum
	d.cost.Bytes += bytes
	d.show(u.Start, c, u.ID, fmt.Sprintf("the %s's window was closed %s, %s of %s", side, count(times, "time"), span(sum), span(dur)))
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
	f.Title = fmt.Sprintf("%s reads its result too slowly: the server had to wait %s of %s, %s a second", d.app.name(), span(d.cost.TimeNS), span(x.dur), x.speed())
	f.Advice = "Read the rows first and work on them afterwards, page through them, or use more workers: meanwhile the backend holds its snapshot and locks."
	return f, true
}

func finishSlowServer(d *draft) (f Finding, ok bool) {
	x := d.data.(*consumerData)
	f = d.finding(Info, Strong)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("The server takes the COPY of %s more slowly than it comes: the client had to wait %s of %s, %s a second", d.app.name(), span(d.cost.TimeNS), span(x.dur), x.speed())
	f.Advice = "The server's work limits the load, not the network: drop indexes and foreign keys for it and make them afterwards, raise max_wal_size, look at triggers and at the disk, or load over several connections."
	return f, true
}
