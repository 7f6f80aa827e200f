package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// A stall is a silence of stallTime in which minStalled connections of at least
	// two applications waited, whose replies then came within stallEnd.
	stallTime  = 500 * millisecond
	stallEnd   = 100 * millisecond
	minStalled = 3
)

var serverStall = &code{name: "server_stall", finish: finishStall}

// silent is a time in which a server sent nothing at all.
type silent struct{ from, to int64 }

// slowExchange is an exchange that took long.
type slowExchange struct {
	c     *conn
	s     *statement
	id    uint64
	start Stamp
	reply Stamp
	took  int64
	app   *app
}

// lateReply is a reply that came late, and whether the server's host had
// acknowledged the request.
type lateReply struct {
	at    int64
	acked bool
}

type stallData struct {
	stalls  []silent
	longest int64
	apps    map[string]bool
	conns   int
}

// stalled reports whether a wait lay in a stall.
func (s *server) stalled(from, to int64) bool {
	d := s.stallDraft()
	if d == nil {
		return false
	}
	for _, k := range d.stalls {
		if to >= k.to-stallEnd && to <= k.to+2*stallEnd && from <= k.to-stallTime/2 {
			return true
		}
	}
	return false
}

func (s *server) stallDraft() *stallData { return s.down.stall }

// settleStalls judges the silences that are over.
func (e *Engine) settleStalls(s *server, until int64) {
	kept := s.silent[:0]
	for _, k := range s.silent {
		if k.to > until {
			kept = append(kept, k)
		} else {
			e.settleStall(s, k)
		}
	}
	s.silent = kept
	for len(s.late) > 0 && s.late[0].at < until-second {
		s.late = s.late[1:]
	}
	for len(s.slow) > 0 && s.slow[0].reply.Time < until-10*second {
		s.slow = s.slow[1:]
	}
}

func (e *Engine) settleStall(s *server, k silent) {
	var hit []*slowExchange
	conns, apps := make(map[uint64]bool), make(map[*app]bool)
	for i := range s.slow {
		q := &s.slow[i]
		if q.reply.Time < k.to || q.reply.Time > k.to+stallEnd || q.start.Time > k.to-waitTime {
			continue
		}
		hit = append(hit, q)
		if q.start.Time <= k.to-stallTime {
			conns[q.c.ID], apps[q.app] = true, true
		}
	}
	if len(conns) < minStalled || len(apps) < 2 || e.released(s, k, hit) || oneTable(hit) && e.partlySeen(s) {
		return
	}
	acked, late := 0, 0
	for _, r := range s.late {
		if r.at >= k.to && r.at <= k.to+stallEnd {
			if late++; r.acked {
				acked++
			}
		}
	}
	if late > 0 && acked == 0 {
		return // the way to the server was cut: its host acknowledged nothing either
	}
	d := e.draft(serverStall, nil, s.id)
	if d == nil {
		return
	}
	x, _ := d.data.(*stallData)
	if x == nil {
		x = &stallData{apps: make(map[string]bool)}
		d.data, s.down.stall = x, x
	}
	from := k.to
	for _, q := range hit {
		from = min(from, q.start.Time)
	}
	from = max(from, k.from)
	if len(x.stalls) < maxRefs {
		x.stalls = append(x.stalls, silent{from, k.to})
	}
	x.longest = max(x.longest, k.to-from)
	x.conns = max(x.conns, len(conns))
	d.note(Stamp{Time: from})
	for _, q := range hit {
		d.on(q.c)
		d.calls(q.s, 1)
		d.span(q.start)
		d.span(q.reply)
		d.cost.TimeNS += q.took
		if len(x.apps) < maxRefs {
			x.apps[q.app.name()] = true
		}
		d.show(q.start, q.c, q.id, fmt.Sprintf("%s waited %s: %s", q.app.name(), units.Duration(q.took), brief(q.s, 60)))
	}
}

// released reports whether the replies after a silence are rather those of waiters
// for a lock: a transaction on their tables ended just then, as promptly as ever, or they
// stood in the queue behind who waited for it, as all do behind DDL.
func (e *Engine) released(s *server, k silent, hit []*slowExchange) bool {
	free := make([]*slowExchange, 0, len(hit)) // in the order in which it is known of them
	var rest []*slowExchange
	for _, q := range hit {
		if s.freed(k, q) {
			free = append(free, q)
		} else {
			rest = append(rest, q)
		}
	}
	for i := 0; i < len(free); i++ {
		kept := rest[:0]
		for _, q := range rest {
			if _, ok := conflict(q.s.tables, free[i].s.tables); ok && free[i].c != q.c {
				free = append(free, q)
			} else {
				kept = append(kept, q)
			}
		}
		rest = kept
	}
	return 2*len(free) >= len(hit)
}

// oneTable reports whether all use one table, so that a lock on it would explain it.
func oneTable(hit []*slowExchange) bool {
	for _, t := range hit[0].s.tables {
		all := true
		for _, q := range hit[1:] {
			all = all && hasTable(q.s.tables, t.name)
		}
		if all {
			return true
		}
	}
	return false
}

// partlySeen reports whether there are, or were until shortly before, connections to a
// server of which something was not captured, such as who holds a lock.
func (e *Engine) partlySeen(s *server) bool {
	if s.partly != 0 && e.now-s.partly < 10*second {
		return true
	}
	for _, c := range e.conns {
		if c.server == s && (c.MidStream || c.lossy) {
			return true
		}
	}
	return false
}

// freed reports whether a transaction that ended promptly after a silence freed what an
// exchange may have waited for.
func (s *server) freed(k silent, q *slowExchange) bool {
	for i := range s.ended.list {
		f := &s.ended.list[i]
		if f.id == 0 || f.connID == q.c.ID || !f.prompt || f.from < k.to-stallEnd || f.from > q.reply.Time || f.start >= q.reply.Time-waitTime {
			continue
		}
		if _, ok := conflict(q.s.tables, f.tables); ok {
			return true
		}
	}
	return false
}

func finishStall(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*stallData)
	s := Warning
	if x.longest >= second {
		s = Critical
	}
	f = d.finding(s, Strong)
	var sum int64
	for _, k := range x.stalls {
		sum += k.to - k.from
	}
	f.Title = fmt.Sprintf("The server stood still: %s of %s, up to %s waited in it, of %s, and all went on at the same moment", count(len(x.stalls), "stall"), units.Duration(sum), count(x.conns, "connection"), count(len(x.apps), "application"))
	f.Advice = "Look at the host at that time: I/O, a paused or migrated virtual machine, steal time, swapping, a checkpoint, a frozen volume. The server's own log may show nothing, since it stood still, too."
	return f, true
}

// silences takes what the network says of a server that sent nothing.
func (e *Engine) silences(v *netfacts.Event) {
	s := e.servers[v.Server.String()]
	if s == nil {
		return
	}
	switch v.Kind {
	case netfacts.ServerSilence:
		if len(s.silent) < maxRefs {
			s.silent = append(s.silent, silent{v.Since, v.At.Time})
		}
	case netfacts.LateReply:
		if len(s.late) < maxWaits {
			s.late = append(s.late, lateReply{v.At.Time, v.Acked})
		}
	}
}
