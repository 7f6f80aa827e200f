package findings

import (
	"fmt"
	"sort"
	"strings"

	"github.com/pgsniff/pgsniff/internal/units"
)

// slowTime is how long a query takes that is worth a remark of its own, and
// maxSlow how many are shown.
const (
	slowTime = second
	maxSlow  = 5
)

var slowQuery = &code{name: "slow_query", finish: finishSlow}

// slowest are the queries that took longest, with where their time went.
type slowest struct{ list []slowOne }

type slowOne struct {
	ref                              ConnRef
	c                                *conn
	s                                *statement
	id                               uint64
	start, reply                     Stamp
	dur, server, loss, client, sends int64
	lock, queue, lossLater           int64
	by                               string
}

// slowest notes a query that took long.
func (e *Engine) slowest(q *seenExchange) {
	if q.dur < slowTime || q.s == nil || q.s.sleeps || q.c.Replication || q.s.verb == "copy" {
		return
	}
	l := &e.slow.list
	if len(*l) == 4*maxSlow {
		sort.SliceStable(*l, func(i, j int) bool { return (*l)[i].dur > (*l)[j].dur })
		*l = (*l)[:2*maxSlow]
	}
	q.c.filed = true
	x := slowOne{
		ref: q.c.ref(), c: q.c, s: q.s, id: q.ID, start: q.Start, reply: q.FirstReply, dur: q.dur, server: max(q.server, 0),
		loss: q.lost, client: q.c.net.lastClosed, sends: max(q.dur-max(q.wait, 0), 0),
		queue: q.queue, lossLater: q.lostLater,
	}
	*l = append(*l, x)
}

// waitedFor adds to a slow query that it waited for a lock.
func (e *Engine) waitedFor(w *wait, by string) {
	for i := range e.slow.list {
		if x := &e.slow.list[i]; x.ref.Conn == w.c.ID && x.id == w.id {
			x.lock, x.by = w.took, by
		}
	}
}

// queuedFor adds to a slow query that it waited in a pooler.
func (e *Engine) queuedFor(conn, id uint64, ns int64) {
	for i := range e.slow.list {
		if x := &e.slow.list[i]; x.ref.Conn == conn && x.id == id {
			x.queue = ns
		}
	}
}

// split divides the query's time.
func (x *slowOne) split() *Split {
	p := &Split{
		ServerNS: x.server, LockNS: x.lock, QueueNS: x.queue, NetworkNS: x.loss + x.lossLater,
		ClientNS: x.client, SendingNS: max(x.sends-x.client-x.lossLater, 0),
	}
	if x.lock > 0 {
		p.ServerNS = 0 // what was taken for the server's work
	}
	p.ServerNS = max(p.ServerNS-x.queue, 0)
	return p
}

// text says it for people; by is whose lock it waited for.
func (p *Split) text(by string) string {
	var parts []string
	add := func(ns int64, what string) {
		if ns >= millisecond {
			parts = append(parts, units.Duration(ns)+" "+what)
		}
	}
	add(p.LockNS, "waiting for a lock (likely "+by+")")
	add(p.ServerNS, "server")
	add(p.QueueNS, "in the pooler's queue")
	add(p.NetworkNS, "lost packets")
	add(p.ClientNS, "client reading slowly")
	add(p.SendingNS, "sending rows")
	return strings.Join(parts, " + ")
}

// slowFinding makes one finding of the slowest.
func (e *Engine) slowFinding() (Finding, bool) {
	l := e.slow.list
	if len(l) == 0 {
		return Finding{}, false
	}
	sort.SliceStable(l, func(i, j int) bool { return l[i].dur > l[j].dur })
	l = l[:min(len(l), maxSlow)]
	d := &draft{code: slowQuery}
	for i := range l {
		x := &l[i]
		d.note(x.start)
		d.cost.TimeNS += x.dur
		d.calls(x.s, 1)
		d.on(x.c)
		split := x.split()
		d.show(x.start, x.c, x.id, units.Duration(x.dur)+" = "+split.text(x.by))
		if n := len(d.evidence); n == i+1 {
			d.evidence[i].Split = split
		}
	}
	f := d.finding(Info, Certain)
	f.Title = fmt.Sprintf("The slowest queries, and where their time went: %s", l[0].split().text(l[0].by))
	f.Advice = "Where the server worked: EXPLAIN (ANALYZE, BUFFERS) with the same parameters. The other parts have findings of their own."
	return f, true
}

func finishSlow(*Engine, *draft) (f Finding, ok bool) { return f, false }
