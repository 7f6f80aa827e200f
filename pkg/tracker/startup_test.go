package tracker

import (
	"errors"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// conversation is a script with the state that it must lead to.
type conversation struct {
	name   string
	script string
	end    messages.Phase // of both directions, unless frontend says otherwise
	// frontend is the phase of the frontend's next message where it differs.
	frontend    messages.Phase
	outstanding int
	// unruly tells that strict machines refuse it: a message is out of order, or
	// in order only because servers tolerate it.
	unruly bool
}

func (c *conversation) run(t *testing.T, prologue string) {
	t.Helper()
	var tr Tracker
	play(t, &tr, prologue)
	play(t, &tr, c.script)
	frontend := c.end
	if c.frontend != 0 {
		frontend = c.frontend
	}
	if got := tr.Phase(messages.Frontend); got != frontend {
		t.Errorf("the frontend ends in %v, want %v", got, frontend)
	}
	if got := tr.Phase(messages.Backend); got != c.end {
		t.Errorf("the backend ends in %v, want %v", got, c.end)
	}
	if got := tr.Outstanding(); got != c.outstanding {
		t.Errorf("%d requests outstanding, want %d", got, c.outstanding)
	}
}

var startups = []conversation{
	{name: "trust", end: messages.PhaseReady, script: `
		> StartupMessage: startup
		< AuthenticationOk: authenticating =StartupMessage
		< ParameterStatus: initialization
		< BackendKeyData: initialization =StartupMessage
		< ReadyForQuery: initialization =StartupMessage`},
	{name: "cleartext", end: messages.PhaseReady, script: `
		> StartupMessage: startup
		< AuthenticationCleartextPassword: authenticating
		> PasswordMessage: authenticating
		< AuthenticationOk: authenticating
		< ReadyForQuery: initialization`},
	{name: "MD5", end: messages.PhaseReady, script: `
		> StartupMessage: startup
		< AuthenticationMD5Password: authenticating
		> PasswordMessage: authenticating
		< AuthenticationOk: authenticating
		< ReadyForQuery: initialization`},
	{name: "SCRAM", end: messages.PhaseReady, script: `
		> StartupMessage: startup
		< AuthenticationSASL: authenticating
		> SASLInitialResponse: authenticating_sasl_initial
		< AuthenticationSASLContinue: authenticating_sasl_continue
		> SASLResponse: authenticating_sasl_continue
		< AuthenticationSASLFinal: authenticating_sasl_continue
		< AuthenticationOk: authenticating
		< ReadyForQuery: initialization`},
	{name: "OAUTHBEARER: no final message", end: messages.PhaseReady, script: `
		> StartupMessage: startup
		< AuthenticationSASL: authenticating
		> SASLInitialResponse: authenticating_sasl_initial
		< AuthenticationOk: authenticating_sasl_continue
		< ReadyForQuery: initialization`},
	{name: "GSS in three rounds", end: messages.PhaseReady, script: `
		> StartupMessage: startup
		< AuthenticationGSS: authenticating
		> GSSResponse: authenticating
		< AuthenticationGSSContinue: authenticating
		> GSSResponse: authenticating
		< AuthenticationGSSContinue: authenticating
		< AuthenticationOk: authenticating
		< ReadyForQuery: initialization`},
	{name: "SSPI", end: messages.PhaseReady, script: `
		> StartupMessage: startup
		< AuthenticationSSPI: authenticating
		> GSSResponse: authenticating
		< AuthenticationOk: authenticating
		< ReadyForQuery: initialization`},
	{name: "several methods in sequence", end: messages.PhaseReady, script: `
		> StartupMessage: startup
		< AuthenticationCleartextPassword: authenticating
		> PasswordMessage: authenticating
		< AuthenticationSASL: authenticating
		> SASLInitialResponse: authenticating_sasl_initial
		< AuthenticationSASLContinue: authenticating_sasl_continue
		> SASLResponse: authenticating_sasl_continue
		< AuthenticationSASLFinal: authenticating_sasl_continue
		< AuthenticationMD5Password: authenticating
		> PasswordMessage: authenticating
		< AuthenticationOk: authenticating
		< ReadyForQuery: initialization`},
	{name: "version negotiated", end: messages.PhaseReady, script: `
		> StartupMessage(3.2): startup
		< NegotiateProtocolVersion: authenticating =StartupMessage
		< AuthenticationOk: authenticating
		< ReadyForQuery: initialization`},
	{name: "version to come", end: messages.PhaseReady, script: `
		> StartupMessage(3.9999): startup
		< NegotiateProtocolVersion: authenticating
		< AuthenticationOk: authenticating
		< ReadyForQuery: initialization`},
	{name: "version 3.1", end: messages.PhaseFailed, unruly: true, script: `
		> StartupMessage(3.1): startup !bad_protocol_version
		< ErrorResponse(FATAL): authenticating`},
	{name: "version 2", end: messages.PhaseFailed, script: `
		> StartupMessageV2: startup
		< ErrorResponseV2: authenticating =StartupMessage`},
	{name: "wrong password", end: messages.PhaseFailed, script: `
		> StartupMessage: startup
		< AuthenticationCleartextPassword: authenticating
		> PasswordMessage: authenticating
		< ErrorResponse(FATAL): authenticating =StartupMessage`},
	{name: "error that a pooler does not call fatal", end: messages.PhaseFailed, outstanding: 1, script: `
		> StartupMessage: startup
		< ErrorResponse: authenticating =StartupMessage`},
	{name: "fails after authentication", end: messages.PhaseFailed, script: `
		> StartupMessage: startup
		< AuthenticationOk: authenticating
		< NoticeResponse: initialization
		< ErrorResponse(FATAL): initialization =StartupMessage`},
	{name: "SSL refused", end: messages.PhaseAuthenticating, outstanding: 1, script: `
		> SSLRequest: startup
		< SSLResponse(N): ssl_negotiation =SSLRequest
		> StartupMessage: startup`},
	{name: "GSS refused, SSL refused", end: messages.PhaseAuthenticating, outstanding: 1, script: `
		> GSSENCRequest: startup
		< GSSENCResponse(N): gss_negotiation =GSSENCRequest
		> SSLRequest: startup
		< SSLResponse(N): ssl_negotiation =SSLRequest
		> StartupMessage: startup`},
	{name: "SSL refused, GSS refused", end: messages.PhaseAuthenticating, outstanding: 1, script: `
		> SSLRequest: startup
		< SSLResponse(N): ssl_negotiation
		> GSSENCRequest: startup
		< GSSENCResponse(N): gss_negotiation
		> StartupMessage: startup`},
	{name: "GSS refused, SSL accepted", end: messages.PhaseEncrypted, script: `
		> GSSENCRequest: startup
		< GSSENCResponse(N): gss_negotiation
		> SSLRequest: startup
		< SSLResponse(S): ssl_negotiation`},
	{name: "GSS accepted", end: messages.PhaseEncrypted, script: `
		> GSSENCRequest: startup
		< GSSENCResponse(G): gss_negotiation`},
	{name: "SSL request fails", end: messages.PhaseFailed, script: `
		> SSLRequest: startup
		< ErrorResponse(FATAL): ssl_negotiation =SSLRequest`},
	{name: "SSL request fails as in version 2", end: messages.PhaseFailed, script: `
		> SSLRequest: startup
		< ErrorResponseV2: ssl_negotiation =SSLRequest`},
	{name: "SSL answer not awaited", unruly: true, end: messages.PhaseReady, script: `
		> SSLRequest: startup
		> StartupMessage: ssl_negotiation
		< SSLResponse(N): ssl_negotiation =SSLRequest
		< AuthenticationOk: authenticating =StartupMessage
		< ReadyForQuery: initialization`},
	{name: "SSL accepted for one who did not wait", unruly: true, end: messages.PhaseEncrypted, outstanding: 1, script: `
		> SSLRequest: startup
		> StartupMessage: ssl_negotiation
		< SSLResponse(S): ssl_negotiation`},
	{name: "requests before authentication has ended", unruly: true, end: messages.PhaseReady, script: `
		> StartupMessage: startup
		> Parse: unknown 1+
		> Bind: unknown 1
		> Execute: unknown 1
		> Sync: unknown 1
		< AuthenticationOk: authenticating =StartupMessage
		< BackendKeyData: initialization =StartupMessage
		< ReadyForQuery: initialization =StartupMessage
		< ParseComplete: extended_query 1 =Parse
		< BindComplete: extended_query 1
		< CommandComplete: extended_query 1
		< ReadyForQuery: extended_query 1 =Sync`},
	{name: "queries and Terminate before any answer", unruly: true, end: messages.PhaseReady, script: `
		> StartupMessage: startup
		> Query: unknown 1+
		> Query: unknown 2+
		> Terminate: unknown
		< AuthenticationOk: authenticating =StartupMessage
		< ReadyForQuery: initialization =StartupMessage
		< CommandComplete: simple_query 1 =Query
		< ReadyForQuery: simple_query 1 =Query
		< CommandComplete: simple_query 2 =Query
		< ReadyForQuery: simple_query 2 =Query`},
	{name: "query while authentication goes on", unruly: true, end: messages.PhaseReady, script: `
		> StartupMessage: startup
		< AuthenticationOk: authenticating
		> Query: initialization 1+
		< ReadyForQuery: initialization =StartupMessage
		< EmptyQueryResponse: simple_query 1
		< ReadyForQuery: simple_query 1`},
	{name: "cancel", end: messages.PhaseTerminated, script: `
		> CancelRequest: startup`},
	{name: "cancel and goodbye", end: messages.PhaseTerminated, unruly: true, script: `
		> CancelRequest: startup
		> Terminate: terminated`},
	{name: "cancel after SSL was refused", end: messages.PhaseTerminated, script: `
		> SSLRequest: startup
		< SSLResponse(N): ssl_negotiation
		> CancelRequest: startup`},
	{name: "goodbye instead of a password", end: messages.PhaseAuthenticating, outstanding: 1, script: `
		> StartupMessage: startup
		< AuthenticationCleartextPassword: authenticating
		> Terminate: authenticating`},
	{name: "query first", unruly: true, end: messages.PhaseStartup, frontend: messages.PhaseStartup, outstanding: 1, script: `
		> Query: startup 1+ !unexpected_message`},
	{name: "session begins with its end", unruly: true, end: messages.PhaseTerminated, script: `
		> Terminate: startup`},
	{name: "reply first", unruly: true, end: messages.PhaseStartup, script: `
		< ReadyForQuery: startup over:0 !unsolicited_reply`},
	{name: "no process for the connection", end: messages.PhaseFailed, script: `
		< ErrorResponseV2: startup`},
	{name: "server full before it read anything", end: messages.PhaseFailed, script: `
		< ErrorResponse(FATAL): startup`},
}

func TestStartup(t *testing.T) {
	for _, c := range startups {
		t.Run(c.name, func(t *testing.T) { c.run(t, "") })
	}
}

func TestDecrypted(t *testing.T) {
	var tr Tracker
	play(t, &tr, `
		> SSLRequest: startup
		< SSLResponse(S): ssl_negotiation =SSLRequest`)
	tr.Decrypted()
	play(t, &tr, `
		> StartupMessage: startup
		< AuthenticationOk: authenticating =StartupMessage
		< ReadyForQuery: initialization =StartupMessage
		> Query: ready 1+`)
}

func TestTransactionStatus(t *testing.T) {
	var tr Tracker
	tr.SetPhase(messages.PhaseReady)
	for _, status := range []byte{'I', 'T', 'E'} {
		tr.ObserveFacts(messages.Frontend, messages.KindQuery, Facts{})
		tr.Observe(messages.Backend, messages.KindCommandComplete, []byte("BEGIN\x00"))
		s := tr.Observe(messages.Backend, messages.KindReadyForQuery, []byte{status})
		if s.Tx != status || tr.Tx() != status {
			t.Errorf("after ReadyForQuery(%c) the status is %q and %q", status, s.Tx, tr.Tx())
		}
	}
}

// What a zero machine cannot do it says.
func TestZeroMachine(t *testing.T) {
	for _, m := range []Machine{new(FrontendMachine), new(BackendMachine)} {
		for _, err := range []error{m.Send(&messages.Sync{}), m.Receive(&messages.Sync{}), m.TLSEstablished()} {
			if !errors.Is(err, errNotMade) {
				t.Errorf("%T: %v", m, err)
			}
		}
	}
}
