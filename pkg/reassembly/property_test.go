package reassembly

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func rounds(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// Whatever disorder a capture has, as long as no byte is missing: exactly the
// bytes sent, in the order across the directions in which they were sent.
func TestPropertyNothingLost(t *testing.T) {
	for seed := range uint64(rounds(400)) {
		r := rand.New(rand.NewPCG(seed, 2))
		m := newModel(r, modelConfig{turns: 5 + r.IntN(150), wrap: seed%2 == 0, retransmit: seed%3 == 0})
		segs := m.segs
		if seed%5 > 1 {
			segs = doubleSome(r, segs)
		}
		segs = stampAll(jumble(r, segs, 1+r.IntN(8)))
		k := m.run(t, segs, true)
		if k.lost != [2]int{} || k.pos[0] != len(m.sent[0]) || k.pos[1] != len(m.sent[1]) || k.why != ByFIN {
			t.Fatalf("seed %d: delivered %v of %d and %d, lost %v, ended by %v", seed, k.pos, len(m.sent[0]), len(m.sent[1]), k.lost, k.why)
		}
	}
}

// With losses but no disorder, all that was captured is delivered, and all
// that was not is told: the FINs are there, so the ends are known.
func TestPropertyLoss(t *testing.T) {
	for seed := range uint64(rounds(400)) {
		r := rand.New(rand.NewPCG(seed, 3))
		m := newModel(r, modelConfig{turns: 5 + r.IntN(300), wrap: seed%2 == 0})
		rate := 2 + r.IntN(40)
		lost := [2]int{}
		i := 0
		segs := slices.DeleteFunc(slices.Clone(m.segs), func(s Segment) bool {
			i++
			if i <= 3 || s.Flags&FIN != 0 || r.IntN(rate) != 0 {
				return false
			}
			d := 0
			if s.Src.Port == 5432 {
				d = 1
			}
			lost[d] += len(s.Payload)
			return true
		})
		k := m.run(t, stampAll(segs), false)
		if k.lost != lost || k.pos[0] != len(m.sent[0]) || k.pos[1] != len(m.sent[1]) || k.why != ByFIN {
			t.Fatalf("seed %d: delivered or lost %v of %d and %d, lost %v of %v, ended by %v",
				seed, k.pos, len(m.sent[0]), len(m.sent[1]), k.lost, lost, k.why)
		}
	}
}

// Loss and disorder together: what is delivered is right at its place, and
// the sums are right; that is all that can be promised.
func TestPropertyLossAndDisorder(t *testing.T) {
	for seed := range uint64(rounds(400)) {
		r := rand.New(rand.NewPCG(seed, 4))
		m := newModel(r, modelConfig{turns: 5 + r.IntN(300), wrap: seed%2 == 0, retransmit: seed%3 == 0})
		i := 0
		segs := slices.DeleteFunc(doubleSome(r, m.segs), func(s Segment) bool {
			i++
			return i > 3 && s.Flags&FIN == 0 && r.IntN(20) == 0
		})
		k := m.run(t, stampAll(jumble(r, segs, 1+r.IntN(6))), false)
		if k.pos[0] != len(m.sent[0]) || k.pos[1] != len(m.sent[1]) || k.why != ByFIN {
			t.Fatalf("seed %d: delivered or lost %v of %d and %d, ended by %v", seed, k.pos, len(m.sent[0]), len(m.sent[1]), k.why)
		}
	}
}

// One direction only: nothing waits for the other.
func TestPropertyOneDirection(t *testing.T) {
	for seed := range uint64(rounds(200)) {
		r := rand.New(rand.NewPCG(seed, 5))
		m := newModel(r, modelConfig{turns: 5 + r.IntN(100), wrap: seed%2 == 0, retransmit: true})
		d := Dir(seed % 2)
		segs := slices.DeleteFunc(slices.Clone(m.segs), func(s Segment) bool { return (s.Src.Port == 5432) != (d == 1) })
		k := &checker{t: t, m: m}
		a := New(k, Config{})
		for i := range stampAll(segs) {
			a.Segment(&segs[i])
			if a.Queued() != 0 {
				t.Fatalf("seed %d: segment %d of one direction waits", seed, i)
			}
		}
		if k.pos[d] != len(m.sent[d]) || k.lost != [2]int{} || k.closed != 1 || k.why != ByFIN {
			t.Fatalf("seed %d: delivered %v of %d, lost %v, closed %d", seed, k.pos, len(m.sent[d]), k.lost, k.closed)
		}
	}
}
