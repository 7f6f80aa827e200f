package tlsdecrypt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func TestLooksLikeClientHello(t *testing.T) {
	f := newFake(t, versionTLS12, 0xC02F, false)
	hello := recordOf(typeHandshake, versionTLS10, f.clientHello())
	for n := 1; n <= len(hello); n++ {
		if !LooksLikeClientHello(hello[:n]) {
			t.Errorf("the first %d bytes of a ClientHello are not recognised", n)
		}
	}
	for _, b := range []string{
		"", "\x00\x00\x00\x08\x04\xd2\x16\x2f", "Q\x00\x00\x00\x05", "\x16\x02", "\x16\x03\x05",
		"\x16\x03\x01\xff\xff", "\x16\x03\x01\x00\x03\x01\x00\x00", "\x16\x03\x01\x00\x50\x02",
		"\x16\x03\x01\x00\x50\x01\x10", "\x16\x03\x01\x00\x50\x01\x00\x00\x4c\x02", "\x17\x03\x03\x00\x50",
	} {
		if LooksLikeClientHello([]byte(b)) {
			t.Errorf("%q is taken for a ClientHello", b)
		}
	}
}

func TestLooksLikeRecord(t *testing.T) {
	for b, want := range map[string]bool{
		"\x17\x03\x03\x00\x20": true, "\x17\x03\x03\x00\x20rest": true,
		"\x17\x03\x03\x00": false, "\x16\x03\x03\x00\x20": false, "\x17\x03\x01\x00\x20": false,
		"\x17\x03\x03\x00\x03": false, "\x17\x03\x03\xf0\x20": false,
	} {
		if LooksLikeRecord([]byte(b)) != want {
			t.Errorf("%q: want %t", b, want)
		}
	}
}

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
