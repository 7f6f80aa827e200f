package codec

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

func newTestDecoder(d messages.Direction, opt DecoderOptions) *Decoder {
	if d == messages.Frontend {
		return NewFrontendDecoder(opt)
	}
	return NewBackendDecoder(opt)
}

func TestDecoderDecodesEverySample(t *testing.T) {
	for _, s := range sampleStreams() {
		for _, size := range []int{len(s.wire), 1, 2, 5, 64} {
			d := newTestDecoder(s.dir, DecoderOptions{Phase: s.phase})
			var got []byte
			n := 0
			for b := s.wire; len(b) > 0; {
				chunk := bytes.Clone(b[:min(size, len(b))])
				b = b[len(chunk):]
				d.Feed(chunk)
				for m, err := range d.All() {
					if (err != nil) != (s.want[n].kind == messages.KindUnknown) {
						t.Fatalf("%v %v, message %d: %v", s.dir, s.phase, n, err)
					}
					if m.Kind() != s.want[n].kind {
						t.Fatalf("%v %v, message %d is %v, want %v", s.dir, s.phase, n, m.Kind(), s.want[n].kind)
					}
					if wire := m.Append(nil); !bytes.Equal(d.Wire(), wire) {
						t.Fatalf("%v %v, message %d: Wire is %q, want %q", s.dir, s.phase, n, d.Wire(), wire)
					}
					got = m.Append(got)
					n++
				}
				clear(chunk)
			}
			if n != len(s.want) || !bytes.Equal(got, s.wire) || d.Buffered() != 0 {
				t.Fatalf("%v %v, chunks of %d: %d messages of %d, %d bytes left", s.dir, s.phase, size, n, len(s.want), d.Buffered())
			}
		}
	}
}

func TestDecoderReadAllOwnsItsMessages(t *testing.T) {
	for _, s := range sampleStreams() {
		d := newTestDecoder(s.dir, DecoderOptions{Phase: s.phase})
		chunk := bytes.Clone(s.wire)
		d.Feed(chunk)
		var all []messages.Message
		for again := true; again; {
			list, err := d.ReadAll()
			all = append(all, list...)
			again = err != nil && len(list) > 0 && list[len(list)-1].Kind() == messages.KindUnknown
			if err != nil && !again {
				t.Fatal(err)
			}
		}
		clear(chunk)
		var got []byte
		for _, m := range all {
			got = m.Append(got)
		}
		if !bytes.Equal(got, s.wire) {
			t.Fatalf("%v %v: messages of ReadAll changed with the chunk", s.dir, s.phase)
		}
	}
}

// A loop that is left early loses nothing, and its program may read into the same
// buffer again, in chunks of any size.
func TestDecoderKeepsTheRest(t *testing.T) {
	for _, s := range sampleStreams() {
		for _, size := range []int{len(s.wire), 1, 7, 64} {
			d := newTestDecoder(s.dir, DecoderOptions{Phase: s.phase})
			var got []byte
			buf := make([]byte, size)
			for b := s.wire; len(b) > 0 || d.Buffered() > 0; {
				n := copy(buf, b)
				b = b[n:]
				d.Feed(buf[:n])
				var last messages.Message
				for m := range d.All() {
					last = m
					break
				}
				if last != nil {
					got = last.Append(got) // it is borrowed until the next Feed
				}
				clear(buf)
			}
			if !bytes.Equal(got, s.wire) {
				t.Fatalf("%v %v, chunks of %d: lost or changed", s.dir, s.phase, size)
			}
		}
	}
}

