package tracker

import (
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// startup is the set of replies to a StartupMessage that come once.
type startup uint8

const (
	startupNegotiated startup = 1 << iota // NegotiateProtocolVersion
	startupOk                             // AuthenticationOk
	startupKeyed                          // BackendKeyData
)

// once is the bit of a reply that a startup has once, 0 for others.
func once(k messages.Kind) startup {
	switch k {
	case messages.KindNegotiateProtocolVersion:
		return startupNegotiated
	case messages.KindAuthenticationOk:
		return startupOk
	case messages.KindBackendKeyData:
		return startupKeyed
	}
	return 0
}

// certain reports whether nothing was missed that the order of the messages at hand
// could be due to.
func (t *Tracker) certain() bool {
	return !t.lossF && !t.lossB && !t.doubt.any && t.frontend && t.backend && t.spare == 0
}

// follow notes how far the replies to p have come, and blames a reply that cannot
// come at this place of them ("Message Flow"). It reports whether that is a
// ReadyForQuery before any reply to a request that has others first.
func (t *Tracker) follow(s *Step, p *pending, k messages.Kind, f Facts) (stray bool) {
	at := p.stage
	if p.request == grammar.Startup {
		t.followStartup(s, p, k)
		return false
	}
	if !t.certain() || p.inferred || p.doubtful || p.unsure {
		p.stage = grammar.StageAny
		return false
	}
	p.stage = at.Next(k)
	if s.Anomaly != nil || f.Fatal || inOrder(p.request, at, k) {
		return false
	}
	s.Anomaly = &Anomaly{
		Code: CodeUnexpectedMessage, Direction: messages.Backend, Kind: k, Phase: s.Phase, Detail: misplaced(at, k),
	}
	return at == grammar.StageFresh && k == messages.KindReadyForQuery
}

// inOrder reports whether k, which answers r, may come after the replies that have
// come. A server may complain more than once before it is ready again.
func inOrder(r grammar.Request, at grammar.Stage, k messages.Kind) bool {
	switch {
	case at == grammar.StageFailed && k == messages.KindErrorResponse:
		return true
	case at == grammar.StageFresh && r == grammar.Query && grammar.NotFirstOfQuery.Has(k), at == grammar.StageFresh && r == grammar.Function && grammar.NotFirstOfFunction.Has(k):
		return false
	}
	return grammar.Stages[at].Has(k)
}

// misplaced says what is wrong with a reply in its place, as far as a word helps.
func misplaced(at grammar.Stage, k messages.Kind) string {
	switch {
	case k == messages.KindReadyForQuery && at == grammar.StageFresh:
		return "the request has had no other reply"
	case k == messages.KindReadyForQuery:
		return "the command is not complete"
	case at == grammar.StageFailed:
		return "the request has failed"
	case k == messages.KindDataRow:
		return "no RowDescription came before it"
	case k == messages.KindCopyData, k == messages.KindCopyDone:
		return "no COPY has begun"
	case k == messages.KindRowDescription && at == grammar.StageRows:
		return "the rows before it are not complete"
	}
	return ""
}

// followStartup blames what a startup has once where it comes again, and a
// ReadyForQuery before AuthenticationOk.
func (t *Tracker) followStartup(s *Step, p *pending, k messages.Kind) {
	bit, detail := once(k), ""
	switch {
	case bit&p.startup != 0:
		detail = "it has come before"
	case k == messages.KindReadyForQuery && t.base != messages.PhaseInitialization:
		detail = "AuthenticationOk did not come"
	}
	p.startup |= bit
	if detail == "" || p.inferred || s.Anomaly != nil || !t.certain() {
		return
	}
	s.Anomaly = &Anomaly{
		Code: CodeUnexpectedMessage, Direction: messages.Backend, Kind: k, Phase: s.Phase, Detail: detail,
	}
}

// keepFromStray is for a ReadyForQuery that came before any reply to p, which waits
// for its own on, as long as the frontend does. With more than p outstanding nobody
// can say what comes next.
func (t *Tracker) keepFromStray(s *Step, p *pending, f Facts) {
	t.tx = statusOf(f)
	p.stage = grammar.StageFresh
	if t.q.n == 1 {
		p.stray = true
		return
	}
	t.doubt.any, t.pipelining = true, true
	for i := range t.q.n {
		t.q.at(i).unsure = true
	}
	s.Doubtful = true
	s.Over = p.exchange
	t.q.drop(1)
}

// leaveStray is for what the frontend sends after a ReadyForQuery that was no answer:
// it has taken it for one. Should the answer follow it must not be taken for that to
// what is asked now, so this is on trial.
func (t *Tracker) leaveStray(s *Step) {
	s.Over = t.q.at(0).exchange
	t.q.clear()
	t.answered, t.copying = false, 0
	t.doubt = doubt{any: true}
	t.afterSet = false
	s.Phase = t.phase(messages.Frontend)
}

// outOfTurn are the replies that say nothing but that a request of theirs was done: a
// server that does several in another order sends these before the others.
var outOfTurn = grammar.KindsOf(messages.KindParseComplete, messages.KindBindComplete, messages.KindCloseComplete)

// takeOutOfTurn takes the request at i, which was answered before those that are
// older, to the front of the queue. The older ones remain: their replies are to come.
func (t *Tracker) takeOutOfTurn(s *Step, k messages.Kind, i int) *pending {
	s.Anomaly = &Anomaly{
		Code: CodeSkippedReply, Direction: messages.Backend, Kind: k, Phase: s.Phase,
		Expected: grammar.ExpectedReplies(t.q.at(0).request),
	}
	if t.q.n >= t.q.limit() {
		return t.advance(s, k, i) // no place to move it to
	}
	p := *t.q.at(i)
	t.q.at(i).request = 0
	t.q.pushFront(p)
	return t.q.at(0)
}

// swallow is for a COPY IN that has failed because the server read a message that is
// no data. Where that was a Query it is gone: nothing will answer it.
func (t *Tracker) swallow(s *Step) {
	if t.q.n < 2 || t.q.at(0).request&grammar.Query == 0 || t.q.at(1).request != grammar.Query || t.q.at(0).inferred {
		return
	}
	p := t.q.at(1)
	p.request = 0
	if s.Anomaly == nil && t.certain() {
		s.Anomaly = &Anomaly{
			Code: CodeSwallowed, Direction: messages.Frontend, Kind: messages.KindQuery, Phase: messages.PhaseCopyIn,
		}
	}
}

// mayHaveSwallowed is swallow where the end of the error is missing, which would tell.
func (t *Tracker) mayHaveSwallowed() {
	t.doubt.any, t.doubt.trial, t.doubt.vague, t.pipelining = true, false, true, true
	for i := 1; i < t.q.n; i++ {
		t.q.at(i).unsure = true
	}
}
