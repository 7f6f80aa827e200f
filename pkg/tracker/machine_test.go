package tracker

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// pair is both machines of one connection, without any delay between them.
type pair struct {
	frontend *FrontendMachine
	backend  *BackendMachine
}

func newPair(options ...Option) *pair {
	return &pair{NewFrontendMachine(options...), NewBackendMachine(options...)}
}

func (p *pair) pass(l *line) (sent, received error) {
	return p.passMessage(l.dir, l.message())
}

func (p *pair) passMessage(d messages.Direction, m messages.Message) (sent, received error) {
	if d == messages.Frontend {
		return p.frontend.Send(m), p.backend.Receive(m)
	}
	return p.backend.Send(m), p.frontend.Receive(m)
}

// state is everything that a machine knows, for comparison.
func state(m *machine) any {
	c := *m
	c.again = [2]messages.Kind{} // says nothing that the rest does not say
	ring := make([]pending, c.t.q.n)
	for i := range ring {
		ring[i] = *c.t.q.at(i)
	}
	c.t.q = queue{ring: ring, n: c.t.q.n}
	return c
}

func TestStrictMachinesAcceptWhatIsInOrder(t *testing.T) {
	run := func(name, script string) {
		t.Run(name, func(t *testing.T) {
			p := newPair()
			for _, l := range parseScript(t, script) {
				if sent, received := p.pass(&l); sent != nil || received != nil {
					t.Fatalf("%s\n\tsend: %v\n\treceive: %v", l.text, sent, received)
				}
			}
		})
	}
	for _, c := range startups {
		if !c.unruly {
			run(c.name, c.script)
		}
	}
	for _, c := range slices.Concat(sessions, copies) {
		if !c.unruly {
			run(c.name, started+c.script)
		}
	}
}

