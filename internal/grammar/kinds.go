package grammar

import "github.com/pgsniff/pgsniff/pkg/messages"

// Kinds is a set of kinds of message.
type Kinds uint64

var _ [64 - messages.NumKinds]struct{} // a Kinds has a bit for each kind

// KindsOf returns the set of the kinds listed.
func KindsOf(list ...messages.Kind) (s Kinds) {
	for _, k := range list {
		s |= 1 << k
	}
	return s
}

// Has reports whether k is in the set.
func (s Kinds) Has(k messages.Kind) bool { return s>>k&1 != 0 }

// Groups of messages that occur together (manual: "Message Flow").
const (
	// Asynchronous messages may come at any time ("Asynchronous Operations").
	Asynchronous Kinds = 1<<messages.KindNoticeResponse | 1<<messages.KindParameterStatus |
		1<<messages.KindNotificationResponse
	// Anytime are those that come between any others: an error may come instead of any.
	Anytime = Asynchronous | 1<<messages.KindErrorResponse
)

var (
	// Authentication are the backend's messages of authentication.
	Authentication = KindsOf(
		messages.KindAuthenticationOk, messages.KindAuthenticationKerberosV5,
		messages.KindAuthenticationCleartextPassword, messages.KindAuthenticationMD5Password,
		messages.KindAuthenticationGSS, messages.KindAuthenticationGSSContinue,
		messages.KindAuthenticationSSPI, messages.KindAuthenticationSASL,
		messages.KindAuthenticationSASLContinue, messages.KindAuthenticationSASLFinal)
	// extendedRequests are the requests of an extended query but Sync.
	extendedRequests = KindsOf(messages.KindParse, messages.KindBind, messages.KindDescribe,
		messages.KindExecute, messages.KindClose, messages.KindFlush)
	// outcomes begin the answer to an Execute or a command of a Query.
	outcomes = KindsOf(messages.KindDataRow, messages.KindCommandComplete, messages.KindEmptyQueryResponse,
		messages.KindPortalSuspended, messages.KindCopyInResponse, messages.KindCopyOutResponse,
		messages.KindCopyBothResponse)
	// completions answer Parse, Bind and Close.
	completions = KindsOf(messages.KindParseComplete, messages.KindBindComplete, messages.KindCloseComplete)
	// descriptions begin the answer to Describe.
	descriptions = KindsOf(messages.KindParameterDescription, messages.KindRowDescription, messages.KindNoData)
	ready        = KindsOf(messages.KindReadyForQuery)
)
