package inside_test

import (
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/inside"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// serverWorked tells that the server worked for ns at what it had read when that were after
// bytes.
func (h *host) serverWorked(c *attach.Conn, after uint64, ns int64, change func(*attach.Work)) {
	w := attach.Work{After: after, Execute: ns, LockWait: ns / 2}
	w.Lock[14], w.Lock[15] = 5, 5 // a transaction, ShareLock
	if change != nil {
		change(&w)
	}
	h.now += 1000
	h.feed.Event(&attach.Event{Kind: attach.Worked, Conn: c, Time: h.now, Work: &w})
}

// executed is what is told of each query, -1 where nothing is.
func (h *host) executed(c *attach.Conn) (list []int64) {
	h.event(c, attach.Closed, 0, nil, 0)
	h.feed.Rest()
	h.a.Finish()
	for _, q := range h.queries {
		if q.server == nil {
			list = append(list, -1)
		} else {
			list = append(list, q.server.Execute)
		}
	}
	return list
}

func join(list ...[]byte) (b []byte) {
	for _, l := range list {
		b = append(b, l...)
	}
	return b
}

// What the server's work took belongs to the query that it had read, and is told
// where that is certain.
func TestWorkBelongsToQuery(t *testing.T) {
	var (
		parse   = message('P', "\x00SELECT 7\x00\x00\x00")
		bind    = message('B', "\x00\x00\x00\x00\x00\x00\x00\x00")
		execute = message('E', "\x00\x00\x00\x00\x00")
		sync    = message('S', "")
		unit    = join(parse, bind, execute, sync)
		prepare = message('P', "s\x00SELECT 7\x00\x00\x00")
		copying = message('Q', "COPY t FROM STDIN\x00")
		failure = message('E', "SERROR\x00VERROR\x00C22012\x00Mno\x00\x00")
		reply   = join(message('1', ""), message('2', ""), rowOfOne, message('C', "SELECT 1\x00"), message('Z', "I"))
	)
	for name, test := range map[string]struct {
		play func(h *host, c *attach.Conn)
		want []int64
	}{
		"one": {func(h *host, c *attach.Conn) {
			h.client(c, ask...)
			h.serverWorked(c, h.read, 5, nil)
			h.server(c, join(described, rowOfOne, done)...)
		}, []int64{5}},
		"adds up": {func(h *host, c *attach.Conn) {
			h.client(c, ask...)
			h.serverWorked(c, h.read, 5, nil)
			h.server(c, described...)
			h.serverWorked(c, h.read, 7, nil)
			h.server(c, join(rowOfOne, done)...)
		}, []int64{12}},
		"each its own": {func(h *host, c *attach.Conn) {
			for ns := range int64(6) {
				h.client(c, ask...)
				h.serverWorked(c, h.read, ns+1, nil)
				h.server(c, join(described, rowOfOne, done)...)
			}
		}, []int64{1, 2, 3, 4, 5, 6}},
		"of two in one read": {func(h *host, c *attach.Conn) {
			h.client(c, join(ask, ask)...)
			h.serverWorked(c, h.read, 5, nil)
			h.server(c, join(described, rowOfOne, done, described, rowOfOne, done)...)
		}, []int64{-1, -1}},
		"of reads that were answered at once": {func(h *host, c *attach.Conn) {
			h.client(c, ask...)
			h.serverWorked(c, h.read, 5, func(w *attach.Work) { w.Mixed = true })
			h.server(c, join(described, rowOfOne, done)...)
		}, []int64{-1}},
		"extended": {func(h *host, c *attach.Conn) {
			h.client(c, unit...)
			h.serverWorked(c, h.read, 5, nil)
			h.server(c, reply...)
		}, []int64{5}},
		"in parts": {func(h *host, c *attach.Conn) {
			h.client(c, unit[:10]...)
			h.client(c, unit[10:30]...)
			h.client(c, unit[30:]...)
			h.serverWorked(c, h.read, 5, nil)
			h.server(c, reply...)
		}, []int64{5}},
		"pipelined": {func(h *host, c *attach.Conn) {
			h.client(c, join(unit, unit)...)
			h.serverWorked(c, h.read, 5, nil)
			h.server(c, join(reply, reply)...)
		}, []int64{-1, -1}},
		"prepared before": {func(h *host, c *attach.Conn) {
			h.client(c, join(prepare, sync)...)
			h.serverWorked(c, h.read, 5, nil)
			h.server(c, join(message('1', ""), message('Z', "I"))...)
			h.client(c, join(message('B', "\x00s\x00\x00\x00\x00\x00\x00\x00"), execute, sync)...)
			h.serverWorked(c, h.read, 7, nil)
			h.server(c, join(message('2', ""), rowOfOne, message('C', "SELECT 1\x00"), message('Z', "I"))...)
		}, []int64{7}},
		"COPY, and what was sent behind it": {func(h *host, c *attach.Conn) {
			h.client(c, copying...)
			begun := h.read
			h.server(c, message('G', "\x00\x00\x00")...)
			for range 20 {
				h.client(c, message('d', "1\n")...)
			}
			h.client(c, join(message('c', ""), ask)...)
			h.serverWorked(c, begun, 5, nil)
			h.server(c, join(message('C', "COPY 20\x00"), message('Z', "I"))...)
			h.serverWorked(c, h.read, 7, nil)
			h.server(c, join(described, rowOfOne, done)...)
		}, []int64{5, 7}},
		"after a loss": {func(h *host, c *attach.Conn) {
			h.client(c, ask[:4]...)
			h.event(c, attach.Gap, messages.Frontend, nil, 30)
			h.client(c, ask...)
			h.serverWorked(c, h.read, 5, nil)
			h.server(c, join(described, rowOfOne, done, described, rowOfOne, done)...)
			h.client(c, ask...)
			h.serverWorked(c, h.read, 7, nil)
			h.server(c, join(described, rowOfOne, done)...)
		}, []int64{-1, -1, 7}},
		"failed": {func(h *host, c *attach.Conn) {
			h.client(c, ask...)
			h.server(c, failure...)
			h.serverWorked(c, h.read, 5, func(w *attach.Work) { w.Failed = true })
			h.server(c, message('Z', "I")...)
		}, []int64{5}},
		"rolled back within": {func(h *host, c *attach.Conn) {
			h.client(c, ask...)
			h.serverWorked(c, h.read, 5, func(w *attach.Work) { w.Failed = true })
			h.server(c, join(described, rowOfOne, done)...)
		}, []int64{-1}},
	} {
		h := newHost(inside.Options{})
		c := tcp("10.0.0.1:4000")
		h.client(c, startup...)
		h.server(c, loggedIn...)
		test.play(h, c)
		if got := h.executed(c); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// What is told of waits, and what before encryption was no plaintext does not count.
func TestWorkOfEncrypted(t *testing.T) {
	h := newHost(inside.Options{})
	c := tcp("10.0.0.1:4000")
	h.client(c, 22, 3, 1, 0, 5, 1, 0, 0, 1, 0) // the ClientHello of direct TLS
	h.event(c, attach.Encrypted, 0, nil, 0)
	h.client(c, startup...)
	h.server(c, loggedIn...)
	h.client(c, ask...)
	h.serverWorked(c, h.read, 8, nil)
	h.server(c, join(described, rowOfOne, done)...)
	if got := h.executed(c); !slices.Equal(got, []int64{8}) {
		t.Fatalf("%v", got)
	}
	if s := h.queries[0].server; s.LockWait != 4 || s.Lock != "ShareLock on transaction 0" {
		t.Errorf("%+v", s)
	}
}