// refusals are scripts of which strict machines refuse the last message.
var refusals = []struct {
	script, hint string
	// crossing tells that only the frontend refuses: the backend cannot tell that
	// the message was not on its way when it sent its last one.
	crossing bool
}{
	{"> Query", "Query is out of order in phase startup", false},
	{"> PasswordMessage", "PasswordMessage is out of order in phase startup", false},
	{"> StartupMessage\n> PasswordMessage", "PasswordMessage is out of order in phase authenticating; expected Terminate", false},
	{"> StartupMessage(3.1)", "no such protocol version (3.1 is reserved)", false},
	{"> SSLRequest\n> StartupMessage", "StartupMessage is out of order in phase ssl_negotiation", false},
	{"> SSLRequest\n< SSLResponse(N)\n> SSLRequest", "expected StartupMessage, GSSENCRequest, CancelRequest or StartupMessageV2", false},
	{"> SSLRequest\n< SSLResponse(S)\n> StartupMessage", "StartupMessage is out of order in phase encrypted", false},
	{"> SSLRequest\n< SSLResponse(S)\n< NoticeResponse", "NoticeResponse is out of order in phase encrypted", false},
	{"> SSLRequest\n< ErrorResponse\n> StartupMessage", "StartupMessage is out of order in phase failed", true},
	{"> SSLRequest\n< GSSENCResponse(N)", "expected SSLResponse, ErrorResponseV2 or ErrorResponse", false},
	{"> CancelRequest\n> StartupMessage", "StartupMessage is out of order in phase terminated", false},
	{"< AuthenticationOk", "AuthenticationOk is out of order in phase startup", false},

	{"> StartupMessage\n< ReadyForQuery", "ReadyForQuery is out of order in phase authenticating", false},
	{"> StartupMessage\n< BackendKeyData", "BackendKeyData is out of order in phase authenticating", false},
	{"> StartupMessage\n< ParameterStatus", "ParameterStatus is out of order in phase authenticating", false},
	{"> StartupMessage\n< AuthenticationSASLContinue", "AuthenticationSASLContinue is out of order", false},
	{"> StartupMessage\n< AuthenticationGSSContinue", "AuthenticationGSSContinue is out of order", false},
	{"> StartupMessage\n< NegotiateProtocolVersion\n< NegotiateProtocolVersion", "NegotiateProtocolVersion is out of order", false},
	{"> StartupMessage\n< AuthenticationCleartextPassword\n< AuthenticationOk", "expected ErrorResponse", false},
	{"> StartupMessage\n< AuthenticationMD5Password\n< AuthenticationSASL", "expected ErrorResponse", false},
	{"> StartupMessage\n< AuthenticationSASL\n> SASLResponse", "expected SASLInitialResponse or Terminate", false},
	{"> StartupMessage\n< AuthenticationSASL\n> SASLInitialResponse\n> SASLResponse", "expected Terminate", false},
	{"> StartupMessage\n< AuthenticationSASL\n> SASLInitialResponse\n< AuthenticationSASLFinal\n< AuthenticationSASLFinal", "AuthenticationSASLFinal is out of order", false},
	{"> StartupMessage\n< AuthenticationMD5Password\n> PasswordMessage\n> PasswordMessage", "PasswordMessage is out of order", false},
	{"> StartupMessage\n< AuthenticationMD5Password\n> PasswordMessage\n< AuthenticationSASLContinue", "AuthenticationSASLContinue is out of order", false},
	{"> StartupMessage\n< AuthenticationOk\n< AuthenticationMD5Password", "expected BackendKeyData, ReadyForQuery or ErrorResponse", false},
	{"> StartupMessage\n< AuthenticationOk\n< NegotiateProtocolVersion", "NegotiateProtocolVersion is out of order", false},
	{"> StartupMessage\n< AuthenticationSASL\n> Query", "Query is out of order in phase authenticating_sasl_initial", false},
	{"> StartupMessage\n< ErrorResponse(FATAL)\n< ReadyForQuery", "ReadyForQuery is out of order in phase failed", false},

	{started + "< BackendKeyData", "BackendKeyData answers no outstanding request", false},
	{started + "< ErrorResponse", "ErrorResponse answers no outstanding request", false},
	{started + "< ErrorResponseV2", "ErrorResponseV2 answers no outstanding request", false},
	{started + "> Unknown", "Unknown: the protocol does not define this message type", false},
	{started + "< Unknown", "Unknown: the protocol does not define this message type", false},
	{started + "> CopyFail", "CopyFail is out of order in phase ready", true},
	{started + "> DataRow", "DataRow is out of order in phase ready", false},
	{started + "> Terminate\n> Query", "Query is out of order in phase terminated", false},
	{started + "> Query\n> Terminate\n> Query", "Query is out of order in phase terminated", false},
	{started + "< ErrorResponse(FATAL)\n> Query", "Query is out of order in phase failed", true},
	{started + "> Query\n< EmptyQueryResponse\n< CommandComplete", "expected ReadyForQuery or ErrorResponse", false},
	{started + "> Query\n< ReadyForQuery", "expected RowDescription, CommandComplete, EmptyQueryResponse, CopyInResponse," +
		" CopyOutResponse, CopyBothResponse or ErrorResponse", false},
	{started + "> Query\n< DataRow", "DataRow is out of order in phase simple_query", false},
	{started + "> Query\n< RowDescription\n< RowDescription", "expected DataRow, CommandComplete or ErrorResponse", false},
	{started + "> Query\n< RowDescription\n< ReadyForQuery", "ReadyForQuery is out of order", false},
	{started + "> Query\n< CommandComplete\n< DataRow", "DataRow is out of order", false},
	{started + "> Query\n< ErrorResponse\n< CommandComplete", "expected ReadyForQuery", false},
	{started + "> Query\n< ErrorResponse\n< ErrorResponse", "expected ReadyForQuery", false},
	{started + "> Query\n< PortalSuspended", "PortalSuspended is out of order", false},
	{started + "> Query\n< ParseComplete", "ParseComplete is out of order", false},
	{started + "> FunctionCall\n< ReadyForQuery", "expected FunctionCallResponse or ErrorResponse", false},
	{started + "> FunctionCall\n< FunctionCallResponse\n< FunctionCallResponse", "expected ReadyForQuery or ErrorResponse", false},
	{started + "> Parse\n> Bind\n< BindComplete", "expected ParseComplete or ErrorResponse", false},
	{started + "> Parse\n< ParseComplete\n< ParseComplete", "ParseComplete answers no outstanding request", false},
	{started + "> Describe\n< ParameterDescription\n< ParameterDescription", "expected RowDescription, NoData or ErrorResponse", false},
	{started + "> Execute\n< DataRow\n< EmptyQueryResponse", "expected DataRow, CommandComplete, PortalSuspended or ErrorResponse", false},
	{started + "> Execute\n< RowDescription", "RowDescription is out of order", false},
	{started + "> Sync\n< ErrorResponse\n< ErrorResponse", "expected ReadyForQuery", false},
	{started + "> Parse\n< ErrorResponse\n< ReadyForQuery", "ReadyForQuery answers no outstanding request", false},
	{started + "> Parse\n> Bind\n< ErrorResponse\n< BindComplete", "BindComplete answers no outstanding request", false},
	{started + "> Parse\n> Query\n> Sync\n< ErrorResponse\n< CommandComplete", "expected ReadyForQuery or ErrorResponse", false},

	{started + "> Query\n< CopyInResponse\n> Query", "expected Flush, Sync, CopyData, CopyDone, CopyFail or Terminate", false},
	{started + "> Query\n< CopyInResponse\n< CommandComplete", "CommandComplete is out of order in phase copy_in; expected ErrorResponse", false},
	{started + "> Query\n< CopyInResponse\n< CopyData", "CopyData is out of order in phase copy_in", false},
	{started + "> Query\n< CopyOutResponse\n> CopyData", "CopyData is out of order in phase copy_out", true},
	{started + "> Query\n< CopyOutResponse\n> CopyDone", "CopyDone is out of order in phase copy_out", true},
	{started + "> Query\n< CopyOutResponse\n< CommandComplete", "expected CopyData, CopyDone or ErrorResponse", false},
	{started + "> Query\n< CopyOutResponse\n< CopyDone\n< CopyData", "expected RowDescription, CommandComplete, CopyOutResponse or ErrorResponse", false},
	{started + "> Query\n< CopyData", "CopyData is out of order in phase simple_query", false},
	{started + "> Query\n< CopyBothResponse\n> CopyDone\n> CopyData", "CopyData is out of order in phase copy_both", false},
	{started + "> Query\n< CopyBothResponse\n< CopyDone\n< CopyData", "CopyData is out of order in phase copy_both", false},
	{started + "> Query\n< CopyBothResponse\n< RowDescription", "RowDescription is out of order in phase copy_both", false},
}

