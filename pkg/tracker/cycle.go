package tracker

import (
	"slices"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Cycle is what one side usually sends at once in a cycle: all requests, or all
// replies. It is made once and used for every cycle of that form, by Trackers that
// belong to the same goroutine.
type Cycle struct {
	kinds    []messages.Kind
	requests []request // of the frontend's kinds
	// answers and fits: whether the backend's kinds answer the requests of the
	// latest Cycle that they were held against.
	answers *Cycle
	fits    bool
}

// RequestCycle returns the Cycle of kinds that are all requests of a cycle, where
// they are what most frontends send: a Query; or, of Parse, Bind, Describe and
// Execute, those of one unit of work in their order, and Sync. It returns nil for
// anything else.
func RequestCycle(kinds []messages.Kind) *Cycle {
	if !oneUnit(kinds) {
		return nil
	}
	c := &Cycle{kinds: slices.Clone(kinds)}
	for _, k := range kinds {
		c.requests = append(c.requests, sends[k].request)
	}
	return c
}

// oneUnit reports whether requests are those of one unit of work with the end of
// its cycle.
func oneUnit(kinds []messages.Kind) bool {
	last := len(kinds) - 1
	if last < 0 || kinds[last] != messages.KindSync {
		return last == 0 && kinds[0] == messages.KindQuery
	}
	for i, k := range kinds[:last] {
		switch k {
		case messages.KindParse, messages.KindBind, messages.KindDescribe:
		case messages.KindExecute:
			return i == last-1
		default:
			return false
		}
	}
	return last > 0
}

// ReplyCycle returns the Cycle of kinds that are all replies of a cycle, where they
// are what most backends send: no errors, no COPY, nothing asynchronous; a
// ReadyForQuery at the end. Of DataRow messages in a row one is enough. It returns
// nil for anything else.
func ReplyCycle(kinds []messages.Kind) *Cycle {
	last := len(kinds) - 1
	if last < 0 || kinds[last] != messages.KindReadyForQuery {
		return nil
	}
	for _, k := range kinds[:last] {
		if !plainReplies[k] && k != messages.KindCommandComplete && k != messages.KindReadyForQuery {
			return nil
		}
	}
	return &Cycle{kinds: slices.Clone(kinds)}
}

// settled reports whether nothing is uncertain: in session, no COPY, nothing
// lost, both sides heard.
func (t *Tracker) settled() bool {
	return t.base == messages.PhaseReady && t.copying == 0 && !t.discarding && t.spare == 0 &&
		!t.lossF && !t.lossB && !t.doubt.any && t.frontend && t.backend
}

// SendCycle is Observe for the requests of c, a RequestCycle, one after the other.
// Nothing may be outstanding. It returns the number of their unit; ok is false
// where more has to be looked at: then t is as it was. What each request meant is
// written to steps, if that is not nil: it has a place for each.
func (t *Tracker) SendCycle(c *Cycle, steps []Step) (unit uint64, ok bool) {
	if t.q.n != 0 || t.whole != nil || t.unitState != unitClosed || t.open || !t.settled() {
		return 0, false
	}
	t.unit++
	t.whole = c
	t.wholeAt, t.wholePlaced, t.placed = t.place, t.placed, false
	after := phaseOf(c.requests[0])
	if steps != nil {
		for i := range c.kinds {
			steps[i] = Step{}
			s := &steps[i]
			s.Phase, s.After, s.Tx, s.Unit = after, after, t.tx, t.unit
		}
		steps[0].Phase, steps[0].Begins, steps[0].Rested = messages.PhaseReady, true, true
	}
	t.lastReady = false
	t.after, t.afterDir, t.afterSet = after, messages.Frontend, true
	return t.unit, true
}

// spread puts the requests of a cycle that was taken at once into the queue.
func (t *Tracker) spread() {
	if t.whole != nil {
		t.spreadWhole()
	}
}

func (t *Tracker) spreadWhole() {
	for _, r := range t.whole.requests {
		p := pending{unit: t.unit, request: r}
		if t.wholePlaced { // all of it was sent when its end was
			p.end, p.placed = uint32(t.wholeAt.End), true
			p.acked, p.hasAcked = uint32(t.wholeAt.Acked), t.wholeAt.Acked >= 0
		}
		t.q.push(p)
	}
	t.whole = nil
}

// ReplyCycle is Observe for the replies of c, a ReplyCycle, one after the other.
// They must answer everything that is outstanding in turn; status is that of the
// ReadyForQuery. It returns the number of the unit of work; ok is false where more
// has to be looked at: then t is as it was. Steps are as for SendCycle, but may have
// been written to in vain.
func (t *Tracker) ReplyCycle(c *Cycle, status byte, steps []Step) (unit uint64, ok bool) {
	if status = statusOf(Facts{Status: status}); status == 0 || t.placed && t.place.Acked > t.place.Other+1 {
		return 0, false
	}
	if w := t.whole; w != nil && steps == nil && w == c.answers {
		if !c.fits {
			return 0, false
		}
	} else if !t.answers(c, steps) {
		return 0, false
	}
	if t.whole != nil {
		unit = t.unit
		t.whole = nil
	} else {
		unit = t.q.at(0).unit
		t.q.clear()
	}
	if steps != nil {
		last := &steps[len(c.kinds)-1]
		last.After, last.Tx, last.Over = messages.PhaseReady, status, unit
	}
	t.tx = status
	t.answered, t.open, t.lastReady, t.placed = false, false, true, false
	t.after, t.afterDir, t.afterSet = messages.PhaseReady, messages.Backend, true
	return unit, true
}

// answers reports whether replies answer all that is outstanding, which is of one
// unit of work, and nothing else.
func (t *Tracker) answers(c *Cycle, steps []Step) bool {
	if w := t.whole; w != nil {
		if w != c.answers {
			c.answers, c.fits = w, c.fit(w.requests)
		}
		if c.fits && steps != nil {
			c.steps(w.requests, Step{Tx: t.tx, Unit: t.unit}, steps)
		}
		return c.fits
	}
	var buf [16]request
	n := t.q.n
	if n == 0 || n > len(buf) || !t.settled() {
		return false
	}
	unit := t.q.at(0).unit
	for i := range n {
		p := t.q.at(i)
		if p.unsure || p.unit != unit || p.inferred || p.doubtful || p.stage != stageFresh || p.stray || p.request == reqStartup {
			return false
		}
		buf[i] = p.request
	}
	if !c.fit(buf[:n]) {
		return false
	}
	if steps != nil {
		c.steps(buf[:n], Step{Tx: t.tx, Unit: unit}, steps)
	}
	return true
}

// fit reports whether the replies of c answer just these requests.
func (c *Cycle) fit(requests []request) bool {
	i, at := 0, stageFresh
	for _, k := range c.kinds {
		if i == len(requests) || requests[i]&replies[k].answers == 0 || !inOrder(requests[i], at, k) {
			return false
		}
		at = at.next(k)
		if requests[i]&replies[k].completes != 0 {
			i, at = i+1, stageFresh
		}
	}
	return i == len(requests)
}

// steps writes what each reply of c means, which fits the requests, and begins as s.
func (c *Cycle) steps(requests []request, s Step, steps []Step) {
	s.Phase = phaseOf(requests[0])
	s.After = s.Phase
	i := 0
	for j, k := range c.kinds {
		steps[j] = s
		steps[j].Request = kindOf(requests[i])
		if requests[i]&replies[k].completes != 0 {
			i++
		}
	}
}
