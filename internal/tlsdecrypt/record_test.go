package tlsdecrypt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// TestVectors13: the server's handshake keys of RFC 8448, section 3.
func TestVectors13(t *testing.T) {
	s := suiteByID(0x1301)
	secret := unhex(t, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
	for _, c := range []struct {
		label, want string
		n           int
	}{
		{"key", "3fce516009c21727d0f2e4e86ee403bc", 16},
		{"iv", "5d313eb2671276ee13000b30", 12},
	} {
		got, err := expandLabel(sha256.New, secret, c.label, c.n)
		if err != nil || hex.EncodeToString(got) != c.want {
			t.Errorf("%s: %x, %v", c.label, got, err)
		}
	}
	o, err := newOpener13(s, secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := o.open(nil, header{typeApplicationData, versionTLS12, 17}, make([]byte, 17), 0); ok {
		t.Error("zeros are authentic")
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHelloRetryRandom(t *testing.T) {
	want := unhex(t, "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
	if !bytes.Equal(helloRetryRandom[:], want) {
		t.Errorf("%x", helloRetryRandom)
	}
}

// TestMessageTooLong: a message beyond the limit is passed over, and those
// after it are read.
func TestMessageTooLong(t *testing.T) {
	var m messageReader
	var got []byte
	emit := func(typ byte, body []byte) {
		if typ == msgCertificate && body != nil {
			t.Error("a body of", len(body))
		}
		got = append(got, typ)
	}
	b := message(msgCertificate, make([]byte, maxMessage+1))
	b = append(b, message(12, make([]byte, 1<<20))...)
	b = append(b, message(msgServerHelloDone, nil)...)
	for len(b) > 0 {
		n := min(len(b), 1000)
		m.feed(b[:n], emit)
		b = b[n:]
		if cap(m.head) > 2*maxMessage {
			t.Fatalf("%d bytes are kept", cap(m.head))
		}
	}
	if !bytes.Equal(got, []byte{msgCertificate, msgServerHelloDone}) {
		t.Errorf("%v", got)
	}
}