func TestDecoderFramingErrors(t *testing.T) {
	const front, back = messages.Frontend, messages.Backend
	for _, c := range []struct {
		name   string
		dir    messages.Direction
		opt    DecoderOptions
		wire   string
		want   FramingError
		before int // messages before the error
	}{
		{"length 3", back, DecoderOptions{Phase: messages.PhaseReady}, "Z\x00\x00\x00\x05IZ\x00\x00\x00\x03I", FramingError{6, 'Z', 3, reasonBelow}, 1},
		{"length 0", front, DecoderOptions{Phase: messages.PhaseReady}, "S\x00\x00\x00\x00", FramingError{0, 'S', 0, reasonBelow}, 0},
		{"negative length", front, DecoderOptions{Phase: messages.PhaseReady}, "Q\xff\xff\xff\xff", FramingError{0, 'Q', 0xffffffff, reasonOver}, 0},
		{"over the default", back, DecoderOptions{Phase: messages.PhaseReady}, "D\x40\x00\x00\x00", FramingError{0, 'D', 0x40000000, reasonOver}, 0},
		{"over the limit", back, DecoderOptions{Phase: messages.PhaseReady, MaxMessageSize: 20}, "D\x00\x00\x00\x15", FramingError{0, 'D', 21, reasonOver}, 0},
		{"unknown type over the limit", back, DecoderOptions{Phase: messages.PhaseReady, MaxMessageSize: 20}, "y\x00\x00\x00\x15", FramingError{0, 'y', 21, reasonOver}, 0},
		{"startup too short", front, DecoderOptions{}, "\x00\x00\x00\x07\x00\x03\x00", FramingError{0, 0, 7, reasonShort}, 0},
		{"startup too long", front, DecoderOptions{}, "\x00\x00\x27\x11", FramingError{0, 0, 10001, reasonOver}, 0},
		{"HTTP", front, DecoderOptions{}, "GET / HTTP/1.1\r\n", FramingError{0, 0, 0x47455420, reasonOver}, 0},
		{"long password", front, DecoderOptions{Phase: messages.PhaseAuthenticating}, "p\x00\x01\x00\x00", FramingError{0, 'p', 65536, reasonOver}, 0},
		{"no answer to SSLRequest", back, DecoderOptions{Phase: messages.PhaseSSLNegotiation}, "HTTP/1.1 404", FramingError{0, 'H', 0, reasonAnswer}, 0},
		{"no answer to GSSENCRequest", back, DecoderOptions{Phase: messages.PhaseGSSNegotiation}, "S", FramingError{0, 'S', 0, reasonAnswer}, 0},
		{"endless version-2 error", back, DecoderOptions{}, "E" + string(bytes.Repeat([]byte("x"), maxErrorV2+1)), FramingError{0, 'E', 0, reasonNoNUL}, 0},
	} {
		for _, size := range []int{len(c.wire), 1} {
			d := newTestDecoder(c.dir, c.opt)
			n := 0
			var err error
			for b := c.wire; len(b) > 0 && err == nil; b = b[size:] {
				d.Feed([]byte(b[:size]))
				for {
					if _, err = d.Next(); err != nil {
						break
					}
					n++
				}
				if errors.Is(err, ErrNeedMore) {
					err = nil
				}
			}
			var fe *FramingError
			if !errors.As(err, &fe) || *fe != c.want || n != c.before {
				t.Errorf("%s: after %d messages: %v, want %v after %d", c.name, n, err, &c.want, c.before)
			}
			if _, again := d.Next(); again != err {
				t.Errorf("%s: then %v", c.name, again)
			}
			d.Reset()
			if _, err = d.NextFrame(); !errors.Is(err, ErrNeedMore) || d.Buffered() != 0 {
				t.Errorf("%s: cleared: %v, %d bytes", c.name, err, d.Buffered())
			}
		}
	}
}

