package tracker

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// sendable tells, from the manual's "Message Flow", in which phases a frontend
// may send a message; after a slash, in which further phases servers accept it
// without a word.
var sendable = map[messages.Kind]string{
	messages.KindStartupMessage:   "startup / ssl_negotiation gss_negotiation",
	messages.KindStartupMessageV2: "startup / ssl_negotiation gss_negotiation",
	messages.KindSSLRequest:       "startup / ssl_negotiation gss_negotiation",
	messages.KindGSSENCRequest:    "startup / ssl_negotiation gss_negotiation",
	messages.KindCancelRequest:    "startup / ssl_negotiation gss_negotiation",

	messages.KindPasswordMessage:     "authenticating",
	messages.KindGSSResponse:         "authenticating(gss)",
	messages.KindSASLInitialResponse: "authenticating_sasl_initial",
	messages.KindSASLResponse:        "authenticating_sasl_continue",

	messages.KindQuery:        "session copy_out / early failed",
	messages.KindFunctionCall: "session copy_out / early failed",
	messages.KindParse:        "session copy_out / early failed",
	messages.KindBind:         "session copy_out / early failed",
	messages.KindDescribe:     "session copy_out / early failed",
	messages.KindExecute:      "session copy_out / early failed",
	messages.KindClose:        "session copy_out / early failed",
	messages.KindFlush:        "session copy_out copy_in copy_both / early failed",
	messages.KindSync:         "session copy_out copy_in copy_both / early failed",

	messages.KindCopyData: "copy_in copy_both / session copy_out failed",
	messages.KindCopyDone: "copy_in copy_both / session copy_out failed",
	messages.KindCopyFail: "copy_in copy_both / session copy_out failed",
	messages.KindTerminate: "session early copy_in copy_out copy_both" +
		" / startup ssl_negotiation gss_negotiation terminated failed",
}

var phaseGroups = map[string]string{
	"session": "ready simple_query extended_query function_call",
	"early": "authenticating authenticating(gss) authenticating_sasl_initial" +
		" authenticating_sasl_continue initialization",
}

func phaseName(p messages.Phase) string {
	if p == messages.PhaseAuthenticatingGSS {
		return "authenticating(gss)"
	}
	return p.String()
}

func phaseList(s string) (names []string) {
	for _, w := range strings.Fields(s) {
		if group, ok := phaseGroups[w]; ok {
			names = append(names, strings.Fields(group)...)
		} else {
			names = append(names, w)
		}
	}
	return names
}

func TestEverySendRule(t *testing.T) {
	for k := range messages.Kind(messages.NumKinds) {
		allowed, tolerated, _ := strings.Cut(sendable[k], "/")
		silent := append(phaseList(allowed), phaseList(tolerated)...)
		for p := messages.PhaseStartup; int(p) < messages.NumPhases; p++ {
			var tr Tracker
			tr.SetPhase(p)
			if tr.Phase(messages.Frontend) != p {
				t.Fatalf("placed in %v the tracker is in %v", p, tr.Phase(messages.Frontend))
			}
			tr.backend = true // both directions are captured
			s := tr.ObserveFacts(messages.Frontend, k, Facts{Protocol: messages.Version30})
			if got, want := s.Anomaly == nil, slices.Contains(silent, phaseName(p)); got != want {
				t.Errorf("%v in %v: in order %v, want %v", k, phaseName(p), got, want)
			}
			if s.Phase != p {
				t.Errorf("%v in %v was in phase %v", k, p, s.Phase)
			}
		}
	}
}

// answerable tells, from the manual's "Message Flow", which messages answer a
// request; a * marks those that complete the answer, a ~ those that cannot be the first
// reply, a ! the one that is no reply at all if it is the first.
var answerable = map[messages.Kind]string{
	messages.KindSSLRequest:    "SSLResponse* ErrorResponse* ErrorResponseV2*",
	messages.KindGSSENCRequest: "GSSENCResponse* ErrorResponse* ErrorResponseV2*",
	messages.KindStartupMessage: "NegotiateProtocolVersion AuthenticationOk AuthenticationKerberosV5 AuthenticationCleartextPassword" +
		" AuthenticationMD5Password AuthenticationGSS AuthenticationGSSContinue AuthenticationSSPI AuthenticationSASL" +
		" AuthenticationSASLContinue AuthenticationSASLFinal BackendKeyData ReadyForQuery*~ ErrorResponse ErrorResponseV2*",
	messages.KindQuery: "RowDescription DataRow~ CommandComplete EmptyQueryResponse CopyInResponse CopyOutResponse" +
		" CopyBothResponse CopyData~ CopyDone~ ErrorResponse ReadyForQuery!",
	messages.KindParse:    "ParseComplete* ErrorResponse*",
	messages.KindBind:     "BindComplete* ErrorResponse*",
	messages.KindClose:    "CloseComplete* ErrorResponse*",
	messages.KindDescribe: "ParameterDescription RowDescription* NoData* ErrorResponse*",
	messages.KindExecute: "DataRow CommandComplete* EmptyQueryResponse* PortalSuspended* CopyInResponse CopyOutResponse" +
		" CopyBothResponse CopyData~ CopyDone~ ErrorResponse*",
	messages.KindSync:         "ReadyForQuery* ErrorResponse",
	messages.KindFunctionCall: "FunctionCallResponse ErrorResponse ReadyForQuery!",
}

