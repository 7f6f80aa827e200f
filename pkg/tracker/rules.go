package tracker

import (
	"math/bits"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// request is the set of kinds of request that a queue entry stands for: one bit
// for a request that was seen, several for one that was only concluded from its
// replies.
type request = friend.Request

const (
	reqStartup request = 1 << iota
	reqSSL
	reqGSS
	reqQuery
	reqParse
	reqBind
	reqDescribe
	reqExecute
	reqClose
	reqSync
	reqFunction
	reqCopyEnd // CopyDone or CopyFail: a mark in the queue, never answered itself

	// reqExtended is answered within an extended query cycle; an error in one of
	// them discards everything up to the next Sync.
	reqExtended = reqParse | reqBind | reqDescribe | reqExecute | reqClose
	// reqCycleEnd is answered by ReadyForQuery.
	reqCycleEnd = reqQuery | reqSync | reqFunction | reqStartup
)

// phases is a set of phases.
type phases uint32

func in(list ...messages.Phase) (s phases) {
	for _, p := range list {
		s |= 1 << p
	}
	return s
}

func (s phases) has(p messages.Phase) bool { return s>>p&1 != 0 }

// sendRule says when the frontend may send a message and what it asks for.
type sendRule struct {
	request request
	// allowed are the phases in which the message is in order. A frontend runs
	// ahead, so requests are in order while others are being answered.
	allowed phases
	// tolerated are phases in which servers accept it although the manual's
	// flow does not have it there: strict machines refuse, observers say nothing.
	tolerated phases
}

var (
	inSession = in(messages.PhaseReady, messages.PhaseSimpleQuery, messages.PhaseExtendedQuery,
		messages.PhaseFunctionCall, messages.PhaseCopyOut)
	// Requests sent before the server is ready wait in its input buffer.
	early = in(messages.PhaseAuthenticating, messages.PhaseAuthenticatingGSS, messages.PhaseSASLInitial,
		messages.PhaseSASLContinue, messages.PhaseInitialization)
	// A frontend learns of a FATAL error only when it reads it.
	unaware      = early | in(messages.PhaseFailed)
	copyToServer = in(messages.PhaseCopyIn, messages.PhaseCopyBoth)
	opening      = in(messages.PhaseStartup)
	negotiating  = in(messages.PhaseSSLNegotiation, messages.PhaseGSSNegotiation)
)

// sends is the frontend's half of the manual's "Message Flow".
var sends = [messages.NumKinds]sendRule{
	messages.KindStartupMessage:   {request: reqStartup, allowed: opening, tolerated: negotiating},
	messages.KindStartupMessageV2: {request: reqStartup, allowed: opening, tolerated: negotiating},
	messages.KindSSLRequest:       {request: reqSSL, allowed: opening, tolerated: negotiating},
	messages.KindGSSENCRequest:    {request: reqGSS, allowed: opening, tolerated: negotiating},
	messages.KindCancelRequest:    {allowed: opening, tolerated: negotiating},

	messages.KindPasswordMessage:     {allowed: in(messages.PhaseAuthenticating)},
	messages.KindGSSResponse:         {allowed: in(messages.PhaseAuthenticatingGSS)},
	messages.KindSASLInitialResponse: {allowed: in(messages.PhaseSASLInitial)},
	messages.KindSASLResponse:        {allowed: in(messages.PhaseSASLContinue)},

	messages.KindQuery:        {request: reqQuery, allowed: inSession, tolerated: unaware},
	messages.KindFunctionCall: {request: reqFunction, allowed: inSession, tolerated: unaware},
	messages.KindParse:        {request: reqParse, allowed: inSession, tolerated: unaware},
	messages.KindBind:         {request: reqBind, allowed: inSession, tolerated: unaware},
	messages.KindDescribe:     {request: reqDescribe, allowed: inSession, tolerated: unaware},
	messages.KindExecute:      {request: reqExecute, allowed: inSession, tolerated: unaware},
	messages.KindClose:        {request: reqClose, allowed: inSession, tolerated: unaware},
	// During COPY IN the server reads past Flush and Sync ("COPY Operations").
	messages.KindFlush: {allowed: inSession | in(messages.PhaseCopyIn), tolerated: unaware | in(messages.PhaseCopyBoth)},
	messages.KindSync:  {request: reqSync, allowed: inSession | in(messages.PhaseCopyIn), tolerated: unaware | in(messages.PhaseCopyBoth)},

	// Outside COPY the server drops these without a word: it may have failed
	// while the frontend was still sending.
	messages.KindCopyData: {allowed: copyToServer, tolerated: inSession | in(messages.PhaseFailed)},
	messages.KindCopyDone: {request: reqCopyEnd, allowed: copyToServer, tolerated: inSession | in(messages.PhaseFailed)},
	messages.KindCopyFail: {request: reqCopyEnd, allowed: copyToServer, tolerated: inSession | in(messages.PhaseFailed)},

	// Some clients say goodbye on the connection of a CancelRequest, too.
	// A server that still waits for a startup packet cannot even read it.
	messages.KindTerminate: {
		allowed:   inSession | early | copyToServer,
		tolerated: opening | negotiating | in(messages.PhaseTerminated, messages.PhaseFailed),
	},
}

// replyRule says which requests a reply may answer, and which of them it completes.
type replyRule struct {
	answers   request
	completes request
}

// replies is the backend's half of the manual's "Message Flow".
var replies = [messages.NumKinds]replyRule{
	messages.KindSSLResponse:    {reqSSL, reqSSL},
	messages.KindGSSENCResponse: {reqGSS, reqGSS},

	messages.KindNegotiateProtocolVersion:        {answers: reqStartup},
	messages.KindAuthenticationOk:                {answers: reqStartup},
	messages.KindAuthenticationKerberosV5:        {answers: reqStartup},
	messages.KindAuthenticationCleartextPassword: {answers: reqStartup},
	messages.KindAuthenticationMD5Password:       {answers: reqStartup},
	messages.KindAuthenticationGSS:               {answers: reqStartup},
	messages.KindAuthenticationGSSContinue:       {answers: reqStartup},
	messages.KindAuthenticationSSPI:              {answers: reqStartup},
	messages.KindAuthenticationSASL:              {answers: reqStartup},
	messages.KindAuthenticationSASLContinue:      {answers: reqStartup},
	messages.KindAuthenticationSASLFinal:         {answers: reqStartup},
	messages.KindBackendKeyData:                  {answers: reqStartup},

	messages.KindParseComplete:        {reqParse, reqParse},
	messages.KindBindComplete:         {reqBind, reqBind},
	messages.KindCloseComplete:        {reqClose, reqClose},
	messages.KindParameterDescription: {answers: reqDescribe},
	messages.KindNoData:               {reqDescribe, reqDescribe},
	messages.KindRowDescription:       {reqDescribe | reqQuery, reqDescribe},
	messages.KindDataRow:              {answers: reqQuery | reqExecute},
	messages.KindCommandComplete:      {reqQuery | reqExecute, reqExecute},
	messages.KindEmptyQueryResponse:   {reqQuery | reqExecute, reqExecute},
	messages.KindPortalSuspended:      {reqExecute, reqExecute},

	messages.KindCopyInResponse:   {answers: reqQuery | reqExecute},
	messages.KindCopyOutResponse:  {answers: reqQuery | reqExecute},
	messages.KindCopyBothResponse: {answers: reqQuery | reqExecute},
	messages.KindCopyData:         {answers: reqQuery | reqExecute},
	messages.KindCopyDone:         {answers: reqQuery | reqExecute},

	messages.KindFunctionCallResponse: {answers: reqFunction},
	messages.KindReadyForQuery:        {reqCycleEnd, reqCycleEnd},

	// An error completes what belongs to an extended cycle; Query, FunctionCall
	// and Sync still get their ReadyForQuery.
	messages.KindErrorResponse: {^reqCopyEnd, reqExtended | reqSSL | reqGSS},
	// A server that has not read the startup packet cannot know a version.
	messages.KindErrorResponseV2: {reqStartup | reqSSL | reqGSS, reqStartup | reqSSL | reqGSS},
}

// asynchronous messages may come at any time ("Asynchronous Operations").
func asynchronous(k messages.Kind) bool {
	return k == messages.KindNoticeResponse || k == messages.KindParameterStatus ||
		k == messages.KindNotificationResponse
}

func isError(k messages.Kind) bool {
	return k == messages.KindErrorResponse || k == messages.KindErrorResponseV2
}

// phaseOf is the phase in which a request is answered.
func phaseOf(r request) messages.Phase {
	switch {
	case r&reqSSL != 0:
		return messages.PhaseSSLNegotiation
	case r&reqGSS != 0:
		return messages.PhaseGSSNegotiation
	case r&reqQuery != 0:
		return messages.PhaseSimpleQuery
	case r&reqFunction != 0:
		return messages.PhaseFunctionCall
	case r&reqStartup != 0:
		return messages.PhaseAuthenticating
	}
	return messages.PhaseExtendedQuery
}

// authenticationPhase is the phase after an authentication request.
func authenticationPhase(k messages.Kind) messages.Phase {
	switch k {
	case messages.KindAuthenticationOk:
		return messages.PhaseInitialization
	case messages.KindAuthenticationGSS, messages.KindAuthenticationSSPI, messages.KindAuthenticationGSSContinue:
		return messages.PhaseAuthenticatingGSS
	case messages.KindAuthenticationSASL:
		return messages.PhaseSASLInitial
	case messages.KindAuthenticationSASLContinue:
		return messages.PhaseSASLContinue
	}
	return messages.PhaseAuthenticating
}

// phaseBefore is the phase in which a message of authentication is sent.
func phaseBefore(k messages.Kind) messages.Phase {
	switch k {
	case messages.KindAuthenticationSASLContinue, messages.KindAuthenticationSASLFinal:
		return messages.PhaseSASLContinue
	case messages.KindAuthenticationGSSContinue:
		return messages.PhaseAuthenticatingGSS
	}
	return messages.PhaseAuthenticating
}

// expectedReplies lists the kinds that answer r, for error hints.
func expectedReplies(r request) (list []messages.Kind) {
	for k := range replies {
		if replies[k].answers&r != 0 {
			list = append(list, messages.Kind(k))
		}
	}
	return list
}

// expectedSends lists the kinds that the frontend may send in phase p.
func expectedSends(p messages.Phase) (list []messages.Kind) {
	for k := range sends {
		if sends[k].allowed.has(p) {
			list = append(list, messages.Kind(k))
		}
	}
	return list
}

// kindOf names the message of a single request; KindUnknown for a set.
func kindOf(r request) messages.Kind {
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
