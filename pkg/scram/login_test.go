package scram

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// The manual's example of the hash: concat('md5', md5(concat(md5(concat(password,
// username)), random-salt))).
func TestMD5Password(t *testing.T) {
	// Computed with md5sum.
	got := string(MD5Password("alice", "secret", [4]byte{1, 2, 3, 4}))
	if got != "md598a0412b9c31436fc53776e863350083" {
		t.Errorf("got %s", got)
	}
}

func TestEndPoint(t *testing.T) {
	raw := []byte("certificate")
	sum256, sum384, sum512 := sha256.Sum256(raw), sha512.Sum384(raw), sha512.Sum512(raw)
	for algorithm, want := range map[x509.SignatureAlgorithm][]byte{
		x509.MD5WithRSA: sum256[:], x509.SHA1WithRSA: sum256[:], x509.ECDSAWithSHA1: sum256[:],
		x509.SHA256WithRSA: sum256[:], x509.ECDSAWithSHA256: sum256[:], x509.SHA256WithRSAPSS: sum256[:],
		x509.SHA384WithRSA: sum384[:], x509.ECDSAWithSHA384: sum384[:],
		x509.SHA512WithRSA: sum512[:], x509.ECDSAWithSHA512: sum512[:], x509.SHA512WithRSAPSS: sum512[:],
		x509.PureEd25519: nil, x509.UnknownSignatureAlgorithm: nil,
	} {
		certificate := &x509.Certificate{Raw: raw, SignatureAlgorithm: algorithm}
		if got := EndPoint(certificate); !bytes.Equal(got, want) {
			t.Errorf("%v: %x", algorithm, got)
		}
	}
	if EndPoint(nil) != nil {
		t.Error("a binding without certificate")
	}
}

// exchange goes through one login with whatever the server asks for.
func exchange(l *Login, s *Server) error {
	m, err := l.Answer(&messages.AuthenticationSASL{Mechanisms: s.Mechanisms()})
	if err != nil {
		return err
	}
	first := m.(*messages.SASLInitialResponse)
	data, err := s.First(string(first.Mechanism), first.Data)
	if err != nil {
		return err
	}
	if m, err = l.Answer(&messages.AuthenticationSASLContinue{Data: data}); err != nil {
		return err
	}
	if data, err = s.Final(m.(*messages.SASLResponse).Data); err != nil {
		return err
	}
	if _, err = l.Answer(&messages.AuthenticationSASLFinal{Data: data}); err != nil {
		return err
	}
	_, err = l.Answer(&messages.AuthenticationOk{})
	return err
}

