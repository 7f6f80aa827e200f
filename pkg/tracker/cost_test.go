package tracker

import (
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// pgbench is a cycle of a prepared statement, as pgbench -M prepared runs it.
var pgbench = []struct {
	dir  messages.Direction
	kind messages.Kind
	body []byte
}{
	{messages.Frontend, messages.KindBind, []byte("\x00P0_1\x00\x00\x00\x00\x00\x00\x00")},
	{messages.Frontend, messages.KindDescribe, []byte("P\x00")},
	{messages.Frontend, messages.KindExecute, []byte("\x00\x00\x00\x00\x00")},
	{messages.Frontend, messages.KindSync, nil},
	{messages.Backend, messages.KindBindComplete, nil},
	{messages.Backend, messages.KindRowDescription, []byte("\x00\x00")},
	{messages.Backend, messages.KindDataRow, []byte("\x00\x00")},
	{messages.Backend, messages.KindCommandComplete, []byte("SELECT 1\x00")},
	{messages.Backend, messages.KindReadyForQuery, []byte("I")},
}

func runPgbench(t testing.TB, tr *Tracker) {
	for i := range pgbench {
		m := &pgbench[i]
		if s := tr.Observe(m.dir, m.kind, m.body); s.Anomaly != nil {
			t.Fatal(s.Anomaly)
		}
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	var tr Tracker
	tr.SetPhase(messages.PhaseReady)
	if n := testing.AllocsPerRun(1000, func() { runPgbench(t, &tr) }); n != 0 {
		t.Errorf("a cycle allocates %v times", n)
	}
}

func TestMachinesAllocateNothing(t *testing.T) {
	p := newPair(InPhase(messages.PhaseReady))
	type sent struct {
		dir messages.Direction
		m   messages.Message
	}
	var cycle []sent
	for _, b := range pgbench {
		m := b.kind.New()
		if err := m.Decode(b.body); err != nil {
			t.Fatal(b.kind, err)
		}
		cycle = append(cycle, sent{b.dir, m})
	}
	n := testing.AllocsPerRun(1000, func() {
		for _, c := range cycle {
			var err error
			if c.dir == messages.Frontend {
				err = p.frontend.Send(c.m)
			} else {
				err = p.frontend.Receive(c.m)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if n != 0 {
		t.Errorf("a cycle allocates %v times", n)
	}
}

// A deep pipeline takes the memory of its depth and no allocation a message once
// the queue has grown.
func TestDeepPipelines(t *testing.T) {
	const depth = 20000
	var tr Tracker
	tr.SetPhase(messages.PhaseReady)
	pipeline(&tr, depth)
	if n := testing.AllocsPerRun(3, func() { pipeline(&tr, depth) }); n != 0 {
		t.Errorf("%v allocations for %d requests", n, depth)
	}
	if tr.Outstanding() != 0 {
		t.Errorf("%d requests are outstanding", tr.Outstanding())
	}
}

// pipeline sends depth requests, and then their replies.
func pipeline(tr *Tracker, depth int) {
	for range depth {
		tr.ObserveFacts(messages.Frontend, messages.KindExecute, Facts{})
	}
	for range depth {
		tr.ObserveFacts(messages.Backend, messages.KindCommandComplete, Facts{})
	}
}

// BenchmarkPipeline is for comparison: a message costs as much in a deep pipeline
// as in a shallow one.
func BenchmarkPipeline(b *testing.B) {
	for _, depth := range []int{100, 20000} {
		b.Run(fmt.Sprint(depth), func(b *testing.B) {
			var tr Tracker
			tr.SetPhase(messages.PhaseReady)
			for b.Loop() {
				for range 20000 / depth {
					pipeline(&tr, depth)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/40000, "ns/message")
		})
	}
}

func BenchmarkObserve(b *testing.B) {
	var tr Tracker
	tr.SetPhase(messages.PhaseReady)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		m := &pgbench[n]
		tr.Observe(m.dir, m.kind, m.body)
		if n++; n == len(pgbench) {
			n = 0
		}
	}
}
