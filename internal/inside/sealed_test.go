package inside_test

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/inside"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// sealed is a connection read from OpenSSL in a process.
func sealed(ofClient bool) *attach.Conn {
	c := tcp("10.0.0.1:4000")
	c.TLS, c.Sealed, c.OfClient = true, true, ofClient
	return c
}

// What was read from OpenSSL begins encrypted.
func TestSealed(t *testing.T) {
	h := newHost(inside.Options{})
	h.works(sealed(true))
	if i := h.worked(t, session.EncryptionTLS); i.DecryptedBy != inside.By || i.MidStream {
		t.Errorf("decrypted by %q, joined %v", i.DecryptedBy, i.MidStream)
	}
}

// A connection that was open before is joined in the middle.
func TestSealedJoined(t *testing.T) {
	h := newHost(inside.Options{})
	c := sealed(false)
	c.Joined = true
	for range 2 {
		h.client(c, ask...)
		h.server(c, described...)
		h.server(c, rowOfOne...)
		h.server(c, done...)
	}
	h.event(c, attach.Closed, 0, nil, 0)
	h.a.Finish()
	if len(h.queries) != 2 || !h.queries[1].complete || h.queries[1].sql != "SELECT 7" || h.queries[1].lost != 0 {
		t.Errorf("%+v", h.queries)
	}
	if i := h.conns[0]; !i.MidStream || i.Encryption != session.EncryptionTLS || i.DecryptedBy != inside.By {
		t.Errorf("%+v", i)
	}
}

// A connection that both ends are looked into of is told once, by the end that told of it
// first; the next one between the same addresses is another.
func TestBothEnds(t *testing.T) {
	for _, first := range []bool{false, true} {
		h := newHost(inside.Options{})
		for range 2 {
			one, two := sealed(first), sealed(!first)
			for _, c := range []*attach.Conn{one, two} {
				h.client(c, startup...)
				h.server(c, loggedIn...)
				h.client(c, ask...)
				h.server(c, described...)
				h.server(c, rowOfOne...)
				h.server(c, done...)
			}
			h.event(one, attach.Closed, 0, nil, 0)
			h.event(two, attach.Closed, 0, nil, 0)
			h.event(two, attach.EOF, messages.Frontend, nil, 0)
		}
		h.a.Finish()
		if len(h.queries) != 2 || len(h.conns) != 2 || !h.queries[0].complete || !h.queries[1].complete {
			t.Errorf("%d queries, %d connections: %+v", len(h.queries), len(h.conns), h.queries)
		}
	}
}
