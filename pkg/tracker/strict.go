package tracker

import (
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// refusal returns what a strict machine has against a message, nil if nothing.
// It changes nothing.
func (m *machine) refusal(d messages.Direction, k messages.Kind, f Facts) *Anomaly {
	if d == messages.Frontend && !m.maySend(k) || d == messages.Backend && !m.mayReply(k, f.Fatal) {
		return m.refuse(d, k)
	}
	if d == messages.Backend {
		return nil
	}
	switch rule := &grammar.Sends[k]; {
	case k == messages.KindStartupMessage && f.Protocol == version31:
		return &Anomaly{
			Code: CodeBadVersion, Direction: d, Kind: k, Phase: m.PhaseOf(d), Detail: detailVersion31,
		}
	case rule.Request != 0 && m.t.q.n == maxOutstanding:
		return &Anomaly{Code: CodeQueueOverflow, Direction: d, Kind: k, Phase: m.PhaseOf(d)}
	}
	return nil
}

// refuse makes the error with its hint, from the very rules that refused.
func (m *machine) refuse(d messages.Direction, k messages.Kind) *Anomaly {
	a := &Anomaly{Code: CodeUnexpectedMessage, Direction: d, Kind: k, Phase: m.PhaseOf(d)}
	for e := range messages.Kind(messages.NumKinds) {
		if d == messages.Frontend && grammar.Sends[e].Allowed.Has(a.Phase) && m.maySend(e) || d == messages.Backend && !grammar.Asynchronous.Has(e) && m.mayReply(e, false) {
			a.Expected = append(a.Expected, e)
		}
	}
	switch p, _ := m.head(); {
	case k == messages.KindUnknown:
		a.Code = CodeUnknownType
	case d == messages.Backend && p == nil && active.Has(a.Phase):
		a.Code = CodeUnsolicitedReply
	}
	return a
}

// inFlight are the phases in which a backend may still receive what the frontend
// sent before it learned of a failed COPY ("COPY Operations"). Some frontends say
// goodbye after a CancelRequest, too.
func inFlight(k messages.Kind) grammar.Phases {
	switch k {
	case messages.KindTerminate:
		return grammar.In(messages.PhaseTerminated)
	case messages.KindCopyData, messages.KindCopyDone, messages.KindCopyFail:
		return grammar.InSession
	case messages.KindSync, messages.KindFlush:
		return grammar.In(messages.PhaseCopyBoth) // sent before the frontend learned of it
	}
	return 0
}

// maySend reports whether a message of the frontend is in order.
func (m *machine) maySend(k messages.Kind) bool {
	p := m.PhaseOf(messages.Frontend)
	if m.local == messages.Backend && inFlight(k).Has(p) {
		return true
	}
	if !grammar.Sends[k].Allowed.Has(p) {
		return m.aheadOfCopy(k) || m.aheadOfReady(k, p)
	}
	switch k {
	case messages.KindSSLRequest, messages.KindGSSENCRequest:
		return m.order.asked&grammar.Sends[k].Request == 0 && !m.order.encrypted
	case messages.KindPasswordMessage, messages.KindGSSResponse,
		messages.KindSASLInitialResponse, messages.KindSASLResponse:
		return m.order.joined || grammar.AuthenticationAnswers[m.order.request] == k
	case messages.KindCopyData, messages.KindCopyDone, messages.KindCopyFail:
		return p != messages.PhaseCopyBoth || !m.t.copyEnds.Has(messages.Frontend)
	}
	return true
}

// aheadOfCopy reports whether the latest request may begin a COPY IN whose data the
// frontend sends without waiting for CopyInResponse. A server reads it in turn, or
// drops it if there is no COPY.
func (m *machine) aheadOfCopy(k messages.Kind) bool {
	data := k == messages.KindCopyData || grammar.Sends[k].Request == grammar.CopyEnd
	if !data || m.over || m.t.base != messages.PhaseReady || m.t.copying != 0 || m.t.q.n == 0 {
		return false
	}
	p := m.t.q.at(m.t.q.n - 1)
	return !p.doubtful && p.request&(grammar.Query|grammar.Execute) != 0
}

// aheadOfReady reports whether a request may be sent before the startup is over: it
// waits in the server's buffer, unless the server asks for authentication first.
func (m *machine) aheadOfReady(k messages.Kind, p messages.Phase) bool {
	o := &m.order
	asks := grammar.Sends[k].Request&(grammar.Extended|grammar.Sync|grammar.Query|grammar.Function) != 0 || k == messages.KindFlush
	switch {
	case !asks || !grammar.Early.Has(p):
		return false
	case p == messages.PhaseInitialization:
		return true
	}
	return !o.joined && o.request == messages.KindUnknown &&
		(o.reply == messages.KindUnknown || o.reply == messages.KindPasswordMessage)
}

// head returns the oldest request that is certain to be answered, nil if there is
// none, and whether doubtful Syncs, which may be, are older.
func (m *machine) head() (oldest *pending, doubtful bool) {
	for i := range m.t.q.n {
		p := m.t.q.at(i)
		if p.request&^grammar.CopyEnd != 0 && !p.doubtful {
			return p, doubtful
		}
		doubtful = doubtful || p.doubtful
	}
	return nil, doubtful
}

// mayReply reports whether a message of the backend is in order; fatal tells an
// ErrorResponse of severity FATAL or PANIC.
func (m *machine) mayReply(k messages.Kind, fatal bool) bool {
	p := m.PhaseOf(messages.Backend)
	if p == messages.PhaseFailed || p == messages.PhaseEncrypted || k == messages.KindUnknown {
		return false
	}
	before := before.Has(p)
	switch {
	case k == messages.KindErrorResponseV2:
		return before || p == messages.PhaseTerminated && !m.past // of a CancelRequest
	case k == messages.KindErrorResponse && fatal:
		return true
	case k == messages.KindNoticeResponse:
		return !m.t.opening()
	case grammar.Asynchronous.Has(k):
		return !before
	}
	head, doubtful := m.head()
	if k == messages.KindReadyForQuery && (doubtful || m.t.spare > 0) && m.order.stage == grammar.StageFresh {
		return true // of a Sync sent during a COPY IN that failed
	}
	if p := m.maybe(head, k); p != nil {
		head = p
	}
	if head == nil || head.request&grammar.Replies[k].Answers == 0 {
		return false
	}
	return m.orderAllows(head, k) && m.copyAllows(k)
}

// maybe returns the oldest request if it is one that the backend may have passed
// over, and k can only be its reply; nil otherwise.
func (m *machine) maybe(head *pending, k messages.Kind) *pending {
	if m.t.q.n == 0 || k == messages.KindReadyForQuery || head != nil && head.request&grammar.Replies[k].Answers != 0 {
		return nil
	}
	if p := m.t.q.at(0); p.doubtful && p.request&grammar.Sync == 0 && p.request&grammar.Replies[k].Answers != 0 {
		return p
	}
	return nil
}

// before are the phases up to AuthenticationOk.
var before = grammar.Opening | grammar.Negotiating | grammar.Early&^grammar.In(messages.PhaseInitialization)

// orderAllows reports whether a reply may come now in answer to p.
func (m *machine) orderAllows(p *pending, k messages.Kind) bool {
	stage := m.order.stage
	switch {
	case !grammar.Stages[stage].Has(k):
		return false
	case p.request == grammar.Startup:
		return m.startupAllows(p, k)
	case m.order.both && (k == messages.KindCopyInResponse || k == messages.KindCopyOutResponse || k == messages.KindCopyBothResponse):
		return false
	case stage == grammar.StageCopied && (k == messages.KindRowDescription || k == messages.KindCopyOutResponse):
		return p.request&grammar.Query != 0
	case k == messages.KindPortalSuspended && p.seq != 0:
		return m.requests.at(p.seq).Limited
	case k == messages.KindParameterDescription && p.seq != 0:
		return m.requests.at(p.seq).Target != messages.TargetPortal
	case stage == grammar.StageFresh && p.request == grammar.Describe && (k == messages.KindRowDescription || k == messages.KindNoData) && p.seq != 0:
		return m.requests.at(p.seq).Target != messages.TargetStatement // ParameterDescription is first
	case k == messages.KindCopyBothResponse && p.request == grammar.Execute:
		return false // only replication has it, which knows no extended queries
	case stage == grammar.StageFresh && p.request == grammar.Query:
		return !grammar.NotFirstOfQuery.Has(k)
	case stage == grammar.StageFresh && p.request == grammar.Function:
		return !grammar.NotFirstOfFunction.Has(k)
	}
	return true
}

// startupAllows orders the replies to a StartupMessage ("Start-up").
func (m *machine) startupAllows(p *pending, k messages.Kind) bool {
	o := &m.order
	initializing := m.t.base == messages.PhaseInitialization
	switch {
	case k == messages.KindErrorResponse:
		return true
	case p.seq != 0 && m.requests.at(p.seq).Kind == messages.KindStartupMessageV2:
		return false // servers that speak version 2 speak it from then on
	case k == messages.KindBackendKeyData:
		return initializing && !o.keyed
	case k == messages.KindReadyForQuery:
		return initializing
	case o.joined:
		return true
	case initializing, o.request != messages.KindUnknown && o.request != messages.KindAuthenticationGSSContinue:
		return false // authentication is over, or waits for the frontend
	}
	switch k {
	case messages.KindNegotiateProtocolVersion:
		return !o.negotiated
	case messages.KindAuthenticationSASLContinue, messages.KindAuthenticationSASLFinal:
		return o.reply == messages.KindSASLInitialResponse || o.reply == messages.KindSASLResponse
	case messages.KindAuthenticationGSSContinue:
		return o.reply == messages.KindGSSResponse
	}
	return true
}

// copyAllows orders the messages of a COPY ("COPY Operations").
func (m *machine) copyAllows(k messages.Kind) bool {
	switch stage := m.order.stage; k {
	case messages.KindCopyData, messages.KindCopyDone:
		return stage != grammar.StageCopyBoth || !m.t.copyEnds.Has(messages.Backend)
	case messages.KindRowDescription:
		return stage != grammar.StageCopyBoth || m.t.copying == 0
	case messages.KindCommandComplete:
		return stage != grammar.StageCopyIn || m.t.copying == 0
	}
	return true
}
