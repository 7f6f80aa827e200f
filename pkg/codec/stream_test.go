package codec

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// seen is a frame as a test keeps it: its body copied, and where it began.
type seen struct {
	kind      messages.Kind
	tag       byte
	at, size  int
	body      string
	truncated bool
	lost      int
}

func (s seen) String() string {
	return fmt.Sprintf("%v@%d+%d(truncated %v, lost %d)", s.kind, s.at, s.size, s.truncated, s.lost)
}

// run is what came of a stream.
type run struct {
	t      testing.TB
	s      *Stream
	phase  func(at int) messages.Phase
	at     int // bytes reported so far, missing ones included
	fed    int // bytes fed and told missing; gaps of unknown size by their true size
	frames []seen
	skips  []Skip
}

func newRun(t testing.TB, d messages.Direction, p messages.Phase, opt StreamOptions) *run {
	return &run{t: t, s: NewStream(d, opt), phase: func(int) messages.Phase { return p }}
}

func (r *run) take(res Result) {
	switch res {
	case FrameReady:
		f := r.s.Frame()
		r.frames = append(r.frames, seen{f.Kind, f.Tag, r.at, f.Len, string(f.Body), f.Truncated, f.Lost})
		r.at += f.Len
	case SkipReady:
		k := r.s.Skip()
		if k.Bytes < 0 || k.Lost < 0 || k.Reason == 0 {
			r.t.Fatalf("skip %+v at %d", k, r.at)
		}
		r.skips = append(r.skips, k)
		r.at += k.Bytes + k.Lost
	}
}

func (r *run) drain() {
	for {
		res := r.s.Next(r.phase(r.at))
		if res == NeedMore {
			return
		}
		r.take(res)
	}
}

// feed feeds a private copy of the chunk and destroys it afterwards, so that
// borrowing for too long is seen.
func (r *run) feed(b []byte) {
	chunk := bytes.Clone(b)
	r.s.Feed(chunk)
	r.fed += len(b)
	r.drain()
	for i := range chunk {
		chunk[i] = 0xAA
	}
	if pending := r.s.Pending(); pending < 0 {
		r.t.Fatalf("Pending() = %d", pending)
	}
}

func (r *run) end() {
	for {
		res := r.s.End()
		if res == NeedMore {
			break
		}
		r.take(res)
		if len(r.frames)+len(r.skips) > 10*r.fed+100 {
			r.t.Fatal("End never ends")
		}
	}
}

// feedIn feeds b in chunks of the given sizes, the last of which repeats.
func (r *run) feedIn(b []byte, sizes ...int) {
	for i := 0; len(b) > 0; i++ {
		n := min(sizes[min(i, len(sizes)-1)], len(b))
		r.feed(b[:n])
		b = b[n:]
	}
}

// stream is messages in a row, with the frames that should come of them.
type stream struct {
	dir   messages.Direction
	phase messages.Phase
	wire  []byte
	want  []seen
}

func (s *stream) add(kind messages.Kind, wire []byte) {
	head := samples.Sample{Kind: kind}.HeaderLen()
	tag := wire[0]
	if head == startupHead || head == 0 {
		tag = 0
	}
	s.want = append(s.want, seen{kind: kind, tag: tag, at: len(s.wire), size: len(wire), body: string(wire[head:])})
	s.wire = append(s.wire, wire...)
}

// sampleStreams makes one stream of each direction and phase of the samples that
// can follow one another.
func sampleStreams() []*stream {
	type key struct {
		d messages.Direction
		p messages.Phase
	}
	all := map[key]*stream{}
	var order []*stream
	for _, sm := range samples.All() {
		k := key{sm.Direction, sm.Phase}
		if all[k] == nil {
			all[k] = &stream{dir: sm.Direction, phase: sm.Phase}
			order = append(order, all[k])
		}
		all[k].add(sm.Kind, sm.Wire)
	}
	return order
}

func sameFrames(t *testing.T, what string, got, want []seen) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: frame %d is %v %q,\nwant %v %q", what, i, got[i], got[i].body, want[i], want[i].body)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d frames, want %d", what, len(got), len(want))
	}
}

func TestSamplesWholeAndByteByByte(t *testing.T) {
	for _, s := range sampleStreams() {
		for _, sizes := range [][]int{{len(s.wire)}, {1}, {2}, {3}, {7}, {1448}} {
			r := newRun(t, s.dir, s.phase, StreamOptions{})
			r.feedIn(s.wire, sizes...)
			what := fmt.Sprintf("%v in %v, chunks of %d", s.dir, s.phase, sizes[0])
			// An undefined message at the end is only believed if its chunk ends there too.
			waits := sizes[0] < len(s.wire) && s.want[len(s.want)-1].kind == messages.KindUnknown
			if !r.s.Synced() || r.s.Pending() != 0 && !waits || len(r.skips) != 0 {
				t.Fatalf("%s: synced %v, pending %d, skips %v, frames %v", what, r.s.Synced(), r.s.Pending(), r.skips, r.frames)
			}
			r.end()
			sameFrames(t, what, r.frames, s.want)
		}
	}
}

func TestSamplesAtEverySplit(t *testing.T) {
	for _, sm := range samples.All() {
		s := &stream{dir: sm.Direction, phase: sm.Phase}
		s.add(sm.Kind, sm.Wire)
		for i := range sm.Wire {
			r := newRun(t, s.dir, s.phase, StreamOptions{})
			r.feed(sm.Wire[:i])
			if len(r.frames) != 0 || len(r.skips) != 0 {
				t.Fatalf("%s: after %d of %d bytes: %v %v", sm.Name, i, len(sm.Wire), r.frames, r.skips)
			}
			r.feed(sm.Wire[i:])
			r.end()
			sameFrames(t, fmt.Sprintf("%s, split at %d", sm.Name, i), r.frames, s.want)
		}
	}
}

func TestLargeSamples(t *testing.T) {
	for _, sm := range samples.Large() {
		s := &stream{dir: sm.Direction, phase: sm.Phase}
		s.add(sm.Kind, sm.Wire)
		s.add(sm.Kind, sm.Wire)
		for _, sizes := range [][]int{{len(s.wire)}, {1448}, {65536}, {7}} {
			r := newRun(t, s.dir, s.phase, StreamOptions{})
			r.feedIn(s.wire, sizes...)
			sameFrames(t, sm.Name, r.frames, s.want)
		}
	}
}
