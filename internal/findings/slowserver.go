package findings

import "fmt"

// copyingIn is the key of the mirror of a slow reader: a server that takes the data
// of COPY more slowly than its client sends them.
const copyingIn = 1

// slowServer notes a COPY whose server was slow. A client that is quicker than the
// server meets closed windows always, so that this is no more than a remark.
func (e *Engine) slowServer(u *unit) {
	c, end := u.c, u.End.Time
	if end == 0 {
		end = e.now
	}
	times, sum := c.net.closed(false, u.Start.Time, end)
	if times < minClosed || sum < closedTime {
		return
	}
	d := e.draft(slowConsumer, c.app, copyingIn)
	if d == nil {
		return
	}
	x, _ := d.data.(*consumerData)
	if x == nil {
		x = &consumerData{}
		d.data = x
	}
	x.times += times
	x.bytes += u.CopyBytes
	x.dur += end - u.Start.Time
	d.note(u.Start)
	d.span(Stamp{Time: end, Frame: u.End.Frame})
	d.on(c)
	d.calls(u.s, 1)
	d.cost.TimeNS += sum
	d.cost.Bytes += u.CopyBytes
	d.show(u.Start, c, u.ID, fmt.Sprintf("the server's window was closed %s, %s of %s", count(times, "time"), span(sum), span(end-u.Start.Time)))
}

func finishSlowServer(d *draft) (f Finding, ok bool) {
	x := d.data.(*consumerData)
	f = d.finding(Info, Strong)
	f.Cost.Share = d.share()
	speed := size(uint64(float64(x.bytes) / (float64(max(x.dur, 1)) / 1e9)))
	f.Title = fmt.Sprintf("The server takes the COPY of %s more slowly than it comes: the client had to wait %s of %s, %s a second", d.app.name(), span(d.cost.TimeNS), span(x.dur), speed)
	f.Advice = "The server's work limits the load, not the network: drop indexes and foreign keys for it and make them afterwards, raise max_wal_size, look at triggers and at the disk, or load over several connections."
	return f, true
}
