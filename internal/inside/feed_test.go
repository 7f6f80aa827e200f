package inside_test

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/inside"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// told keeps what the analyzer tells.
type told struct {
	queries []query
	conns   []session.Info
}

type query struct {
	sql              string
	rows             uint64
	complete         bool
	start, end, lost int64
	server           *exchange.ServerTimes
}

func (s *told) Wants() sink.Wants { return sink.Wants{Queries: true, Connections: true} }
func (s *told) Tick(int64)        {}
func (s *told) End(*record.Totals) error {
	return nil
}

func (s *told) Record(r record.Record) {
	switch r := r.(type) {
	case *record.Query:
		s.queries = append(s.queries, query{string(r.SQL), r.Rows, r.Complete, r.Start.Time, r.End.Time, int64(r.LostBytes), r.Server})
	case *record.Connection:
		s.conns = append(s.conns, r.Info)
	}
}

// host is a server whose connections a test plays.
type host struct {
	*told
	feed *inside.Feed
	a    *analyze.Analyzer
	now  int64
	read uint64 // bytes of the client's, of all connections
}

func newHost(opt inside.Options) *host {
	h := &host{told: &told{}, now: 1e18}
	var cfg session.Config
	var limits exchange.Limits
	adapter := sink.NewAdapter(h.told, false)
	adapter.Configure(adapter, &cfg, &limits)
	h.a = analyze.New(analyze.Options{Ports: []uint16{5432}, Session: cfg, Limits: limits, Workers: 1}, adapter)
	h.feed = inside.New(h.a, opt)
	return h
}

func (h *host) event(c *attach.Conn, kind attach.Kind, d messages.Direction, data []byte, n int64) {
	h.now += 1000
	e := attach.Event{Kind: kind, Conn: c, Time: h.now, Dir: d, Data: data, N: n}
	if d == messages.Frontend {
		h.read += uint64(len(data)) + uint64(max(n, 0))
		e.Offset = h.read
	}
	h.feed.Event(&e)
}

func (h *host) client(c *attach.Conn, data ...byte) {
	h.event(c, attach.Data, messages.Frontend, data, 0)
}

func (h *host) server(c *attach.Conn, data ...byte) {
	h.event(c, attach.Data, messages.Backend, data, 0)
}

// message has a kind and a length before its body (manual, 55.7).
func message(kind byte, body string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	return append(b, body...)
}

func untyped(code uint32, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)+8))
	return append(binary.BigEndian.AppendUint32(b, code), body...)
}

var (
	startup   = untyped(3<<16, "user\x00ann\x00database\x00shop\x00\x00")
	sslAsk    = untyped(80877103, "")
	gssAsk    = untyped(80877104, "")
	loggedIn  = append(message('R', "\x00\x00\x00\x00"), message('Z', "I")...)
	ask       = message('Q', "SELECT 7\x00")
	rowOfOne  = message('D', "\x00\x01\x00\x00\x00\x017")
	described = message('T', "\x00\x01?column?\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff\x00\x00")
	done      = append(message('C', "SELECT 1\x00"), message('Z', "I")...)
)

func tcp(client string) *attach.Conn {
	return &attach.Conn{Client: netip.MustParseAddrPort(client), Server: netip.MustParseAddrPort("10.0.0.9:5432")}
}

// works plays a session from its startup packet on.
func (h *host) works(c *attach.Conn) {
	h.client(c, startup...)
	h.server(c, loggedIn...)
	h.client(c, ask...)
	h.server(c, described...)
	h.server(c, rowOfOne...)
	h.server(c, done...)
	h.client(c, message('X', "")...)
	h.event(c, attach.Closed, 0, nil, 0)
}

// worked wants its records.
func (h *host) worked(t *testing.T, encryption session.Encryption) session.Info {
	t.Helper()
	h.feed.Rest()
	h.a.Finish()
	if len(h.queries) != 1 || len(h.conns) != 1 {
		t.Fatalf("%d queries, %d connections", len(h.queries), len(h.conns))
	}
	if q := h.queries[0]; q.sql != "SELECT 7" || q.rows != 1 || !q.complete || q.end <= q.start {
		t.Errorf("query %+v", q)
	}
	i := h.conns[0]
	if i.User != "ann" || i.Database != "shop" || i.Encryption != encryption || i.State != session.StateTerminated {
		t.Errorf("connection of %s to %s, encryption %v, state %v", i.User, i.Database, i.Encryption, i.State)
	}
	return i
}