func TestDecoderGoesOnAfterDecodingError(t *testing.T) {
	d := NewBackendDecoder(DecoderOptions{Phase: messages.PhaseReady})
	d.Feed([]byte("Z\x00\x00\x00\x05IZ\x00\x00\x00\x06IIy\x00\x00\x00\x05?Z\x00\x00\x00\x05T"))
	want := []string{
		"ReadyForQuery <nil>",
		"ReadyForQuery codec: at byte 6: ReadyForQuery: bytes are left over at byte 1 of the body",
		"Unknown codec: at byte 13: Unknown: the protocol does not define this message at byte 0 of the body",
		"ReadyForQuery <nil>",
	}
	for i, w := range want {
		m, err := d.Next()
		if m == nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(m.Kind(), " ", err); got != w {
			t.Errorf("message %d: %s, want %s", i, got, w)
		}
		if i != 1 {
			continue
		}
		var de *messages.DecodeError
		if !errors.As(err, &de) || de.Kind != messages.KindReadyForQuery {
			t.Errorf("no DecodeError in %v", err)
		}
	}
}

func TestDecoderPhaseChangesInsideChunk(t *testing.T) {
	d := NewFrontendDecoder(DecoderOptions{})
	var chunk []byte
	chunk = (&messages.SSLRequest{}).Append(chunk)
	chunk = (&messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{{Name: []byte("user"), Value: []byte("u")}}}).Append(chunk)
	chunk = (&messages.SASLInitialResponse{Mechanism: []byte("SCRAM-SHA-256"), Data: []byte("n,,")}).Append(chunk)
	chunk = (&messages.Query{SQL: []byte("select 1")}).Append(chunk)
	chunk = append(chunk, "ciphertext"...)
	d.Feed(chunk)
	for i, step := range []struct {
		phase messages.Phase
		want  messages.Kind
	}{
		{messages.PhaseStartup, messages.KindSSLRequest},
		{messages.PhaseSSLNegotiation, messages.KindStartupMessage},
		{messages.PhaseSASLInitial, messages.KindSASLInitialResponse},
		{messages.PhaseReady, messages.KindQuery},
	} {
		d.SetPhase(step.phase)
		f, err := d.NextFrame()
		if err != nil || f.Kind != step.want || d.Phase() != step.phase {
			t.Fatalf("step %d: %v %v", i, f.Kind, err)
		}
	}
	d.SetPhase(messages.PhaseEncrypted)
	if _, err := d.Next(); !errors.Is(err, ErrEncrypted) {
		t.Fatalf("encrypted: %v", err)
	}
	if rest := d.Unread(); string(rest) != "ciphertext" || d.Buffered() != 0 {
		t.Fatalf("unread: %q", rest)
	}
}

func TestDecoderAnnouncedLengthTakesNoMemory(t *testing.T) {
	d := NewBackendDecoder(DecoderOptions{Phase: messages.PhaseReady})
	d.Feed([]byte("D\x3f\xff\xff\xff"))
	chunk := bytes.Repeat([]byte("x"), 1000)
	for range 10 {
		if _, err := d.Next(); !errors.Is(err, ErrNeedMore) {
			t.Fatal(err)
		}
		d.Feed(chunk)
	}
	if n := cap(d.in.held); n > poolBuffer {
		t.Fatalf("%d bytes of memory for 10 KB of a message", n)
	}
}

func TestDecoderAllocates(t *testing.T) {
	var wire []byte
	for _, sm := range samples.All() {
		if sm.Direction == messages.Backend && sm.Phase == messages.PhaseSimpleQuery && sm.Kind != messages.KindUnknown {
			wire = append(wire, sm.Wire...)
		}
	}
	d := NewBackendDecoder(DecoderOptions{Phase: messages.PhaseSimpleQuery})
	for _, size := range []int{len(wire), 50, 7} {
		run := func() {
			for b := wire; len(b) > 0; b = b[min(size, len(b)):] {
				d.Feed(b[:min(size, len(b))])
				for {
					if _, err := d.Next(); err != nil {
						break
					}
				}
			}
		}
		run()
		if n := testing.AllocsPerRun(20, run); n != 0 {
			t.Errorf("chunks of %d: %v allocations", size, n)
		}
	}
}
