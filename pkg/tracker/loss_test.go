package tracker

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// What a tracker that joined a connection in the middle concludes from the first
// message it sees.
func TestJoin(t *testing.T) {
	tests := []struct {
		name, script    string
		frontend, after messages.Phase // of both directions in the end
	}{
		{"a query", `
			> Query: unknown 1+ doubtful
			< RowDescription: unknown 1 =Query doubtful`, messages.PhaseSimpleQuery, messages.PhaseSimpleQuery},
		{"rows, of a simple or an extended query", `
			< DataRow: unknown 1 inferred
			< CommandComplete: unknown 1 inferred
			< ReadyForQuery: unknown 1 inferred
			> Query: unknown 2+
			< EmptyQueryResponse: unknown 2 =Query
			< ReadyForQuery: unknown 2 =Query over:1`, messages.PhaseReady, messages.PhaseReady},
		{"the end of a cycle", `
			< ReadyForQuery(T): unknown over:0
			> Query: unknown 1+`, messages.PhaseSimpleQuery, messages.PhaseSimpleQuery},
		{"inside an extended query", `
			< BindComplete: unknown 1 inferred
			< DataRow: unknown 1 inferred
			< CommandComplete: unknown 1 inferred
			< ReadyForQuery: unknown 1 inferred`, messages.PhaseReady, messages.PhaseReady},
		{"its Sync is seen", `
			< BindComplete: unknown 1 inferred
			> Sync: unknown 1
			< CommandComplete: unknown 1 inferred
			< ReadyForQuery: unknown 1 inferred`, messages.PhaseReady, messages.PhaseReady},
		{"a pipeline goes on", `
			> Execute: unknown 1+ doubtful
			> Sync: unknown 1 doubtful
			< BindComplete: unknown 1 doubtful
			< CommandComplete: unknown 1 =Execute doubtful
			< ReadyForQuery: unknown 1 =Sync doubtful`, messages.PhaseReady, messages.PhaseReady},
		{"COPY OUT", `
			< CopyData: unknown 1 inferred
			< CopyData: copy_out 1 inferred
			< CopyDone: copy_out 1 inferred
			< CommandComplete: unknown 1 inferred
			< ReadyForQuery: unknown 1 inferred`, messages.PhaseReady, messages.PhaseReady},
		{"a password", `
			> PasswordMessage: authenticating
			< AuthenticationOk: unknown inferred
			< ReadyForQuery: initialization inferred`, messages.PhaseReady, messages.PhaseReady},
		{"SCRAM", `
			> SASLResponse: authenticating_sasl_continue
			< AuthenticationSASLFinal: authenticating_sasl_continue inferred`, messages.PhaseAuthenticating, messages.PhaseAuthenticating},
		{"the cancel key", `
			< BackendKeyData: initialization inferred
			< ReadyForQuery: initialization inferred`, messages.PhaseReady, messages.PhaseReady},
		{"parameters, which come at any time", `
			< ParameterStatus: unknown
			< NoticeResponse: unknown`, messages.PhaseUnknown, messages.PhaseUnknown},
		{"a startup after all", `
			> StartupMessage: startup
			< AuthenticationOk: authenticating =StartupMessage
			< CommandComplete: initialization =StartupMessage !unexpected_message`, messages.PhaseInitialization, messages.PhaseInitialization},
		{"an unknown type", `
			> Unknown: unknown`, messages.PhaseUnknown, messages.PhaseUnknown},
		{"a fatal error", `
			< ErrorResponse(FATAL): unknown`, messages.PhaseFailed, messages.PhaseFailed},
		{"goodbye", `
			> Terminate: unknown`, messages.PhaseTerminated, messages.PhaseTerminated},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var tr Tracker
			tr.Join()
			if tr.Phase(messages.Frontend) != messages.PhaseUnknown {
				t.Fatalf("joined in %v", tr.Phase(messages.Frontend))
			}
			play(t, &tr, test.script)
			if f, b := tr.Phase(messages.Frontend), tr.Phase(messages.Backend); f != test.frontend || b != test.after {
				t.Errorf("ends in %v and %v, want %v and %v", f, b, test.frontend, test.after)
			}
		})
	}
}

