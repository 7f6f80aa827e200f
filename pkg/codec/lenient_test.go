package codec

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// show prints frames as kind+size.
func (r *run) show() string {
	var b strings.Builder
	for _, f := range r.frames {
		fmt.Fprintf(&b, "%v+%d ", f.kind, f.size)
	}
	for _, k := range r.skips {
		fmt.Fprintf(&b, "[%d %d %v] ", k.Bytes, k.Lost, k.Reason)
	}
	return strings.TrimSpace(b.String())
}

func TestLenientFraming(t *testing.T) {
	const front, back = messages.Frontend, messages.Backend
	for _, c := range []struct {
		name  string
		dir   messages.Direction
		phase messages.Phase
		wire  string
		want  string
	}{
		{
			"length 0", back, messages.PhaseReady, wireReady + "D\x00\x00\x00\x00" + wireColumns + wireSelect1 + wireReady,
			"ReadyForQuery+6 RowDescription+27 CommandComplete+14 ReadyForQuery+6 [5 0 impossible message length]",
		},
		{
			"length 3", front, messages.PhaseReady, "S\x00\x00\x00\x03" + wireExecute + wireSync,
			"Execute+10 Sync+5 [5 0 impossible message length]",
		},
		{
			"negative length", front, messages.PhaseReady, "Q\xff\xff\xff\xff" + wireExecute + wireSync,
			"Execute+10 Sync+5 [5 0 impossible message length]",
		},
		{"length 4 where a body must be", back, messages.PhaseReady, "Z\x00\x00\x00\x04" + wireReady, "ReadyForQuery+5 ReadyForQuery+6"},
		{"ReadyForQuery too long", back, messages.PhaseReady, "Z\x00\x00\x00\x06II" + wireReady, "ReadyForQuery+7 ReadyForQuery+6"},
		{"undefined type before another", front, messages.PhaseReady, "y\x00\x00\x00\x06ab" + wireSync, "Unknown+7 Sync+5"},
		{"undefined types in a row", front, messages.PhaseReady, "y\x00\x00\x00\x06ab\x80\x00\x00\x00\x04" + wireSync, "Unknown+7 Unknown+5 Sync+5"},
		{"undefined type at the end", front, messages.PhaseReady, wireSync + "y\x00\x00\x00\x06ab", "Sync+5 Unknown+7"},
		{"undefined type, cut off", front, messages.PhaseReady, wireSync + "y\x00\x00\x00\x06a", "Sync+5 [6 0 end of input]"},
		{"undefined authentication", back, messages.PhaseAuthenticating, "R\x00\x00\x00\x08\x00\x00\x00\x63", "Unknown+9"},
		{"text", back, messages.PhaseReady, wireReady + "HTTP/1.1 400 Bad Request\r\n", "ReadyForQuery+6 [26 0 impossible message length]"},
		{"type zero", back, messages.PhaseReady, wireReady + strings.Repeat("\x00", 40), "ReadyForQuery+6 [40 0 not a message type]"},
		{"HTTP at startup", front, messages.PhaseStartup, "GET / HTTP/1.1\r\n", "[16 0 impossible message length]"},
		{"startup too long", front, messages.PhaseStartup, "\x00\x00\x27\x11\x00\x03\x00\x00", "[8 0 impossible message length]"},
		{"startup of a version to come", front, messages.PhaseStartup, "\x00\x00\x00\x10\x00\x04\x00\x00user\x00u\x00\x00", "StartupMessage+16"},
		{"startup of no version", front, messages.PhaseStartup, "\x00\x00\x00\x0c\x00\x00\x12\x34abcd", "Unknown+12"},
		{"startup, then query, phase unknown", front, messages.PhaseUnknown, wireSSL + wireStartup + wireQuery, "SSLRequest+8 StartupMessage+16 Query+14"},
		{"version-2 error", back, messages.PhaseStartup, "Ecould not fork new process for connection\n\x00", "ErrorResponseV2+44"},
		{"version-2 error to SSLRequest", back, messages.PhaseSSLNegotiation, "EFATAL: no\n\x00", "ErrorResponseV2+12"},
		{"error to SSLRequest", back, messages.PhaseSSLNegotiation, "E\x00\x00\x00\x1bSFATAL\x00C0A000\x00Mno!\x00\x00\x00", "ErrorResponse+28"},
		{"version-2 error without end", back, messages.PhaseStartup, "EFATAL: no", "[10 0 end of input]"},
		{"endless version-2 error", back, messages.PhaseStartup, "E" + strings.Repeat("x", maxErrorV2+9), fmt.Sprintf("[%d 0 impossible message length]", maxErrorV2+10)},
		{"encrypted", back, messages.PhaseEncrypted, "\x17\x03\x03\x00\x05abcde", "[10 0 encrypted]"},
		{"cut header", back, messages.PhaseReady, wireReady + "Z\x00\x00", "ReadyForQuery+6 [3 0 end of input]"},
		{"cut body", back, messages.PhaseReady, wireReady + wireRow[:8], "ReadyForQuery+6 DataRow+12"},
	} {
		r := newRun(t, c.dir, c.phase, StreamOptions{})
		r.feed([]byte(c.wire))
		r.end()
		got := r.show()
		if strings.Contains(c.want, "[") { // several skips in a row are one here
			r.skips = merged(r.skips)
			got = r.show()
		}
		if got != c.want {
			t.Errorf("%s: %s,\nwant %s", c.name, got, c.want)
		}
	}
}