func TestStrictMachinesRefuse(t *testing.T) {
	for _, r := range refusals {
		p := newPair()
		lines := parseScript(t, r.script)
		last := &lines[len(lines)-1]
		for i := range lines[:len(lines)-1] {
			if sent, received := p.pass(&lines[i]); sent != nil || received != nil {
				t.Fatalf("%s\n\t%s\n\tsend: %v\n\treceive: %v", r.script, lines[i].text, sent, received)
			}
		}
		front, back := state(&p.frontend.machine), state(&p.backend.machine)
		sent, received := p.pass(last)
		checkRefusal(t, r.script, r.hint, sent)
		if r.crossing {
			if received != nil {
				t.Errorf("%s\n\tthe backend refuses what may have been on its way: %v", r.script, received)
			}
			continue
		}
		checkRefusal(t, r.script, r.hint, received)
		if !reflect.DeepEqual(front, state(&p.frontend.machine)) || !reflect.DeepEqual(back, state(&p.backend.machine)) {
			t.Errorf("%s\n\tthe refused message changed the state", r.script)
		}
	}
}

func checkRefusal(t *testing.T, script, hint string, err error) {
	t.Helper()
	var a *Anomaly
	if !errors.As(err, &a) || !strings.Contains(a.Error(), hint) {
		t.Errorf("%s\n\tgot  %v\n\twant ... %s ...", script, err, hint)
	}
}

func TestFactsOfMessageAndBodyAgree(t *testing.T) {
	for _, s := range samples.All() {
		if got, want := factsOfMessage(s.Message), FactsOf(s.Kind, s.Body()); got != want {
			t.Errorf("%s: %+v from the message, %+v from its body", s.Name, got, want)
		}
	}
}

