package tracker

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// part is a message and who sends it.
type part struct {
	by messages.Direction
	m  messages.Message
}

func front(list ...messages.Message) (out []part) {
	for _, m := range list {
		out = append(out, part{messages.Frontend, m})
	}
	return out
}

func back(list ...messages.Message) (out []part) {
	for _, m := range list {
		out = append(out, part{messages.Backend, m})
	}
	return out
}

func join(lists ...[]part) (out []part) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

var (
	aStartup  = &messages.StartupMessage{}
	aQuery    = &messages.Query{}
	aSync     = &messages.Sync{}
	aRow      = &messages.DataRow{}
	aRowDesc  = &messages.RowDescription{}
	complete  = &messages.CommandComplete{}
	suspended = &messages.PortalSuspended{}
	aKey      = &messages.BackendKeyData{SecretKey: make([]byte, 4)}
	ready     = &messages.ReadyForQuery{Status: 'I'}
	copyData  = &messages.CopyData{}
	copyDone  = &messages.CopyDone{}
	copyOut   = &messages.CopyOutResponse{}
	copyIn    = &messages.CopyInResponse{}
	authOk    = &messages.AuthenticationOk{}
	paramDesc = &messages.ParameterDescription{}
)

// What strict machines say where more than the kinds of messages decides, and where
// servers do what the manual's "Message Flow" does not tell.
func TestStrictMachinesKnowServers(t *testing.T) {
	const r, up, in, ext = messages.PhaseReady, messages.PhaseStartup, messages.PhaseInitialization, messages.PhaseExtendedQuery
	tests := []struct {
		name  string
		phase messages.Phase
		list  []part
		ok    bool // otherwise the last message is refused
	}{
		{"suspended at its limit", r, join(front(&messages.Execute{MaxRows: 1}, aSync), back(aRow, suspended, ready)), true},
		{"suspended without a limit", r, join(front(&messages.Execute{}, aSync), back(aRow, suspended)), false},
		{"suspended, the second of two", r, join(front(&messages.Execute{MaxRows: 1}, &messages.Execute{}, aSync), back(suspended, suspended)), false},
		{"parameters of a statement", r, join(front(&messages.Describe{Target: 'S'}), back(paramDesc, aRowDesc)), true},
		{"parameters of a portal", r, join(front(&messages.Describe{Target: 'P'}), back(paramDesc)), false},
		{"columns of a statement without its parameters", r, join(front(&messages.Describe{Target: 'S'}), back(aRowDesc)), false},
		{"no columns of a statement without its parameters", r, join(front(&messages.Describe{Target: 'S'}), back(&messages.NoData{})), false},
		{"columns of a portal", r, join(front(&messages.Describe{Target: 'P'}), back(aRowDesc)), true},
		{"a key", in, back(aKey, ready), true},
		{"two keys", in, back(aKey, aKey), false},
		{"version 2, refused", up, join(front(&messages.StartupMessageV2{}), back(&messages.ErrorResponse{})), true},
		{"version 2, let in", up, join(front(&messages.StartupMessageV2{}), back(authOk)), false},
		{"a query with the startup", up, join(front(aStartup, aQuery, &messages.Terminate{}), back(authOk, aKey, ready, complete, ready)), true},
		{"a query during authentication", up, join(front(aStartup), back(&messages.AuthenticationCleartextPassword{}), front(aQuery)), false},
		{"a query after the password", up, join(front(aStartup), back(&messages.AuthenticationCleartextPassword{}),
			front(&messages.PasswordMessage{}, aQuery), back(authOk, ready, complete, ready)), true},
		{"data before it is asked for", r, join(front(aQuery, copyData, copyDone, aQuery), back(copyIn, complete, ready, complete, ready)), true},
		{"some of the data before it is asked for", r, join(front(aQuery, copyData), back(copyIn), front(copyData, copyDone), back(complete, ready)), true},
		{"data before it is asked for, extended", r, join(front(&messages.Bind{}, &messages.Execute{}, copyData, copyDone, aSync),
			back(&messages.BindComplete{}, copyIn, complete, ready)), true},
		{"data for nothing", r, join(front(aQuery), back(complete, ready), front(copyData)), false},
		{"work that a failed COPY's cycle may have passed over, and further work", r, join(
			front(&messages.Parse{}, &messages.Bind{}, &messages.Execute{}, &messages.Flush{}), back(&messages.ParseComplete{}, &messages.BindComplete{}, copyIn),
			front(aSync, copyData), back(messages.NewError("ERROR", "22P02", "bad data")),
			front(&messages.Parse{}, &messages.Bind{}, &messages.Execute{}, aSync), back(ready),
			front(&messages.Parse{}, &messages.Bind{}, &messages.Execute{}, aSync), back(&messages.ParseComplete{}, &messages.BindComplete{}, aRow, complete, ready)), true},
		{"a base backup", r, join(front(aQuery), back(aRowDesc, aRow, complete, copyOut, copyData, copyDone, aRowDesc, aRow, complete, ready)), true},
		{"a base backup of PostgreSQL 14", r, join(front(aQuery),
			back(aRowDesc, complete, copyOut, copyDone, copyOut, copyData, copyDone, aRowDesc, complete, ready)), true},
		{"rows after COPY of an Execute", r, join(front(&messages.Execute{}), back(copyOut, copyDone, aRowDesc)), false},
		{"handed over in a cycle, at its end", ext, back(ready), true},
		{"handed over in a cycle", ext, back(&messages.BindComplete{}, aRow, complete, ready), true},
		{"handed over in a cycle, its Sync comes", ext, join(front(&messages.Execute{}, aSync), back(&messages.ParseComplete{}, complete, ready)), true},
		{"handed over, a password is due", messages.PhaseAuthenticating, join(front(&messages.PasswordMessage{}), back(authOk, ready)), true},
		{"handed over, a request is due", messages.PhaseAuthenticating, back(&messages.AuthenticationMD5Password{}), true},
		{"handed over in SASL, client's turn", messages.PhaseSASLContinue, join(front(&messages.SASLResponse{}), back(&messages.AuthenticationSASLFinal{}, authOk)), true},
		{"handed over in SASL, server's turn", messages.PhaseSASLContinue, join(back(&messages.AuthenticationSASLContinue{}), front(&messages.SASLResponse{})), true},
		{"handed over in SASL, at its end", messages.PhaseSASLContinue, back(authOk, ready), true},
		{"handed over before SASL", messages.PhaseSASLInitial, join(front(&messages.SASLInitialResponse{}), back(&messages.AuthenticationSASLContinue{})), true},
	}
	for _, tt := range tests {
		p := newPair(InPhase(tt.phase))
		for i, s := range tt.list {
			sent, received := p.passMessage(s.by, s.m)
			want := tt.ok || i < len(tt.list)-1
			if (sent == nil) != want || received != nil && want {
				t.Errorf("%s, message %d, %v: sent with %v, received with %v", tt.name, i, s.m, sent, received)
				break
			}
			if !want && (!errors.Is(sent, messages.ErrProtocol)) {
				t.Errorf("%s: refused with %v", tt.name, sent)
			}
		}
	}
}

