package tracker

import (
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// send observes a message of the frontend.
func (t *Tracker) send(s *Step, k messages.Kind, f Facts) {
	s.Tx = t.tx
	if t.q.n == 1 && t.q.at(0).stray {
		t.leaveStray(s)
	}
	rule := &grammar.Sends[k]
	if t.base != messages.PhaseUnknown && !rule.Allowed.Has(s.Phase) && !rule.Tolerated.Has(s.Phase) {
		t.sendAnomaly(s, k)
	}
	switch {
	case rule.Request == grammar.CopyEnd:
		t.sendCopyEnd(s)
	case rule.Request&(grammar.Extended|grammar.Sync|grammar.Query|grammar.Function) != 0:
		t.sendRequest(s, k, rule.Request)
	case rule.Request != 0:
		t.sendStartup(s, k, rule.Request, f)
	default:
		t.sendOther(s, k, f)
	}
}

func (t *Tracker) sendAnomaly(s *Step, k messages.Kind) {
	if k == messages.KindUnknown {
		s.Anomaly = &Anomaly{Code: CodeUnknownType, Direction: messages.Frontend, Kind: k, Phase: s.Phase}
		return
	}
	if t.lossF || t.lossB {
		return // the phase is not certain enough to accuse anyone
	}
	s.Anomaly = &Anomaly{
		Code: CodeUnexpectedMessage, Direction: messages.Frontend, Kind: k, Phase: s.Phase,
		Expected: grammar.ExpectedSends(s.Phase),
	}
}

// concludeFromSend moves on by what the frontend sends, where the phase is not
// known or the end of the startup was not captured.
func (t *Tracker) concludeFromSend(k messages.Kind) {
	r := grammar.Sends[k].Request
	if t.base != messages.PhaseUnknown {
		asks := r&(grammar.Extended|grammar.Sync|grammar.Query|grammar.Function) != 0
		if asks && (t.lossB || !t.backend) && grammar.Early.Has(t.base) {
			t.base = messages.PhaseReady // hardly any client asks before it
			if t.lossB {
				t.doubt.any, t.doubt.vague = true, true
			}
			if !t.ahead() {
				t.q.clear()
			}
		}
		if p := answering(k); p != 0 && grammar.Early.Has(t.base) && (t.lossF || t.lossB) {
			t.base = p // what it answers was lost
		}
		return
	}
	switch {
	case r&(grammar.Startup|grammar.SSL|grammar.GSS) != 0, k == messages.KindCancelRequest:
		t.base = messages.PhaseStartup
		t.lossF, t.doubt = false, doubt{}
		// Where the backend begins has not been seen: see welcome.
	case k == messages.KindPasswordMessage:
		t.base = messages.PhaseAuthenticating
	case answering(k) != 0:
		t.base = answering(k)
	case k != messages.KindUnknown:
		t.base = messages.PhaseReady
	}
}

// answering is the phase in which a message of authentication is sent that tells it, 0
// for others.
func answering(k messages.Kind) messages.Phase {
	switch k {
	case messages.KindGSSResponse:
		return messages.PhaseAuthenticatingGSS
	case messages.KindSASLInitialResponse:
		return messages.PhaseSASLInitial
	case messages.KindSASLResponse:
		return messages.PhaseSASLContinue
	}
	return 0
}

// version31 is reserved and never valid (manual: "Protocol Versions").
const (
	version31       = 0x00030001
	detailVersion31 = "3.1 is reserved"
)

func (t *Tracker) sendStartup(s *Step, k messages.Kind, r grammar.Request, f Facts) {
	switch k {
	case messages.KindSSLRequest:
		t.base = messages.PhaseSSLNegotiation
	case messages.KindGSSENCRequest:
		t.base = messages.PhaseGSSNegotiation
	default:
		t.base = messages.PhaseAuthenticating
		// 3.1 is reserved and never valid; other minor versions are negotiated.
		if k == messages.KindStartupMessage && f.Protocol == version31 && s.Anomaly == nil {
			s.Anomaly = &Anomaly{
				Code: CodeBadVersion, Direction: messages.Frontend, Kind: k, Phase: s.Phase,
				Detail: detailVersion31,
			}
		}
	}
	t.push(s, pending{request: r})
}

func (t *Tracker) sendOther(s *Step, k messages.Kind, f Facts) {
	switch k {
	case messages.KindCancelRequest, messages.KindTerminate:
		// What was asked before a Terminate is still answered.
		if k == messages.KindCancelRequest || t.idle() {
			t.base = messages.PhaseTerminated
		}
	case messages.KindSASLInitialResponse:
		t.base = messages.PhaseSASLContinue
	case messages.KindCopyData:
		if f.Replicates && t.copying == 0 && t.q.n == 0 && !t.backend {
			t.copying, t.copyExchange, t.guessed = messages.PhaseCopyOut, 0, true
		}
		t.copyBothGuessed(f)
		s.Exchange = t.exchange
		if t.copying != 0 {
			s.Exchange = t.copyExchange
			t.copied, t.likely = true, 0
		}
	case messages.KindFlush:
		if t.exchangeState != exchangeClosed {
			s.Exchange = t.exchange
		}
	}
}

// sendCopyEnd observes CopyDone or CopyFail.
func (t *Tracker) sendCopyEnd(s *Step) {
	s.Exchange = t.exchange
	switch t.copying {
	case messages.PhaseCopyIn:
		s.Exchange, t.copying = t.copyExchange, 0
	case messages.PhaseCopyBoth:
		s.Exchange = t.copyExchange
		t.endCopyBoth(messages.FromFrontend)
	default:
		// Sent ahead of the CopyInResponse: remember where the data ends.
		if t.q.n > 0 {
			p := pending{request: grammar.CopyEnd, exchange: t.exchange}
			t.stand(&p)
			t.push(s, p)
		}
	}
}

// endCopyBoth ends one direction of a CopyBoth, and with the second all of it.
func (t *Tracker) endCopyBoth(side messages.Sides) {
	if t.copyEnds |= side; t.copyEnds == messages.FromBoth {
		t.copying = 0
	}
}

// sendRequest observes a request that belongs to a query cycle.
func (t *Tracker) sendRequest(s *Step, k messages.Kind, r grammar.Request) {
	if r == grammar.Sync && t.syncsInferred(s) {
		return
	}
	if r != grammar.Sync && t.exchangeState == exchangeClosed {
		t.beginCycle(s)
	}
	t.assignExchange(s, r)
	if t.discarding && r != grammar.Sync {
		s.Doubtful = t.doubt.any // the Sync may have been missed
		if s.Discarded = !t.inDoubt(); !s.Discarded {
			t.push(s, pending{request: r, exchange: s.Exchange, doubtful: true})
		}
		return
	}
	t.discarding = false
	s.Rested = t.q.n == 0
	p := pending{request: r, exchange: s.Exchange, unsure: t.doubt.any && !t.doubt.trial}
	s.Doubtful = p.unsure
	t.stand(&p)
	p.doubtful = r == grammar.Sync && grammar.CopyToServer.Has(t.copying)
	if p.doubtful {
		if t.copied && t.likely < searchAhead {
			t.likely++
		}
	} else {
		t.open = r&grammar.Extended != 0
	}
	if t.doubt.any {
		t.asked(&p)
	}
	t.push(s, p)
}

// syncsInferred reports whether a Sync belongs to the one outstanding request,
// which was concluded from its replies and stands for its whole cycle.
func (t *Tracker) syncsInferred(s *Step) bool {
	if t.q.n != 1 || t.exchangeState != exchangeClosed || t.copying != 0 {
		return false
	}
	p := t.q.at(0)
	if !p.inferred || p.request&grammar.Extended == 0 {
		return false
	}
	p.request = p.request&^grammar.Query | grammar.Sync
	s.Exchange = p.exchange
	if t.doubt.any {
		t.doubt.due++
	}
	return true
}

// beginCycle is the place to give up replies that were lost: most frontends
// wait for ReadyForQuery before they ask again, so what is still outstanding
// after a loss was answered in the part that is missing.
func (t *Tracker) beginCycle(s *Step) {
	if t.doubt.any && t.base == messages.PhaseReady && (t.backend || t.placed && t.place.Other > 0) && !t.ahead() {
		t.beginInDoubt(s)
		return
	}
	if t.q.n == 0 || t.base != messages.PhaseReady {
		return
	}
	switch {
	case t.ahead():
	case t.doubt.any && !t.backend && t.q.n < maxAhead:
		t.pipelining = true // as far as is known
	case t.lossB && (!t.pipelining || t.lastReady), !t.backend:
		t.q.clear()
		t.copying = 0
		t.discarding, t.answered = false, false
		t.lossB = !t.backend
		s.Over = t.exchange
	case !t.lossB && !t.lossF && t.onlyDoubtful(0):
		if _, maybe := t.crossed(); !maybe {
			t.spareDoubtful(t.q.n)
			t.q.clear()
		}
	default:
		t.pipelining = true
	}
}

// maxAhead is how many requests may be outstanding before the backend has said
// anything at all: with more, its direction was not captured.
const maxAhead = 16

// ahead reports whether the frontend may be one that does not even wait for the
// answer to its startup packet, as far as is known.
func (t *Tracker) ahead() bool {
	return !t.backend && !t.lossB && t.q.n > 0 && t.q.n < maxAhead &&
		t.q.at(0).request&(grammar.Startup|grammar.SSL|grammar.GSS) != 0
}

// onlyDoubtful reports whether nothing but Syncs that the server may have
// ignored is outstanding after the i oldest requests.
func (t *Tracker) onlyDoubtful(i int) bool {
	for ; i < t.q.n; i++ {
		if p := t.q.at(i); p.request&^grammar.CopyEnd != 0 && !p.doubtful {
			return false
		}
	}
	return true
}

// assignExchange numbers the exchange that a request belongs to.
func (t *Tracker) assignExchange(s *Step, r grammar.Request) {
	state := t.exchangeState
	switch r {
	case grammar.Query, grammar.Function:
		t.newExchange(s)
		state = exchangeClosed
	case grammar.Parse, grammar.Bind, grammar.Describe:
		if state != exchangeOpen {
			t.newExchange(s)
		}
		state = exchangeOpen
	case grammar.Execute:
		if state != exchangeOpen {
			t.newExchange(s)
		}
		state = exchangeExecuted
	case grammar.Close:
		if state == exchangeClosed {
			t.newExchange(s)
			state = exchangeAside
		}
	case grammar.Sync:
		if state == exchangeClosed && t.copying == 0 {
			t.newExchange(s)
		}
		if t.copying == 0 {
			state = exchangeClosed
		}
	}
	t.exchangeState = state
	s.Exchange = t.exchange
}

func (t *Tracker) newExchange(s *Step) {
	t.batching = t.batching || t.open
	t.exchange++
	s.Begins = true
}

func (t *Tracker) push(s *Step, p pending) {
	if t.seq++; t.seq == 0 {
		t.seq = 1 // it has gone round
	}
	p.seq = t.seq
	lost := t.q.push(p)
	if lost == 0 {
		return
	}
	s.Over = lost
	if s.Anomaly == nil && t.backend {
		s.Anomaly = &Anomaly{Code: CodeQueueOverflow, Direction: messages.Frontend, Kind: messages.KindUnknown, Phase: s.Phase}
	}
}
