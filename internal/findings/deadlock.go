package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// deadlocked is a deadlock that was seen, for what its partners do then.
type deadlocked struct {
	at    int64
	conns []uint64
	d     *draft
}

type deadlockData struct {
	server   *server
	app      *app
	survived int64
	waits    uint64
}

func (e *Engine) deadlocked(q *seenExchange) {
	c, s := q.c, q.c.server
	d := e.shared(deadlock, c, s.id)
	if d == nil {
		return
	}
	x, _ := d.data.(*deadlockData)
	if x == nil {
		x = &deadlockData{server: s, app: c.app}
		d.data = x
	}
	d.note(q.Start)
	d.span(q.End)
	d.on(c)
	d.calls(q.s, 1)
	c.tx.calls(d)
	cost := max(q.dur, 0)
	if c.tx.id != 0 {
		cost = q.End.Time - c.tx.start
	}
	d.cost.TimeNS += cost
	known := deadlocked{at: q.End.Time, conns: []uint64{c.ID}, d: d}
	var others []string
	for _, pid := range numbers(q.errorField(messages.FieldDetail)) {
		id, ok := s.byPID[pid]
		if !ok || id == c.ID {
			continue
		}
		if o := e.conns[id]; o != nil && len(known.conns) < 8 {
			known.conns = append(known.conns, id)
			d.on(o)
			text := fmt.Sprintf("connection %d (%s)", o.ID, o.app.name())
			if !contains(others, text) {
				others = append(others, text)
			}
		}
	}
	s.deadlock = append(s.deadlock, known)
	if len(s.deadlock) > 64 {
		s.deadlock = s.deadlock[1:]
	}
	text := fmt.Sprintf("the victim, after %s: %s", units.Duration(q.dur), brief(q.s, 60))
	if len(others) > 0 {
		text += "; with " + list(others)
	}
	d.show(q.Start, c, q.ID, text)
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// numbers finds the whole numbers of a text, whatever its language.
func numbers(s string) (list []uint32) {
	for i := 0; i < len(s) && len(list) < 64; {
		if s[i] < '0' || s[i] > '9' {
			i++
			continue
		}
		n := uint64(0)
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			n = min(n*10+uint64(s[i]-'0'), 1<<40)
		}
		if n < 1<<32 {
			list = append(list, uint32(n))
		}
	}
	return list
}

// partOfDeadlock reports whether a wait was that of a deadlock, and adds it to it.
func (e *Engine) partOfDeadlock(s *server, w *wait) bool {
	for i := range s.deadlock {
		k := &s.deadlock[i]
		if k.at < w.start || k.at > w.reply.Time+second/2 {
			continue
		}
		for n, id := range k.conns {
			if id != w.c.ID {
				continue
			}
			if n > 0 {
				x := k.d.data.(*deadlockData)
				x.waits++
				x.survived += w.took
				k.d.cost.TimeNS += w.took
				k.d.calls(w.s, 1)
				e.blocked(s, w, nil, w.s.tables[0].name, false)
				if d := e.peek(lockWait, nil, lockKey(s, w.s.tables[0].name)); d != nil {
					d.data.(*lockData).dead += w.took
				}
			}
			return true
		}
	}
	return false
}

func finishDeadlock(e *Engine, d *draft) (f Finding, ok bool) {
	f = d.finding(Critical, Certain)
	f.Title = fmt.Sprintf("%s: transactions of %s wait for each other until the server ends one; %s lost", count(d.count, "deadlock"), d.app.name(), units.Duration(d.cost.TimeNS))
	f.Advice = "Lock rows in one fixed order (ORDER BY key in SELECT … FOR UPDATE, sort before updating), keep transactions short, and repeat the victim's after a random pause."
	return f, true
}

func (e *Engine) serialFailure(q *seenExchange) {
	c := q.c
	c.app.serial.failed++
	d := e.draft(serializationCode, c.app, 0)
	if d == nil {
		return
	}
	d.note(q.Start)
	d.span(q.End)
	d.on(c)
	d.calls(q.s, 1)
	c.tx.calls(d)
	if c.tx.id != 0 {
		d.cost.TimeNS += q.End.Time - c.tx.start
	} else {
		d.cost.TimeNS += max(q.dur, 0)
	}
	d.show(q.Start, c, q.ID, "failed at "+brief(q.s, 60))
}

func finishSerialization(e *Engine, d *draft) (f Finding, ok bool) {
	all := d.app.serial.transactions + d.app.serial.failed
	share := float64(d.count) / float64(max(all, 1))
	if d.count < minSerializations && share < serializationShare {
		return f, false
	}
	s := Info
	if share >= serializationShare && d.count >= minSerializations {
		s = Warning
	}
	f = d.finding(s, Certain)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s of %s failed to serialize (40001), %s of all; %s of work thrown away", count(d.count, "transaction"), d.app.name(), percent(share), units.Duration(d.cost.TimeNS))
	f.Advice = "Repeating them is right; make conflicts rarer: SELECT … FOR UPDATE at READ COMMITTED for the rows that are changed, narrower reads with an index, shorter transactions."
	return f, true
}
