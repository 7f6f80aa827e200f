package codec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// anyHole is a hole of up to 3000 bytes anywhere.
func anyHole(rng *rand.Rand, f *flow) hole {
	from := rng.IntN(len(f.wire))
	return hole{from, min(len(f.wire), from+1+rng.IntN(3000)), rng.IntN(2) == 0}
}

// lostSegments is a hole as a capture has them: up to three whole segments.
func lostSegments(rng *rand.Rand, f *flow) hole {
	i := rng.IntN(len(f.segments))
	from := 0
	for _, n := range f.segments[:i] {
		from += n
	}
	to := from
	for _, n := range f.segments[i:min(len(f.segments), i+1+rng.IntN(3))] {
		to += n
	}
	return hole{from, to, rng.IntN(2) == 0}
}

func TestHolesInCaptures(t *testing.T) {
	// How far after a hole a message may be missed in these captures, which
	// pause often.
	const near = 64
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range captures {
		for _, f := range flowsOf(t, name) {
			for _, after := range []messages.Phase{messages.PhaseUnknown, messages.PhaseReady} {
				for range 50 {
					h := anyHole(rng, f)
					if rng.IntN(2) == 0 {
						h = lostSegments(rng, f)
					}
					p := punch(t, f, h, after)
					if last, n := p.missed(); last > near {
						t.Errorf("%s, hole %+v: %d messages missed, up to %d bytes after it", f.name, h, n, last)
					}
				}
			}
		}
	}
}

func TestHolesInHostileData(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, f := range hostileFlows(rng, false) {
		near := 16 << 10
		for range 40 {
			p := punch(t, f, lostSegments(rng, f), messages.PhaseUnknown)
			if last, n := p.missed(); last > near {
				t.Errorf("%s, hole %+v: %d messages missed, up to %d bytes after it", f.name, p.h, n, last)
			}
		}
	}
}

// Values that end with whole messages at the end of their own message cannot be
// told from messages if their beginning is lost: then some are reported.
func TestMessagesAtTheEndOfCutValuesAreRare(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	holes, deceived := 0, 0
	for _, f := range hostileFlows(rng, true) {
		truth := map[int]seen{}
		for _, w := range f.want {
			truth[w.at] = w
		}
		for range 40 {
			p := punchQuiet(t, f, lostSegments(rng, f), messages.PhaseUnknown)
			holes++
			for at, got := range p.whole {
				if truth[at] != got {
					deceived++
					break
				}
			}
		}
	}
	if deceived*50 > holes {
		t.Errorf("deceived after %d of %d holes", deceived, holes)
	}
	t.Logf("deceived after %d of %d holes", deceived, holes)
}

// startAt feeds at most limit bytes of a flow from an offset, as a capture that
// begins there, and checks that nothing is reported that is not there.
func startAt(t *testing.T, f *flow, from, limit int) (delivered, there int) {
	r := newRun(t, f.dir, messages.PhaseUnknown, StreamOptions{})
	r.s.MidStream()
	r.at = from
	at, end := 0, min(len(f.wire), from+limit)
	for _, n := range f.segments {
		if at+n > from && at < end {
			part := f.wire[max(at, from):min(at+n, end)]
			r.s.Feed(part)
			r.fed += len(part)
			r.drain()
		}
		at += n
	}
	r.end()
	i, _ := slices.BinarySearchFunc(f.want, from, func(s seen, at int) int { return s.at - at })
	for j := i; j < len(f.want) && f.want[j].at+f.want[j].size <= end; j++ {
		there++
	}
	for _, got := range r.frames {
		for i < len(f.want) && f.want[i].at < got.at {
			i++
		}
		if i == len(f.want) || f.want[i].at != got.at || f.want[i].size != got.size || !got.truncated && f.want[i] != got {
			t.Fatalf("%s, from %d: false message %v", f.name, from, got)
		}
		if !got.truncated {
			delivered++
		}
	}
	return delivered, there
}

func TestStartInTheMiddle(t *testing.T) {
	missed, starts := 0, 0
	for _, name := range captures {
		for _, f := range flowsOf(t, name) {
			step := 1 + len(f.wire)/2000
			for from := f.startup; from < len(f.wire); from += step {
				delivered, there := startAt(t, f, from, 12<<10)
				missed, starts = missed+there-delivered, starts+1
				if there > 20 && delivered < there {
					t.Errorf("%s, from %d: %d of %d messages found", f.name, from, delivered, there)
				}
			}
		}
	}
	if missed > starts/20 {
		t.Errorf("%d messages missed in %d starts", missed, starts)
	}
}

func TestStartInTheMiddleOfHostileData(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, f := range hostileFlows(rng, false) {
		for range 30 {
			// Where a segment begins, as captures do.
			startAt(t, f, lostSegments(rng, f).to, 20<<10)
		}
	}
}

func TestEveryHoleInOneMessage(t *testing.T) {
	row := (&messages.DataRow{Values: messages.MakeValues([]byte("one"), []byte("two"))}).Append(nil)
	ready := (&messages.ReadyForQuery{Status: 'I'}).Append(nil)
	wire := slices.Concat(ready, row, ready)
	at := len(ready)
	for from := at + standardHead; from < at+len(row); from++ {
		for to := from + 1; to <= at+len(row); to++ {
			r := newRun(t, messages.Backend, messages.PhaseReady, StreamOptions{})
			r.feed(wire[:from])
			r.s.Gap(to - from)
			r.drain()
			if !r.s.Synced() {
				t.Fatalf("hole %d to %d: not in step", from, to)
			}
			r.feed(wire[to:])
			want := []seen{
				{kind: messages.KindReadyForQuery, tag: 'Z', size: 6, body: "I"},
				{kind: messages.KindDataRow, tag: 'D', at: at, size: len(row), body: string(row[5 : from-at]), truncated: true, lost: to - from},
				{kind: messages.KindReadyForQuery, tag: 'Z', at: at + len(row), size: 6, body: "I"},
			}
			sameFrames(t, fmt.Sprintf("hole %d to %d", from, to), r.frames, want)
		}
	}
}

func TestHoleBeyondMessage(t *testing.T) {
	for _, c := range []struct {
		gaps       []int
		lost, skip int // of the row, and after it
	}{
		{[]int{-1}, 5, 0},
		{[]int{6}, 5, 1},
		{[]int{5, 3}, 5, 3},
		{[]int{2, 4}, 5, 1},
		{[]int{2, -1}, 5, 0},
		{[]int{6, 10}, 5, 11},
		{[]int{1 << 40}, 5, 1<<40 - 5},
	} {
		r := newRun(t, messages.Backend, messages.PhaseReady, StreamOptions{})
		r.feed([]byte("D\x00\x00\x00\x0b\x00\x01"))
		for _, n := range c.gaps {
			r.s.Gap(n)
		}
		r.feed([]byte("C\x00\x00\x00\x0dSELECT 1\x00Z\x00\x00\x00\x05I"))
		lost := 0
		for _, k := range r.skips {
			lost += k.Lost
			if k.Reason != SkipGap || k.Bytes != 0 {
				t.Errorf("gaps %v: %+v", c.gaps, k)
			}
		}
		if len(r.frames) != 3 || !r.frames[0].truncated || r.frames[0].lost != c.lost || r.frames[0].size != 12 || lost != c.skip {
			t.Errorf("gaps %v: frames %v, skips %v", c.gaps, r.frames, r.skips)
		}
	}
}
