package tracker

import (
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// order is what a strict machine knows beyond the tracker: how far the replies
// to the oldest request have come, and where startup stands.
type order struct {
	stage grammar.Stage
	// request is the latest authentication request while the frontend may answer
	// it, reply the frontend's latest answer; KindUnknown where there is none.
	request, reply messages.Kind
	// asked are the encryption negotiations so far: each may be tried once.
	asked      grammar.Request
	encrypted  bool // one of them succeeded
	negotiated bool // NegotiateProtocolVersion was sent
	keyed      bool // BackendKeyData was sent
	// both tells that the present request has had a CopyBothResponse: a replication
	// command stands alone in its Query, no other COPY follows.
	both bool
	// joined tells that the machine began in the middle of the startup: how far that
	// has come within its phase is not known.
	joined bool
}

// orderIn is the order of a machine that starts in phase p.
func orderIn(p messages.Phase) order {
	var o order
	switch p {
	case messages.PhaseSimpleQuery, messages.PhaseExtendedQuery, messages.PhaseFunctionCall,
		messages.PhaseCopyIn, messages.PhaseCopyOut, messages.PhaseCopyBoth:
		o.stage = grammar.StageAny
	case messages.PhaseSSLNegotiation:
		o.asked = grammar.SSL
	case messages.PhaseGSSNegotiation:
		o.asked = grammar.GSS
	case messages.PhaseAuthenticating, messages.PhaseAuthenticatingGSS, messages.PhaseSASLInitial, messages.PhaseSASLContinue:
		o.joined = true
	}
	return o
}

// advanceOrder notes a message that a strict machine has accepted, before the
// tracker observes it.
func (m *machine) advanceOrder(d messages.Direction, k messages.Kind) {
	o := &m.order
	if d == messages.Frontend {
		switch {
		case k == messages.KindSSLRequest, k == messages.KindGSSENCRequest:
			o.asked |= grammar.Sends[k].Request
		case grammar.Authenticating(k):
			o.request, o.reply, o.joined = messages.KindUnknown, k, false
		}
		return
	}
	p, _ := m.head()
	if first := m.maybe(p, k); first != nil {
		p = first
	}
	if grammar.Asynchronous.Has(k) || p == nil || p.request&grammar.Replies[k].Answers == 0 {
		return
	}
	if p.request == grammar.Startup {
		o.advanceStartup(k)
	}
	o.stage = o.stage.Next(k)
	o.both = o.both || k == messages.KindCopyBothResponse
	if p.request&grammar.Replies[k].Completes != 0 {
		o.stage, o.both = grammar.StageFresh, false
	}
}

func (o *order) advanceStartup(k messages.Kind) {
	o.joined = false
	switch {
	case k == messages.KindBackendKeyData:
		o.keyed = true
	case k == messages.KindNegotiateProtocolVersion:
		o.negotiated = true
	case grammar.BeginsAuthentication.Has(k):
		o.request, o.reply = k, messages.KindUnknown
	case k == messages.KindAuthenticationSASLFinal:
		o.request, o.reply = messages.KindUnknown, messages.KindUnknown
	case k == messages.KindAuthenticationSASLContinue, k == messages.KindAuthenticationGSSContinue:
		o.request = k
	}
}
