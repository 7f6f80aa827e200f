package codec

import "github.com/pgsniff/pgsniff/pkg/messages"

// kindSet is a set of kinds.
type kindSet uint64

func setOf(kinds ...messages.Kind) (s kindSet) {
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

func (s kindSet) has(k messages.Kind) bool { return s>>k&1 != 0 }

// Groups of messages that occur together (manual: "Message Flow").
var (
	// asynchronous messages come between any others; an error may come instead
	// of any.
	asynchronous = setOf(messages.KindNoticeResponse, messages.KindParameterStatus,
		messages.KindNotificationResponse, messages.KindErrorResponse)
	authentication = setOf(
		messages.KindAuthenticationOk, messages.KindAuthenticationKerberosV5,
		messages.KindAuthenticationCleartextPassword, messages.KindAuthenticationMD5Password,
		messages.KindAuthenticationGSS, messages.KindAuthenticationGSSContinue,
		messages.KindAuthenticationSSPI, messages.KindAuthenticationSASL,
		messages.KindAuthenticationSASLContinue, messages.KindAuthenticationSASLFinal)
	// extended are the requests of an extended query but Sync.
	extended = setOf(messages.KindParse, messages.KindBind, messages.KindDescribe,
		messages.KindExecute, messages.KindClose, messages.KindFlush)
	// outcomes begin the answer to an Execute or a command of a Query.
	outcomes = setOf(messages.KindDataRow, messages.KindCommandComplete, messages.KindEmptyQueryResponse,
		messages.KindPortalSuspended, messages.KindCopyInResponse, messages.KindCopyOutResponse,
		messages.KindCopyBothResponse)
	// completions answer Parse, Bind and Close.
	completions = setOf(messages.KindParseComplete, messages.KindBindComplete, messages.KindCloseComplete)
	// descriptions begin the answer to Describe.
	descriptions = setOf(messages.KindParameterDescription, messages.KindRowDescription, messages.KindNoData)
	ready        = setOf(messages.KindReadyForQuery)
)

// successors tells which messages of the same side may come next, apart from the
// asynchronous ones. It is used where a boundary is searched, to tell messages
// from data that looks like them; it may therefore leave out what is rare, at the
// price of finding the boundary later, and says nothing about streams that are in
// step.
var successors = func() (t [messages.NumKinds]kindSet) {
	set := func(after messages.Kind, next ...kindSet) {
		for _, s := range next {
			t[after] |= s
		}
	}
	backendSuccessors(set)
	frontendSuccessors(set)
	return t
}()

func backendSuccessors(set func(after messages.Kind, next ...kindSet)) {
	answers := completions | descriptions | ready
	rows := setOf(messages.KindDataRow)
	copied := setOf(messages.KindCopyData, messages.KindCopyDone)

	set(messages.KindRowDescription, answers, outcomes)
	set(messages.KindDataRow, rows, setOf(messages.KindCommandComplete, messages.KindPortalSuspended))
	set(messages.KindBindComplete, answers, outcomes)
	for _, k := range []messages.Kind{
		messages.KindCommandComplete, messages.KindEmptyQueryResponse, messages.KindPortalSuspended,
		messages.KindCloseComplete, messages.KindNoData, messages.KindReadyForQuery,
	} {
		set(k, answers, outcomes&^rows)
	}
	set(messages.KindReadyForQuery, setOf(messages.KindFunctionCallResponse))
	set(messages.KindFunctionCallResponse, ready)
	set(messages.KindParseComplete, completions, descriptions, ready)
	set(messages.KindParameterDescription, setOf(messages.KindRowDescription, messages.KindNoData))
	set(messages.KindCopyInResponse, setOf(messages.KindCommandComplete))
	set(messages.KindCopyOutResponse, copied)
	set(messages.KindCopyBothResponse, copied)
	set(messages.KindCopyData, copied)
	set(messages.KindCopyDone, setOf(messages.KindCommandComplete, messages.KindRowDescription))
	for k := range messages.Kind(messages.NumKinds) {
		if authentication.has(k) {
			set(k, authentication, ready, setOf(messages.KindBackendKeyData, messages.KindNegotiateProtocolVersion))
		}
	}
	set(messages.KindBackendKeyData, ready)
	set(messages.KindNegotiateProtocolVersion, authentication)
}

func frontendSuccessors(set func(after messages.Kind, next ...kindSet)) {
	begins := extended | setOf(messages.KindSync, messages.KindQuery, messages.KindFunctionCall, messages.KindTerminate)
	for _, k := range []messages.Kind{
		messages.KindQuery, messages.KindFunctionCall, messages.KindSync, messages.KindCopyFail,
		messages.KindPasswordMessage, messages.KindSASLInitialResponse, messages.KindSASLResponse, messages.KindGSSResponse,
	} {
		set(k, begins)
	}
	set(messages.KindCopyDone, begins)
	for k := range messages.Kind(messages.NumKinds) {
		if extended.has(k) {
			set(k, extended, setOf(messages.KindSync))
		}
	}
	set(messages.KindCopyData, setOf(messages.KindCopyFail))
}

// resumes are the messages that come after others than successors tells where
// the sender had waited for the other side: rows of a portal that is resumed,
// and COPY data after the request that it belongs to.
var resumes = setOf(messages.KindDataRow, messages.KindCopyData, messages.KindCopyDone, messages.KindCopyFail,
	messages.KindPasswordMessage, messages.KindSASLInitialResponse, messages.KindSASLResponse, messages.KindGSSResponse)

// follows reports whether next may come after last in what one side sends; both
// are not asynchronous. paused tells that a chunk ends between them.
func follows(last, next messages.Kind, paused bool) bool {
	return successors[last].has(next) || paused && resumes.has(next) && !resumes.has(last)
}
