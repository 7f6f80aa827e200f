package findings

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// waitTime is the shortest wait that is looked at, and waitFactor how many times
	// the usual time a reader's has to be.
	waitTime   = 200 * millisecond
	waitFactor = 10
	// releases is how soon after the end of another's transaction a waiter's reply
	// has to come.
	releases = 20 * millisecond
	maxWaits = 1024
	// deadlockFor is how long the partners of a deadlock are known as such.
)

var lockWait = &code{name: "lock_wait", finish: finishWait}

// wait is a statement that took long, until it is known what else happened.
type wait struct {
	c          *conn
	s          *statement
	id         uint64
	start      int64
	reply      Stamp
	took       int64
	usual      int64
	values     []uint64
	uses       *uses
	row        bool // it names the row of whom it waited for
	app        *app
	timeout    bool // the server gave up for it
	startFrame uint64
}

// waited files an exchange that may have waited for a lock.
func (e *Engine) waited(q *seenExchange) {
	c, s := q.c, q.c.server
	if q.server < waitTime || q.s == nil || len(q.s.tables) == 0 || q.s.sleeps || q.state == queryCanceled && q.CancelledBy != 0 {
		return
	}
	c.filed = true
	if q.server >= waitTime {
		s.slow = append(s.slow, slowExchange{c: c, s: q.s, id: q.ID, start: q.Start, reply: q.FirstReply, took: q.server, app: c.app})
		if len(s.slow) > maxWaits {
			s.slow = append(s.slow[:0], s.slow[maxWaits/2:]...)
		}
	}
	if len(s.waits) >= maxWaits {
		e.Dropped++
		return
	}
	w := wait{
		c: c, s: q.s, id: q.ID, start: q.Start.Time, reply: q.FirstReply, took: q.server, app: c.app,
		timeout: q.state == lockNotAvailable, startFrame: q.Start.Frame,
	}
	if q.uses != nil && q.uses.time.n > 0 {
		w.usual = q.uses.time.median()
	}
	w.values = append(w.values, e.valuesOf(q)...)
	if w.uses = q.uses; w.uses != nil {
		w.uses.alike(w.values)
	}
	s.waits = append(s.waits, w)
}

// settleWaits looks for whom the waiters waited.
func (e *Engine) settleWaits(s *server, until int64) {
	kept, over := s.waits[:0], e.over[:0]
	for i := range s.waits {
		if w := &s.waits[i]; w.reply.Time > until {
			kept = append(kept, *w)
		} else {
			over = append(over, *w)
		}
	}
	clear(s.waits[len(kept):])
	s.waits = kept
	// Who waits for another waiter came after him: for whom that one waited is known first.
	order.StableBy(over, func(a, b *wait) int { return cmp.Compare(a.start, b.start) })
	for i := range over {
		e.settleWait(s, &over[i])
	}
	clear(over)
	e.over = over[:0]
}

func (e *Engine) settleWait(s *server, w *wait) {
	if e.partOfDeadlock(s, w) {
		return
	}
	if s.stalled(w.start, w.reply.Time) {
		return
	}
	if !w.s.writes() && w.took < waitFactor*w.usual {
		return
	}
	var best *finishedTx
	name, same, first := "", false, false
	for i := range s.ended.list {
		f := &s.ended.list[i]
		if f.id == 0 || f.connID == w.c.ID || f.start >= w.reply.Time-waitTime/2 || !f.prompt && !f.alone && f.end-f.from >= waitTime {
			continue
		}
		if w.reply.Time < f.from || w.reply.Time > f.end+releases || f.end <= w.start {
			continue
		}
		t, ok := conflict(w.s.tables, f.tables)
		if !ok {
			continue
		}
		// Who came later and only read stood in the same queue.
		before := f.start <= w.start
		if !before && !locked(f.tables, t) {
			continue
		}
		shares := containsAny(f.values, w.values)
		if onlyInserts(w.s, t, f.tables) && !shares {
			continue // rows of their own: they wait for each other only for a key
		}
		if best == nil || shares && !same || shares == same && (before && !first || before == first && near(f, w) < near(best, w)) {
			best, name, same, first = f, t, shares, before
		}
	}
	switch {
	case best != nil:
		w.row = same && w.namesRowOf(best)
		e.blocked(s, w, best, name, same)
	case w.timeout:
		e.blocked(s, w, nil, w.s.tables[0].name, false)
	}
}