func TestUnixSocket(t *testing.T) {
	h := newHost(inside.Options{})
	h.works(&attach.Conn{Socket: "/run/postgresql/.s.PGSQL.5432", Peer: attach.Peer{Known: true, PID: 42, UID: 1000, Program: "psql"}})
	i := h.worked(t, session.EncryptionNone)
	if p := i.Peer; p == nil || p.PID != 42 || p.UID != 1000 || p.Program != "psql" {
		t.Errorf("peer %+v", p)
	}
}

// What a server answers to requests for encryption is concluded from what follows.
func TestEncryptionIsConcluded(t *testing.T) {
	h := newHost(inside.Options{})
	c := tcp("10.0.0.1:4000")
	h.client(c, gssAsk...) // answered N
	h.client(c, sslAsk...) // answered S
	h.event(c, attach.Encrypted, 0, nil, 0)
	c.TLSVersion, c.Cipher = "TLSv1.3", "TLS_AES_256_GCM_SHA384"
	h.event(c, attach.Described, 0, nil, 0)
	h.works(c)
	i := h.worked(t, session.EncryptionTLS)
	if i.DecryptedBy != inside.By || i.TLS.Version != "TLSv1.3" || i.TLS.Cipher != "TLS_AES_256_GCM_SHA384" {
		t.Errorf("decrypted by %q, %s, %s", i.DecryptedBy, i.TLS.Version, i.TLS.Cipher)
	}
}

// The ClientHello of direct TLS is no plaintext.
func TestDirectTLS(t *testing.T) {
	h := newHost(inside.Options{})
	c := tcp("10.0.0.1:4000")
	h.client(c, 22, 3, 1, 0, 5, 1, 0, 0, 1, 0)
	h.event(c, attach.Encrypted, 0, nil, 0)
	h.works(c)
	h.worked(t, session.EncryptionTLSDirect)
}

// Bytes that the kernel could not hand on cost what they were part of, and no more.
func TestGap(t *testing.T) {
	h := newHost(inside.Options{})
	c := tcp("10.0.0.1:4000")
	h.client(c, startup...)
	h.server(c, loggedIn...)
	h.client(c, ask...)
	h.server(c, described...)
	h.event(c, attach.Gap, messages.Backend, nil, int64(len(rowOfOne)))
	h.server(c, done...)
	h.client(c, ask...)
	h.server(c, described...)
	h.server(c, rowOfOne...)
	h.server(c, done...)
	h.event(c, attach.Closed, 0, nil, 0)
	h.a.Finish()
	if len(h.queries) != 2 || h.queries[0].complete || h.queries[0].lost != int64(len(rowOfOne)) || !h.queries[1].complete || h.queries[1].lost != 0 {
		t.Errorf("queries %+v", h.queries)
	}
}

func TestPorts(t *testing.T) {
	h := newHost(inside.Options{Port: func(p uint16) bool { return p != 5432 }})
	h.works(tcp("10.0.0.1:4000"))
	h.a.Finish()
	if len(h.queries) != 0 || h.feed.Ignored != 1 || h.feed.Connections != 0 {
		t.Errorf("%d queries, %d ignored, %d connections", len(h.queries), h.feed.Ignored, h.feed.Connections)
	}
}

// Beside packets, events wait for those of their time, and lose neither their order
// nor their bytes, which are borrowed.
func TestWaitsForPackets(t *testing.T) {
	h := newHost(inside.Options{Captured: true})
	c := &attach.Conn{Socket: "/run/postgresql/.s.PGSQL.5432"}
	buffer := make([]byte, 0, 128)
	for _, step := range []struct {
		d    messages.Direction
		data []byte
	}{{messages.Frontend, startup}, {messages.Backend, loggedIn}, {messages.Frontend, ask}, {messages.Backend, described}, {messages.Backend, rowOfOne}, {messages.Backend, done}, {messages.Frontend, message('X', "")}} {
		buffer = append(buffer[:0], step.data...)
		h.event(c, attach.Data, step.d, buffer, 0)
		clear(buffer)
	}
	h.event(c, attach.Closed, 0, nil, 0)
	h.feed.Until(1e18)
	if h.feed.Connections != 0 {
		t.Error("events have not waited for their time")
	}
	h.feed.Until(h.now + 1)
	if h.feed.Connections != 1 {
		t.Errorf("%d connections when the packets of the time have come", h.feed.Connections)
	}
	h.worked(t, session.EncryptionNone)
}
