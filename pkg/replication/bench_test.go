package replication

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// BenchmarkPositions follows physical WAL in pieces of the greatest size that a
// server sends, with positions and lag.
func BenchmarkPositions(b *testing.B) {
	s := NewStream(NewCatalog(), "h:1")
	s.Startup("")
	s.Begin("START_REPLICATION 0/0")
	data := walData(0, make([]byte, 128<<10))
	var lag Lag
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		m := s.Observe(messages.Backend, data, len(data))
		outer, _ := s.Latest()
		lag.Observe(&m, outer, 0)
	}
}

// BenchmarkChanges follows rows of some hundred bytes.
func BenchmarkChanges(b *testing.B) {
	c := newTalk(NewCatalog(), logicalStart)
	var sum Transactions
	all := [][]byte{walData(1, begin(1)), walData(1, relation())}
	wide := make([]byte, 80)
	for range 100 {
		all = append(all, walData(1, wire('I', i32(16385), 'N', row(text("1"), text(string(wide)), text("2026-01-01")))))
	}
	all = append(all, walData(1, commit()))
	n := 0
	for _, d := range all {
		n += len(d)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		for _, data := range all {
			m := c.Observe(messages.Backend, data, len(data))
			outer, inner := c.Latest()
			sum.Observe(&m, outer.(*WALData), inner, len(data), 0)
		}
	}
}