// merged joins skips of the same reason.
func merged(skips []Skip) (out []Skip) {
	for _, k := range skips {
		if n := len(out); n > 0 && out[n-1].Reason == k.Reason {
			out[n-1].Bytes += k.Bytes
			out[n-1].Lost += k.Lost
			continue
		}
		out = append(out, k)
	}
	return out
}

func TestOversizedMessage(t *testing.T) {
	for _, c := range []struct{ limit, size, keep int }{
		{1000, 1001, 1000},
		{1000, 1000, 1000},
		{0, defaultMaxMessage, defaultMaxMessage},
		{0, defaultMaxMessage + 1, maxKept},
		{0, 3 << 20, maxKept},
		{70_000, 70_001, maxKept},
	} {
		body := bytes.Repeat([]byte("0123456789"), c.size/10+1)[:c.size]
		wire := (&messages.CopyData{Data: body}).Append([]byte(wireReady))
		wire = append(wire, wireReady...)
		for _, size := range []int{len(wire), 1448, 65536} {
			r := newRun(t, messages.Backend, messages.PhaseCopyOut, StreamOptions{MaxMessage: c.limit})
			r.feedIn(wire, size)
			want := []seen{
				{kind: messages.KindReadyForQuery, tag: 'Z', size: 6, body: "I"},
				{kind: messages.KindCopyData, tag: 'd', at: 6, size: c.size + 5, body: string(body[:c.keep]), truncated: c.keep < c.size},
				{kind: messages.KindReadyForQuery, tag: 'Z', at: c.size + 11, size: 6, body: "I"},
			}
			sameFrames(t, fmt.Sprintf("limit %d, size %d, chunks of %d", c.limit, c.size, size), r.frames, want)
		}
	}
}

func TestGigabyteMessage(t *testing.T) {
	const size = 0x3ffffff0
	s := NewStream(messages.Backend, StreamOptions{})
	s.Feed([]byte("D\x3f\xff\xff\xf0"))
	chunk := make([]byte, 1<<20)
	left := size - 4
	for left > 0 {
		if r := s.Next(messages.PhaseReady); r != NeedMore {
			t.Fatalf("%v with %d bytes to come", r, left)
		}
		if n := cap(s.in.held); n > 4*maxKept {
			t.Fatalf("%d bytes held", n)
		}
		if s.Pending() != size+1-left {
			t.Fatalf("Pending() = %d, want %d", s.Pending(), size+1-left)
		}
		n := min(left, len(chunk))
		s.Feed(chunk[:n])
		left -= n
	}
	if r := s.Next(messages.PhaseReady); r != FrameReady {
		t.Fatal(r)
	}
	if f := s.Frame(); f.Len != size+1 || len(f.Body) != maxKept || !f.Truncated || f.Lost != 0 {
		t.Fatalf("%v %d %d %v", f.Kind, f.Len, len(f.Body), f.Truncated)
	}
	s.Feed([]byte(wireReady))
	if r := s.Next(messages.PhaseReady); r != FrameReady || s.Frame().Kind != messages.KindReadyForQuery {
		t.Fatal("not in step after it")
	}
}

