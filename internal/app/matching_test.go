package app

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

func byTime(list []capture.Packet) {
	slices.SortStableFunc(list, func(a, b capture.Packet) int { return int(a.Time - b.Time) })
}

func pairOf(n int) analyze.Pair {
	return analyze.Pair{{Addr: reassembly.Addr{Lo: uint64(n)}, Port: 1}, {Port: 2}}
}

// TestMatchingBounds holds more than may be held: the first packets and the
// latest stay, and what went is counted where it would have been written.
func TestMatchingBounds(t *testing.T) {
	var got []int64
	m := newMatching(func(p *capture.Packet) error {
		if !bytes.Equal(p.Data, bytes.Repeat([]byte{byte(p.Time)}, 1000)) || p.OrigLen != 1500 || p.Interface != 3 || p.LinkType != 276 {
			t.Errorf("packet %d came out as another: %+v", p.Time, p)
		}
		got = append(got, p.Time)
		return nil
	})
	const packets = 5000
	for _, conn := range []int{1, 2} {
		for i := range int64(packets) {
			m.hold(m.conn(pairOf(conn), uint64(conn)), &capture.Packet{
				Time: i, Data: bytes.Repeat([]byte{byte(i)}, 1000), OrigLen: 1500, Interface: 3, LinkType: 276,
			})
			if k := m.conns[uint64(conn)]; len(k.head)+len(k.tail) > maxKeptConn {
				t.Fatalf("%d bytes are held", len(k.head)+len(k.tail))
			}
		}
	}
	m.matches = []uint64{1}
	if err := m.settle(); err != nil {
		t.Fatal(err)
	}
	head := maxKeptHead / (1000 + keptHeader)
	if len(got) < 1000 || got[head-1] != int64(head-1) || got[head] == int64(head) || got[len(got)-1] != packets-1 {
		t.Errorf("%d packets: %v … %v", len(got), got[:head+1], got[len(got)-1])
	}
	if !slices.IsSorted(got) || m.letGo != packets-uint64(len(got)) {
		t.Errorf("%d packets written, %d let go, of %d", len(got), m.letGo, packets)
	}
	m.ends = []uint64{2}
	if err := m.settle(); err != nil || m.size != len(m.pairs)*pairCost {
		t.Errorf("%d bytes are held for nothing: %v", m.size, err)
	}
}

// TestMatchingTotal bounds all connections together, in memory and number.
func TestMatchingTotal(t *testing.T) {
	m := newMatching(func(*capture.Packet) error { return nil })
	data := make([]byte, 500_000)
	for n := range 400 {
		m.hold(m.conn(pairOf(n), uint64(n+1)), &capture.Packet{Data: data})
		if m.size > maxKept+len(data) { // the memory of one more may be larger than what it is for
			t.Fatalf("%d bytes are held", m.size)
		}
	}
	for n := range maxKeptPairs + 1000 {
		m.conn(pairOf(n), 0)
	}
	if len(m.pairs) > maxKeptPairs || len(m.conns) > maxKeptPairs {
		t.Errorf("%d pairs, %d connections", len(m.pairs), len(m.conns))
	}
	sum := len(m.pairs) * pairCost
	for _, k := range m.pairs {
		if sum += k.cost[0] + k.cost[1]; k.cost[0] != cap(k.head) || k.cost[1] != cap(k.tail) {
			t.Fatalf("%d and %d bytes are charged as %d", cap(k.head), cap(k.tail), k.cost)
		}
	}
	if sum != m.size {
		t.Errorf("%d bytes are held, %d are counted", sum, m.size)
	}
}

// TestMatchingReuse tells connections of one pair of addresses apart.
func TestMatchingReuse(t *testing.T) {
	var got []int64
	m := newMatching(func(p *capture.Packet) error { got = append(got, p.Time); return nil })
	m.hold(m.conn(pairOf(1), 0), &capture.Packet{Time: 1}) // not yet known
	m.hold(m.conn(pairOf(1), 5), &capture.Packet{Time: 2})
	m.hold(m.conn(pairOf(1), 6), &capture.Packet{Time: 3}) // the next one
	m.matches = []uint64{5, 6}
	if err := m.settle(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []int64{3}) {
		t.Errorf("written: %v", got)
	}
}
