package tracker

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// cycles are what the two sides send at once, some of it usual and some not.
var cycles = [2][][]messages.Kind{
	messages.Frontend: {
		{messages.KindQuery},
		{messages.KindSync},
		{messages.KindParse, messages.KindSync},
		{messages.KindBind, messages.KindExecute, messages.KindSync},
		{messages.KindBind, messages.KindDescribe, messages.KindExecute, messages.KindSync},
		{messages.KindParse, messages.KindDescribe, messages.KindBind, messages.KindExecute, messages.KindSync},
		{messages.KindParse, messages.KindBind, messages.KindExecute},
		{messages.KindBind, messages.KindExecute, messages.KindExecute, messages.KindSync},
		{messages.KindClose, messages.KindSync},
		{messages.KindCopyData, messages.KindCopyDone},
		{messages.KindQuery, messages.KindQuery},
		{messages.KindFlush, messages.KindTerminate},
	},
	messages.Backend: {
		{messages.KindReadyForQuery},
		{messages.KindCommandComplete, messages.KindReadyForQuery},
		{messages.KindRowDescription, messages.KindDataRow, messages.KindCommandComplete, messages.KindReadyForQuery},
		{messages.KindParseComplete, messages.KindReadyForQuery},
		{messages.KindBindComplete, messages.KindDataRow, messages.KindCommandComplete, messages.KindReadyForQuery},
		{messages.KindBindComplete, messages.KindNoData, messages.KindCommandComplete, messages.KindReadyForQuery},
		{messages.KindBindComplete, messages.KindRowDescription, messages.KindDataRow, messages.KindPortalSuspended, messages.KindReadyForQuery},
		{
			messages.KindParseComplete, messages.KindParameterDescription, messages.KindRowDescription,
			messages.KindBindComplete, messages.KindCommandComplete, messages.KindReadyForQuery,
		},
		{messages.KindBindComplete, messages.KindErrorResponse, messages.KindReadyForQuery},
		{messages.KindRowDescription, messages.KindDataRow, messages.KindErrorResponse, messages.KindReadyForQuery},
		{messages.KindEmptyQueryResponse, messages.KindReadyForQuery},
		{messages.KindCopyInResponse},
		{messages.KindNoticeResponse, messages.KindCommandComplete, messages.KindReadyForQuery},
		{messages.KindReadyForQuery, messages.KindReadyForQuery},
		{messages.KindDataRow, messages.KindDataRow},
	},
}

// cycleOf returns the Cycle of kinds, made once, nil if it is not a usual one.
func cycleOf(known map[string]*cycle, d messages.Direction, kinds []messages.Kind) *cycle {
	name := fmt.Sprint(kinds)
	c, ok := known[name]
	if !ok {
		if c = requestCycle(kinds); d == messages.Backend {
			c = replyCycle(kinds)
		}
		known[name] = c
	}
	return c
}

// observeAll is what a cycle taken at once stands for.
func observeAll(t *Tracker, d messages.Direction, kinds []messages.Kind, status byte) (steps []Step) {
	for _, k := range kinds {
		steps = append(steps, t.ObserveFacts(d, k, Facts{Status: status}))
	}
	return steps
}

// same compares two trackers but for where in its ring the queue lies.
func same(a, b *Tracker) bool {
	p, q := *a, *b
	a, b = &p, &q
	for _, t := range []*Tracker{a, b} {
		t.q.ring = append([]pending(nil), t.q.ring...)
		t.spread()
	}
	if a.q.n != b.q.n {
		return false
	}
	for i := range a.q.n {
		p, q := *a.q.at(i), *b.q.at(i)
		if p.seq, q.seq = 0, 0; p != q { // what is taken at once has no numbers
			return false
		}
	}
	x, y := *a, *b
	x.q, y.q = queue{}, queue{}
	x.seq, x.hit, y.seq, y.hit = 0, 0, 0, 0
	return reflect.DeepEqual(x, y)
}

// A cycle taken at once leaves the tracker as its messages one by one, and one
// that is refused leaves it as it was.
func TestCyclesAtOnce(t *testing.T) {
	taken := [2]int{}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 0))
		var single, whole Tracker
		known := [2]map[string]*cycle{{}, {}}
		start := messages.PhaseReady
		if seed%4 == 0 {
			start = messages.PhaseUnknown
		}
		single.SetPhase(start)
		whole.SetPhase(start)
		for step := range 40 {
			if r.IntN(30) == 0 {
				d := messages.Direction(r.IntN(2))
				single.Gap(d)
				whole.Gap(d)
			}
			d := messages.Direction(step & 1)
			if r.IntN(8) == 0 {
				d = 1 - d
			}
			kinds := cycles[d][r.IntN(len(cycles[d]))]
			if d == messages.Backend && r.IntN(2) == 0 {
				kinds = fitting(&single, kinds)
			}
			status := "ITIE?"[r.IntN(5)]
			before := whole
			before.q.ring = append([]pending(nil), whole.q.ring...)
			steps := make([]Step, len(kinds))
			var exchange uint64
			ok := false
			if made := cycleOf(known[d], d, kinds); made != nil {
				into := steps
				if seed%2 == 0 {
					into = nil
				}
				if d == messages.Frontend {
					exchange, ok = whole.sendCycle(made, into)
				} else {
					exchange, ok = whole.replyCycle(made, status, into)
				}
			}
			if !ok && !same(&whole, &before) {
				t.Fatalf("seed %d, step %d: %v %v was refused and changed the tracker", seed, step, d, kinds)
			}
			want := observeAll(&single, d, kinds, status)
			if ok {
				taken[d]++
				if exchange != want[0].Exchange || seed%2 == 1 && !reflect.DeepEqual(steps, want) {
					t.Fatalf("seed %d, step %d: %v %v is of exchange %d: %+v, want %+v", seed, step, d, kinds, exchange, steps, want)
				}
			} else {
				observeAll(&whole, d, kinds, status)
			}
			if !same(&single, &whole) {
				t.Fatalf("seed %d, step %d: after %v %v (at once: %v)\n%+v, want\n%+v", seed, step, d, kinds, ok, whole, single)
			}
		}
	}
	if taken[0] < 1000 || taken[1] < 1000 {
		t.Errorf("only %v cycles were taken at once", taken)
	}
}

// fitting looks for replies that answer what is outstanding, kinds if there are none.
func fitting(t *Tracker, kinds []messages.Kind) []messages.Kind {
	if t.q.n == 0 {
		return kinds
	}
	for _, c := range cycles[messages.Backend] {
		if made := replyCycle(c); made != nil && t.answers(made, nil) {
			return c
		}
	}
	return kinds
}
