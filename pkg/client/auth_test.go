package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/scram"
)

// authenticate starts a session with a server in memory.
func authenticate(t *testing.T, config Config, b *backend) (*driver, []Event, error) {
	d := newDriver(t, New(config), b, 1000)
	events, err := d.run(d.DoStartup())
	return d, events, err
}

func TestStatesOfAuthentication(t *testing.T) {
	for method, want := range map[AuthMethod][]State{
		AuthTrust:    nil,
		AuthBearer:   {StateSASLRequested, StateSASLInitialSent},
		AuthPassword: {StateCleartextRequested, StateCleartextSent},
		AuthMD5:      {StateMD5Requested, StateMD5Sent},
		AuthSCRAM: {
			StateSASLRequested, StateSASLInitialSent, StateSASLFinalRequested, StateSASLFinalSent, StateSASLVerified,
		},
	} {
		d, events, err := authenticate(t, Config{User: "alice", Password: secret, Token: bearerToken}, newBackend(method))
		if err != nil || find[*Authenticated](t, events).Method != method {
			t.Fatalf("%v: %v", method, err)
		}
		d.passed(append(append([]State{StateStartupSent}, want...), StateAuthenticated, StateReady)...)
	}
}

func TestRequireAuth(t *testing.T) {
	for asked := AuthTrust; asked <= AuthSCRAM; asked++ {
		for required := AuthTrust; required <= AuthSCRAMPlus; required++ {
			b := newBackend(asked)
			before := len(b.kinds)
			d, events, err := authenticate(t, Config{User: "alice", Password: secret, Token: bearerToken, RequireAuth: required}, b)
			if asked >= required {
				if err != nil {
					t.Errorf("%v asked, %v required: %v", asked, required, err)
				}
				continue
			}
			var e *AuthError
			if !errors.As(err, &e) || !errors.Is(err, ErrMethodRefused) || e.Method != asked.String() || d.State() != StateUnrecoverableError {
				t.Errorf("%v asked, %v required: %v", asked, required, err)
			}
			if sent := len(b.kinds) - before; asked != AuthTrust && sent != 1 || len(events) != 0 || d.Outgoing() != nil {
				t.Errorf("%v asked, %v required: %d replies, %v", asked, required, sent, names(events))
			}
		}
	}
}