// Each reply tells its request, and what is outstanding is told in order.
func TestWhoseReply(t *testing.T) {
	b := func(s string) []byte { return []byte(s) }
	p := newPair(InPhase(messages.PhaseReady))
	pass := func(list []part) {
		for _, s := range list {
			if sent, received := p.passMessage(s.by, s.m); sent != nil || received != nil {
				t.Fatal(s.m, sent, received)
			}
		}
	}
	show := func(r Request) string {
		out := fmt.Sprintf("%d %v", r.Exchange, r.Kind)
		if r.Statement != nil {
			out += fmt.Sprintf(" statement %q", r.Statement)
		}
		if r.Portal != nil {
			out += fmt.Sprintf(" portal %q", r.Portal)
		}
		if r.Limited {
			out += " limited"
		}
		return out
	}
	pass(front(
		&messages.Parse{Statement: b("s"), SQL: b("SELECT 1")},
		&messages.Bind{Statement: b("s"), Portal: b("p")},
		&messages.Describe{Target: 'P', Name: b("p")},
		&messages.Execute{Portal: b("p"), MaxRows: 5},
		aSync,
		&messages.Describe{Target: 'S', Name: b("other")},
		&messages.Close{Target: 'S', Name: b("s")},
		aSync, aQuery,
	))
	replies := []struct {
		m    messages.Message
		want string // of what it answers
		next string // outstanding after it
	}{
		{&messages.ParseComplete{}, `1 Parse statement "s"`, `1 Bind statement "s" portal "p"`},
		{&messages.NoticeResponse{}, "", `1 Bind statement "s" portal "p"`},
		{&messages.BindComplete{}, `1 Bind statement "s" portal "p"`, `1 Describe portal "p"`},
		{aRowDesc, `1 Describe portal "p"`, `1 Execute portal "p" limited`},
		{aRow, `1 Execute portal "p" limited`, `1 Execute portal "p" limited`},
		{aRow, `1 Execute portal "p" limited`, `1 Execute portal "p" limited`},
		{suspended, `1 Execute portal "p" limited`, `1 Sync`},
		{ready, `1 Sync`, `2 Describe statement "other"`},
		{&messages.ErrorResponse{}, `2 Describe statement "other"`, `2 Sync`},
		{ready, `2 Sync`, `3 Query`},
		{complete, `3 Query`, `3 Query`},
		{ready, `3 Query`, ``},
	}
	for _, r := range replies {
		pass(back(r.m))
		for _, m := range []Machine{p.frontend, p.backend} {
			got := ""
			if a, ok := m.Answered(); ok {
				got = show(a)
			}
			next := ""
			for o := range m.Outstanding() {
				next = show(o)
				break
			}
			if got != r.want || next != r.next {
				t.Errorf("%v answers %q, want %q; next is %q, want %q", r.m, got, r.want, next, r.next)
			}
		}
	}
}

// Names of outstanding requests do not take unbounded memory, and in steady state
// none at all.
func TestRequestsMemory(t *testing.T) {
	m := NewFrontendMachine(InPhase(messages.PhaseReady))
	long := make([]byte, 9000)
	for range 2000 {
		if err := m.Send(&messages.Execute{Portal: long}); err != nil {
			t.Fatal(err)
		}
	}
	cut, whole := 0, 0
	for r := range m.Outstanding() {
		switch {
		case r.Cut && len(r.Portal) == 0:
			cut++
		case len(r.Portal) == len(long):
			whole++
		}
	}
	if cut == 0 || whole == 0 || cut+whole != 2000 || m.requests.held > maxNames+cap(long) {
		t.Errorf("%d names are cut, %d whole, %d bytes", cut, whole, m.requests.held)
	}
	m = NewFrontendMachine(InPhase(messages.PhaseReady))
	requests := []messages.Message{&messages.Bind{Statement: long[:20]}, &messages.Execute{}, aSync}
	cycle := func() {
		for _, msg := range requests {
			if err := m.Send(msg); err != nil {
				t.Fatal(err)
			}
		}
		for _, msg := range []messages.Message{&messages.BindComplete{}, complete, ready} {
			if err := m.Receive(msg); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 100 {
		cycle()
	}
	if n := testing.AllocsPerRun(100, cycle); n != 0 {
		t.Errorf("a cycle allocates %v times", n)
	}
}