func TestFatalIsReadFromTheSeverityThatIsNeverTranslated(t *testing.T) {
	tests := []struct {
		body  string
		fatal bool
	}{
		{"SFATAL\x00VFATAL\x00C57P01\x00\x00", true},
		{"SPANIC\x00VPANIC\x00\x00", true},
		{"SFATAL\x00C57P01\x00Mold server\x00\x00", true},
		{"SFATAL\x00VERROR\x00\x00", false},
		{"SFATAAL\x00VFATAL\x00\x00", true},
		{"SERROR\x00VERROR\x00C42601\x00\x00", false},
		{"SFATAL\x00VFAT", true},
		{"SFATAL", false},
		{"", false},
	}
	for _, test := range tests {
		if got := FactsOf(messages.KindErrorResponse, []byte(test.body)).Fatal; got != test.fatal {
			t.Errorf("%q: fatal %v", test.body, got)
		}
	}
}

func TestMachineProperties(t *testing.T) {
	type properties struct {
		phase         messages.Phase
		ready, active bool
		syncs         int
		tx            byte
	}
	steps := []struct {
		line string
		want properties
	}{
		{"> StartupMessage", properties{phase: messages.PhaseAuthenticating, active: true}},
		{"< AuthenticationOk", properties{phase: messages.PhaseInitialization, active: true}},
		{"< ReadyForQuery", properties{messages.PhaseReady, true, true, 0, 'I'}},
		{"> Parse", properties{messages.PhaseExtendedQuery, false, true, 0, 'I'}},
		{"< ParseComplete", properties{messages.PhaseExtendedQuery, false, true, 0, 'I'}},
		{"> Sync", properties{messages.PhaseExtendedQuery, false, true, 1, 'I'}},
		{"> Sync", properties{messages.PhaseExtendedQuery, false, true, 2, 'I'}},
		{"< ReadyForQuery(T)", properties{messages.PhaseExtendedQuery, false, true, 1, 'T'}},
		{"< ReadyForQuery(T)", properties{messages.PhaseReady, true, true, 0, 'T'}},
		{"> Query", properties{messages.PhaseSimpleQuery, false, true, 0, 'T'}},
		{"< CopyInResponse", properties{messages.PhaseCopyIn, false, true, 0, 'T'}},
		{"> Sync", properties{messages.PhaseCopyIn, false, true, 0, 'T'}},
		{"> CopyFail", properties{messages.PhaseSimpleQuery, false, true, 0, 'T'}},
		{"< ErrorResponse", properties{messages.PhaseSimpleQuery, false, true, 0, 'T'}},
		{"< ReadyForQuery(E)", properties{messages.PhaseReady, true, true, 0, 'E'}},
		{"> Terminate", properties{phase: messages.PhaseTerminated, tx: 'E'}},
	}
	p := newPair()
	for _, step := range steps {
		l := parseLine(t, step.line)
		if sent, received := p.pass(&l); sent != nil || received != nil {
			t.Fatalf("%s: %v, %v", step.line, sent, received)
		}
		f := p.frontend
		if got := (properties{f.Phase(), f.IsReady(), f.IsActive(), f.PendingSyncs(), byte(f.TxStatus())}); got != step.want {
			t.Errorf("the frontend after %s\n\tgot  %+v\n\twant %+v", step.line, got, step.want)
		}
		b := p.backend
		got := properties{f.Phase(), b.IsReady(), b.IsActive(), b.PendingSyncs(), byte(b.TxStatus())}
		if got != step.want {
			t.Errorf("the backend after %s\n\tgot  %+v\n\twant %+v", step.line, got, step.want)
		}
	}
}

func TestPhaseOfEachSide(t *testing.T) {
	p := newPair()
	for _, l := range parseScript(t, started+"> Query\n> Parse\n> Sync") {
		p.pass(&l)
	}
	if got := p.frontend.Phase(); got != messages.PhaseExtendedQuery {
		t.Errorf("the frontend is in %v", got)
	}
	if got := p.backend.Phase(); got != messages.PhaseSimpleQuery {
		t.Errorf("the backend is in %v", got)
	}
}

