package tracker

import (
	"slices"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

type cycle = friend.Cycle

func init() {
	friend.OfTracker = friend.Tracker[Tracker, Step]{
		Requests: requestCycle,
		Replies:  replyCycle,
		Send:     (*Tracker).sendCycle,
		Reply:    (*Tracker).replyCycle,
	}
}

func requestCycle(kinds []messages.Kind) *cycle {
	if !oneExchange(kinds) {
		return nil
	}
	c := &cycle{Kinds: slices.Clone(kinds)}
	for _, k := range kinds {
		c.Requests = append(c.Requests, grammar.Sends[k].Request)
	}
	return c
}

// oneExchange reports whether requests are those of one exchange with the end of
// its cycle.
func oneExchange(kinds []messages.Kind) bool {
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

func replyCycle(kinds []messages.Kind) *cycle {
	last := len(kinds) - 1
	if last < 0 || kinds[last] != messages.KindReadyForQuery {
		return nil
	}
	for _, k := range kinds[:last] {
		if !plainReplies[k] && k != messages.KindCommandComplete && k != messages.KindReadyForQuery {
			return nil
		}
	}
	return &cycle{Kinds: slices.Clone(kinds)}
}

// settled reports whether nothing is uncertain: in session, no COPY, nothing
// lost, both sides heard.
func (t *Tracker) settled() bool {
	return t.base == messages.PhaseReady && t.copying == 0 && !t.discarding && t.spare == 0 &&
		!t.lossF && !t.lossB && !t.doubt.any && t.frontend && t.backend
}

func (t *Tracker) sendCycle(c *cycle, steps []Step) (exchange uint64, ok bool) {
	if t.q.n != 0 || t.whole != nil || t.exchangeState != exchangeClosed || t.open || !t.settled() {
		return 0, false
	}
	t.exchange++
	t.whole = c
	t.wholeAt, t.wholePlaced, t.placed = t.place, t.placed, false
	after := grammar.PhaseOf(c.Requests[0])
	if steps != nil {
		for i := range c.Kinds {
			steps[i] = Step{}
			s := &steps[i]
			s.Phase, s.After, s.Tx, s.Exchange = after, after, t.tx, t.exchange
		}
		steps[0].Phase, steps[0].Begins, steps[0].Rested = messages.PhaseReady, true, true
	}
	t.lastReady = false
	t.after, t.afterDir, t.afterSet = after, messages.Frontend, true
	return t.exchange, true
}

// spread puts the requests of a cycle that was taken at once into the queue.
func (t *Tracker) spread() {
	if t.whole != nil {
		t.spreadWhole()
	}
}

func (t *Tracker) spreadWhole() {
	for _, r := range t.whole.Requests {
		p := pending{exchange: t.exchange, request: r}
		if t.wholePlaced { // all of it was sent when its end was
			p.end, p.placed = uint32(t.wholeAt.End), true
			p.acked, p.hasAcked = uint32(t.wholeAt.Acked), t.wholeAt.Acked >= 0
		}
		t.q.push(p)
	}
	t.whole = nil
}

func (t *Tracker) replyCycle(c *cycle, status byte, steps []Step) (exchange uint64, ok bool) {
	if status = statusOf(Facts{Status: status}); status == 0 || t.placed && t.place.Acked > t.place.Other+1 {
		return 0, false
	}
	if w := t.whole; w != nil && steps == nil && w == c.Answers {
		if !c.Fits {
			return 0, false
		}
	} else if !t.answers(c, steps) {
		return 0, false
	}
	if t.whole != nil {
		exchange = t.exchange
		t.whole = nil
	} else {
		exchange = t.q.at(0).exchange
		t.q.clear()
	}
	if steps != nil {
		last := &steps[len(c.Kinds)-1]
		last.After, last.Tx, last.Over = messages.PhaseReady, status, exchange
	}
	t.tx = status
	t.answered, t.open, t.lastReady, t.placed = false, false, true, false
	t.after, t.afterDir, t.afterSet = messages.PhaseReady, messages.Backend, true
	return exchange, true
}

// answers reports whether replies answer all that is outstanding, which is of one
// exchange, and nothing else.
func (t *Tracker) answers(c *cycle, steps []Step) bool {
	if w := t.whole; w != nil {
		if w != c.Answers {
			c.Answers, c.Fits = w, fit(c, w.Requests)
		}
		if c.Fits && steps != nil {
			cycleSteps(c, w.Requests, Step{Tx: t.tx, Exchange: t.exchange}, steps)
		}
		return c.Fits
	}
	var buf [16]grammar.Request
	n := t.q.n
	if n == 0 || n > len(buf) || !t.settled() {
		return false
	}
	exchange := t.q.at(0).exchange
	for i := range n {
		p := t.q.at(i)
		if p.unsure || p.exchange != exchange || p.inferred || p.doubtful || p.stage != grammar.StageFresh || p.stray || p.request == grammar.Startup {
			return false
		}
		buf[i] = p.request
	}
	if !fit(c, buf[:n]) {
		return false
	}
	if steps != nil {
		cycleSteps(c, buf[:n], Step{Tx: t.tx, Exchange: exchange}, steps)
	}
	return true
}

// fit reports whether the replies of c answer just these requests.
func fit(c *cycle, requests []grammar.Request) bool {
	i, at := 0, grammar.StageFresh
	for _, k := range c.Kinds {
		if i == len(requests) || requests[i]&grammar.Replies[k].Answers == 0 || !inOrder(requests[i], at, k) {
			return false
		}
		at = at.Next(k)
		if requests[i]&grammar.Replies[k].Completes != 0 {
			i, at = i+1, grammar.StageFresh
		}
	}
	return i == len(requests)
}

// cycleSteps writes what each reply of c means, which fits the requests, and begins as s.
func cycleSteps(c *cycle, requests []grammar.Request, s Step, steps []Step) {
	s.Phase = grammar.PhaseOf(requests[0])
	s.After = s.Phase
	i := 0
	for j, k := range c.Kinds {
		steps[j] = s
		steps[j].Request = grammar.KindOf(requests[i])
		if requests[i]&grammar.Replies[k].Completes != 0 {
			i++
		}
	}
}
