package overview

// numSlots is how many slots of time a sparkline has.
const numSlots = 40

// firstWidth is how long a slot of a file is at first, in nanoseconds; it doubles when
// the capture outgrows the slots. Those of live traffic are a second long and move on.
const firstWidth = 1_000_000

// rateSlots is how many whole slots the rate of live traffic is taken from.
const rateSlots = 5

// series counts something over time.
type series struct {
	counts [numSlots]uint32
	last   int64 // the latest slot, where they move on
	at     int   // where its count is
	total  uint64
}

// add counts one in a slot.
func (s *series) add(slot int64, moving bool) {
	s.total++
	if moving && slot == s.last {
		s.counts[s.at]++
		return
	}
	if !moving {
		s.counts[max(0, min(slot, numSlots-1))]++
		return
	}
	s.moveTo(slot)
	if slot > s.last-numSlots && slot >= 0 {
		s.counts[slot%numSlots]++
	}
}

// moveTo clears the slots that have not come yet.
func (s *series) moveTo(slot int64) {
	if slot <= s.last {
		return
	}
	for i := max(s.last+1, slot-numSlots+1); i <= slot; i++ {
		s.counts[i%numSlots] = 0
	}
	s.last, s.at = slot, int(slot%numSlots)
}

// list returns the counts, oldest first, of moving ones those up to the slot now.
func (s *series) list(now int64, moving bool) []uint32 {
	if !moving {
		return append([]uint32(nil), s.counts[:]...)
	}
	s.moveTo(now)
	out := make([]uint32, 0, numSlots)
	for i := s.last - numSlots + 1; i <= s.last; i++ {
		if i < 0 {
			out = append(out, 0)
		} else {
			out = append(out, s.counts[i%numSlots])
		}
	}
	return out
}

// halve makes one slot of two.
func (s *series) halve() {
	for i := range s.counts {
		if 2*i < numSlots {
			s.counts[i] = s.counts[2*i] + s.counts[2*i+1]
		} else {
			s.counts[i] = 0
		}
	}
}

// slotOf returns the slot of a time. It makes the slots of a file longer where they do
// not reach.
func (c *Collector) slotOf(ns int64) int64 {
	if ns >= c.slotFrom && ns < c.slotTo {
		return c.slot
	}
	return c.newSlot(ns)
}

func (c *Collector) newSlot(ns int64) int64 {
	if c.started == 0 || ns <= c.started {
		return 0
	}
	for !c.opt.Live && (ns-c.started)/c.width >= numSlots {
		c.width *= 2
		c.load.halve()
		c.failed.halve()
		c.other.calls.halve()
		for _, k := range c.classes {
			k.calls.halve()
		}
	}
	c.slot = (ns - c.started) / c.width
	c.slotFrom = c.started + c.slot*c.width
	c.slotTo = c.slotFrom + c.width
	return c.slot
}

// begun is when what is shown of the capture began, or, until that is known, the first query.
func (c *Collector) begun() int64 {
	first := c.totals.First
	if first != 0 && c.opt.Since != nil {
		first = max(first, c.opt.Since())
	}
	if first != 0 && (first < c.started || c.started == 0) {
		return first
	}
	return c.started
}

// rate returns how many there are a second: of live traffic lately, of a file in all.
func (c *Collector) rate(s *series) float64 {
	if !c.opt.Live {
		begun := c.begun()
		if c.now <= begun {
			return 0
		}
		return float64(s.total) * float64(second) / float64(c.now-begun)
	}
	now := c.slotOf(c.now)
	s.moveTo(now)
	slots := min(now, rateSlots) // whole ones
	if slots == 0 {
		return float64(s.counts[0])
	}
	sum := uint64(0)
	for i := now - slots; i < now; i++ {
		sum += uint64(s.counts[i%numSlots])
	}
	return float64(sum) / float64(slots)
}
