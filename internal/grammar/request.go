package grammar

import (
	"math/bits"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Request is the set of kinds of request that an outstanding one may be: one bit
// for a request that was seen, several for one that was only concluded from its
// replies.
type Request uint16

// The requests.
const (
	Startup Request = 1 << iota
	SSL
	GSS
	Query
	Parse
	Bind
	Describe
	Execute
	Close
	Sync
	Function
	CopyEnd // CopyDone or CopyFail: a mark in the queue, never answered itself

	// Extended is answered within an extended query cycle; an error in one of
	// them discards everything up to the next Sync.
	Extended = Parse | Bind | Describe | Execute | Close
	// CycleEnd is answered by ReadyForQuery.
	CycleEnd = Query | Sync | Function | Startup
)

// PhaseOf is the phase in which a request is answered.
func PhaseOf(r Request) messages.Phase {
	switch {
	case r&SSL != 0:
		return messages.PhaseSSLNegotiation
	case r&GSS != 0:
		return messages.PhaseGSSNegotiation
	case r&Query != 0:
		return messages.PhaseSimpleQuery
	case r&Function != 0:
		return messages.PhaseFunctionCall
	case r&Startup != 0:
		return messages.PhaseAuthenticating
	}
	return messages.PhaseExtendedQuery
}

// KindOf names the message of a single request; KindUnknown for a set.
func KindOf(r Request) messages.Kind {
	if r&(r-1) != 0 {
		return messages.KindUnknown
	}
	return requestKinds[bits.TrailingZeros16(uint16(r))]
}

// requestKinds are the messages of the requests, by their bit; the last is for
// no bit at all.
var requestKinds = [17]messages.Kind{
	messages.KindStartupMessage, messages.KindSSLRequest, messages.KindGSSENCRequest, messages.KindQuery,
	messages.KindParse, messages.KindBind, messages.KindDescribe, messages.KindExecute, messages.KindClose,
	messages.KindSync, messages.KindFunctionCall,
}
