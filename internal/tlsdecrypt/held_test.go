package tlsdecrypt

import (
	"bytes"
	"strings"
	"testing"
)

// TestHoldLimit: beyond the limit, records are dropped, counted, and a gap once
// the keys come. The gap's size is exact where the suite allows.
func TestHoldLimit(t *testing.T) {
	for _, c := range lossCases {
		f := newFake(t, c.version, c.suite, c.etm)
		f.open()
		f.data(false, "A0")
		text := strings.Repeat("x", 1000)
		for range 40 {
			f.data(false, text)
		}
		keys := NewKeyLog(nil)
		r, conn := new(recorder), NewConn(keys, Options{HoldBytes: 20000})
		feed(conn, f.chunks, 0, r)
		info := conn.Info()
		if info.State != NoKeys || info.HeldBytes < 10000 || info.HeldBytes > 20000 || info.DroppedBytes < 20000 {
			t.Fatalf("%+v", info)
		}
		if keys.held.Load() != info.HeldBytes || !strings.Contains(info.Reason, "more was sent") {
			t.Errorf("%d accounted: %s", keys.held.Load(), info.Reason)
		}
		if err := keys.Load(bytes.NewReader(f.log())); err != nil {
			t.Fatal(err)
		}
		n := len(f.chunks)
		f.data(false, "end")
		f.data(false, "end2")
		feed(conn, f.chunks[n:], 0, r)
		conn.Close(At{}, r)
		checkHeld(t, r, c.version, suiteByID(c.suite).protect, len(text))
		if keys.held.Load() != 0 || conn.Info().HeldBytes != 0 {
			t.Errorf("%d bytes are still accounted as held", keys.held.Load())
		}
	}
}

// checkHeld: A0, some texts, a gap for the others, the end.
func checkHeld(t *testing.T, r *recorder, version uint16, p protection, size int) {
	t.Helper()
	if len(r.events) != 3 || !r.events[1].gap {
		t.Fatalf("%s", r)
	}
	held, gap, end := len(r.events[0].b)-2, r.events[1].n, string(r.events[2].b)
	if held < 5*size || held%size != 0 {
		t.Errorf("%d bytes were held", held)
	}
	if p == cbc {
		if gap != -1 || end != "endend2" && version != versionTLS10 || !strings.HasSuffix(end, "end2") {
			t.Errorf("%s", r)
		}
		return
	}
	if int(gap) != 40*size-held || end != "endend2" {
		t.Errorf("%s", r)
	}
}

// TestHoldTotal: the limit for all connections together, and that closing gives
// back.
func TestHoldTotal(t *testing.T) {
	keys := NewKeyLog(nil)
	keys.held.Store(maxHeldTotal - 2000)
	f := newFake(t, versionTLS13, 0x1301, false)
	f.open()
	f.data(true, "Q")
	r, first, second := new(recorder), NewConn(keys, Options{}), NewConn(keys, Options{})
	feed(first, f.chunks, 0, r)
	feed(second, f.chunks, 0, r)
	third := NewConn(keys, Options{})
	for range 5 {
		feed(third, f.chunks, 0, r)
	}
	if n := keys.held.Load(); n > maxHeldTotal {
		t.Errorf("%d bytes are held", n)
	}
	if third.Info().DroppedBytes == 0 {
		t.Errorf("%+v", third.Info())
	}
	for _, c := range []*Conn{first, second, third} {
		c.Close(At{}, r)
	}
	if n := keys.held.Load(); n != maxHeldTotal-2000 {
		t.Errorf("%d bytes are held after all", n)
	}
}

// TestNothingHeld: a negative limit holds nothing, and says so.
func TestNothingHeld(t *testing.T) {
	f := newFake(t, versionTLS12, 0xC02F, false)
	f.open()
	f.data(true, "Q")
	r, c := new(recorder), NewConn(NewKeyLog(nil), Options{HoldBytes: -1})
	feed(c, f.chunks, 0, r)
	if info := c.Info(); info.HeldBytes != 0 || info.DroppedBytes == 0 || info.State != NoKeys {
		t.Errorf("%+v", info)
	}
	if err := c.keys.Load(bytes.NewReader(f.log())); err != nil {
		t.Fatal(err)
	}
	n := len(f.chunks)
	f.data(true, "Q2")
	feed(c, f.chunks[n:], 0, r)
	if got := r.String(); got != "C-gap -1\nC \"Q2\"\n" {
		t.Error(got)
	}
}
