package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// minPooled exchanges have to be found on both sides of a pooler, poolShare of its
	// exchanges.
	minPooled = 20
	// minLongPooled are enough where they waited for longQueue altogether.
	minLongPooled = 5
	longQueue     = 5 * second
	poolShare     = 0.5
	// The queue is an illness where the median wait is poolFactor times what the
	// server needs, or the 95th percentile poolWait.
	poolFactor = 2
	poolWait   = 100 * millisecond
	poolBusy   = 0.9
	maxOpenLeg = 512
)

var poolerQueue = &code{name: "pooler_queue", finish: finishPooler}

// poolers finds exchanges that were handed on: seen to one server within the time of a
// exchange to another.
type poolers struct {
	recent []leg // of exchanges that are over: leg n is at n % maxOpenLeg
	seen   uint64
	// latest finds the latest leg of one statement and value among them, by their
	// hash; legs with the same hash are chained.
	latest    [legBuckets]uint64
	pairs     map[[2]*server]*pooled
	exchanges map[*server]uint64
}

// leg is an exchange as it was seen on one connection.
type leg struct {
	server     *server
	conn, id   uint64
	s          *statement
	value      uint64
	start, end int64
	used       bool
	before     uint64 // number of the leg before it with the same hash, 0: none
}

// legBuckets is how many hashes of legs are told apart, a power of two.
const legBuckets = 2 * maxOpenLeg

// bucket is where legs of a statement with a value are found.
func (l *leg) bucket() uint64 { return hashInt(int64(l.s.print^l.value)) >> 32 % legBuckets }

// behind reports whether all of these are connections of a pooler to its server, on which
// the queries of many clients follow each other.
func (p *poolers) behind(conns []ConnRef) bool {
	for i := range conns {
		leg := false
		for _, x := range p.pairs {
			leg = leg || x.legs[conns[i].Conn] != nil && len(x.clients) > 1
		}
		if !leg {
			return false
		}
	}
	return len(conns) > 0
}

// pooled is a pooler and the server behind it.
type pooled struct {
	front, back *server
	draft       *draft
	wait, work  sample
	clients     map[uint64]struct{}
	legs        map[uint64]*legUse
	sum         int64
	first, last int64
	n           uint64
}

// legUse is how busy a connection of the pooler to the server is.
type legUse struct{ busy, first, last int64 }

func newPoolers() poolers {
	return poolers{pairs: make(map[[2]*server]*pooled), exchanges: make(map[*server]uint64)}
}

// maxPairs bounds the pairs of servers that are compared.
const maxPairs = 256

// pooled looks for the exchange's other half.
func (e *Engine) pooled(q *seenExchange) {
	p := &e.pool
	if len(e.inOrder) < 2 || q.s == nil || q.dur < 0 || !q.Answered || q.s.overhead() {
		return
	}
	s := q.c.server
	p.exchanges[s]++
	me := leg{server: s, conn: q.c.ID, id: q.ID, s: q.s, value: q.value, start: q.Start.Time, end: q.End.Time}
	// The server's side ends first, but its reply may be seen after the client's.
	at := me.bucket()
	for n := p.latest[at]; n != 0 && n+maxOpenLeg > p.seen; n = p.recent[n%maxOpenLeg].before {
		o := &p.recent[n%maxOpenLeg]
		if o.end < me.start-second {
			break
		}
		if o.used || o.server == s || o.s != me.s || o.value != me.value {
			continue
		}
		front, back := &me, o
		if o.start < me.start {
			front, back = o, &me
		}
		if back.start < front.start || back.end > front.end+millisecond {
			continue
		}
		o.used = true
		e.pair(q, front, back)
		return
	}
	if p.recent == nil {
		p.recent = make([]leg, maxOpenLeg)
	}
	p.seen++
	me.before, p.latest[at] = p.latest[at], p.seen
	p.recent[p.seen%maxOpenLeg] = me
}

func (e *Engine) pair(q *seenExchange, front, back *leg) {
	key := [2]*server{front.server, back.server}
	x := e.pool.pairs[key]
	if x == nil {
		if len(e.pool.pairs) >= maxPairs {
			return
		}
		x = &pooled{front: front.server, back: back.server, clients: make(map[uint64]struct{}), legs: make(map[uint64]*legUse), first: back.start}
		if x.draft = e.draft(poolerQueue, nil, front.server.id<<32|back.server.id); x.draft == nil {
			return
		}
		x.draft.data = x
		e.pool.pairs[key] = x
	}
	if front.server == q.c.server && front.id == q.ID && front.conn == q.c.ID {
		q.queue = back.start - front.start
	} else {
		e.queuedFor(front.conn, front.id, back.start-front.start)
	}
	x.n++
	x.wait.add(back.start - front.start)
	x.work.add(back.end - back.start)
	x.sum += back.start - front.start
	x.last = max(x.last, back.end)
	if len(x.clients) < maxStatements {
		x.clients[front.conn] = struct{}{}
	}
	k := x.legs[back.conn]
	if k == nil && len(x.legs) < maxStatements {
		k = &legUse{first: back.start}
		x.legs[back.conn] = k
	}
	if k != nil {
		k.busy += back.end - max(back.start, k.last)
		k.last = max(k.last, back.end)
	}
	d := x.draft
	at := Stamp{Time: front.start, Frame: q.Start.Frame}
	d.note(at)
	d.span(q.End)
	if c := e.conns[front.conn]; c != nil {
		d.on(c)
		if back.start-front.start >= poolWait/2 {
			d.show(at, c, 0, fmt.Sprintf("waited %s for a server connection, which then worked for %s", units.Duration(back.start-front.start), units.Duration(back.end-back.start)))
		}
	}
	d.calls(q.s, 1)
}

func finishPooler(e *Engine, d *draft) (f Finding, ok bool) {
	if x, gaveUp := d.data.(*queueTimeouts); gaveUp {
		return x.finish(e, d)
	}
	x := d.data.(*pooled)
	if x.n < minPooled && (x.n < minLongPooled || x.sum < longQueue) || float64(x.n) < poolShare*float64(e.pool.exchanges[x.front]) || len(x.clients) <= len(x.legs) {
		return f, false
	}
	wait, work := x.wait.median(), x.work.median()
	if wait < poolFactor*work && x.wait.quantile(0.95) < poolWait {
		return f, false
	}
	var busy, all int64
	for _, k := range x.legs {
		busy += k.busy
		all += k.last - k.first
	}
	if float64(busy) < poolBusy*float64(all) && wait < poolFactor*work {
		return f, false
	}
	d.cost.TimeNS = x.sum
	s, gaveUp := Warning, ""
	if x.wait.quantile(0.95) >= second {
		s = Critical
	}
	if t := e.peek(d.code, nil, x.front.id); t != nil {
		s, gaveUp = Critical, fmt.Sprintf("; %s given up (%s)", count(t.count, "query"), queryWaitTimeout)
	}
	f = d.finding(s, Strong)
	f.Title = fmt.Sprintf("Queries queue in the pooler %s: %s (95 %% below %s) for %s of work; %s to it, %s to %s", x.front.address, units.Duration(wait), units.Duration(x.wait.quantile(0.95)), units.Duration(work), count(len(x.clients), "connection"), count(len(x.legs), "connection"), x.back.address) + gaveUp
	f.Advice = poolerAdvice
	return f, true
}
