package codec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// hole is a part of a flow that is not fed.
type hole struct {
	from, to int
	unknown  bool // its size is not told
}

// punched is what came of a flow with a hole in it.
type punched struct {
	*run
	f       *flow
	h       hole
	present int // bytes reported that were there
	whole   map[int]seen
	partial []seen
}

// offset is that in the whole flow of the next byte to be reported.
func (p *punched) offset() int {
	if p.present >= p.h.from {
		return p.present + p.h.to - p.h.from
	}
	return p.present
}

func (p *punched) collect() {
	for ; len(p.frames) > 0; p.frames = p.frames[1:] {
		got := p.frames[0]
		got.at = p.offset()
		// What the end of the flow cuts off was neither there nor lost.
		p.present = min(p.present+got.size-got.lost, p.fed)
		if got.truncated {
			p.partial = append(p.partial, got)
		} else {
			p.whole[got.at] = got
		}
	}
}

// punch feeds a flow with a hole, in its own segments, and checks that nothing
// is reported that is not there.
func punch(t testing.TB, f *flow, h hole, after messages.Phase) *punched {
	p := punchQuiet(t, f, h, after)
	p.check()
	return p
}

func punchQuiet(t testing.TB, f *flow, h hole, after messages.Phase) *punched {
	p := &punched{run: newRun(t, f.dir, 0, StreamOptions{}), f: f, h: h, whole: map[int]seen{}}
	p.phase = func(int) messages.Phase {
		if at := p.offset(); at < h.from {
			return f.phaseAt(at)
		}
		return after
	}
	at, gone := 0, false
	for _, n := range f.segments {
		from, to := at, at+n
		at = to
		if from < h.from {
			p.feedPart(from, min(to, h.from))
		}
		if to >= h.from && !gone {
			gone = true
			size := h.to - h.from
			if h.unknown {
				size = -1
			}
			p.s.Gap(size)
			p.drainPart()
		}
		if to > h.to {
			p.feedPart(max(from, h.to), to)
		}
	}
	p.endPart()
	return p
}

func (p *punched) feedPart(from, to int) {
	p.s.Feed(p.f.wire[from:to])
	p.fed += to - from
	p.drainPart()
}

func (p *punched) drainPart() {
	for {
		res := p.s.Next(p.phase(0))
		if res == NeedMore {
			return
		}
		p.record(res)
	}
}

func (p *punched) endPart() {
	for {
		res := p.s.End()
		if res == NeedMore {
			return
		}
		p.record(res)
	}
}

func (p *punched) record(res Result) {
	if res == SkipReady {
		k := p.s.Skip()
		p.skips = append(p.skips, k)
		p.present += k.Bytes
		return
	}
	p.take(res)
	p.collect()
}

func (p *punched) check() {
	p.t.Helper()
	what := fmt.Sprintf("%s, hole %+v of %d", p.f.name, p.h, len(p.f.wire))
	if p.present != p.fed {
		p.t.Fatalf("%s: %d bytes reported, %d fed; skips %v", what, p.present, p.fed, p.skips)
	}
	truth := map[int]seen{}
	for _, w := range p.f.want {
		truth[w.at] = w
	}
	for at, got := range p.whole {
		if want, ok := truth[at]; !ok || got != want {
			p.t.Errorf("%s: false message %v %q,\ntruth there: %v", what, got, got.body, want)
		}
	}
	for _, got := range p.partial {
		want, ok := truth[got.at]
		if !ok || got.size != want.size || got.tag != want.tag || !strings.HasPrefix(want.body, got.body) ||
			got.at >= p.h.from || got.at+got.size <= p.h.from {
			p.t.Errorf("%s: false truncated message %v,\ntruth there: %v", what, got, want)
		}
	}
}

// missed is how many bytes after the hole belong to messages wholly after it
// that were not delivered, up to the last such.
func (p *punched) missed() (last, frames int) {
	for _, w := range p.f.want {
		if _, ok := p.whole[w.at]; ok || w.at < p.h.to && w.at+w.size > p.h.from {
			continue
		}
		last, frames = w.at+w.size-p.h.to, frames+1
	}
	return last, frames
}
