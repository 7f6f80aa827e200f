package tracker

import "github.com/pgsniff/pgsniff/pkg/messages"

// order is what a strict machine knows beyond the tracker: how far the replies
// to the oldest request have come, and where startup stands.
type order struct {
	stage stage
	// request is the latest authentication request while the frontend may answer
	// it, reply the frontend's latest answer; KindUnknown where there is none.
	request, reply messages.Kind
	// asked are the encryption negotiations so far: each may be tried once.
	asked      request
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

// kinds is a set of kinds.
type kinds uint64

var _ [64 - messages.NumKinds]struct{} // a kinds has a bit for each kind

func of(list ...messages.Kind) (s kinds) {
	for _, k := range list {
		s |= 1 << k
	}
	return s
}

func (s kinds) has(k messages.Kind) bool { return s>>k&1 != 0 }

// stage is how far the replies to the oldest request have come.
type stage uint8

const (
	stageFresh     stage = iota // no reply yet
	stageBetween                // a command of a Query is complete, another may follow
	stageRows                   // RowDescription or DataRow
	stageDescribed              // ParameterDescription
	stageCopyIn                 // CopyInResponse
	stageCopyOut                // CopyOutResponse
	stageCopyBoth               // CopyBothResponse
	stageCopied                 // the backend's CopyDone after CopyOutResponse
	stageResult                 // FunctionCallResponse, or EmptyQueryResponse to a Query
	stageFailed                 // ErrorResponse: only ReadyForQuery is left
	stageAny                    // not known
	numStages
)

// stages tells what may come next ("Message Flow"), as far as it answers the
// request at all: the table of replies says that. Asynchronous messages and an
// error of severity FATAL may come at any stage.
var stages = [numStages]kinds{
	stageFresh: ^of(messages.KindCopyData, messages.KindCopyDone), // and see notFirstOfQuery
	stageBetween: of(messages.KindRowDescription, messages.KindCommandComplete, messages.KindCopyInResponse,
		messages.KindCopyOutResponse, messages.KindCopyBothResponse, messages.KindReadyForQuery, messages.KindErrorResponse),
	stageRows: of(messages.KindDataRow, messages.KindCommandComplete, messages.KindPortalSuspended,
		messages.KindErrorResponse),
	stageDescribed: of(messages.KindRowDescription, messages.KindNoData, messages.KindErrorResponse),
	stageCopyIn:    of(messages.KindCommandComplete, messages.KindErrorResponse),
	stageCopyOut:   of(messages.KindCopyData, messages.KindCopyDone, messages.KindErrorResponse),
	// A walsender that shuts down completes the command without CopyDone, and one
	// at the end of a timeline sends a result before that.
	stageCopyBoth: of(messages.KindCopyData, messages.KindCopyDone, messages.KindRowDescription,
		messages.KindCommandComplete, messages.KindErrorResponse),
	// A base backup goes on with a result or, up to PostgreSQL 14, the next archive.
	stageCopied: of(messages.KindCommandComplete, messages.KindRowDescription, messages.KindCopyOutResponse,
		messages.KindErrorResponse),
	stageResult: of(messages.KindReadyForQuery, messages.KindErrorResponse),
	stageFailed: of(messages.KindReadyForQuery),
	stageAny:    ^kinds(0),
}

// notFirstOfQuery and notFirstOfFunction cannot come as the first reply to a Query and a
// FunctionCall.
var (
	notFirstOfQuery    = of(messages.KindDataRow, messages.KindReadyForQuery)
	notFirstOfFunction = of(messages.KindReadyForQuery)
)

// next is the stage after a reply that did not complete its request.
func (s stage) next(k messages.Kind) stage {
	switch k {
	case messages.KindRowDescription, messages.KindDataRow:
		return stageRows
	case messages.KindCommandComplete:
		return stageBetween
	case messages.KindParameterDescription:
		return stageDescribed
	case messages.KindCopyInResponse:
		return stageCopyIn
	case messages.KindCopyOutResponse:
		return stageCopyOut
	case messages.KindCopyBothResponse:
		return stageCopyBoth
	case messages.KindCopyDone:
		if s == stageCopyOut {
			return stageCopied
		}
	case messages.KindFunctionCallResponse, messages.KindEmptyQueryResponse:
		return stageResult // a text without a command has nothing more to be told
	case messages.KindErrorResponse:
		return stageFailed
	}
	return s
}

// authenticationAnswers tells how the frontend answers an authentication request;
// KindUnknown: not at all.
var authenticationAnswers = [messages.NumKinds]messages.Kind{
	messages.KindAuthenticationCleartextPassword: messages.KindPasswordMessage,
	messages.KindAuthenticationMD5Password:       messages.KindPasswordMessage,
	messages.KindAuthenticationGSS:               messages.KindGSSResponse,
	messages.KindAuthenticationSSPI:              messages.KindGSSResponse,
	messages.KindAuthenticationGSSContinue:       messages.KindGSSResponse,
	messages.KindAuthenticationSASL:              messages.KindSASLInitialResponse,
	messages.KindAuthenticationSASLContinue:      messages.KindSASLResponse,
}

// orderIn is the order of a machine that starts in phase p.
func orderIn(p messages.Phase) order {
	var o order
	switch p {
	case messages.PhaseSimpleQuery, messages.PhaseExtendedQuery, messages.PhaseFunctionCall,
		messages.PhaseCopyIn, messages.PhaseCopyOut, messages.PhaseCopyBoth:
		o.stage = stageAny
	case messages.PhaseSSLNegotiation:
		o.asked = reqSSL
	case messages.PhaseGSSNegotiation:
		o.asked = reqGSS
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
			o.asked |= sends[k].request
		case authenticating(k):
			o.request, o.reply, o.joined = messages.KindUnknown, k, false
		}
		return
	}
	p, _ := m.head()
	if first := m.maybe(p, k); first != nil {
		p = first
	}
	if asynchronous(k) || p == nil || p.request&replies[k].answers == 0 {
		return
	}
	if p.request == reqStartup {
		o.advanceStartup(k)
	}
	o.stage = o.stage.next(k)
	o.both = o.both || k == messages.KindCopyBothResponse
	if p.request&replies[k].completes != 0 {
		o.stage, o.both = stageFresh, false
	}
}

func (o *order) advanceStartup(k messages.Kind) {
	o.joined = false
	switch {
	case k == messages.KindBackendKeyData:
		o.keyed = true
	case k == messages.KindNegotiateProtocolVersion:
		o.negotiated = true
	case beginsAuthentication.has(k):
		o.request, o.reply = k, messages.KindUnknown
	case k == messages.KindAuthenticationSASLFinal:
		o.request, o.reply = messages.KindUnknown, messages.KindUnknown
	case k == messages.KindAuthenticationSASLContinue, k == messages.KindAuthenticationGSSContinue:
		o.request = k
	}
}

// authenticating reports whether k is one of the frontend's 'p' messages.
func authenticating(k messages.Kind) bool {
	return k == messages.KindPasswordMessage || k == messages.KindGSSResponse ||
		k == messages.KindSASLInitialResponse || k == messages.KindSASLResponse
}

// beginsAuthentication are the requests that begin a method of authentication;
// a backend may ask for several in sequence.
var beginsAuthentication = of(messages.KindAuthenticationKerberosV5, messages.KindAuthenticationCleartextPassword,
	messages.KindAuthenticationMD5Password, messages.KindAuthenticationGSS, messages.KindAuthenticationSSPI,
	messages.KindAuthenticationSASL)