func TestBothSides(t *testing.T) {
	secret, err := NewSecret("pencil\u00ad", 2) // SASLprep takes the last character away
	if err != nil {
		t.Fatal(err)
	}
	stored, err := ParseSecret(secret.Format())
	if err != nil {
		t.Fatal(err)
	}
	here, there := []byte("this certificate"), []byte("another certificate")
	tests := []struct {
		name           string
		secret         Secret
		client, server []byte // bindings
		want           error
	}{
		{"without TLS", stored, nil, nil, nil},
		{"with TLS", stored, here, here, nil},
		{"server without binding", stored, here, nil, nil},
		{"client without binding", stored, nil, here, nil},
		{"somebody in the middle", stored, there, here, ErrBinding},
		{"no such user", UnknownSecret("bob", []byte("k")), nil, nil, ErrWrongPassword},
	}
	for _, tt := range tests {
		l := &Login{User: "alice", Password: "pencil", Binding: tt.client, SCRAMOnly: true}
		if err := exchange(l, NewServer(tt.secret, tt.server)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if err := exchange(&Login{Password: "pen"}, NewServer(stored, nil)); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("with a wrong password: %v", err)
	}
	if a, b := UnknownSecret("bob", []byte("k")), UnknownSecret("bob", []byte("k")); a.Format() != b.Format() {
		t.Error("the salt of an unknown user changes")
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", secret, secret, secret, secret); strings.Contains(shown, secret.Format()[20:40]) {
		t.Errorf("printed: %s", shown)
	}
}

// Somebody in the middle takes PLUS from the list: the client says that it would
// have bound, and the server, which offered it, refuses.
func TestDowngradeIsFound(t *testing.T) {
	secret, _ := NewSecret("pencil", 1)
	c := NewClient("pencil", []byte("certificate"), false)
	if _, err := NewServer(secret, []byte("certificate")).First(c.Mechanism(), c.First()); !errors.Is(err, ErrBinding) {
		t.Errorf("%v", err)
	}
}

func TestServerRefuses(t *testing.T) {
	secret, _ := NewSecret("pencil", 1)
	for _, tt := range []struct{ mechanism, first string }{
		{"SCRAM-SHA-1", "n,,n=,r=abc"},
		{MechanismPlus, "p=tls-server-end-point,,n=,r=abc"},
		{Mechanism, ""},
		{Mechanism, "n,,"},
		{Mechanism, "n,,n=,r="},
		{Mechanism, "n,a=bob,n=,r=abc"},
		{Mechanism, "p=tls-unique,,n=,r=abc"},
		{Mechanism, "n,,m=x,r=abc"},
	} {
		if _, err := NewServer(secret, nil).First(tt.mechanism, []byte(tt.first)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s %q: %v", tt.mechanism, tt.first, err)
		}
	}
	s := NewServer(secret, nil)
	if _, err := s.Final([]byte("c=biws,r=x,p=AAAA")); !errors.Is(err, ErrOrder) {
		t.Errorf("final before first: %v", err)
	}
	if _, err := s.First(Mechanism, []byte("n,,n=,r=abc")); err != nil {
		t.Fatal(err)
	}
	proof := ",p=" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	for final, want := range map[string]error{
		"": ErrFormat, "c=biws,r=" + s.nonce: ErrFormat, "c=biws,r=" + s.nonce + ",p=AAAA": ErrFormat,
		"c=biws,r=abc" + proof: ErrNonce, "c=eSws,r=" + s.nonce + proof: ErrBinding, "c=biws,r=" + s.nonce + proof: ErrWrongPassword,
	} {
		if _, err := s.Final([]byte(final)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", final, err, want)
		}
	}
}

func TestLogin(t *testing.T) {
	clear := &messages.AuthenticationCleartextPassword{}
	sasl := func(names ...string) messages.Message {
		m := &messages.AuthenticationSASL{}
		for _, n := range names {
			m.Mechanisms = append(m.Mechanisms, []byte(n))
		}
		return m
	}
	ok := &messages.AuthenticationOk{}
	for _, tt := range []struct {
		name   string
		login  Login
		server []messages.Message
		want   error // of the last answer
		answer string
	}{
		{"trust", Login{}, []messages.Message{ok}, nil, ""},
		{"trust where proof is wanted", Login{Password: "x", SCRAMOnly: true}, []messages.Message{ok}, ErrServerNotVerified, ""},
		{"cleartext", Login{Password: "x"}, []messages.Message{clear}, nil, "p\x00\x00\x00\x06x\x00"},
		{"cleartext where proof is wanted", Login{Password: "x", SCRAMOnly: true}, []messages.Message{clear}, ErrServerNotVerified, ""},
		{"no password", Login{}, []messages.Message{clear}, ErrNoPassword, ""},
		{"no password for SCRAM", Login{}, []messages.Message{sasl(Mechanism)}, ErrNoPassword, ""},
		{"asked twice", Login{Password: "x"}, []messages.Message{clear, clear}, ErrOrder, ""},
		{"cleartext after SCRAM", Login{Password: "x"}, []messages.Message{sasl(Mechanism), clear}, ErrOrder, ""},
		{"no proof", Login{Password: "x"}, []messages.Message{sasl(Mechanism), ok}, ErrServerNotVerified, ""},
		{"unknown mechanisms", Login{Password: "x"}, []messages.Message{sasl("SCRAM-SHA-1")}, ErrUnsupported, ""},
		{"Kerberos", Login{Password: "x"}, []messages.Message{&messages.AuthenticationKerberosV5{}}, ErrUnsupported, ""},
		{"continue without a beginning", Login{}, []messages.Message{&messages.AuthenticationSASLContinue{}}, ErrOrder, ""},
		{"final without a beginning", Login{}, []messages.Message{&messages.AuthenticationSASLFinal{}}, ErrOrder, ""},
		{
			"token",
			Login{Token: "abc"},
			[]messages.Message{sasl(MechanismBearer)},
			nil,
			"p\x00\x00\x00\x29OAUTHBEARER\x00\x00\x00\x00\x15n,,\x01auth=Bearer abc\x01\x01",
		},
		{"token refused", Login{Token: "abc"}, []messages.Message{
			sasl(MechanismBearer),
			&messages.AuthenticationSASLContinue{Data: []byte(`{"status":"invalid_token","scope":"x"}`)},
		}, new(BearerError), ""},
	} {
		var m messages.Message
		var err error
		for i, s := range tt.server {
			if m, err = tt.login.Answer(s); err != nil && i < len(tt.server)-1 {
				t.Fatal(tt.name, err)
			}
		}
		got := ""
		if m != nil {
			got = string(m.Append(nil))
		}
		var bearer *BearerError
		if _, isBearer := tt.want.(*BearerError); isBearer && errors.As(err, &bearer) {
			continue
		}
		if !errors.Is(err, tt.want) || got != tt.answer {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, err, tt.answer, tt.want)
		}
	}
}