// alike keeps the values that all executions which took long have in common.
func (u *uses) alike(values []uint64) {
	if u.common == nil {
		u.common = append([]uint64{}, values...)
	}
	u.common = slices.DeleteFunc(u.common, func(v uint64) bool { return !slices.Contains(values, v) })
}

// namesRowOf reports whether a waiter names a row that the other wrote: all of its values are
// the other's, or one is that is not the same each time.
func (w *wait) namesRowOf(f *finishedTx) bool {
	all := true
	for _, v := range w.values {
		shared := slices.Contains(f.values, v)
		if shared && w.uses != nil && !slices.Contains(w.uses.common, v) {
			return true
		}
		all = all && shared
	}
	return all
}

func near(f *finishedTx, w *wait) int64 {
	d := w.reply.Time - f.end
	return max(d, -d)
}

// onlyInserts reports whether a waiter inserts into a table that the other wrote.
func onlyInserts(s *statement, name string, tables []table) bool {
	if s.verb != "insert" {
		return false
	}
	for _, t := range tables {
		if t.name == name && t.use&alters != 0 {
			return false
		}
	}
	return true
}

type lockData struct {
	table     string
	waits     uint64
	sum       int64
	longest   int64
	strong    uint64
	timeouts  uint64
	blockers  map[uint64]uint64 // connections, with the waits for them
	blockApps map[string]uint64
	idle      map[*draft]int64 // the waits that silent transactions explain
	idleSum   int64
	held      int64 // of the blockers' transactions
	heldIdle  int64
	waiters   map[uint64]bool
	ddl       bool
	dead      int64 // the waits of deadlocks
	byUse     map[*uses]uint64
	rows      uint64 // the waits for a row that is known
}

func lockKey(s *server, name string) uint64 { return hashOf([]byte(s.address + "\x00" + name)) }

// LockWait is a statement that waited for a lock.
type LockWait struct {
	Conn   uint64 // number of its connection
	Server string
	Query  uint64 // its number there
	From   int64  // its request, in nanoseconds since the Unix epoch
	Until  Stamp  // its reply
	Table  string
	// For is the connection whose transaction it likely waited for, App its application;
	// 0 where that is not known. SameRow tells that both named the same values.
	For     uint64
	App     string
	SameRow bool
}

// tellWait tells a wait for a lock to who asked for it.
func (e *Engine) tellWait(s *server, w *wait, by *finishedTx, table string, same bool) {
	if e.OnLockWait == nil {
		return
	}
	l := LockWait{Conn: w.c.ID, Server: s.address, Query: w.id, From: w.start, Until: w.reply, Table: table, SameRow: same}
	if by != nil {
		l.For, l.App = by.connID, by.app.name()
	}
	e.OnLockWait(&l)
}

// blocked notes that a statement waited for another's transaction.
func (e *Engine) blocked(s *server, w *wait, by *finishedTx, name string, same bool) {
	e.tellWait(s, w, by, name, same)
	d := e.draft(lockWait, nil, lockKey(s, name))
	if d == nil {
		return
	}
	x, _ := d.data.(*lockData)
	if x == nil {
		x = &lockData{
			table: name, blockers: make(map[uint64]uint64), blockApps: make(map[string]uint64),
			idle: make(map[*draft]int64), waiters: make(map[uint64]bool), byUse: make(map[*uses]uint64),
		}
		d.data = x
	}
	x.waits++
	x.sum += w.took
	x.longest = max(x.longest, w.took)
	if len(x.waiters) < maxRefs {
		x.waiters[w.c.ID] = true
	}
	if w.row {
		x.rows++
	}
	if u := w.uses; u != nil && (len(x.byUse) < maxRefs || x.byUse[u] > 0) {
		x.byUse[u]++
	}
	if w.timeout {
		x.timeouts++
	}
	d.cost.TimeNS += w.took
	d.note(Stamp{Time: w.start, Frame: w.startFrame})
	d.span(w.reply)
	d.on(w.c)
	d.calls(w.s, 1)
	text := fmt.Sprintf("%s waited %s", w.app.name(), units.Duration(w.took))
	if by != nil {
		if same {
			x.strong++
		}
		x.ddl = x.ddl || altered(by.tables, name)
		x.held += by.end - by.start
		x.heldIdle += by.idle
		if len(x.blockers) < maxRefs || x.blockers[by.connID] > 0 {
			x.blockers[by.connID]++
			x.blockApps[by.app.name()]++
		}
		e.waitedFor(w, fmt.Sprintf("for connection %d, %s", by.connID, by.app.name()))
		text += fmt.Sprintf(" for connection %d (%s), whose transaction was open for %s", by.connID, by.app.name(), units.Duration(by.end-by.start))
		if by.idle >= longIdle/2 {
			text += fmt.Sprintf(", %s of it idle", units.Duration(by.idle))
		}
		if by.last != nil {
			text += ", after " + brief(by.last, 60)
		}
		idle := by.idleDraft
		if idle == nil || by.idle*2 < by.end-by.start {
			idle = by.root
		}
		if idle != nil {
			s.ended.rootOf(w, idle)
			x.idle[idle] += w.took
			x.idleSum += w.took
			i := idle.data.(*idleData)
			i.waiters++
			i.waited += w.took
			i.waiterApp[w.app.name()] = true
		}
	} else if w.timeout {
		text += " until lock_timeout"
	} else {
		text += " until a deadlock was broken"
	}
	d.show(Stamp{Time: w.start, Frame: w.startFrame}, w.c, w.id, text)
}

