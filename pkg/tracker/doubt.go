package tracker

import (
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// doubt is what a loss leaves uncertain of who answers whom. Replies carry no
// number, so after a loss a reply may be that to another request than the oldest
// outstanding one. Nothing is said then rather than something wrong: a row must
// never be taken for that of another query.
//
// It ends at rest: where a request is sent by a frontend that has read all that it
// had asked for. What is asked from there on is paired again, on trial until the next
// rest: a reply too many shows that more was outstanding.
type doubt struct {
	// any tells that there is doubt; trial, that the latest requests were sent at rest.
	any, trial bool
	// hole tells that requests were lost which may not have been answered; back is
	// where the backend stood then.
	hole bool
	back int64
	// vague tells that phase and transaction status have not been told since.
	vague bool
	// stale is the latest of the outstanding exchanges that must have been answered
	// in the part that is missing, because a request after them is missing as
	// well; 0 for none.
	stale uint64
	// due is how many cycles are outstanding at least: those known to be asked for, less
	// the ReadyForQuery messages that came since. Each of those may as well have ended a
	// cycle that is missing, so that more may be outstanding, but not less.
	due int
	// since is what the frontend had read when the trial began.
	since    int64
	hasSince bool
}

// doubtGap says what a loss in direction d makes uncertain.
func (t *Tracker) doubtGap(d messages.Direction) {
	t.tx = 0
	if d == messages.Backend {
		t.doubt.due = 0 // the ends of all cycles may be among it
	} else if !t.doubt.any && t.base == messages.PhaseReady {
		t.countDue()
	}
	if t.base != messages.PhaseReady {
		t.doubt.any, t.doubt.vague = true, true
		if d == messages.Frontend {
			t.doubt.hole, t.doubt.back = true, t.place.Other // requests may be among it
		} else {
			t.doubt.back = max(t.doubt.back, t.place.End)
		}
		return
	}
	if d == messages.Frontend {
		t.doubtRequests()
	} else if t.past() {
		t.doubt.any, t.doubt.vague = true, true
		return
	} else {
		t.doubtReplies()
	}
	t.doubt.any, t.doubt.trial, t.doubt.vague = true, false, true
}

// doubtRequests is for lost requests: what was asked before is answered in turn,
// unless they were of the same cycle.
func (t *Tracker) doubtRequests() {
	t.doubt.hole, t.doubt.back = true, t.place.Other
	if t.copying != 0 {
		return // its data, most likely
	}
	if t.q.n > 0 && t.q.at(0).stray {
		t.doubt.stale = t.q.at(0).exchange // its ReadyForQuery was taken for the answer
	}
	if t.open {
		t.questionCycle()
	}
	if t.lossB && t.q.n > 0 {
		t.doubt.stale = t.exchange
	}
	t.exchangeState, t.open, t.discarding = exchangeClosed, false, false
}

// countDue begins to count what is due with what is outstanding.
func (t *Tracker) countDue() {
	t.doubt.due = 0
	for i := range t.q.n {
		t.asked(t.q.at(i))
	}
}

// asked counts a request that begins or ends a cycle.
func (t *Tracker) asked(p *pending) {
	if p.request&grammar.CycleEnd != 0 && !p.doubtful && !p.inferred {
		t.doubt.due++
	}
}

// premature is for a reply whose sender had read more than came from the frontend so
// far: requests are missing here, whether they will come or not. One is for a FIN.
func (t *Tracker) premature() {
	d := &t.doubt
	if !d.any {
		t.countDue()
	}
	d.any, d.trial, d.hole, d.vague = true, false, true, true
	d.back = max(d.back, t.place.End)
	t.lossF = true
}

// questionCycle puts the requests after the latest Sync in doubt.
func (t *Tracker) questionCycle() {
	for i := t.q.n - 1; i >= 0 && t.q.at(i).request&grammar.CycleEnd == 0; i-- {
		t.q.at(i).unsure = true
	}
}

// doubtReplies is for lost replies: with several exchanges outstanding nobody can say
// whose come next.
func (t *Tracker) doubtReplies() {
	t.doubt.back = max(t.doubt.back, t.place.End) // what is lost tells nothing of the hole
	if t.q.n == 0 || t.copying != 0 {
		return
	}
	if t.pipelining || t.q.at(0).exchange != t.q.at(t.q.n-1).exchange || t.doubt.hole {
		for i := range t.q.n {
			t.q.at(i).unsure = true
		}
	}
	if t.doubt.hole {
		t.doubt.stale = t.exchange
	}
}

// past reports whether the lost replies at hand were read before anything that is
// outstanding was asked, so that they cannot be its answers.
func (t *Tracker) past() bool {
	if !t.placed || t.q.n == 0 || t.copying != 0 {
		return false
	}
	p := t.q.at(0)
	return p.hasAcked && !p.unsure && int32(p.acked-uint32(t.place.End)) >= 0
}

// rested reports whether the frontend waits for nothing as it begins a cycle.
func (t *Tracker) rested() bool {
	if t.copying == messages.PhaseCopyIn && t.feeding {
		return false // the backend waits for data
	}
	all, known := t.acknowledged()
	if !known {
		all = t.lastReady || t.lossB && !t.doubt.hole
	}
	if t.doubt.hole {
		// Something must have come for what was lost, and have been read.
		if known && t.place.Acked <= t.doubt.back || !known && !t.lastReady {
			return false
		}
	}
	if t.pipelining && t.doubt.due > 0 {
		return false // it asks ahead, and has to wait for the end of what it asked
	}
	return all && (t.lastReady || !t.pipelining)
}

// beginInDoubt is beginCycle after a loss.
func (t *Tracker) beginInDoubt(s *Step) {
	switch {
	case t.q.n > 0 && t.waitsNot():
		t.pipelining = true
	case t.rested():
		if t.q.n > 0 || t.doubt.trial {
			s.Over = t.exchange
		}
		t.q.clear()
		t.doubt.due = 0
		t.copying, t.discarding, t.answered = 0, false, false
		s.Phase = messages.PhaseUnknown
		if t.lastReady && !t.doubt.vague {
			s.Phase = messages.PhaseReady
		}
		if t.doubt.trial {
			t.settle()
			return
		}
		t.doubt.trial, t.doubt.hole, t.doubt.vague, t.doubt.stale = true, false, false, 0
		t.doubt.since, t.doubt.hasSince = t.place.Acked, t.placed && t.place.Acked >= 0
	}
}

// waitsNot reports whether nothing came from the backend since the latest request:
// the frontend asks again without waiting.
func (t *Tracker) waitsNot() bool {
	p := t.q.at(t.q.n - 1)
	if t.doubt.trial && (!t.placed || t.place.Acked < 0) {
		return !t.lastReady
	}
	return t.placed && p.hasAcked && t.place.Acked >= 0 && uint32(t.place.Acked) == p.acked && t.place.Acked == t.place.Other
}

// settle ends all doubt.
func (t *Tracker) settle() {
	t.doubt = doubt{}
	t.lossF, t.lossB = !t.frontend, !t.backend
}

// surplus is for a reply that nothing is outstanding for: in a trial, those before it
// were not what they were taken for.
func (t *Tracker) surplus(s *Step) {
	if !t.doubt.trial || t.doubt.hasSince && t.placed && t.place.Begin < t.doubt.since {
		return
	}
	s.Spoiled = t.exchange
	t.doubt.trial, t.pipelining = false, true
	for i := range t.q.n {
		t.q.at(i).unsure = true
	}
}

// foreign reports whether the reply at hand cannot be that to the oldest request or
// any after it. Then it is that to something that was not seen.
func (t *Tracker) foreign(s *Step, k messages.Kind) bool {
	if !t.doubt.any || t.q.n == 0 || t.base != messages.PhaseReady {
		return false
	}
	p := t.q.at(0)
	switch {
	case t.tooEarly(p):
	case t.unread(p):
		t.surplus(s)
	default:
		return false
	}
	s.Doubtful = true
	return true
}

// dropStale gives up the requests that were answered in a part that is missing.
func (t *Tracker) dropStale(s *Step) {
	i := 0
	for i < t.q.n && t.q.at(i).exchange <= t.doubt.stale {
		i++
	}
	if i > 0 {
		s.Over = t.q.at(i - 1).exchange
		t.q.drop(i)
		t.answered = false
	}
	t.doubt.stale = 0
}

// disown takes back what a reply was said to belong to, where that is in doubt and the
// frontend is one that asks for several things at once. The ReadyForQuery after which
// nothing is outstanding is not.
func (t *Tracker) disown(s *Step, k messages.Kind) {
	s.Doubtful = true
	if (t.pipelining || t.batching) && !(k == messages.KindReadyForQuery && t.q.n == 0) && !s.Inferred {
		s.Exchange, s.Request = 0, messages.KindUnknown
	}
}