func TestBearer(t *testing.T) {
	for _, token := range []string{"", "abc", "a-._~+/9=="} {
		data, err := BearerRequest(token)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseBearerRequest(data); got != token || err != nil {
			t.Errorf("%q: %q, %v", token, got, err)
		}
	}
	for _, token := range []string{"a b", "a\x01", "=", "é"} {
		if _, err := BearerRequest(token); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", token, err)
		}
	}
	for _, data := range []string{
		"", "n,,", "n,,\x01\x01", "n,,\x01auth=Bearer a", "p=x,,\x01auth=\x01\x01", "n,,\x01auth=a\x01\x01",
		"n,,\x01auth=Bearer \x01\x01", "n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01", "n,,\x01host=x\x01\x01",
	} {
		if token, err := ParseBearerRequest([]byte(data)); err == nil {
			t.Errorf("%q: taken, %q", data, token)
		}
	}
	e := &BearerError{Status: "invalid_token", OpenIDConfiguration: "https://id.example/x"}
	data, err := e.Data()
	if err != nil || string(data) != `{"status":"invalid_token","openid-configuration":"https://id.example/x"}` {
		t.Errorf("%s, %v", data, err)
	}
	if got, err := ParseBearerError(data); err != nil || *got != *e {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzServer(f *testing.F) {
	f.Add("n,,n=,r=abc", "c=biws,r=abc,p=AAAA", "v=AAAA")
	f.Fuzz(func(t *testing.T, first, final, last string) {
		s := NewServer(UnknownSecret("u", nil), []byte("b"))
		_, _ = s.First(Mechanism, []byte(first))
		if _, err := s.Final([]byte(final)); err == nil {
			t.Error("somebody without a password was let in")
		}
		c := NewClient("pencil", nil, false)
		_, _ = c.Final([]byte(strings.Replace(first, "NONCE", c.nonce, 1)))
		_ = c.Verify([]byte(last))
		_, _ = ParseSecret(first)
		_, _ = ParseBearerRequest([]byte(first))
		_, _ = ParseBearerError([]byte(first))
	})
}
