package tracker

import "github.com/pgsniff/pgsniff/pkg/messages"

// settled reports whether nothing is uncertain: in session, no COPY, nothing
// lost, both sides heard.
func (t *Tracker) settled() bool {
	return t.base == messages.PhaseReady && t.copying == 0 && !t.discarding && t.spare == 0 &&
		!t.lossF && !t.lossB && t.doubt == doubt{} && t.frontend && t.backend
}

// SendCycle is Observe for all requests of a cycle at once, where they are what
// most frontends send: a Query; or, of Parse, Bind, Describe and Execute, those of
// one unit of work in their order, and Sync. Nothing may be outstanding. It returns
// the number of the unit; ok is false for anything else: then t is as it was. What
// each request meant is written to steps, if that is not nil: it has a place for each.
func (t *Tracker) SendCycle(kinds []messages.Kind, steps []Step) (unit uint64, ok bool) {
	if t.q.n != 0 || t.unitState != unitClosed || t.open || !oneUnit(kinds) || !t.settled() {
		return 0, false
	}
	t.unit++
	after := phaseOf(sends[kinds[0]].request)
	for i, k := range kinds {
		t.q.push(pending{unit: t.unit, request: sends[k].request})
		if steps == nil {
			continue
		}
		steps[i] = Step{}
		s := &steps[i]
		s.Phase, s.After, s.Tx, s.Unit = after, after, t.tx, t.unit
		if i == 0 {
			s.Phase, s.Begins = messages.PhaseReady, true
		}
	}
	t.lastReady = false
	t.after, t.afterDir, t.afterSet = after, messages.Frontend, true
	return t.unit, true
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

// ReplyCycle is Observe for all replies of a cycle at once, where they are what
// most backends send: no errors, no COPY, nothing asynchronous; a ReadyForQuery at
// the end, which tells status; and everything that is outstanding is answered in
// turn. Of DataRow messages in a row one is enough. It returns the number of the
// unit of work; ok is false for anything else: then t is as it was. Steps are as for
// SendCycle, but may have been written to in vain.
func (t *Tracker) ReplyCycle(kinds []messages.Kind, status byte, steps []Step) (unit uint64, ok bool) {
	status = statusOf(Facts{Status: status})
	if t.q.n == 0 || status == 0 || !t.settled() || !t.answers(kinds, steps) {
		return 0, false
	}
	unit = t.q.at(0).unit
	if steps != nil {
		last := &steps[len(kinds)-1]
		last.After, last.Tx, last.Over = messages.PhaseReady, status, unit
	}
	t.q.clear()
	t.tx = status
	t.answered, t.open, t.lastReady = false, false, true
	t.after, t.afterDir, t.afterSet = messages.PhaseReady, messages.Backend, true
	return unit, true
}

// answers reports whether replies answer all that is outstanding, which is of one
// unit of work, and nothing else.
func (t *Tracker) answers(kinds []messages.Kind, steps []Step) bool {
	i, unit := 0, t.q.at(0).unit
	phase := phaseOf(t.q.at(0).request)
	for j, k := range kinds {
		if i == t.q.n {
			return false
		}
		p := t.q.at(i)
		if p.unit != unit || p.inferred || p.doubtful || p.request == reqStartup || p.request&replies[k].answers == 0 {
			return false
		}
		if !plainReplies[k] && k != messages.KindCommandComplete && k != messages.KindReadyForQuery {
			return false
		}
		if steps != nil {
			steps[j] = Step{}
			s := &steps[j]
			s.Phase, s.After, s.Tx, s.Unit, s.Request = phase, phase, t.tx, unit, kindOf(p.request)
		}
		if p.request&replies[k].completes != 0 {
			i++
		}
	}
	return i == t.q.n && kinds[len(kinds)-1] == messages.KindReadyForQuery
}