// garbage makes bytes that are hard on the search.
func garbage(kind string, n int) []byte {
	rng := rand.New(rand.NewPCG(9, 9))
	b := make([]byte, n)
	switch kind {
	case "zeros":
	case "random":
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
	case "headers": // every fifth byte begins what may be a CopyData
		for i := range b {
			b[i] = "d\x00\x00\x40\x01"[i%5]
		}
	case "short": // chains of messages that end in nothing
		for i := range b {
			b[i] = "d\x00\x00\x00\x05"[i%5]
		}
	case "empty": // a chain of the same message without body
		for i := range b {
			b[i] = "1\x00\x00\x00\x04"[i%5]
		}
	case "rows": // rows whose lengths lead to the same place from everywhere
		for i := 0; i+11 <= n; i += 11 {
			size := n - i - 1
			size = min(size, 60_000-i%60_000+11)
			copy(b[i:], []byte{'D', 0, 0, byte(size >> 8), byte(size), byte(size >> 11), byte(size >> 3), 0xff, 0xff, 0xff, 0xff})
		}
	}
	return b
}

func TestEndlessGarbage(t *testing.T) {
	n := 4 << 20
	if raceEnabled {
		n = 1 << 20
	}
	for _, kind := range []string{"zeros", "random", "headers", "short", "empty", "rows"} {
		data := garbage(kind, n)
		for _, size := range []int{1448, 1 << 20, n} {
			r := newRun(t, messages.Backend, messages.PhaseUnknown, StreamOptions{})
			r.s.MidStream()
			skipped, framed := 0, 0
			for b := data; len(b) > 0; b = b[min(size, len(b)):] {
				r.feed(b[:min(size, len(b))])
				for _, k := range r.skips {
					skipped += k.Bytes
				}
				for _, f := range r.frames {
					framed += f.size
				}
				r.skips, r.frames = r.skips[:0], r.frames[:0]
				if held := cap(r.s.in.held); held > 5*huntWindow {
					t.Fatalf("%s in %d: %d bytes held", kind, size, held)
				}
			}
			if framed > 0 {
				t.Errorf("%s in %d: %d bytes of false messages", kind, size, framed)
			}
			if got := skipped + framed + r.s.Pending(); got != n {
				t.Errorf("%s in %d: %d bytes of %d accounted for", kind, size, got, n)
			}
		}
	}
}

func TestGarbageByteByByte(t *testing.T) {
	for _, kind := range []string{"zeros", "random", "headers", "rows"} {
		data := garbage(kind, 100_000)
		r := newRun(t, messages.Frontend, messages.PhaseUnknown, StreamOptions{})
		r.s.MidStream()
		r.feedIn(data, 1)
		r.end()
		if r.at != len(data) || len(r.frames) != 0 {
			t.Errorf("%s: %d bytes accounted for, frames %v", kind, r.at, r.frames)
		}
	}
}

func TestTakeHandsOverTheRest(t *testing.T) {
	for _, c := range []struct {
		chunks []string
		phases []messages.Phase
		want   string
	}{
		{[]string{"S\x16\x03\x01rest"}, []messages.Phase{messages.PhaseSSLNegotiation}, "\x16\x03\x01rest"},
		{[]string{"S"}, []messages.Phase{messages.PhaseSSLNegotiation}, ""},
		{[]string{wireReady + "Z\x00", "\x00\x00abc"}, []messages.Phase{messages.PhaseReady}, "Z\x00\x00\x00abc"},
	} {
		s := NewStream(messages.Backend, StreamOptions{})
		s.Feed([]byte(c.chunks[0]))
		for _, p := range c.phases {
			if r := s.Next(p); r != FrameReady {
				t.Fatalf("%q: %v", c.chunks, r)
			}
		}
		if len(c.chunks) > 1 {
			if r := s.Next(messages.PhaseReady); r != NeedMore {
				t.Fatalf("%q: %v", c.chunks, r)
			}
			s.Feed([]byte(c.chunks[1]))
		}
		if got := s.Take(); string(got) != c.want || s.Pending() != 0 {
			t.Errorf("%q: took %q", c.chunks, got)
		}
		if r := s.Next(messages.PhaseEncrypted); r != NeedMore {
			t.Errorf("%q: then %v", c.chunks, r)
		}
	}
}

