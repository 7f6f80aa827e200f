package tlsdecrypt

import (
	"crypto/tls"
	"testing"
)

// TestClosing: that a session was closed in order can be seen from outside, with every
// suite of every version: by the type of the record, and in TLS 1.3, which hides it, by
// its length. It cannot be seen where nobody closed it, and before.
func TestClosing(t *testing.T) {
	t.Setenv("GODEBUG", "tlsrsakex=1,tls3des=1,tls10server=1")
	for _, version := range []uint16{versionTLS10, versionTLS11, versionTLS12, versionTLS13} {
		suites := suitesOf(version)
		if version == versionTLS13 {
			suites = suites[:1] // the suite is not the client's choice
		}
		for _, s := range suites {
			closingOf(t, version, s)
		}
	}
}

func closingOf(t *testing.T, version uint16, s *tls.CipherSuite) {
	e := configFor(version, s.ID)
	if _, info := playOf(t, e); info.Closing != [2]bool{} {
		t.Errorf("%s, %s: nobody closed it, and %v", versionName(version), s.Name, info.Closing)
	}
	e.closes = true
	if chunks, info := playOf(t, e); info.Closing != [2]bool{true, true} {
		t.Errorf("%s, %s: both closed it, and %v of %d chunks", versionName(version), s.Name, info.Closing, len(chunks))
	}
}

// playOf plays a conversation to a Conn without keys.
func playOf(t *testing.T, e *exchange) ([]chunk, Info) {
	t.Helper()
	chunks, _ := e.run(t)
	_, info := play(nil, chunks, 0)
	return chunks, info
}
