package tracker

import (
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// good is a cycle to which nothing of what was wrong before it may stick.
const good = `
	> Query
	< RowDescription
	< DataRow
	< CommandComplete
	< ReadyForQuery
	> Query
	< CommandComplete
	< ReadyForQuery
`

// misordered are conversations, after what begins them, in which the backend gets
// something out of order; the message to blame has !code.
var misordered = []struct{ name, begin, script string }{
	{"ReadyForQuery alone", started, `
		> Query: 1+
		< ReadyForQuery: 0 !unexpected_message
		> Query: 2+ over:1
		< RowDescription: 2 =Query
		< CommandComplete: 2 =Query
		< ReadyForQuery: 2 over:1
		> Query: 3+ over:2`},
	{"ReadyForQuery before the reply", started, `
		> Query: 1+
		< ReadyForQuery: 0 !unexpected_message
		< RowDescription: 1 =Query
		< DataRow: 1 =Query
		< CommandComplete: 1 =Query
		< ReadyForQuery: 1 =Query`},
	{"ReadyForQuery before the reply to the first of two", started, `
		> Query: 1+
		> Query: 2+
		< ReadyForQuery: 0 !unexpected_message doubtful over:1`},
	{"ReadyForQuery alone, then the end", started, `
		> Query: 1+
		< ReadyForQuery: 0 !unexpected_message
		> Terminate: 0 unknown over:1`},
	{"FunctionCall without a result", started, `
		> FunctionCall: 1+
		< ReadyForQuery: 0 !unexpected_message`},
	{"DataRow first", started, `
		> Query: 1+
		< DataRow: 1 !unexpected_message
		< CommandComplete: 1
		< ReadyForQuery: 1`},
	{"DataRow first in a further result", started, `
		> Query: 1+
		< CommandComplete: 1
		< DataRow: 1 !unexpected_message
		< CommandComplete: 1
		< ReadyForQuery: 1`},
	{"no CommandComplete", started, `
		> Query: 1+
		< RowDescription: 1
		< DataRow: 1
		< ReadyForQuery: 1 !unexpected_message`},
	{"RowDescription twice", started, `
		> Query: 1+
		< RowDescription: 1
		< RowDescription: 1 !unexpected_message
		< CommandComplete: 1
		< ReadyForQuery: 1`},
	{"CommandComplete after an error", started, `
		> Query: 1+
		< ErrorResponse: 1
		< CommandComplete: 1 !unexpected_message
		< ReadyForQuery: 1`},
	{"data without COPY", started, `
		> Query: 1+
		< CopyData: 1 !unexpected_message
		< CopyDone: 1 !unexpected_message
		< CommandComplete: 1
		< ReadyForQuery: 1`},
	{"a Query in the place of COPY data", started, `
		> Query: 1+
		> Query: 2+
		< CopyInResponse: 1 =Query
		< ErrorResponse(08P01): 1 =Query !swallowed_request
		< ReadyForQuery: 1 =Query
		> Query: 3+
		< CommandComplete: 3 =Query
		< ReadyForQuery: 3 =Query`},
	{"an error in COPY data sent ahead", started, `
		> Query: 1+
		> CopyData: 1
		> CopyDone: 1
		> Query: 2+
		< CopyInResponse: 1 =Query
		< ErrorResponse(08P01): 1 =Query
		< ReadyForQuery: 1 =Query
		< CommandComplete: 2 =Query
		< ReadyForQuery: 2 =Query`},
	{"AuthenticationOk twice", "", `
		> StartupMessage: 0
		< AuthenticationOk: 0
		< AuthenticationOk: 0 !unexpected_message
		< ReadyForQuery: 0`},
	{"BackendKeyData twice", "", `
		> StartupMessage: 0
		< AuthenticationOk: 0
		< BackendKeyData: 0
		< BackendKeyData: 0 !unexpected_message
		< ReadyForQuery: 0`},
	{"NegotiateProtocolVersion twice", "", `
		> StartupMessage: 0
		< NegotiateProtocolVersion: 0
		< NegotiateProtocolVersion: 0 !unexpected_message
		< AuthenticationOk: 0
		< ReadyForQuery: 0`},
	{"ReadyForQuery before AuthenticationOk", "", `
		> StartupMessage: 0
		< ReadyForQuery: 0 !unexpected_message`},
	{"replies to two statements change places", started, `
		> Parse: 1+
		> Bind: 1
		> Describe: 1
		> Execute: 1
		> Parse: 2+
		> Bind: 2
		> Describe: 2
		> Execute: 2
		> Sync: 2
		< ParseComplete: 1 =Parse
		< ParseComplete: 2 =Parse !skipped_reply
		< BindComplete: 1 =Bind
		< BindComplete: 2 =Bind !skipped_reply
		< RowDescription: 1 =Describe
		< DataRow: 1 =Execute
		< CommandComplete: 1 =Execute
		< RowDescription: 2 =Describe
		< DataRow: 2 =Execute
		< CommandComplete: 2 =Execute
		< ReadyForQuery: 2 =Sync`},
}

func TestOrder(t *testing.T) {
	for _, c := range misordered {
		t.Run(c.name, func(t *testing.T) {
			var tr Tracker
			play(t, &tr, c.begin+c.script)
			if tr.Phase(messages.Frontend) == messages.PhaseTerminated {
				return
			}
			for _, l := range parseScript(t, good) {
				if s := tr.ObserveFacts(l.dir, l.kind, l.facts); s.Anomaly != nil {
					t.Errorf("blamed is %s of what follows: %v", l.text, s.Anomaly)
				}
			}
		})
	}
}

// What a loss may have taken nobody is blamed for: a good conversation has no message
// that makes another one be out of order when it is known to be missing.
func TestOrderAfterLoss(t *testing.T) {
	hold := func(t *testing.T, script string) {
		t.Helper()
		lines := parseScript(t, script)
		for missing := range lines {
			var tr Tracker
			for i := range lines {
				l := &lines[i]
				switch {
				case l.gap, i == missing:
					tr.Gap(l.dir)
				default:
					s := tr.ObserveFacts(l.dir, l.kind, l.facts)
					if s.Anomaly != nil && s.Anomaly.Detail != "" && i >= missing {
						t.Errorf("without %s: %s: %v", lines[missing].text, l.text, s.Anomaly)
					}
				}
			}
		}
	}
	for _, c := range sessions {
		if strings.Contains(c.script, "FunctionCall: extended_query 3+ discarded") {
			continue // without places in TCP's streams it cannot be told what was passed over
		}
		t.Run(c.name, func(t *testing.T) { hold(t, started+c.script+good) })
	}
}