// rootOf tells the waiter's own transaction for which silent one it waited, since
// others wait for it in turn.
func (l *endedTx) rootOf(w *wait, idle *draft) {
	for i := range l.list {
		if f := &l.list[i]; f.connID == w.c.ID && f.start <= w.start && f.end >= w.reply.Time {
			f.root = idle
		}
	}
}

// locked reports whether a transaction did more to a table than read it.
func locked(tables []table, name string) bool {
	for _, t := range tables {
		if t.name == name && t.use&^reads != 0 {
			return true
		}
	}
	return false
}

func altered(tables []table, name string) bool {
	for _, t := range tables {
		if t.name == name && t.use&alters != 0 {
			return true
		}
	}
	return false
}

const (
	// usualCalls is how often a statement has to run for it to be known what it takes where
	// it waits for nobody, and usualTimes how much longer a wait takes.
	usualCalls = 3
	usualTimes = 3
)

// slowAnyway reports whether most of the statements that seem to have waited take as long
// nearly always, so that others that end at the same moment do so by chance: nobody has
// named the row of another, or locked the table.
func (x *lockData) slowAnyway() bool {
	if 2*x.rows > x.waits || x.timeouts > 0 || x.ddl || x.dead > 0 {
		return false
	}
	slow := uint64(0)
	for u, n := range x.byUse {
		if u.time.n >= usualCalls && u.time.quantile(0.1)*usualTimes > x.sum/int64(x.waits) {
			slow += n
		}
	}
	return 2*slow > x.waits
}

func finishWait(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*lockData)
	if x.slowAnyway() {
		return f, false
	}
	conf := Likely
	most := uint64(0)
	for _, n := range x.blockers {
		most = max(most, n)
	}
	if x.strong > 0 || x.waits >= 3 {
		conf = Strong
	}
	if x.timeouts > 0 {
		conf = Certain
	}
	if conf == Likely && x.waits == 1 && x.longest < second {
		return f, false // once, for a moment: by chance
	}
	s := Warning
	if x.longest >= second || x.timeouts > 0 {
		s = Critical
	}
	if x.idleSum*2 >= x.sum {
		s = Warning // the silent transaction is the illness
	}
	f = d.finding(s, conf)
	f.Title = fmt.Sprintf("%s waited for locks on %s, %s in all, %s at most", count(x.waits, "statement"), x.table, units.Duration(x.sum), units.Duration(x.longest))
	if len(x.blockers) > 0 {
		f.Title += ", for transactions of " + list(firstKeys(x.blockApps, 3))
	}
	if x.waits > 0 && x.held > 0 {
		f.Title += fmt.Sprintf(" that were open for %s", units.Duration(x.held/int64(x.waits)))
	}
	f.Advice = "Keep transactions short, and the locking statement at their end; lock rows in one order; a sequence instead of a counter row, or INSERT-only counting; SKIP LOCKED for queues."
	if x.ddl {
		f.Advice = "Set lock_timeout for DDL and repeat it, so that it does not queue in front of readers; CREATE INDEX CONCURRENTLY; no long transactions meanwhile."
	}
	return f, true
}

// firstKeys returns the keys with the highest values.
func firstKeys(m map[string]uint64, n int) []string {
	keys := sortedKeys(m)
	for i := range keys {
		for k := i; k > 0 && m[keys[k]] > m[keys[k-1]]; k-- {
			keys[k], keys[k-1] = keys[k-1], keys[k]
		}
	}
	if len(keys) > n {
		keys = append(keys[:n:n], fmt.Sprintf("%d others", len(keys)-n))
	}
	return keys
}