func TestTLSEstablished(t *testing.T) {
	p := newPair()
	if err := p.frontend.TLSEstablished(); err != nil {
		t.Errorf("direct TLS: %v", err)
	}
	for _, l := range parseScript(t, "> SSLRequest\n< SSLResponse(S)") {
		p.pass(&l)
	}
	for _, m := range []*machine{&p.frontend.machine, &p.backend.machine} {
		if m.Phase() != messages.PhaseEncrypted || m.IsReady() || !m.IsActive() {
			t.Errorf("phase %v, ready %v, active %v", m.Phase(), m.IsReady(), m.IsActive())
		}
		if err := m.TLSEstablished(); err != nil || m.Phase() != messages.PhaseStartup {
			t.Fatalf("%v, phase %v", err, m.Phase())
		}
	}
	for _, request := range []string{"> SSLRequest", "> GSSENCRequest"} {
		l := parseLine(t, request)
		if sent, received := p.pass(&l); sent == nil || received == nil {
			t.Errorf("%s inside TLS was accepted", request)
		}
	}
	for _, l := range parseScript(t, started) {
		if sent, received := p.pass(&l); sent != nil || received != nil {
			t.Fatalf("%s: %v, %v", l.text, sent, received)
		}
	}
	if err := p.frontend.TLSEstablished(); err == nil || p.frontend.Phase() != messages.PhaseReady {
		t.Errorf("in session: %v, phase %v", err, p.frontend.Phase())
	}
}

func TestInPhase(t *testing.T) {
	tests := []struct {
		phase  messages.Phase
		script string
	}{
		{messages.PhaseReady, "> Query\n< CommandComplete\n< ReadyForQuery"},
		{messages.PhaseSSLNegotiation, "< SSLResponse(N)\n> GSSENCRequest"},
		{messages.PhaseGSSNegotiation, "< GSSENCResponse(N)\n> SSLRequest"},
		{messages.PhaseAuthenticating, "< AuthenticationMD5Password\n> PasswordMessage\n< AuthenticationOk\n< ReadyForQuery"},
		{messages.PhaseAuthenticatingGSS, "> GSSResponse\n< AuthenticationGSSContinue\n< AuthenticationOk\n< ReadyForQuery"},
		{messages.PhaseSASLInitial, "> SASLInitialResponse\n< AuthenticationSASLContinue\n> SASLResponse\n< AuthenticationOk"},
		{messages.PhaseSASLContinue, "> SASLResponse\n< AuthenticationSASLFinal\n< AuthenticationOk\n< ReadyForQuery"},
		{messages.PhaseInitialization, "< BackendKeyData\n< ReadyForQuery\n> Query\n< EmptyQueryResponse\n< ReadyForQuery"},
		{messages.PhaseSimpleQuery, "< DataRow\n< CommandComplete\n< ReadyForQuery\n> Query"},
		{messages.PhaseFunctionCall, "< ReadyForQuery\n> Query"},
		{messages.PhaseExtendedQuery, "> Execute\n> Sync\n< CommandComplete\n< ReadyForQuery\n> Query"},
		{messages.PhaseCopyIn, "> CopyData\n> CopyDone\n< CommandComplete\n< ReadyForQuery\n> Query"},
		{messages.PhaseCopyIn, "> CopyDone\n> Sync\n< CommandComplete\n< ReadyForQuery\n> Query"},
		{messages.PhaseCopyOut, "< CopyData\n< CopyDone\n< CommandComplete\n< ReadyForQuery\n> Query"},
		{messages.PhaseCopyBoth, "> CopyData\n< CopyData\n> CopyDone\n< CopyDone\n< CommandComplete\n< ReadyForQuery"},
		{messages.PhaseEncrypted, ""},
		{messages.PhaseTerminated, ""},
		{messages.PhaseFailed, ""},
	}
	for _, test := range tests {
		p := newPair(InPhase(test.phase))
		if p.frontend.Phase() != test.phase || p.backend.Phase() != test.phase {
			t.Errorf("in %v the phases are %v and %v", test.phase, p.frontend.Phase(), p.backend.Phase())
		}
		for _, l := range parseScript(t, test.script) {
			if sent, received := p.pass(&l); sent != nil || received != nil {
				t.Errorf("in %v, %s: %v, %v", test.phase, l.text, sent, received)
			}
		}
		if !strings.HasSuffix(test.script, "\n> Query") && !strings.HasSuffix(test.script, "ReadyForQuery") {
			continue
		}
		if got, want := p.frontend.IsReady(), strings.HasSuffix(test.script, "ReadyForQuery"); got != want {
			t.Errorf("in %v, after %q: ready %v", test.phase, test.script, got)
		}
	}
}

