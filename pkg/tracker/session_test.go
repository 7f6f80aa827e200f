package tracker

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// sessions are conversations after the first ReadyForQuery.
var sessions = []conversation{
	{name: "simple query", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< RowDescription: simple_query 1 =Query
		< DataRow: simple_query 1 =Query
		< DataRow: simple_query 1
		< CommandComplete: simple_query 1
		< ReadyForQuery(T): simple_query 1 =Query`},
	{name: "several commands in a string", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< RowDescription: simple_query 1
		< DataRow: simple_query 1
		< CommandComplete: simple_query 1
		< CommandComplete: simple_query 1
		< RowDescription: simple_query 1
		< CommandComplete: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "empty query", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< EmptyQueryResponse: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "second command fails", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CommandComplete: simple_query 1
		< ErrorResponse: simple_query 1 =Query
		< ReadyForQuery(E): simple_query 1`},
	{name: "pipelined simple queries, the first of which fails", end: messages.PhaseReady, script: `
		> Query: ready 1+
		> Query: simple_query 2+
		> Query: simple_query 3+
		< ErrorResponse: simple_query 1 =Query
		< ReadyForQuery: simple_query 1
		< CommandComplete: simple_query 2
		< ReadyForQuery: simple_query 2
		> Query: simple_query 4+
		< EmptyQueryResponse: simple_query 3
		< ReadyForQuery: simple_query 3
		< CommandComplete: simple_query 4
		< ReadyForQuery: simple_query 4`},
	{name: "asynchronous messages", end: messages.PhaseReady, script: `
		< NotificationResponse: ready
		< ParameterStatus: ready
		< NoticeResponse: ready
		> Query: ready 1+
		< NoticeResponse: simple_query 1
		< RowDescription: simple_query 1
		< NotificationResponse: simple_query
		< DataRow: simple_query 1
		< ParameterStatus: simple_query 1
		< CommandComplete: simple_query 1
		< NoticeResponse: simple_query 1
		< ReadyForQuery: simple_query 1
		< NotificationResponse: ready`},
	{name: "extended query", end: messages.PhaseReady, script: `
		> Parse: ready 1+
		> Bind: extended_query 1
		> Describe: extended_query 1
		> Execute: extended_query 1
		> Sync: extended_query 1
		< ParseComplete: extended_query 1 =Parse
		< BindComplete: extended_query 1 =Bind
		< RowDescription: extended_query 1 =Describe
		< DataRow: extended_query 1 =Execute
		< CommandComplete: extended_query 1 =Execute
		< ReadyForQuery: extended_query 1 =Sync`},
	{name: "statement described, then executed twice, then closed", end: messages.PhaseReady, script: `
		> Parse: ready 1+
		> Describe: extended_query 1
		> Sync: extended_query 1
		< ParseComplete: extended_query 1
		< ParameterDescription: extended_query 1 =Describe
		< NoData: extended_query 1 =Describe
		< ReadyForQuery: extended_query 1
		> Bind: ready 2+
		> Execute: extended_query 2
		> Bind: extended_query 3+
		> Execute: extended_query 3
		> Close: extended_query 3
		> Sync: extended_query 3
		< BindComplete: extended_query 2
		< CommandComplete: extended_query 2
		< BindComplete: extended_query 3
		< EmptyQueryResponse: extended_query 3
		< CloseComplete: extended_query 3
		< ReadyForQuery: extended_query 3`},
	{name: "rows by portions", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Flush: extended_query 1
		< BindComplete: extended_query 1
		< DataRow: extended_query 1
		< PortalSuspended: extended_query 1 =Execute
		> Execute: extended_query 2+
		> Sync: extended_query 2
		< DataRow: extended_query 2
		< CommandComplete: extended_query 2
		< ReadyForQuery: extended_query 2`},
	{name: "the phase lasts until the Sync", end: messages.PhaseExtendedQuery, script: `
		> Parse: ready 1+
		> Flush: extended_query 1
		< ParseComplete: extended_query 1
		< NoticeResponse: extended_query
		> Bind: extended_query 1`, outstanding: 1},
	{name: "only Close", end: messages.PhaseReady, script: `
		> Close: ready 1+
		> Bind: extended_query 2+
		> Execute: extended_query 2
		> Sync: extended_query 2
		< CloseComplete: extended_query 1 =Close
		< BindComplete: extended_query 2
		< CommandComplete: extended_query 2
		< ReadyForQuery: extended_query 2`},
	{name: "a Sync of its own", end: messages.PhaseReady, script: `
		> Sync: ready 1+
		< ReadyForQuery: extended_query 1 =Sync`},
	{name: "several Syncs outstanding", end: messages.PhaseReady, script: `
		> Parse: ready 1+
		> Bind: extended_query 1
		> Execute: extended_query 1
		> Sync: extended_query 1
		> Bind: extended_query 2+
		> Execute: extended_query 2
		> Sync: extended_query 2
		> Sync: extended_query 3+
		< ParseComplete: extended_query 1
		< BindComplete: extended_query 1
		< CommandComplete: extended_query 1
		< ReadyForQuery: extended_query 1
		< BindComplete: extended_query 2
		< CommandComplete: extended_query 2
		< ReadyForQuery: extended_query 2
		< ReadyForQuery: extended_query 3`},
	{name: "an error discards up to the next Sync", end: messages.PhaseReady, script: `
		> Parse: ready 1+
		> Bind: extended_query 1
		> Execute: extended_query 1
		> Bind: extended_query 2+
		> Execute: extended_query 2
		> Sync: extended_query 2
		> Parse: extended_query 3+
		> Sync: extended_query 3
		< ParseComplete: extended_query 1
		< ErrorResponse: extended_query 1 =Bind
		< ReadyForQuery: extended_query 2 =Sync
		< ParseComplete: extended_query 3 =Parse
		< ReadyForQuery: extended_query 3`},
	{name: "an error discards what is sent before the Sync", end: messages.PhaseReady, script: `
		> Parse: ready 1+
		> Flush: extended_query 1
		< ErrorResponse: extended_query 1 =Parse
		> Bind: extended_query 1 discarded
		> Execute: extended_query 1 discarded
		> Query: extended_query 2+ discarded
		> FunctionCall: extended_query 3+ discarded
		< NoticeResponse: extended_query
		> Sync: extended_query 4+
		< ReadyForQuery: extended_query 4 =Sync`},
	{name: "a pipelined Query is discarded, too", end: messages.PhaseReady, script: `
		> Parse: ready 1+
		> Query: extended_query 2+
		> Sync: simple_query 3+
		> Query: extended_query 4+
		< ErrorResponse: extended_query 1 =Parse
		< ReadyForQuery: extended_query 3 =Sync
		< CommandComplete: simple_query 4 =Query
		< ReadyForQuery: simple_query 4`},
	{name: "commit fails at Sync", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Sync: extended_query 1
		< BindComplete: extended_query 1
		< CommandComplete: extended_query 1
		< ErrorResponse: extended_query 1 =Sync
		< ReadyForQuery: extended_query 1 =Sync`},
	{name: "simple query after extended messages without Sync", end: messages.PhaseReady, script: `
		> Parse: ready 1+
		> Query: extended_query 2+
		< ParseComplete: extended_query 1
		< CommandComplete: simple_query 2
		< ReadyForQuery: simple_query 2`},
	{name: "function call", end: messages.PhaseReady, script: `
		> FunctionCall: ready 1+
		< FunctionCallResponse: function_call 1 =FunctionCall
		< ReadyForQuery: function_call 1 =FunctionCall`},
	{name: "function call fails", end: messages.PhaseReady, script: `
		> FunctionCall: ready 1+
		< ErrorResponse: function_call 1
		< ReadyForQuery: function_call 1`},
	{name: "ended by the administrator while idle", end: messages.PhaseFailed, script: `
		< ErrorResponse(FATAL): ready`},
	{name: "ended by the administrator while busy", end: messages.PhaseFailed, script: `
		> Query: ready 1+
		> Query: simple_query 2+
		< RowDescription: simple_query 1
		< ErrorResponse(FATAL): simple_query 1 over:2`},
	{name: "ended while discarding", end: messages.PhaseFailed, script: `
		> Parse: ready 1+
		< ErrorResponse: extended_query 1
		< ErrorResponse(FATAL): extended_query`},
	{name: "Terminate", end: messages.PhaseTerminated, script: `
		> Terminate: ready`},
	{name: "Terminate with replies outstanding", end: messages.PhaseReady, script: `
		> Query: ready 1+
		> Terminate: simple_query
		< CommandComplete: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "replies that nobody asked for", end: messages.PhaseReady, unruly: true, script: `
		< CommandComplete: ready !unsolicited_reply
		< ReadyForQuery(T): ready over:0 !unsolicited_reply
		< ErrorResponse: ready !unsolicited_reply
		< ParseComplete: ready !unsolicited_reply`},
	{name: "a reply to something else", end: messages.PhaseSimpleQuery, outstanding: 1, unruly: true, script: `
		> Query: ready 1+
		< ParseComplete: simple_query 1 =Query !unexpected_message`},
	{name: "a reply passed over", end: messages.PhaseReady, unruly: true, script: `
		> Parse: ready 1+
		> Bind: extended_query 1
		> Execute: extended_query 1
		> Sync: extended_query 1
		< ParseComplete: extended_query 1
		< CommandComplete: extended_query 1 =Execute !skipped_reply
		< ReadyForQuery: extended_query 1`},
	{name: "unknown types", end: messages.PhaseReady, unruly: true, script: `
		> Unknown: ready !unknown_type
		> Query: ready 1+
		< Unknown: simple_query !unknown_type
		< CommandComplete: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "the frontend's messages in the wrong direction", end: messages.PhaseReady, unruly: true, script: `
		< Query: ready !unsolicited_reply
		> DataRow: ready !unexpected_message`},
	{name: "startup again", end: messages.PhaseReady, unruly: true, outstanding: 0, script: `
		> StartupMessage: ready !unexpected_message
		< AuthenticationOk: authenticating =StartupMessage
		< ReadyForQuery: initialization`},
	{name: "data that no COPY wants", end: messages.PhaseReady, unruly: true, script: `
		> CopyData: ready
		> CopyDone: ready
		> CopyFail: ready`},
}

func TestSession(t *testing.T) {
	for _, c := range sessions {
		t.Run(c.name, func(t *testing.T) { c.run(t, started) })
	}
}
