package codec

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// addSeeds adds the sample streams, whole and damaged.
func addSeeds(f *testing.F) {
	for i, s := range sampleStreams() {
		f.Add(s.wire, uint64(i), uint8(s.dir), uint8(s.phase))
	}
	f.Add([]byte("S\x00\x00\x00\x03S\x00\x00\x00\x04"), uint64(1), uint8(messages.Frontend), uint8(messages.PhaseReady))
	f.Add([]byte("Ecould not fork\x00"), uint64(2), uint8(messages.Backend), uint8(messages.PhaseStartup))
	f.Add([]byte("y\x00\x00\x00\x04y\x00\x00\x00\x04Z\x00\x00\x00\x05I"), uint64(3), uint8(messages.Backend), uint8(messages.PhaseReady))
	f.Add(garbage("rows", 2000), uint64(4), uint8(messages.Backend), uint8(messages.PhaseUnknown))
	f.Add(garbage("empty", 500), uint64(5), uint8(messages.Backend), uint8(messages.PhaseUnknown))
}

// framedAlike reports whether no frame and no skip of the run depended on where
// a chunk ended: only trusted headers, no search.
func framedAlike(r *run) bool {
	for _, f := range r.frames {
		if f.kind == messages.KindUnknown {
			return false
		}
		if least, most := f.kind.BodyLen(); len(f.body) < least || len(f.body) > most {
			return false
		}
	}
	return len(r.skips) == 0 && r.s.hunt.reason == 0
}

// Whatever the chunks, the same messages come.
func FuzzStreamChunking(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, dir, phase uint8) {
		d, p := messages.Direction(dir&1), messages.Phase(phase%uint8(messages.NumPhases))
		whole := newRun(t, d, p, StreamOptions{MaxMessage: 300})
		whole.feed(data)
		whole.end()
		rng := rand.New(rand.NewPCG(seed, 0))
		parts := newRun(t, d, p, StreamOptions{MaxMessage: 300})
		for b := data; len(b) > 0; {
			n := 1 + rng.IntN(min(len(b), 1+rng.IntN(64)))
			parts.feed(b[:n])
			b = b[n:]
		}
		parts.end()
		if framedAlike(whole) {
			sameFrames(t, "in parts", parts.frames, whole.frames)
		}
		for _, r := range []*run{whole, parts} {
			if got := r.at; got < len(data) {
				t.Fatalf("%d bytes reported of %d: %s", got, len(data), r.show())
			}
		}
	})
}

// Whatever is lost, every byte is accounted for, and memory stays bounded.
func FuzzStreamGaps(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, dir, phase uint8) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := newRun(t, messages.Direction(dir&1), messages.Phase(phase%uint8(messages.NumPhases)), StreamOptions{})
		if rng.IntN(2) == 0 {
			r.s.MidStream()
		}
		present, lost, cut := 0, 0, false
		r.phase = func(int) messages.Phase { return messages.Phase(rng.IntN(messages.NumPhases)) }
		for b := data; len(b) > 0; {
			n := 1 + rng.IntN(len(b))
			r.feed(b[:n])
			present += n
			b = b[n:]
			switch rng.IntN(4) {
			case 0:
				n = 1 + rng.IntN(100)
				r.s.Gap(n)
				lost += n
			case 1:
				r.s.Gap(-1)
				cut = true
			case 2:
				rest := r.s.Take()
				r.at += len(rest)
				cut = cut || len(rest) > 0
			}
			r.drain()
		}
		r.end()
		if !cut && r.at < present+lost {
			t.Fatalf("%d bytes reported of %d and %d lost", r.at, present, lost)
		}
		if r.s.Pending() != 0 {
			t.Fatalf("%d bytes pending after the end", r.s.Pending())
		}
		if n := cap(r.s.in.held); n > 4*(len(data)+minBuffer) && n > poolBuffer {
			t.Fatalf("%d bytes held of %d", n, len(data))
		}
	})
}

// The two decoders agree on what is right.
func FuzzDecoder(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, dir, phase uint8) {
		direction, p := messages.Direction(dir&1), messages.Phase(phase%uint8(messages.NumPhases))
		switch p {
		case messages.PhaseUnknown, messages.PhaseEncrypted, messages.PhaseSSLNegotiation, messages.PhaseGSSNegotiation:
			// There the Decoder takes what the Stream searches in.
			p = messages.PhaseReady
		}
		rng := rand.New(rand.NewPCG(seed, 2))
		d := newTestDecoder(direction, DecoderOptions{Phase: p, MaxMessageSize: 1 << 16})
		var frames []seen
		at := 0
		for b := data; len(b) > 0; {
			n := 1 + rng.IntN(min(len(b), 1+rng.IntN(64)))
			d.Feed(append([]byte(nil), b[:n]...))
			b = b[n:]
			for {
				fr, err := d.NextFrame()
				if err != nil {
					if !errors.Is(err, ErrNeedMore) {
						b = nil
					}
					break
				}
				frames = append(frames, seen{fr.Kind, fr.Tag, at, fr.Len, string(fr.Body), false, 0})
				at += fr.Len
			}
		}
		r := newRun(t, direction, p, StreamOptions{})
		r.feed(data)
		if !framedAlike(r) {
			return
		}
		if r.s.Pending() > 0 { // it may wait for more evidence
			frames = frames[:min(len(r.frames), len(frames))]
		}
		sameFrames(t, "decoder and stream", r.frames[:min(len(r.frames), len(frames))], frames)
	})
}
