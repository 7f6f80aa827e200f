package tracker

import (
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// searchAhead bounds how far a reply that does not answer the oldest request is
// matched to a later one: a lost stretch of replies is shorter than a cycle. Only
// a ReadyForQuery is matched to any.
const searchAhead = 256

// reply observes a message of the backend.
func (t *Tracker) reply(s *Step, k messages.Kind, f Facts) {
	if plainReplies[k] && t.replyPlain(s, k) {
		return
	}
	if k == messages.KindReadyForQuery && t.doubt.due > 0 {
		t.doubt.due--
	}
	s.Trial = t.doubt.any
	switch {
	case grammar.Asynchronous.Has(k):
		t.replyAsynchronous(s, k)
		return
	case k == messages.KindUnknown:
		s.Anomaly = &Anomaly{Code: CodeUnknownType, Direction: messages.Backend, Kind: k, Phase: s.Phase}
		return
	case grammar.IsError(k) && t.q.n == 0 && (f.Fatal || !t.lossF):
		t.replyErrorUnasked(s, k, f)
		return
	case t.doubt.any && !f.Fatal && t.foreign(s, k):
		if k == messages.KindReadyForQuery {
			t.tx = statusOf(f)
		}
		return
	}
	rule := &grammar.Replies[k]
	if t.doubt.any && t.q.n == 0 {
		t.surplus(s)
	}
	p := t.match(s, k, rule)
	if p == nil {
		if k == messages.KindReadyForQuery {
			t.tx = statusOf(f)
			if t.q.n == 0 {
				t.discarding, t.open = false, false
			}
		}
		return
	}
	if t.follow(s, p, k, f) {
		t.keepFromStray(s, p, f)
		return
	}
	unsure := p.unsure
	if s.Inferred = p.inferred; s.Inferred && t.base == messages.PhaseReady && t.copying == 0 {
		s.Phase = grammar.PhaseOf(p.request)
		if p.request&(grammar.Query|grammar.Execute) == grammar.Query|grammar.Execute {
			s.Phase = messages.PhaseUnknown // simple or extended: not told
		}
	}
	s.Exchange = p.exchange
	s.Request = grammar.KindOf(p.request)
	t.hit = p.seq
	if p.request&rule.Answers&grammar.Startup != 0 && p.exchange == 0 {
		t.replyStartup(k, f)
	}
	completes := p.request&rule.Completes != 0
	if p.inferred && k != messages.KindReadyForQuery {
		completes = false // it stands for a whole cycle
	}
	t.replyEffects(s, k, f)
	t.answered = !completes
	if completes {
		t.q.drop(1)
	}
	switch k {
	case messages.KindErrorResponse, messages.KindErrorResponseV2:
		t.replyError(s, f, completes)
	case messages.KindReadyForQuery:
		t.replyReady(s, f)
	}
	if unsure {
		t.disown(s, k)
	}
	if f.Fatal && t.doubt.any {
		s.Doubtful = true // it ends the connection, whatever it answers
	}
}

// plainReplies are the kinds that do nothing but answer the oldest request, in
// session: most of all messages.
var plainReplies = [messages.NumKinds]bool{
	messages.KindParseComplete: true, messages.KindBindComplete: true, messages.KindCloseComplete: true,
	messages.KindParameterDescription: true, messages.KindNoData: true, messages.KindRowDescription: true,
	messages.KindDataRow: true, messages.KindPortalSuspended: true, messages.KindEmptyQueryResponse: true,
}

// replyPlain is the short way for a plain reply to a request that was seen. It
// reports whether it was one.
func (t *Tracker) replyPlain(s *Step, k messages.Kind) bool {
	if t.q.n == 0 || t.base != messages.PhaseReady || t.spare > 0 || t.doubt.any {
		return false
	}
	p, rule := t.q.at(0), &grammar.Replies[k]
	if p.request&rule.Answers == 0 || p.doubtful || p.inferred ||
		!grammar.Stages[p.stage].Has(k) || k == messages.KindDataRow && p.stage == grammar.StageFresh && p.request == grammar.Query {
		return false
	}
	p.stage = p.stage.Next(k)
	s.Exchange, s.Request = p.exchange, grammar.KindOf(p.request)
	t.hit = p.seq
	completes := p.request&rule.Completes != 0
	t.answered = !completes
	if completes {
		t.q.drop(1)
	}
	return true
}

// welcomes are what a backend says first.
var welcomes = grammar.KindsOf(messages.KindSSLResponse, messages.KindGSSENCResponse, messages.KindNegotiateProtocolVersion,
	messages.KindErrorResponse, messages.KindErrorResponseV2, messages.KindNoticeResponse,
	messages.KindAuthenticationOk, messages.KindAuthenticationKerberosV5, messages.KindAuthenticationCleartextPassword,
	messages.KindAuthenticationMD5Password, messages.KindAuthenticationGSS, messages.KindAuthenticationSSPI,
	messages.KindAuthenticationSASL)

// welcome is for the first message of the backend of a connection that was joined
// before its startup packet: nothing before it was missed if it is one to begin with.
func (t *Tracker) welcome(k messages.Kind) {
	if t.lossB && !t.lossF && !t.doubt.any && welcomes.Has(k) {
		t.lossB = false
	}
}

// concludeFromReply moves on by what the backend sends, where the phase is not
// known or the startup packet was lost.
func (t *Tracker) concludeFromReply(k messages.Kind) {
	if !t.backend {
		t.welcome(k)
	}
	if grammar.Early.Has(t.base) && (t.lossF || t.lossB) {
		t.concludeEarly(k)
		return
	}
	if t.base != messages.PhaseUnknown && (t.base != messages.PhaseStartup || !t.lossF) {
		return
	}
	switch rule := &grammar.Replies[k]; {
	case k == messages.KindBackendKeyData:
		t.base = messages.PhaseInitialization
	case rule.Answers == grammar.Startup:
		t.base = grammar.PhaseBefore(k)
	case k == messages.KindParameterStatus, k == messages.KindNoticeResponse, k == messages.KindUnknown:
		// At startup or in session: not told by this.
	default:
		t.base = messages.PhaseReady
	}
}

// concludeEarly moves on within a startup of which something was lost, or beyond it.
func (t *Tracker) concludeEarly(k messages.Kind) {
	switch {
	case k == messages.KindAuthenticationSASLContinue, k == messages.KindAuthenticationSASLFinal, k == messages.KindAuthenticationGSSContinue:
		t.base = grammar.PhaseBefore(k)
	case k == messages.KindBackendKeyData:
		t.base = messages.PhaseInitialization
	case grammar.Replies[k].Answers&(grammar.Extended|grammar.Query|grammar.Function) != 0 && grammar.Replies[k].Answers&grammar.Startup == 0:
		t.base = messages.PhaseReady
		t.doubt.any, t.doubt.vague, t.doubt.hole = true, true, true
		for t.q.n > 0 && t.q.at(0).request&(grammar.Startup|grammar.SSL|grammar.GSS) != 0 {
			t.q.drop(1)
		}
	}
}

// replyAsynchronous gives a notice or a changed parameter to the exchange that is
// being answered; a notification belongs to nobody.
func (t *Tracker) replyAsynchronous(s *Step, k messages.Kind) {
	if k != messages.KindNotificationResponse && t.q.n > 0 {
		s.Exchange = t.q.at(0).exchange
	}
}

// replyErrorUnasked is an error while idle: an administrator or a timeout ended
// the session, or the server could not make sense of what it read.
func (t *Tracker) replyErrorUnasked(s *Step, k messages.Kind, f Facts) {
	if f.Fatal {
		t.base = messages.PhaseFailed
		return
	}
	if !t.lossB && !t.discarding {
		t.unsolicited(s, k)
	}
}

func (t *Tracker) unsolicited(s *Step, k messages.Kind) {
	s.Anomaly = &Anomaly{Code: CodeUnsolicitedReply, Direction: messages.Backend, Kind: k, Phase: s.Phase}
	if t.q.n > 0 {
		s.Anomaly.Code = CodeUnexpectedMessage
		s.Anomaly.Expected = grammar.ExpectedReplies(t.q.at(0).request)
	}
}

// replyStartup moves through authentication.
func (t *Tracker) replyStartup(k messages.Kind, f Facts) {
	switch {
	case k == messages.KindNegotiateProtocolVersion:
	case k == messages.KindBackendKeyData:
		t.base = messages.PhaseInitialization
	case k == messages.KindReadyForQuery:
		t.base = messages.PhaseReady
	case k == messages.KindErrorResponse, k == messages.KindErrorResponseV2:
		t.base = messages.PhaseFailed
	default:
		t.base = grammar.AuthenticationPhase(k)
	}
}

// replyEffects changes the phase where a reply does more than answer.
func (t *Tracker) replyEffects(s *Step, k messages.Kind, f Facts) {
	switch k {
	case messages.KindSSLResponse, messages.KindGSSENCResponse:
		switch {
		case f.Status == 'S', f.Status == 'G':
			t.base = messages.PhaseEncrypted
		case t.base == messages.PhaseSSLNegotiation, t.base == messages.PhaseGSSNegotiation:
			t.base = messages.PhaseStartup
		}
	case messages.KindCopyInResponse:
		t.copyExchange, t.copied, t.likely = s.Exchange, false, 0
		if !t.passSyncs() {
			t.copying, t.guessed, t.feeding = messages.PhaseCopyIn, false, true
		}
	case messages.KindCopyOutResponse:
		t.copying, t.copyExchange, t.guessed = messages.PhaseCopyOut, s.Exchange, false
	case messages.KindCopyBothResponse:
		t.copying, t.copyExchange, t.copyEnds, t.guessed = messages.PhaseCopyBoth, s.Exchange, 0, false
		if t.q.n > 1 && t.q.at(1).request == grammar.CopyEnd { // sent ahead
			t.q.at(1).request = 0
			t.copyEnds = messages.FromFrontend
		}
	case messages.KindCopyData:
		if t.copying == 0 || t.guessed {
			t.copyGuessed(s, f)
		}
	case messages.KindCopyDone:
		if t.copying == messages.PhaseCopyBoth {
			t.endCopyBoth(messages.FromBackend)
		} else {
			t.copying = 0
		}
	case messages.KindCommandComplete:
		t.copying = 0
		t.dropDoubtful()
	}
}

// passSyncs passes the Syncs sent after the request that has just begun a COPY
// IN: the server reads past them, unless the COPY fails before that. It reports
// whether the frontend has already ended its data.
func (t *Tracker) passSyncs() (ended bool) {
	for i := 1; i < min(t.q.n, searchAhead); i++ {
		p := t.q.at(i)
		switch {
		case p.request == grammar.CopyEnd:
			p.request = 0
			return true
		case p.request == grammar.Sync:
			p.doubtful = true
			t.exchangeState = exchangeExecuted // its Sync is still to come
			t.open = t.q.at(0).request&grammar.Extended != 0
		case p.request != 0:
			return false
		}
	}
	return false
}

// dropDoubtful drops the Syncs that follow the oldest request and were passed
// over by its COPY IN, which has succeeded.
func (t *Tracker) dropDoubtful() {
	i := 1
	for i < t.q.n && (t.q.at(i).doubtful || t.q.at(i).request == 0) {
		i++ // an end of data that stands here is that of the next COPY
	}
	if i == 1 {
		return
	}
	*t.q.at(i - 1) = *t.q.at(0)
	t.q.drop(i - 1)
}

// replyError discards what the server will not answer any more.
func (t *Tracker) replyError(s *Step, f Facts, completes bool) {
	if f.cut && !f.Fatal && t.copying == messages.PhaseCopyIn && t.q.n > 1 {
		t.mayHaveSwallowed()
	}
	if f.Broken && !f.Fatal && t.copying == messages.PhaseCopyIn {
		t.swallow(s)
	}
	t.copying = 0
	if f.Fatal {
		t.base = messages.PhaseFailed
		s.Over = t.exchange
		t.q.clear()
		return
	}
	if !completes || s.Phase == messages.PhaseSSLNegotiation || s.Phase == messages.PhaseGSSNegotiation {
		return
	}
	i := 0
	for i < t.q.n && t.q.at(i).request&grammar.Sync == 0 {
		i++
	}
	if i < t.q.n && t.q.at(i).doubtful {
		t.doubtCrossing(i)
	}
	t.discarding = t.onlyDoubtful(i)
	if i > 0 {
		t.q.drop(i)
	}
}

// replyReady ends a cycle.
func (t *Tracker) replyReady(s *Step, f Facts) {
	t.tx = statusOf(f)
	t.copying = 0
	t.base = messages.PhaseReady
	s.Over = s.Exchange
	if t.doubt.trial && s.Over > 0 {
		s.Over-- // until it is certain that nothing more comes
	}
	if t.q.n == 0 {
		if !t.doubt.any { // certain, unless one side is never heard
			t.lossF, t.lossB = !t.frontend, false
		}
		t.discarding, t.open = false, false
	}
}

// statusOf returns the transaction status that a ReadyForQuery tells, 0 if it is
// none that the protocol defines: hostile bytes must not pass for a state.
func statusOf(f Facts) byte {
	switch f.Status {
	case 'I', 'T', 'E':
		return f.Status
	}
	return 0
}