func TestAuthenticationRefused(t *testing.T) {
	sasl := func(names ...string) messages.Message {
		m := &messages.AuthenticationSASL{}
		for _, name := range names {
			m.Mechanisms = append(m.Mechanisms, []byte(name))
		}
		return m
	}
	ok := &messages.AuthenticationOk{}
	cleartext := &messages.AuthenticationCleartextPassword{}
	for _, test := range []struct {
		name     string
		password string
		server   []messages.Message // each after what the client says to the one before
		method   string
		want     error
	}{
		{"no password", "", []messages.Message{cleartext}, "password", ErrNoPassword},
		{"no password for MD5", "", []messages.Message{&messages.AuthenticationMD5Password{}}, "md5", ErrNoPassword},
		{"no password for SCRAM", "", []messages.Message{sasl(scram.Mechanism)}, "scram-sha-256", ErrNoPassword},
		{"NUL in the password", "a\x00b", []messages.Message{cleartext}, "password", messages.ErrNUL},
		{"twice", "x", []messages.Message{cleartext, cleartext}, "password", errSecond},
		{"MD5 after cleartext", "x", []messages.Message{cleartext, &messages.AuthenticationMD5Password{}}, "md5", errSecond},
		{"cleartext after SCRAM", "x", []messages.Message{sasl(scram.Mechanism), cleartext}, "password", errSecond},
		{"SCRAM not gone through with", "x", []messages.Message{sasl(scram.Mechanism), ok}, "scram-sha-256", ErrServerNotVerified},
		{"final before challenge", "x", []messages.Message{sasl(scram.Mechanism), &messages.AuthenticationSASLFinal{Data: []byte("v=AAAA")}}, "scram-sha-256", scram.ErrOrder},
		{"no challenge", "x", []messages.Message{sasl(scram.Mechanism), &messages.AuthenticationSASLContinue{}}, "scram-sha-256", scram.ErrFormat},
		{"no reason for refusing a token", "", []messages.Message{sasl(scram.MechanismBearer), &messages.AuthenticationSASLContinue{Data: []byte("{}")}}, "oauth", scram.ErrFormat},
		{"password after a token", "", []messages.Message{sasl(scram.MechanismBearer), cleartext}, "password", errSecond},
		{"let in after a refused token", "", []messages.Message{sasl(scram.MechanismBearer), &messages.AuthenticationSASLContinue{Data: []byte(`{"status":"no"}`)}, ok}, "oauth", scram.ErrOrder},
		{"mechanisms", "x", []messages.Message{sasl("OAUTHBEARER", "SCRAM-SHA-1")}, "SASL", errMechanisms},
		{"PLUS without TLS", "x", []messages.Message{sasl(scram.MechanismPlus)}, "SASL", errMechanisms},
		{"GSSAPI", "x", []messages.Message{&messages.AuthenticationGSS{}}, "gss", errMethod},
		{"SSPI", "x", []messages.Message{&messages.AuthenticationSSPI{}}, "sspi", errMethod},
		{"Kerberos", "x", []messages.Message{&messages.AuthenticationKerberosV5{}}, "Kerberos V5", errMethod},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := New(Config{User: "alice", Password: test.password})
			if _, err := c.DoStartup(); err != nil {
				t.Fatal(err)
			}
			var err error
			for i, m := range test.server {
				c.Receive(m.Append(nil))
				if _, err = c.NextEvent(); i < len(test.server)-1 && err != nil {
					t.Fatal(err)
				}
				c.Outgoing()
			}
			var e *AuthError
			if !errors.Is(err, test.want) || !errors.As(err, &e) || e.Method != test.method || c.State() != StateUnrecoverableError {
				t.Errorf("%v in %v", err, c.State())
			}
		})
	}
}

// A token that the server does not take, and none: it tells where to get one, and
// refuses.
func TestTokenRefused(t *testing.T) {
	for _, token := range []string{"another", ""} {
		d, events, err := authenticate(t, Config{User: "alice", Token: token, RequireAuth: AuthPassword}, newBackend(AuthBearer))
		same(t, names(events), "[AuthenticationRequest TokenRefused ServerError]")
		refused := find[*TokenRefused](t, events)
		if *refused != (TokenRefused{"invalid_token", "db", "https://example.org/.well-known/openid-configuration"}) {
			t.Errorf("%q: %+v", token, refused)
		}
		var e *ServerError
		if !errors.As(err, &e) || e.SQLState != "28000" || e.Recoverable {
			t.Errorf("%q: %v", token, err)
		}
		d.passed(StateStartupSent, StateSASLRequested, StateSASLInitialSent, StateSASLFinalRequested, StateSASLFinalSent, StateUnrecoverableError)
	}
	_, _, err := authenticate(t, Config{User: "alice", Token: "no token\n"}, newBackend(AuthBearer))
	if !errors.Is(err, scram.ErrToken) {
		t.Error(err)
	}
	// With a password at hand it is asked for none.
	_, _, err = authenticate(t, Config{User: "alice", Password: secret}, newBackend(AuthBearer))
	if !errors.Is(err, errMechanisms) {
		t.Error(err)
	}
	// Whoever is let in without a token has been asked for nothing.
	c := New(Config{User: "alice", RequireAuth: AuthPassword})
	_, _ = c.DoStartup()
	c.Receive((&messages.AuthenticationSASL{Mechanisms: [][]byte{[]byte(scram.MechanismBearer)}}).Append(nil))
	_, _ = c.NextEvent()
	c.Outgoing()
	c.Receive((&messages.AuthenticationOk{}).Append(nil))
	if e, err := c.NextEvent(); !errors.Is(err, ErrMethodRefused) {
		t.Error(e, err)
	}
}

