package grammar

import "github.com/pgsniff/pgsniff/pkg/messages"

// Phases is a set of phases.
type Phases uint32

// In returns the set of the phases listed.
func In(list ...messages.Phase) (s Phases) {
	for _, p := range list {
		s |= 1 << p
	}
	return s
}

// Has reports whether p is in the set.
func (s Phases) Has(p messages.Phase) bool { return s>>p&1 != 0 }

// SendRule says when the frontend may send a message and what it asks for.
type SendRule struct {
	Request Request
	// Allowed are the phases in which the message is in order. A frontend runs
	// ahead, so requests are in order while others are being answered.
	Allowed Phases
	// Tolerated are phases in which servers accept it although the manual's
	// flow does not have it there: strict machines refuse, observers say nothing.
	Tolerated Phases
}

// Phases that are alike for what the frontend may send.
var (
	// InSession are those in which requests are in order.
	InSession = In(messages.PhaseReady, messages.PhaseSimpleQuery, messages.PhaseExtendedQuery,
		messages.PhaseFunctionCall, messages.PhaseCopyOut)
	// Early are those before the session: requests sent then wait in the server's
	// input buffer.
	Early = In(messages.PhaseAuthenticating, messages.PhaseAuthenticatingGSS, messages.PhaseSASLInitial,
		messages.PhaseSASLContinue, messages.PhaseInitialization)
	// Unaware are those of a frontend that may not know yet where it stands: it
	// learns of a FATAL error only when it reads it.
	Unaware      = Early | In(messages.PhaseFailed)
	CopyToServer = In(messages.PhaseCopyIn, messages.PhaseCopyBoth)
	Opening      = In(messages.PhaseStartup)
	Negotiating  = In(messages.PhaseSSLNegotiation, messages.PhaseGSSNegotiation)
)

// Sends is the frontend's half of the manual's "Message Flow".
var Sends = [messages.NumKinds]SendRule{
	messages.KindStartupMessage:   {Request: Startup, Allowed: Opening, Tolerated: Negotiating},
	messages.KindStartupMessageV2: {Request: Startup, Allowed: Opening, Tolerated: Negotiating},
	messages.KindSSLRequest:       {Request: SSL, Allowed: Opening, Tolerated: Negotiating},
	messages.KindGSSENCRequest:    {Request: GSS, Allowed: Opening, Tolerated: Negotiating},
	messages.KindCancelRequest:    {Allowed: Opening, Tolerated: Negotiating},

	messages.KindPasswordMessage:     {Allowed: In(messages.PhaseAuthenticating)},
	messages.KindGSSResponse:         {Allowed: In(messages.PhaseAuthenticatingGSS)},
	messages.KindSASLInitialResponse: {Allowed: In(messages.PhaseSASLInitial)},
	messages.KindSASLResponse:        {Allowed: In(messages.PhaseSASLContinue)},

	messages.KindQuery:        {Request: Query, Allowed: InSession, Tolerated: Unaware},
	messages.KindFunctionCall: {Request: Function, Allowed: InSession, Tolerated: Unaware},
	messages.KindParse:        {Request: Parse, Allowed: InSession, Tolerated: Unaware},
	messages.KindBind:         {Request: Bind, Allowed: InSession, Tolerated: Unaware},
	messages.KindDescribe:     {Request: Describe, Allowed: InSession, Tolerated: Unaware},
	messages.KindExecute:      {Request: Execute, Allowed: InSession, Tolerated: Unaware},
	messages.KindClose:        {Request: Close, Allowed: InSession, Tolerated: Unaware},
	// During COPY IN the server reads past Flush and Sync ("COPY Operations").
	messages.KindFlush: {Allowed: InSession | In(messages.PhaseCopyIn), Tolerated: Unaware | In(messages.PhaseCopyBoth)},
	messages.KindSync:  {Request: Sync, Allowed: InSession | In(messages.PhaseCopyIn), Tolerated: Unaware | In(messages.PhaseCopyBoth)},

	// Outside COPY the server drops these without a word: it may have failed
	// while the frontend was still sending.
	messages.KindCopyData: {Allowed: CopyToServer, Tolerated: InSession | In(messages.PhaseFailed)},
	messages.KindCopyDone: {Request: CopyEnd, Allowed: CopyToServer, Tolerated: InSession | In(messages.PhaseFailed)},
	messages.KindCopyFail: {Request: CopyEnd, Allowed: CopyToServer, Tolerated: InSession | In(messages.PhaseFailed)},

	// Some clients say goodbye on the connection of a CancelRequest, too.
	// A server that still waits for a startup packet cannot even read it.
	messages.KindTerminate: {
		Allowed:   InSession | Early | CopyToServer,
		Tolerated: Opening | Negotiating | In(messages.PhaseTerminated, messages.PhaseFailed),
	},
}

// ExpectedSends lists the kinds that the frontend may send in phase p.
func ExpectedSends(p messages.Phase) (list []messages.Kind) {
	for k := range Sends {
		if Sends[k].Allowed.Has(p) {
			list = append(list, messages.Kind(k))
		}
	}
	return list
}
