package reassembly

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// segmentOf is fromgopacket.Segment, which stands above this package.
var segmentOf func(gopacket.NetworkLayer, *layers.TCP, gopacket.CaptureInfo) (Segment, bool)

// SetSegmentOf sets it.
func SetSegmentOf(f func(gopacket.NetworkLayer, *layers.TCP, gopacket.CaptureInfo) (Segment, bool)) {
	segmentOf = f
}

// readCapture returns the TCP segments of an Ethernet pcap of testdata.
func readCapture(t testing.TB, name string) []Segment {
	return readFile(t, filepath.Join("..", "..", "testdata", "pcaps", name+".pcap"))
}

func readFile(t testing.TB, path string) []Segment {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var segs []Segment
	for frame := uint64(1); ; frame++ {
		data, ci, err := r.ReadPacketData()
		if err != nil {
			break
		}
		p := gopacket.NewPacket(data, r.LinkType(), gopacket.NoCopy)
		tcp, ok := p.TransportLayer().(*layers.TCP)
		if !ok {
			continue
		}
		s, ok := segmentOf(p.NetworkLayer(), tcp, ci)
		if !ok {
			t.Fatalf("frame %d: not IP", frame)
		}
		s.At.Frame = frame
		segs = append(segs, s)
	}
	return segs
}

// streams keeps what each connection delivered, apart from the others. Turns
// are the alternations of direction: the order across the directions.
type streams struct {
	conns map[uint64]*stream
	order []uint64 // of Open
	t     testing.TB
}

type stream struct {
	a, b  Endpoint
	data  [2][]byte
	gaps  [2][]string
	turns []string // "A:10", "B:200", …: bytes in a row
	why   Reason
	stats [2]Stats
	mid   bool
	odd   int
	done  bool
}

func newStreams(t testing.TB) *streams {
	return &streams{conns: map[uint64]*stream{}, t: t}
}

func (s *streams) Open(c *Conn, _ Stamp) {
	if s.conns[c.ID] != nil {
		s.t.Fatalf("connection %d opened twice", c.ID)
	}
	s.conns[c.ID] = &stream{a: c.A, b: c.B, mid: c.MidStream}
	s.order = append(s.order, c.ID)
}

func (s *streams) get(c *Conn) *stream {
	st := s.conns[c.ID]
	if st == nil || st.done {
		s.t.Fatalf("event of connection %d, which is not open", c.ID)
	}
	return st
}

func (s *streams) Data(c *Conn, d Dir, b []byte, _ Stamp) {
	st := s.get(c)
	st.data[d] = append(st.data[d], b...)
	p, n := fmt.Sprintf("%c:", "AB"[d]), 0
	if k := len(st.turns); k > 0 && st.turns[k-1][:2] == p {
		fmt.Sscanf(st.turns[k-1][2:], "%d", &n)
		st.turns = st.turns[:k-1]
	}
	st.turns = append(st.turns, fmt.Sprintf("%s%d", p, n+len(b)))
}

func (s *streams) Gap(c *Conn, d Dir, n int64, _ Stamp) {
	st := s.get(c)
	st.gaps[d] = append(st.gaps[d], fmt.Sprintf("%d@%d", n, len(st.data[d])))
}

func (s *streams) HalfClose(c *Conn, d Dir, _ Stamp) {
	st := s.get(c)
	st.turns = append(st.turns, fmt.Sprintf("%c:fin", "AB"[d]))
}

func (s *streams) Anomaly(c *Conn, _ Dir, _ Anomaly, _ Stamp) { s.get(c).odd++ }

func (s *streams) Close(c *Conn, why Reason, _ Stamp) {
	st := s.get(c)
	st.why, st.stats, st.done = why, c.Stats, true
}

func assemble(t testing.TB, segs []Segment, cfg Config) *streams {
	t.Helper()
	s := newStreams(t)
	a := New(s, cfg)
	for i := range segs {
		a.Segment(&segs[i])
	}
	a.Flush()
	for id, st := range s.conns {
		if !st.done {
			t.Fatalf("connection %d not closed", id)
		}
	}
	return s
}

// same compares all that must not depend on how the packets came.
func (s *streams) same(t *testing.T, want *streams) {
	t.Helper()
	if len(s.order) != len(want.order) {
		t.Fatalf("%d connections, want %d", len(s.order), len(want.order))
	}
	for i, id := range want.order {
		w := want.conns[id]
		var g *stream
		for _, gid := range s.order { // the order of the SYNs may differ
			if c := s.conns[gid]; c.a == w.a && c.b == w.b && bytes.Equal(c.data[0], w.data[0]) {
				g = c
			}
		}
		if g == nil {
			t.Errorf("connection %d (%v) has no like", i+1, w.a)
			continue
		}
		for d := range 2 {
			if !bytes.Equal(g.data[d], w.data[d]) {
				t.Errorf("connection %d (%v) direction %d: %d bytes, want %d, or other ones", i+1, w.a, d, len(g.data[d]), len(w.data[d]))
			}
			if !slices.Equal(g.gaps[d], w.gaps[d]) {
				t.Errorf("connection %d (%v) direction %d: gaps %v, want %v", i+1, w.a, d, g.gaps[d], w.gaps[d])
			}
		}
		if !slices.Equal(g.turns, w.turns) {
			t.Errorf("connection %d (%v): the directions take turns\n %v, want\n %v", i+1, w.a, g.turns, w.turns)
		}
		if g.why != w.why || g.odd != w.odd {
			t.Errorf("connection %d (%v): ended by %v with %d anomalies, want %v with %d", i+1, w.a, g.why, g.odd, w.why, w.odd)
		}
	}
}