func TestEveryReplyRule(t *testing.T) {
	for request, list := range answerable {
		words := strings.Fields(list)
		for k := range messages.Kind(messages.NumKinds) {
			if !k.Sides().Has(messages.Backend) || grammar.Asynchronous.Has(k) {
				continue
			}
			var tr Tracker
			if grammar.Sends[request].Request&(grammar.Startup|grammar.SSL|grammar.GSS) == 0 {
				tr.SetPhase(messages.PhaseReady)
			}
			tr.ObserveFacts(messages.Frontend, request, Facts{Protocol: messages.Version30})
			s := tr.ObserveFacts(messages.Backend, k, Facts{Fatal: k == messages.KindErrorResponseV2})
			var marks string
			answers := slices.ContainsFunc(words, func(w string) (found bool) {
				name := strings.TrimRight(w, "*~!")
				if found = name == k.String(); found {
					marks = w[len(name):]
				}
				return found && marks != "!"
			})
			completes := strings.Contains(marks, "*")
			if got, want := s.Anomaly == nil, answers && !strings.Contains(marks, "~"); got != want {
				t.Errorf("%v after %v: in order %v, want %v", k, request, got, want)
			}
			if answers && s.Request != request {
				t.Errorf("%v after %v answers %v", k, request, s.Request)
			}
			if got := tr.Outstanding() == 0; answers && got != completes {
				t.Errorf("%v after %v: completed %v, want %v", k, request, got, completes)
			}
		}
	}
}

func TestAsynchronousAtAnyTime(t *testing.T) {
	for _, k := range []messages.Kind{
		messages.KindNoticeResponse, messages.KindParameterStatus, messages.KindNotificationResponse,
	} {
		for p := range messages.Phase(messages.NumPhases) {
			var tr Tracker
			tr.SetPhase(p)
			outstanding := tr.Outstanding()
			if s := tr.ObserveFacts(messages.Backend, k, Facts{}); s.Anomaly != nil {
				t.Errorf("%v in %v: %v", k, p, s.Anomaly)
			}
			if tr.Phase(messages.Backend) != p && p != messages.PhaseUnknown || tr.Outstanding() != outstanding {
				t.Errorf("%v in %v led to %v", k, p, tr.Phase(messages.Backend))
			}
		}
	}
}

func TestHints(t *testing.T) {
	tests := []struct {
		script string
		hint   string
	}{
		{"> PasswordMessage", "PasswordMessage is out of order in phase startup; expected StartupMessage, SSLRequest," +
			" GSSENCRequest, CancelRequest or StartupMessageV2"},
		{started + "> StartupMessage", "StartupMessage is out of order in phase ready; expected Query, Parse, Bind, Describe," +
			" Execute, Close, Flush, Sync, FunctionCall or Terminate"},
		{started + "> Parse\n< BindComplete", "BindComplete is out of order in phase extended_query; expected" +
			" ParseComplete or ErrorResponse"},
		{started + "> Parse\n> Bind\n> Sync\n< BindComplete", "BindComplete came before the replies to earlier requests;" +
			" expected ParseComplete or ErrorResponse"},
		{started + "< BindComplete", "BindComplete answers no outstanding request"},
		{started + "< Unknown", "Unknown: the protocol does not define this message type"},
		{"> StartupMessage(3.1)", "StartupMessage: no such protocol version (3.1 is reserved)"},
	}
	for _, test := range tests {
		var tr Tracker
		var last *Anomaly
		for _, l := range parseScript(t, test.script) {
			last = tr.ObserveFacts(l.dir, l.kind, l.facts).Anomaly
		}
		if last == nil || last.Text() != test.hint || last.Error() != "postgresql protocol: "+test.hint {
			t.Errorf("%s\n\tgot  %v\n\twant %s", test.script, last, test.hint)
		}
	}
}