func TestLenientMachinesGoOn(t *testing.T) {
	p := newPair(Lenient())
	if p.frontend.Strict() || !newPair().frontend.Strict() {
		t.Error("Strict does not tell the mode")
	}
	for _, l := range parseScript(t, started) {
		p.pass(&l)
	}
	for _, l := range parseScript(t, "> DataRow\n< CommandComplete\n< Unknown\n< ReadyForQuery(T)") {
		sent, received := p.pass(&l)
		var a, b *Anomaly
		if !errors.As(sent, &a) || !errors.As(received, &b) {
			t.Errorf("%s: %v, %v", l.text, sent, received)
		}
	}
	if p.frontend.TxStatus() != 'T' {
		t.Error("ReadyForQuery has not taken its effect")
	}
	// What servers tolerate is no anomaly.
	for _, l := range parseScript(t, "> CopyData\n> Query\n> CopyData\n< CopyInResponse\n> CopyDone\n< CommandComplete\n< ReadyForQuery") {
		if sent, received := p.pass(&l); sent != nil || received != nil {
			t.Errorf("%s: %v, %v", l.text, sent, received)
		}
	}
	if !p.frontend.IsReady() || !p.backend.IsReady() {
		t.Error("not ready in the end")
	}
}

func TestStrictMachinesBoundTheQueue(t *testing.T) {
	m := NewFrontendMachine(InPhase(messages.PhaseReady))
	for i := range maxOutstanding {
		if err := m.Send(&messages.Sync{}); err != nil {
			t.Fatalf("Sync %d: %v", i, err)
		}
	}
	var a *Anomaly
	if err := m.Send(&messages.Sync{}); !errors.As(err, &a) || a.Code != CodeQueueOverflow {
		t.Fatalf("one more: %v", err)
	}
	if err := m.Receive(&messages.ReadyForQuery{Status: 'I'}); err != nil || m.PendingSyncs() != maxOutstanding-1 {
		t.Errorf("%v, %d Syncs are pending", err, m.PendingSyncs())
	}
	if err := m.Send(&messages.Sync{}); err != nil {
		t.Errorf("after a reply: %v", err)
	}
}

// What a machine passes over because it is like the message before makes no
// difference, whatever comes in whatever order.
func TestMachinesPassOverRepeats(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	passed := 0
	for range 300 {
		for _, options := range [][]Option{nil, {Lenient()}, {InPhase(messages.PhaseReady)}, {Lenient(), InPhase(messages.PhaseReady)}} {
			quick, slow := newPair(options...), newPair(options...)
			script := seeds(t)[rng.IntN(50)]
			for len(script) > 0 {
				l := decode(script[0])
				script = script[1:]
				if l.gap {
					continue
				}
				if rng.IntN(20) == 0 {
					l = decode(byte(rng.Uint32())) // out of place, as a rule
				}
				for range 1 + rng.IntN(3) {
					slow.frontend.again, slow.backend.again = [2]messages.Kind{}, [2]messages.Kind{}
					if l.kind == quick.frontend.again[l.dir] && l.kind != messages.KindUnknown {
						passed++
					}
					sent, received := quick.pass(&l)
					wantSent, wantReceived := slow.pass(&l)
					if !reflect.DeepEqual(sent, wantSent) || !reflect.DeepEqual(received, wantReceived) {
						t.Fatalf("%v %v: %v and %v, else %v and %v", l.dir, l.kind, sent, received, wantSent, wantReceived)
					}
					if !reflect.DeepEqual(state(&quick.frontend.machine), state(&slow.frontend.machine)) ||
						!reflect.DeepEqual(state(&quick.backend.machine), state(&slow.backend.machine)) {
						t.Fatalf("%v %v: the states differ", l.dir, l.kind)
					}
				}
			}
		}
	}
	if passed < 100 {
		t.Errorf("only %d messages were passed over", passed)
	}
}
