package analyze

import (
	"time"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// tickClock is the first stage's part of Options.Tick: it says when a period of the
// capture's time has passed. Periods begin with the first packet.
type tickClock struct {
	every int64 // ns; 0: never
	due   int64
}

func newTickClock(every time.Duration) tickClock { return tickClock{every: int64(max(every, 0))} }

// strikes reports whether a period ended before now. A clock that was set back by
// far begins anew.
func (c *tickClock) strikes(now int64) bool {
	switch {
	case c.every == 0 || now == 0:
		return false
	case c.due == 0 || now < c.due-2*c.every:
		c.due = now + c.every
		return false
	case now < c.due:
		return false
	}
	c.due += (now - c.due + c.every) / c.every * c.every
	return true
}

// ended is the end of the latest period that has ended.
func (c *tickClock) ended() int64 { return c.due - c.every }

// tick tells the second stage, in the order of the packets.
func (a *Analyzer) tick(now int64) {
	if a.ticks.strikes(now) {
		a.out.tick(a.ticks.ended())
	}
}

func (t *sessions) tick(now int64) { t.onTick(now) }

func (p *pipe) tick(now int64) { p.place(eventTick, reassembly.Stamp{}).n = now }