func TestResetForgetsEverything(t *testing.T) {
	dirty := []func(s *Stream){
		func(s *Stream) { s.Feed([]byte(wireRow[:7])); s.Next(messages.PhaseReady) },
		func(s *Stream) { s.Feed([]byte(wireRow)) },
		func(s *Stream) { s.MidStream(); s.Feed([]byte(wireRow + "x")); s.Next(messages.PhaseReady) },
		func(s *Stream) { s.Feed([]byte(wireRow[:7])); s.Next(messages.PhaseReady); s.Gap(-1) },
		func(s *Stream) { s.Gap(5) },
		func(s *Stream) { s.Feed([]byte("Eabcdef")); s.Next(messages.PhaseStartup) },
		func(s *Stream) { s.Drop() },
		func(s *Stream) { s.Feed([]byte("garbage")); s.Next(messages.PhaseReady); s.End() },
	}
	for i, make := range dirty {
		r := newRun(t, messages.Backend, messages.PhaseUnknown, StreamOptions{})
		make(r.s)
		r.s.Reset(messages.Frontend)
		if !r.s.Synced() || r.s.Pending() != 0 {
			t.Errorf("%d: synced %v, pending %d", i, r.s.Synced(), r.s.Pending())
		}
		r.feedIn([]byte(wireStartup+wireQuery+wireTerm), 3)
		if got := r.show(); got != "StartupMessage+16 Query+14 Terminate+5" {
			t.Errorf("%d: %s", i, got)
		}
	}
}

func TestDropIgnoresEverything(t *testing.T) {
	s := NewStream(messages.Backend, StreamOptions{})
	s.Feed([]byte(wireReady))
	s.Drop()
	for _, do := range []func(){func() { s.Feed([]byte(wireReady)) }, func() { s.Gap(3) }, s.MidStream, func() { s.Take() }} {
		do()
		if r := s.Next(messages.PhaseReady); r != NeedMore || s.End() != NeedMore || s.Pending() != 0 || s.Synced() {
			t.Fatal("something came of it")
		}
	}
}

// Feeding before what was there has been read loses nothing.
func TestFeedOnTop(t *testing.T) {
	r := newRun(t, messages.Backend, messages.PhaseReady, StreamOptions{})
	all := strings.Repeat(wireColumns+wireRow+wireSelect1+wireReady, 20)
	for b := []byte(all); len(b) > 0; b = b[min(len(b), 10):] {
		chunk := slices.Clone(b[:min(len(b), 10)])
		r.s.Feed(chunk)
		r.fed += len(chunk)
		if res := r.s.Next(messages.PhaseReady); res != NeedMore { // one only
			r.take(res)
		}
	}
	r.drain()
	if len(r.frames) != 80 || len(r.skips) != 0 {
		t.Errorf("%d frames, skips %v", len(r.frames), r.skips)
	}
}

func TestPhaseOfKinds(t *testing.T) {
	wire := []byte("p\x00\x00\x00\x07abc")
	for p, want := range map[messages.Phase]messages.Kind{
		messages.PhaseAuthenticating:    messages.KindPasswordMessage,
		messages.PhaseSASLInitial:       messages.KindSASLInitialResponse,
		messages.PhaseSASLContinue:      messages.KindSASLResponse,
		messages.PhaseAuthenticatingGSS: messages.KindGSSResponse,
	} {
		r := newRun(t, messages.Frontend, p, StreamOptions{})
		r.feed(wire)
		r.feedIn(wire, 3)
		if len(r.frames) != 2 || r.frames[0].kind != want || r.frames[1].kind != want {
			t.Errorf("%v: %v", p, r.frames)
		}
	}
}

func TestSkipReasonsHaveNames(t *testing.T) {
	for r := SkipGap; r <= SkipCutOff; r++ {
		if strings.Contains(r.String(), "(") {
			t.Errorf("%d: %v", r, r)
		}
	}
	if got := SkipReason(99).String(); got != "SkipReason(99)" {
		t.Error(got)
	}
}