// TestForgedServer has everything right but the server's proof.
func TestForgedServer(t *testing.T) {
	d, events, err := authenticate(t, Config{User: "alice", Password: "another secret"}, newBackend(AuthSCRAM))
	if !errors.Is(err, ErrServerNotVerified) || d.State() != StateUnrecoverableError {
		t.Errorf("%v after %v", err, names(events))
	}
}

func TestOlderServers(t *testing.T) {
	for newest, want := range map[uint32]string{
		messages.Version30: "3.0", 0: "3.0", messages.Version32: "3.2", 2: "3.2", 3: "", 0x00030003: "", 0x00040000: "", 0x00020000: "",
	} {
		c := New(Config{User: "alice", ProtocolVersion: messages.Version32})
		if _, err := c.DoStartup(); err != nil {
			t.Fatal(err)
		}
		c.Receive((&messages.NegotiateProtocolVersion{Newest: newest, Unsupported: [][]byte{[]byte("_pq_.x")}}).Append(nil))
		e, err := c.NextEvent()
		v, ok := e.(*VersionNegotiated)
		var protocol *ProtocolError
		switch {
		case want == "" && !errors.As(err, &protocol):
			t.Errorf("%#x: %v, %v", newest, e, err)
		case want != "" && (!ok || v.Version.String() != want || v.Unsupported[0] != "_pq_.x"):
			t.Errorf("%#x: %v, %v", newest, e, err)
		}
	}
}

// stripper takes SCRAM-SHA-256-PLUS from what a server offers, as somebody in the
// middle would.
type stripper struct{ io.ReadWriter }

func (s *stripper) Read(p []byte) (int, error) {
	n, err := s.ReadWriter.Read(p)
	whole := (&messages.AuthenticationSASL{Mechanisms: [][]byte{[]byte(scram.MechanismPlus), []byte(scram.Mechanism)}}).Append(nil)
	less := (&messages.AuthenticationSASL{Mechanisms: [][]byte{[]byte(scram.Mechanism)}}).Append(nil)
	return copy(p, bytes.Replace(bytes.Clone(p[:n]), whole, less, 1)), err
}

func TestServerNoticesTheMiddle(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		config := Config{User: users[AuthSCRAM], Database: "postgres", Password: secret}
		for name, tamper := range map[string]func(d *driver){
			"another certificate": func(d *driver) { d.auth.binding = make([]byte, 32) },
			"PLUS was taken away": func(d *driver) { d.transport = &stripper{d.transport} },
		} {
			d := overTLS(t, New(config), dial(t, address(s)), false, 4096)
			tamper(d)
			events, err := d.run(d.DoStartup())
			var e *ServerError
			if !errors.As(err, &e) || !strings.HasPrefix(e.SQLState, "28") || strings.Contains(fmt.Sprint(names(events)), "Authenticated") {
				t.Errorf("%s: %v after %v", name, err, names(events))
			}
		}
		// Without a binding, as for an Ed25519 certificate, the other mechanism serves.
		d := overTLS(t, New(config), dial(t, address(s)), false, 4096)
		d.auth.binding = nil
		if m := find[*Authenticated](t, d.must(d.DoStartup())).Method; m != AuthSCRAM {
			t.Errorf("authenticated by %v", m)
		}
		// TLS is refused by a server that does not have it.
		plain := pgtest.Start(t, pgtest.WithVersion(s.Version))
		d = newDriver(t, New(Config{User: plain.SuperUser}), dial(t, address(plain)), 4096)
		if find[*EncryptionResponse](t, d.must(d.DoSSLRequest())).Accepted || d.State() != StateStartup {
			t.Errorf("accepted, state %v", d.State())
		}
		d.must(d.DoStartup())
		d.passed(StateEncryptionSent, StateStartup, StateStartupSent, StateAuthenticated, StateReady)
	})
}
