package grammar

import "github.com/pgsniff/pgsniff/pkg/messages"

// successors tells which messages of the same side may come next, apart from the
// asynchronous ones. It is used where a boundary is searched, to tell messages
// from data that looks like them; it may therefore leave out what is rare, at the
// price of finding the boundary later, and says nothing about streams that are in
// step.
var successors = func() (t [messages.NumKinds]Kinds) {
	set := func(after messages.Kind, next ...Kinds) {
		for _, s := range next {
			t[after] |= s
		}
	}
	backendSuccessors(set)
	frontendSuccessors(set)
	return t
}()

func backendSuccessors(set func(after messages.Kind, next ...Kinds)) {
	answers := completions | descriptions | ready
	rows := KindsOf(messages.KindDataRow)
	copied := KindsOf(messages.KindCopyData, messages.KindCopyDone)

	set(messages.KindRowDescription, answers, outcomes)
	set(messages.KindDataRow, rows, KindsOf(messages.KindCommandComplete, messages.KindPortalSuspended))
	set(messages.KindBindComplete, answers, outcomes)
	for _, k := range []messages.Kind{
		messages.KindCommandComplete, messages.KindEmptyQueryResponse, messages.KindPortalSuspended,
		messages.KindCloseComplete, messages.KindNoData, messages.KindReadyForQuery,
	} {
		set(k, answers, outcomes&^rows)
	}
	set(messages.KindReadyForQuery, KindsOf(messages.KindFunctionCallResponse))
	set(messages.KindFunctionCallResponse, ready)
	set(messages.KindParseComplete, completions, descriptions, ready)
	set(messages.KindParameterDescription, KindsOf(messages.KindRowDescription, messages.KindNoData))
	set(messages.KindCopyInResponse, KindsOf(messages.KindCommandComplete))
	set(messages.KindCopyOutResponse, copied)
	set(messages.KindCopyBothResponse, copied)
	set(messages.KindCopyData, copied)
	set(messages.KindCopyDone, KindsOf(messages.KindCommandComplete, messages.KindRowDescription))
	for k := range messages.Kind(messages.NumKinds) {
		if Authentication.Has(k) {
			set(k, Authentication, ready, KindsOf(messages.KindBackendKeyData, messages.KindNegotiateProtocolVersion))
		}
	}
	set(messages.KindBackendKeyData, ready)
	set(messages.KindNegotiateProtocolVersion, Authentication)
}

func frontendSuccessors(set func(after messages.Kind, next ...Kinds)) {
	begins := extendedRequests | KindsOf(messages.KindSync, messages.KindQuery, messages.KindFunctionCall, messages.KindTerminate)
	for _, k := range []messages.Kind{
		messages.KindQuery, messages.KindFunctionCall, messages.KindSync, messages.KindCopyFail,
		messages.KindPasswordMessage, messages.KindSASLInitialResponse, messages.KindSASLResponse, messages.KindGSSResponse,
	} {
		set(k, begins)
	}
	set(messages.KindCopyDone, begins)
	for k := range messages.Kind(messages.NumKinds) {
		if extendedRequests.Has(k) {
			set(k, extendedRequests, KindsOf(messages.KindSync))
		}
	}
	set(messages.KindCopyData, KindsOf(messages.KindCopyFail))
}

// resumes are the messages that come after others than successors tells where
// the sender had waited for the other side: rows of a portal that is resumed,
// and COPY data after the request that it belongs to.
var resumes = KindsOf(messages.KindDataRow, messages.KindCopyData, messages.KindCopyDone, messages.KindCopyFail,
	messages.KindPasswordMessage, messages.KindSASLInitialResponse, messages.KindSASLResponse, messages.KindGSSResponse)

// Follows reports whether next may come after last in what one side sends; both
// are not asynchronous. paused tells that a chunk ends between them.
func Follows(last, next messages.Kind, paused bool) bool {
	return successors[last].Has(next) || paused && resumes.Has(next) && !resumes.Has(last)
}
