package auth

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// The exchange of RFC 7677, section 3.
func TestClientOfTheRFC(t *testing.T) {
	c := newClient("pencil")
	c.nonce = "rOprNGfwEbeRWgbNEkqO"
	c.firstBare = "n=user,r=" + c.nonce
	final, err := c.final([]byte("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"))
	const want = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	if err != nil || string(final) != want {
		t.Fatalf("%s, %v", final, err)
	}
	if err := c.verify([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); err != nil || !c.verified {
		t.Error(err)
	}
	if err := c.verify([]byte("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); !errors.Is(err, errUnproved) {
		t.Errorf("a wrong signature: %v", err)
	}
}

// exchange leads a frontend and a backend through SCRAM.
func exchange(password string, backend *Backend) (*Frontend, error) {
	f := &Frontend{User: "alice", Password: password}
	m, err := f.Answer(&messages.AuthenticationSASL{Mechanisms: [][]byte{[]byte(Mechanism)}})
	if err != nil {
		return f, err
	}
	first, err := backend.First(m.(*messages.SASLInitialResponse).Data)
	if err != nil {
		return f, err
	}
	if m, err = f.Answer(&messages.AuthenticationSASLContinue{Data: first}); err != nil {
		return f, err
	}
	final, err := backend.Final(m.(*messages.SASLResponse).Data)
	if err != nil {
		return f, err
	}
	_, err = f.Answer(&messages.AuthenticationSASLFinal{Data: final})
	return f, err
}

func TestBothSides(t *testing.T) {
	b, err := NewBackend("s3cret")
	if err != nil {
		t.Fatal(err)
	}
	f, err := exchange("s3cret", b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Answer(&messages.AuthenticationOk{}); err != nil {
		t.Error(err)
	}
	if b, err = NewBackend("other"); err != nil {
		t.Fatal(err)
	}
	if _, err = exchange("s3cret", b); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("another password: %v", err)
	}
}

func TestServersThatDoNotProveThemselves(t *testing.T) {
	b, err := NewBackend("s3cret")
	if err != nil {
		t.Fatal(err)
	}
	f := &Frontend{Password: "s3cret"}
	m, _ := f.Answer(&messages.AuthenticationSASL{Mechanisms: [][]byte{[]byte(Mechanism)}})
	if _, err := f.Answer(&messages.AuthenticationOk{}); !errors.Is(err, errUnproved) {
		t.Errorf("AuthenticationOk at once: %v", err)
	}
	first, err := b.First(m.(*messages.SASLInitialResponse).Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "r=x", "r=abc,s=!,i=4096", "r=abc,s=AAAA,i=0", "r=abc,s=AAAA,i=x",
		strings.Replace(string(first), "i=4096", "i=2000000000", 1),
		"r=another" + string(first[2:]),
		"m=ext," + string(first),
	} {
		if m, err := f.Answer(&messages.AuthenticationSASLContinue{Data: []byte(bad)}); err == nil {
			t.Errorf("%q was answered by %v", bad, m)
		}
	}
}

func TestClientsThatCheat(t *testing.T) {
	for _, first := range []string{"", "n,,", "n,,n=", "n,,n=,r=", "p=tls-server-end-point,,n=,r=abc", "n,,m=x,n=,r=abc"} {
		b, err := NewBackend("s3cret")
		if err != nil {
			t.Fatal(err)
		}
		if reply, err := b.First([]byte(first)); err == nil {
			t.Errorf("%q was answered by %q", first, reply)
		}
	}
	b, err := NewBackend("s3cret")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Final([]byte("c=biws,r=abc,p=AAAA")); err == nil {
		t.Error("a proof before the beginning was accepted")
	}
	first, err := b.First([]byte("n,,n=,r=abc"))
	if err != nil {
		t.Fatal(err)
	}
	nonce, _, _ := strings.Cut(string(first), ",")
	zeros := strings.Repeat("A", 43) + "="
	for _, final := range []string{
		"", "c=biws", "c=biws," + nonce, "c=biws," + nonce + ",p=!", "c=biws,r=abc,p=" + zeros,
		"c=eSws," + nonce + ",p=" + zeros, "c=biws," + nonce + ",p=" + zeros,
	} {
		if reply, err := b.Final([]byte(final)); err == nil {
			t.Errorf("%q was answered by %q", final, reply)
		}
	}
}

func TestMD5(t *testing.T) {
	f := &Frontend{User: "alice", Password: "s3cret"}
	m, err := f.Answer(&messages.AuthenticationMD5Password{Salt: [4]byte{1, 2, 3, 4}})
	// printf 's3cretalice' | md5sum; printf '<that>\001\002\003\004' | md5sum
	const want = "md5b79948bbeb35dee03ab8fe15a839030b"
	if err != nil || string(m.(*messages.PasswordMessage).Password) != want {
		t.Errorf("%s, %v", m.(*messages.PasswordMessage).Password, err)
	}
}

func TestWhatCannotBeAnswered(t *testing.T) {
	f := &Frontend{}
	for _, m := range []messages.Message{
		&messages.AuthenticationGSS{}, &messages.AuthenticationSSPI{}, &messages.AuthenticationKerberosV5{},
		&messages.AuthenticationSASL{Mechanisms: [][]byte{[]byte("OAUTHBEARER")}},
		&messages.AuthenticationSASLContinue{Data: []byte("r=abc,s=AAAA,i=4096")},
		&messages.AuthenticationSASLFinal{Data: []byte("v=AAAA")},
	} {
		if answer, err := f.Answer(m); err == nil {
			t.Errorf("%v was answered by %v", m.Kind(), answer)
		}
	}
}