// Losses of captured bytes: what follows is no violation, and a cycle after which
// nothing more comes makes the tracker certain again.
var losses = []conversation{
	{name: "a query is lost", end: messages.PhaseReady, script: `
		gap >
		< RowDescription: unknown 1 inferred
		< CommandComplete: unknown 1 inferred
		< ReadyForQuery: unknown 1 inferred
		> Query: unknown 2+
		< CommandComplete: unknown 2
		< ReadyForQuery: unknown 2 over:1
		> Query: ready 3+ over:2
		< CommandComplete: simple_query 3
		< ReadyForQuery: simple_query 3
		< ParseComplete: ready !unsolicited_reply`},
	{name: "more was outstanding than the query that is lost", end: messages.PhaseReady, script: `
		gap >
		< CommandComplete: unknown 1 inferred
		< ReadyForQuery: unknown 1 inferred
		> Query: unknown 2+
		< CommandComplete: unknown 2
		< ReadyForQuery: unknown 2 over:1
		< CommandComplete: unknown 3 inferred spoiled:2
		< ReadyForQuery: unknown 3 inferred
		> Query: ready 4+
		< CommandComplete: unknown 4
		< ReadyForQuery: unknown 4 over:3
		> Query: ready 5+ over:4
		< CommandComplete: simple_query 5
		< ReadyForQuery: simple_query 5`},
	{name: "replies are lost", end: messages.PhaseReady, script: `
		> Query: ready 1+
		< RowDescription: simple_query 1
		gap <
		> Query: unknown 2+ over:1
		< CommandComplete: unknown 2
		< ReadyForQuery: unknown 2 over:1
		> Query: ready 3+ over:2
		< CommandComplete: simple_query 3
		< ReadyForQuery: simple_query 3
		< CommandComplete: ready !unsolicited_reply`},
	{name: "replies inside a pipeline are lost: whose the next one is cannot be known", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		> Bind: extended_query 2+
		> Execute: extended_query 2
		> Sync: extended_query 2
		< BindComplete: extended_query 1
		gap <
		< CommandComplete: unknown doubtful
		< ReadyForQuery: unknown 2 =Sync doubtful`},
	{name: "the Sync is lost", end: messages.PhaseReady, script: `
		> Bind: ready 1+
		> Execute: extended_query 1
		gap >
		< BindComplete: unknown 1 doubtful
		< CommandComplete: unknown 1 doubtful
		< ReadyForQuery: unknown over:0
		> Query: unknown 2+
		< CommandComplete: unknown 2
		< ReadyForQuery: unknown 2 over:1`},
	{name: "an unrequested error after a loss", end: messages.PhaseReady, script: `
		gap >
		gap <
		< ErrorResponse: unknown 1 inferred
		< ReadyForQuery: unknown 1 inferred`},
}

func TestLoss(t *testing.T) {
	for _, c := range losses {
		t.Run(c.name, func(t *testing.T) { c.run(t, started) })
	}
}

func TestLossAtTheBeginning(t *testing.T) {
	for _, c := range []conversation{
		{name: "the startup packet", end: messages.PhaseReady, script: `
			gap >
			< AuthenticationSASL: authenticating inferred
			> SASLInitialResponse: authenticating_sasl_initial
			< AuthenticationSASLContinue: authenticating_sasl_continue inferred
			> SASLResponse: authenticating_sasl_continue
			< AuthenticationOk: unknown inferred
			< ReadyForQuery: initialization inferred`},
		{name: "the answer to SSLRequest", end: messages.PhaseReady, script: `
			> SSLRequest: startup
			gap <
			> StartupMessage: startup
			< AuthenticationOk: unknown =StartupMessage
			< ReadyForQuery: initialization =StartupMessage`},
		{name: "the end of authentication", end: messages.PhaseSimpleQuery, outstanding: 1, script: `
			> StartupMessage: startup
			< AuthenticationMD5Password: authenticating
			> PasswordMessage: authenticating
			gap <
			> Query: unknown 1+
			< RowDescription: unknown 1 =Query`},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, "") })
	}
}

func TestOnlyTheFrontendCaptured(t *testing.T) {
	var tr Tracker
	play(t, &tr, `
		> StartupMessage: startup
		> PasswordMessage: authenticating`)
	const cycle = `
		> Parse
		> Bind
		> Execute
		> Sync
		> Query`
	for range 50 {
		play(t, &tr, cycle)
	}
	if n := tr.Outstanding(); n > 5 {
		t.Errorf("%d requests are kept", n)
	}
	// Exchanges are given up as soon as the next begins.
	s := tr.ObserveFacts(messages.Frontend, messages.KindQuery, Facts{})
	if s.Over != 100 || s.Exchange != 101 || s.Anomaly != nil {
		t.Errorf("%+v", s)
	}
}

func TestOnlyTheBackendCaptured(t *testing.T) {
	var tr Tracker
	tr.Gap(messages.Frontend)
	play(t, &tr, `
		< AuthenticationOk: unknown inferred
		< BackendKeyData: initialization inferred
		< ReadyForQuery: initialization inferred
		< RowDescription: unknown 1 inferred
		< DataRow: unknown 1 inferred
		< CommandComplete: unknown 1 inferred
		< ReadyForQuery: unknown 1 inferred
		< ParseComplete: unknown 2 inferred
		< BindComplete: unknown 2 inferred
		< CommandComplete: unknown 2 inferred
		< ReadyForQuery: unknown 2 inferred`)
}

func TestReset(t *testing.T) {
	var tr, fresh Tracker
	play(t, &tr, started+"> Parse\n> Query\n< ErrorResponse")
	tr.Reset()
	tr.q.ring = nil
	if tr.Phase(messages.Frontend) != messages.PhaseStartup || tr.LastExchange() != 0 || tr.Outstanding() != 0 {
		t.Errorf("after Reset: %+v", tr)
	}
	play(t, &tr, started)
	play(t, &fresh, started)
	if tr.LastExchange() != fresh.LastExchange() || tr.Tx() != fresh.Tx() {
		t.Error("a reset tracker is not like a new one")
	}
}

func TestQueueIsBounded(t *testing.T) {
	var tr Tracker
	play(t, &tr, started)
	var last Step
	for range maxOutstanding + 3 {
		last = tr.ObserveFacts(messages.Frontend, messages.KindQuery, Facts{})
	}
	if tr.Outstanding() != maxOutstanding || len(tr.q.ring) != maxOutstanding {
		t.Errorf("%d requests in a ring of %d", tr.Outstanding(), len(tr.q.ring))
	}
	if last.Over != 3 || last.Anomaly == nil || last.Anomaly.Code != CodeQueueOverflow {
		t.Errorf("%+v", last)
	}
}

// A ReadyForQuery ends a cycle of any length whose replies were lost.
func TestLongCyclesLost(t *testing.T) {
	var tr Tracker
	play(t, &tr, started)
	for range 1000 {
		tr.ObserveFacts(messages.Frontend, messages.KindExecute, Facts{})
	}
	play(t, &tr, `
		> Sync: extended_query 1000
		gap <
		< ReadyForQuery: unknown 1000 =Sync doubtful
		> Query: ready 1001+
		< CommandComplete: unknown 1001
		< ReadyForQuery: unknown 1001 over:1000`)
	if tr.Outstanding() != 0 {
		t.Errorf("%d requests are outstanding", tr.Outstanding())
	}
}

// ReadyForQuery messages that nobody asked for cost time in proportion to what
// they drop.
func TestUnaskedReadyForQueryBehindManyRequests(t *testing.T) {
	var tr Tracker
	play(t, &tr, started)
	for range maxOutstanding {
		tr.ObserveFacts(messages.Frontend, messages.KindParse, Facts{})
	}
	for n := maxOutstanding; n > searchAhead; n -= searchAhead {
		s := tr.ObserveFacts(messages.Backend, messages.KindReadyForQuery, Facts{Status: 'I'})
		if s.Anomaly == nil || tr.Outstanding() != n-searchAhead {
			t.Fatalf("%d outstanding after %d: %+v", tr.Outstanding(), n, s)
		}
	}
}

// TestTrial: what is not certain after a loss is said to be on trial until the frontend
// rests for the second time.
func TestTrial(t *testing.T) {
	var x Tracker
	x.SetPhase(messages.PhaseReady)
	cycle := func() (s Step) {
		x.Observe(messages.Frontend, messages.KindQuery, []byte("\x00"))
		x.Observe(messages.Backend, messages.KindCommandComplete, []byte("SET\x00"))
		s = x.Observe(messages.Backend, messages.KindReadyForQuery, []byte("I"))
		return s
	}
	if cycle().Trial {
		t.Error("on trial before any loss")
	}
	x.Gap(messages.Frontend)
	for i, want := range []bool{true, false} {
		if got := cycle().Trial; got != want {
			t.Errorf("cycle %d after the loss: on trial %v, want %v", i, got, want)
		}
	}
}
