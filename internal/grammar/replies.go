package grammar

import "github.com/pgsniff/pgsniff/pkg/messages"

// ReplyRule says which requests a reply may answer, and which of them it completes.
type ReplyRule struct {
	Answers   Request
	Completes Request
}

// Replies is the backend's half of the manual's "Message Flow".
var Replies = [messages.NumKinds]ReplyRule{
	messages.KindSSLResponse:    {SSL, SSL},
	messages.KindGSSENCResponse: {GSS, GSS},

	messages.KindNegotiateProtocolVersion:        {Answers: Startup},
	messages.KindAuthenticationOk:                {Answers: Startup},
	messages.KindAuthenticationKerberosV5:        {Answers: Startup},
	messages.KindAuthenticationCleartextPassword: {Answers: Startup},
	messages.KindAuthenticationMD5Password:       {Answers: Startup},
	messages.KindAuthenticationGSS:               {Answers: Startup},
	messages.KindAuthenticationGSSContinue:       {Answers: Startup},
	messages.KindAuthenticationSSPI:              {Answers: Startup},
	messages.KindAuthenticationSASL:              {Answers: Startup},
	messages.KindAuthenticationSASLContinue:      {Answers: Startup},
	messages.KindAuthenticationSASLFinal:         {Answers: Startup},
	messages.KindBackendKeyData:                  {Answers: Startup},

	messages.KindParseComplete:        {Parse, Parse},
	messages.KindBindComplete:         {Bind, Bind},
	messages.KindCloseComplete:        {Close, Close},
	messages.KindParameterDescription: {Answers: Describe},
	messages.KindNoData:               {Describe, Describe},
	messages.KindRowDescription:       {Describe | Query, Describe},
	messages.KindDataRow:              {Answers: Query | Execute},
	messages.KindCommandComplete:      {Query | Execute, Execute},
	messages.KindEmptyQueryResponse:   {Query | Execute, Execute},
	messages.KindPortalSuspended:      {Execute, Execute},

	messages.KindCopyInResponse:   {Answers: Query | Execute},
	messages.KindCopyOutResponse:  {Answers: Query | Execute},
	messages.KindCopyBothResponse: {Answers: Query | Execute},
	messages.KindCopyData:         {Answers: Query | Execute},
	messages.KindCopyDone:         {Answers: Query | Execute},

	messages.KindFunctionCallResponse: {Answers: Function},
	messages.KindReadyForQuery:        {CycleEnd, CycleEnd},

	// An error completes what belongs to an extended cycle; Query, FunctionCall
	// and Sync still get their ReadyForQuery.
	messages.KindErrorResponse: {^CopyEnd, Extended | SSL | GSS},
	// A server that has not read the startup packet cannot know a version.
	messages.KindErrorResponseV2: {Startup | SSL | GSS, Startup | SSL | GSS},
}

// IsError reports whether k is an error, of any version of the protocol.
func IsError(k messages.Kind) bool {
	return k == messages.KindErrorResponse || k == messages.KindErrorResponseV2
}

// ExpectedReplies lists the kinds that answer r, for error hints.
func ExpectedReplies(r Request) (list []messages.Kind) {
	for k := range Replies {
		if Replies[k].Answers&r != 0 {
			list = append(list, messages.Kind(k))
		}
	}
	return list
}
