package report

// maxSlots is how many slots of time there are at most; when a capture outgrows them,
// two become one.
const maxSlots = 400

// firstSlot is how long a slot is at first, in nanoseconds.
const firstSlot = 10_000_000

// slot is what happened in a stretch of time.
type slot struct {
	queries, errors uint32
	rows, bytes     uint64
	opened, closed  uint32 // connections
	durations       histogram
}

// series is the load over time.
type series struct {
	start int64 // of the first slot; 0: nothing came
	width int64
	slots []slot
	// halved is called when two slots become one.
	halved []func()
}

// at returns the slot of a time and its number.
func (s *series) at(ns int64) (int, *slot) {
	if s.start == 0 {
		s.start, s.width = ns, firstSlot
	}
	for (ns-s.start)/s.width >= maxSlots {
		s.halve()
	}
	i := int(max(0, (ns-s.start)/s.width)) // the capture's clock may go back
	for len(s.slots) <= i {
		s.slots = append(s.slots, slot{})
	}
	return i, &s.slots[i]
}

func (s *series) halve() {
	s.width *= 2
	n := (len(s.slots) + 1) / 2
	for i := range n {
		a := s.slots[2*i]
		if 2*i+1 < len(s.slots) {
			b := &s.slots[2*i+1]
			a.opened, a.closed = a.opened+b.opened, a.closed+b.closed
			a.queries, a.errors, a.rows, a.bytes = a.queries+b.queries, a.errors+b.errors, a.rows+b.rows, a.bytes+b.bytes
			a.durations.merge(&b.durations)
		}
		s.slots[i] = a
	}
	s.slots = s.slots[:n]
	for _, f := range s.halved {
		f()
	}
}

// spark is the calls of a class over time, in the slots of a series.
type spark []uint32

func (s *spark) add(i int) {
	for len(*s) <= i {
		*s = append(*s, 0)
	}
	(*s)[i]++
}

func (s *spark) halve() {
	n := (len(*s) + 1) / 2
	for i := range n {
		v := (*s)[2*i]
		if 2*i+1 < len(*s) {
			v += (*s)[2*i+1]
		}
		(*s)[i] = v
	}
	*s = (*s)[:n]
}

// sparkBins is how many points a sparkline of the page has.
const sparkBins = 45

// fold returns the calls in that many stretches of the page's slots, less what is empty
// at the end.
func (s spark) fold(slots int) spark {
	out := make(spark, sparkBins)
	slots = max(slots, len(s), 2)
	last := 0
	for i, n := range s {
		k := i * sparkBins / slots
		if out[k] += n; n > 0 {
			last = k + 1
		}
	}
	return out[:last]
}
