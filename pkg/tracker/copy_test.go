package tracker

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// copies are conversations with COPY, after the first ReadyForQuery.
var copies = []conversation{
	{name: "out", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CopyOutResponse: simple_query 1
		< CopyData: copy_out 1 =Query
		< NoticeResponse: copy_out 1
		< CopyData: copy_out 1
		< CopyDone: copy_out 1
		< CommandComplete: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "out fails", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CopyOutResponse: simple_query 1
		< CopyData: copy_out 1
		< ErrorResponse: copy_out 1
		< ReadyForQuery: simple_query 1`},
	{name: "in", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CopyInResponse: simple_query 1
		> CopyData: copy_in 1
		> CopyData: copy_in 1
		> CopyDone: copy_in 1
		< CommandComplete: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "in, given up by the frontend", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CopyInResponse: simple_query 1
		> CopyData: copy_in 1
		> CopyFail: copy_in 1
		< ErrorResponse: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "in, failed while the frontend still sends", end: messages.PhaseReady, unruly: true, script: `
		> Query: ready 1+
		< CopyInResponse: simple_query 1
		> CopyData: copy_in 1
		< ErrorResponse: copy_in 1
		> CopyData: simple_query 1
		> CopyDone: simple_query 1
		< ReadyForQuery: simple_query 1
		> CopyData: ready 1
		> Query: ready 2+
		< CommandComplete: simple_query 2
		< ReadyForQuery: simple_query 2`},
	{name: "in, out and rows in one string", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CopyInResponse: simple_query 1
		> CopyDone: copy_in 1
		< CommandComplete: simple_query 1
		< CopyOutResponse: simple_query 1
		< CopyDone: copy_out 1
		< CommandComplete: simple_query 1
		< RowDescription: simple_query 1
		< CommandComplete: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "out in the extended cycle", end: messages.PhaseReady, script: `
		> Parse: ready 1+
		> Bind: extended_query 1
		> Execute: extended_query 1
		> Sync: extended_query 1
		< ParseComplete: extended_query 1
		< BindComplete: extended_query 1
		< CopyOutResponse: extended_query 1 =Execute
		< CopyData: copy_out 1
		< CopyDone: copy_out 1
		< CommandComplete: extended_query 1 =Execute
		< ReadyForQuery: extended_query 1 =Sync`},
	{name: "in the extended cycle, with the Sync after the data", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Flush: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> CopyData: copy_in 1
		> CopyDone: copy_in 1
		> Sync: extended_query 1
		< CommandComplete: extended_query 1 =Execute
		< ReadyForQuery: extended_query 1 =Sync`},
	{name: "three Syncs, one ReadyForQuery", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Sync: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> CopyData: copy_in 1
		> Flush: copy_in 1
		> Sync: copy_in 1
		> CopyDone: copy_in 1
		> Sync: extended_query 1
		< CommandComplete: extended_query 1
		< ReadyForQuery: extended_query 1 =Sync
		> Query: ready 2+
		< CommandComplete: simple_query 2
		< ReadyForQuery: simple_query 2`},
	{name: "fails in the extended cycle", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Flush: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> CopyData: copy_in 1
		> CopyFail: copy_in 1
		> Parse: extended_query 2+
		> Sync: extended_query 2
		< ErrorResponse: extended_query 1 =Execute
		< ReadyForQuery: extended_query 2 =Sync`},
	{name: "fails before it reads the Sync of the Execute: two ReadyForQuery", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Sync: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> CopyDone: copy_in 1
		> Sync: extended_query 1
		< ErrorResponse: extended_query 1 =Execute
		< ReadyForQuery: extended_query 1
		< ReadyForQuery: ready
		> Query: ready 2+
		< CommandComplete: simple_query 2
		< ReadyForQuery: simple_query 2`},
	{name: "fails, and only the Sync of the Execute is ever sent", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Sync: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		< ErrorResponse: copy_in 1
		< ReadyForQuery: extended_query 1 =Sync`},
	{name: "fails after a Sync that may be answered, while the next query is out", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CopyInResponse: simple_query 1
		> Sync: copy_in 1
		< ErrorResponse: copy_in 1
		< ReadyForQuery: simple_query 1
		> Query: ready 2+
		< ReadyForQuery: simple_query over:0
		< CommandComplete: simple_query 2
		< ReadyForQuery: simple_query 2`},
	{name: "fails because of the data before a Sync; work sent before its ReadyForQuery is read", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Flush: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> CopyData: copy_in 1
		> Sync: copy_in 1
		< ErrorResponse: copy_in 1 =Execute
		> Parse: extended_query 2+
		> Bind: extended_query 2
		> Execute: extended_query 2
		> Sync: extended_query 2
		< ReadyForQuery: extended_query 1 =Sync
		< ParseComplete: extended_query 2 =Parse
		< BindComplete: extended_query 2 =Bind
		< DataRow: extended_query 2 =Execute
		< CommandComplete: extended_query 2 =Execute
		< ReadyForQuery: extended_query 2 =Sync
		> Query: ready 3+
		< CommandComplete: simple_query 3
		< ReadyForQuery: simple_query 3`},
	{name: "fails after it has read a Sync; work sent before the next one is passed over", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Flush: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> Sync: copy_in 1
		> CopyData: copy_in 1
		< ErrorResponse: copy_in 1 =Execute
		> Parse: extended_query 2+
		> Bind: extended_query 2
		> Execute: extended_query 2
		> Sync: extended_query 2
		< ReadyForQuery: extended_query 2 =Sync
		> Query: ready 3+
		< CommandComplete: simple_query 3 over:2
		< ReadyForQuery: simple_query 3`},
	{name: "fails because of the data before a Sync; work in the same write", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Flush: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> CopyData: copy_in 1
		> Sync: copy_in 1
		> CopyDone: copy_in 1
		> Parse: extended_query 2+
		> Bind: extended_query 2
		> Execute: extended_query 2
		> Sync: extended_query 2
		< ErrorResponse: extended_query 1 =Execute
		< ReadyForQuery: extended_query 1 =Sync
		< ParseComplete: extended_query 2 =Parse
		< BindComplete: extended_query 2 =Bind
		< DataRow: extended_query 2 =Execute
		< CommandComplete: extended_query 2 =Execute
		< ReadyForQuery: extended_query 2 =Sync
		> Query: ready 3+
		< CommandComplete: simple_query 3
		< ReadyForQuery: simple_query 3`},
	{name: "fails after it has read a Sync; work in the same write", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Flush: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> Sync: copy_in 1
		> CopyData: copy_in 1
		> CopyDone: copy_in 1
		> Parse: extended_query 2+
		> Bind: extended_query 2
		> Execute: extended_query 2
		> Sync: extended_query 2
		< ErrorResponse: extended_query 1 =Execute
		< ReadyForQuery: extended_query 2 =Sync
		> Query: ready 3+
		< CommandComplete: simple_query 3 over:2
		< ReadyForQuery: simple_query 3`},
	{name: "fails, and the work that seemed passed over was not", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Flush: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> CopyData: copy_in 1
		> Sync: copy_in 1
		> CopyData: copy_in 1
		< ErrorResponse: copy_in 1 =Execute
		> Parse: extended_query 2+
		> Bind: extended_query 2
		> Execute: extended_query 2
		> Sync: extended_query 2
		< ReadyForQuery: extended_query 2 =Sync
		< ParseComplete: ready 2 =Parse
		< BindComplete: extended_query 2 =Bind
		< DataRow: extended_query 2 =Execute
		< CommandComplete: extended_query 2 =Execute
		< ReadyForQuery: extended_query 2 =Sync
		> Query: ready 3+
		< CommandComplete: simple_query 3
		< ReadyForQuery: simple_query 3`},
	{name: "fails; the ReadyForQuery comes before the Sync of the next work is sent", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Flush: extended_query 1
		< BindComplete: extended_query 1
		< CopyInResponse: extended_query 1
		> Sync: copy_in 1
		> CopyData: copy_in 1
		< ErrorResponse: copy_in 1 =Execute
		> Parse: extended_query 2+
		< ReadyForQuery: extended_query 1 =Sync
		< ParseComplete: extended_query 2 =Parse
		> Sync: extended_query 2
		< ReadyForQuery: extended_query 2 =Sync
		> Query: ready 3+
		< CommandComplete: simple_query 3
		< ReadyForQuery: simple_query 3`},
	{name: "data before it is asked for", end: messages.PhaseReady, script: `
		> Query: ready 1+
		> CopyData: simple_query 1
		> CopyDone: simple_query 1
		> Query: simple_query 2+
		< CopyInResponse: simple_query 1
		< CommandComplete: simple_query 1
		< ReadyForQuery: simple_query 1
		< CommandComplete: simple_query 2
		< ReadyForQuery: simple_query 2`},
	{name: "both, ended by the frontend", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CopyBothResponse: simple_query 1
		< CopyData: copy_both 1
		> CopyData: copy_both 1
		> CopyDone: copy_both 1
		< CopyData: copy_both 1
		< CopyDone: copy_both 1
		< CommandComplete: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "both, ended by the end of a timeline", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CopyBothResponse: simple_query 1
		< CopyData: copy_both 1
		< CopyDone: copy_both 1
		> CopyData: copy_both 1
		> CopyDone: copy_both 1
		< RowDescription: simple_query 1
		< DataRow: simple_query 1
		< CommandComplete: simple_query 1
		< CommandComplete: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "both, ended by the server's shutdown", end: messages.PhaseSimpleQuery, outstanding: 1, script: `
		> Query: ready 1+
		< CopyBothResponse: simple_query 1
		< CopyData: copy_both 1
		< CommandComplete: copy_both 1`},
	{name: "both, ended twice by the same side", end: messages.PhaseCopyBoth, outstanding: 1, unruly: true, script: `
		> Query: ready 1+
		< CopyBothResponse: simple_query 1
		> CopyDone: copy_both 1
		> CopyDone: copy_both 1`},
	{name: "both fails", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< CopyBothResponse: simple_query 1
		< ErrorResponse: copy_both 1
		< ReadyForQuery: simple_query 1`},
	{name: "goodbye during COPY", end: messages.PhaseCopyIn, outstanding: 1, script: `
		> Query: ready 1+
		< CopyInResponse: simple_query 1
		> Terminate: copy_in`},
}

func TestCopy(t *testing.T) {
	for _, c := range copies {
		t.Run(c.name, func(t *testing.T) { c.run(t, started) })
	}
}
