package analyze

import (
	"math"
	"time"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// Tick is the end of a period of the capture's time, in nanoseconds since the epoch,
// with what was counted from the beginning of the capture to then.
type Tick struct {
	Start, End          int64
	First               int64 // time of the first packet
	Packets, Bytes      uint64
	Lost, Retransmitted uint64 // bytes, of connections that have ended
}

// Ticker is a function that is called for each period in which packets came.
type Ticker struct {
	Every  time.Duration // more than 0
	OnTick func(Tick)
}

// tickClock is the first stage's part of a Ticker: it says when a period has
// passed. Periods begin with the first packet.
type tickClock struct {
	every int64 // ns; 0: never
	due   int64 // when the current period ends
	back  int64 // a time before it is that of a clock that was set back
}

func newTickClock(every time.Duration) tickClock { return tickClock{every: int64(max(every, 0))} }

// strikes reports whether the current period ended before now, and when. A clock
// that was set back by far begins anew.
func (c *tickClock) strikes(now int64) (end int64, yes bool) {
	switch {
	case c.every == 0 || now == 0:
		return 0, false
	case c.due == 0 || now < c.back:
		c.until(now + c.every)
		return 0, false
	case now < c.due:
		return 0, false
	}
	end = c.due
	c.until(c.due + (now-c.due+c.every)/c.every*c.every)
	return end, true
}

func (c *tickClock) until(due int64) { c.due, c.back = due, due-2*c.every }

// tick tells the second stage, in the order of the packets.
func (a *Analyzer) tick(now int64) {
	a.tickDue, a.tickBack = math.MaxInt64, math.MinInt64
	for i := range a.ticks {
		if end, yes := a.ticks[i].strikes(now); yes {
			a.out.tick(i, Tick{
				Start: end - a.ticks[i].every, End: end, First: a.Counts.First, Packets: a.Counts.Packets, Bytes: a.Counts.Bytes,
				Lost: a.Counts.Lost, Retransmitted: a.Counts.Retransmitted,
			})
		}
		c := &a.ticks[i]
		a.tickDue, a.tickBack = min(a.tickDue, c.due), max(a.tickBack, c.back)
	}
}

// Period returns the beginning of the period of Ticks[i] that has not ended yet, 0 if
// there is none.
func (a *Analyzer) Period(i int) int64 {
	if a.ticks[i].due == 0 {
		return 0
	}
	return a.ticks[i].due - a.ticks[i].every
}

func (t *sessions) tick(i int, at Tick) { t.tickers[i].OnTick(at) }

func (p *pipe) tick(i int, at Tick) {
	p.place(eventTick, reassembly.Stamp{}).n = int64(i)
	p.cur.ticks = append(p.cur.ticks, at)
}

// Do has f called by the second stage, in the order of the packets: for what looks
// at the sessions' results so far. With several workers f is called from another
// goroutine, and Do does not wait for it.
func (a *Analyzer) Do(f func()) {
	a.out.do(f)
	if a.pipe != nil {
		a.pipe.flush()
	}
}

func (t *sessions) do(f func()) { f() }

func (p *pipe) do(f func()) {
	p.place(eventDo, reassembly.Stamp{})
	p.cur.loads = append(p.cur.loads, f)
}
