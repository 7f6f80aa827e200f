package scram

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// The examples of RFC 4013, section 3.
func TestSASLprepExamples(t *testing.T) {
	for in, want := range map[string]string{
		"I\u00adX": "IX", "user": "user", "USER": "USER", "\u00aa": "a", "\u2168": "IX",
		"\u0007é":      "\u0007é",      // prohibited: as it is
		"\u0627\u0031": "\u0627\u0031", // bidirectional check: as it is
		"\xffﬁ":        "\xffﬁ",        // not UTF-8: as it is
		"":             "",
	} {
		if got := Prepare(in); got != want {
			t.Errorf("%q is prepared as %q, want %q", in, got, want)
		}
	}
}

func TestTablesAreInOrder(t *testing.T) {
	for name, table := range map[string]runeRanges{
		"nonASCIISpaces": nonASCIISpaces, "mappedToNothing": mappedToNothing, "refused": refused,
		"rightToLeft": rightToLeft, "leftToRight": leftToRight,
	} {
		if len(table) == 0 || len(table)%2 != 0 {
			t.Errorf("%s: %d limits", name, len(table))
		}
		last := rune(-2)
		for i := 0; i < len(table); i += 2 {
			if table[i] > table[i+1] || table[i] <= last+1 {
				t.Errorf("%s: %U after %U", name, table[i:i+2], last)
			}
			last = table[i+1]
		}
	}
}

// TestSCRAMExample replays the exchange of RFC 7677, section 3.
func TestSCRAMExample(t *testing.T) {
	s := &Client{password: "pencil", gs2: "n,,", firstBare: "n=user,r=rOprNGfwEbeRWgbNEkqO", nonce: "rOprNGfwEbeRWgbNEkqO"}
	final, err := s.Final([]byte("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"))
	if err != nil || string(final) != "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=" {
		t.Errorf("%s, %v", final, err)
	}
	if err := s.Verify([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); err != nil {
		t.Error(err)
	}
	if err := s.Verify([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,x=y")); err != nil {
		t.Error("with an extension:", err)
	}
	for in, want := range map[string]error{
		"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=": ErrServerNotVerified,
		"v=":              ErrServerNotVerified,
		"e=unknown-user":  ErrServerNotVerified,
		"v=!":             ErrFormat,
		"6rriTRBi23WpRR/": ErrFormat,
		"":                ErrFormat,
	} {
		if err := s.Verify([]byte(in)); !errors.Is(err, want) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestSCRAMRefuses(t *testing.T) {
	s := NewClient("secret", nil, false)
	for in, want := range map[string]error{
		"":                                  ErrFormat,
		"r=NONCE1,s=AAAA":                   ErrFormat,
		"m=ext,r=NONCE1,s=AAAA,i=1":         ErrFormat,
		"r=NONCE1,s=,i=1":                   ErrFormat,
		"r=NONCE1,s=***,i=1":                ErrFormat,
		"r=NONCE,s=AAAA,i=1":                ErrNonce, // nothing of the server's
		"r=other1,s=AAAA,i=1":               ErrNonce,
		"r=NONCE1,s=AAAA,i=0":               ErrIterations,
		"r=NONCE1,s=AAAA,i=-1":              ErrIterations,
		"r=NONCE1,s=AAAA,i=4194305":         ErrIterations,
		"r=NONCE1,s=AAAA,i=999999999999999": ErrIterations,
		"r=NONCE1,s=AAAA,i=1,x=y":           nil,
	} {
		s = NewClient("secret", nil, false)
		_, err := s.Final([]byte(strings.ReplaceAll(in, "NONCE", s.nonce)))
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
	if other := NewClient("secret", nil, false); other.nonce == s.nonce || len(s.nonce) != 24 {
		t.Errorf("nonces %q, %q", s.nonce, other.nonce)
	}
}

// A client gives one proof, and none where it has not said with which nonce it began.
func TestOneProof(t *testing.T) {
	c := NewClient("secret", nil, false)
	first := []byte("r=" + c.nonce + "1,s=AAAA,i=1")
	if _, err := c.Final(first); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Client{"a second time": c, "a zero client": new(Client)} {
		if out, err := c.Final(first); out != nil || !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %q, %v", name, out, err)
		}
		if err := new(Client).Verify([]byte("v=")); !errors.Is(err, ErrFormat) {
			t.Error(err)
		}
	}
}

func TestChannelBindingHeader(t *testing.T) {
	binding := bytes.Repeat([]byte{7}, 32)
	for _, test := range []struct {
		binding []byte
		plus    bool
		want    string
	}{{nil, false, "n,,"}, {binding, false, "y,,"}, {binding, true, "p=tls-server-end-point,,"}} {
		s := NewClient("secret", test.binding, test.plus)
		if got := string(s.First()); got != test.want+"n=,r="+s.nonce {
			t.Errorf("first message %q", got)
		}
		final, err := s.Final([]byte("r=" + s.nonce + "x,s=AAAA,i=1"))
		c, _, _ := strings.Cut(strings.TrimPrefix(string(final), "c="), ",")
		bound, _ := base64.StdEncoding.DecodeString(c)
		want := test.want
		if test.plus {
			want += string(binding)
		}
		if string(bound) != want || err != nil {
			t.Errorf("bound to %q, %v", bound, err)
		}
	}
}
