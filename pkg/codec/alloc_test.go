package codec

import (
	"bytes"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// loads are what the hot path meets: bulk rows, and answers to short queries.
func loads() map[string][]byte {
	row := (&messages.DataRow{Values: messages.MakeValues([]byte("12345"), []byte("a name of some length"), nil, []byte("2024-01-01"))}).Append(nil)
	short := []byte(wireBound + wireRow + wireSelect1 + wireReady)
	return map[string][]byte{
		"rows":  bytes.Repeat(row, 1000),
		"short": bytes.Repeat(short, 1000),
	}
}

func feedAll(s *Stream, b []byte, size int) (frames int) {
	for len(b) > 0 {
		n := min(size, len(b))
		s.Feed(b[:n])
		b = b[n:]
		for {
			r := s.Next(messages.PhaseReady)
			if r == NeedMore {
				break
			}
			if r == FrameReady {
				frames += s.Frame().Len & 1
			}
		}
	}
	return frames
}

func TestStreamAllocates(t *testing.T) {
	for name, b := range loads() {
		for _, size := range []int{len(b), 65536, 1448, 100, 1} {
			s := NewStream(messages.Backend, StreamOptions{})
			feedAll(s, b, size)
			if n := testing.AllocsPerRun(5, func() { feedAll(s, b, size) }); n != 0 {
				t.Errorf("%s in chunks of %d: %v allocations", name, size, n)
			}
		}
	}
}

// Messages of 20 KB that all span chunks need a large buffer all the time.
func TestLargeMessagesReuseBuffers(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget at random")
	}
	m := (&messages.CopyData{Data: make([]byte, 20_000)}).Append(nil)
	b := bytes.Repeat(m, 50)
	s := NewStream(messages.Backend, StreamOptions{})
	feedAll(s, b, 1448)
	// The pool may be emptied by the garbage collector now and then.
	if n := testing.AllocsPerRun(5, func() { feedAll(s, b, 1448) }); n > 25 {
		t.Errorf("%v allocations for 50 messages", n)
	}
	if n := cap(s.in.held); n > keepBuffer {
		t.Errorf("%d bytes kept by an idle stream", n)
	}
}

func TestResetAllocates(t *testing.T) {
	s := NewStream(messages.Frontend, StreamOptions{})
	row := []byte(wireRow)
	if n := testing.AllocsPerRun(100, func() {
		s.Reset(messages.Backend)
		feedAll(s, row, 5)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkStream(b *testing.B) {
	for name, data := range loads() {
		for _, size := range []int{65536, 1448} {
			b.Run(name+map[int]string{65536: "/64KiB", 1448: "/1448"}[size], func(b *testing.B) {
				s := NewStream(messages.Backend, StreamOptions{})
				messages := bytes.Count(data, []byte("D\x00\x00\x00"))
				if name == "short" {
					messages *= 4
				}
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					feedAll(s, data, size)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*messages), "ns/message")
			})
		}
	}
}

func BenchmarkDecoder(b *testing.B) {
	for name, data := range loads() {
		b.Run(name, func(b *testing.B) {
			d := NewBackendDecoder(DecoderOptions{Phase: messages.PhaseExtendedQuery})
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				d.Feed(data)
				for {
					if _, err := d.Next(); err != nil {
						break
					}
				}
			}
		})
	}
}

func BenchmarkGarbage(b *testing.B) {
	for _, kind := range []string{"zeros", "random", "headers", "short", "empty", "rows"} {
		data := garbage(kind, 1<<20)
		b.Run(kind, func(b *testing.B) {
			s := NewStream(messages.Backend, StreamOptions{})
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				s.Reset(messages.Backend)
				s.MidStream()
				feedAll(s, data, 1448)
			}
		})
	}
}
