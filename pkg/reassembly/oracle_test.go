package reassembly

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	oracle "github.com/google/gopacket/reassembly"
)

// Differential tests against gopacket's reassembly package. It is right, and so
// must agree, where sequence numbers do not wrap (it is off by one there), the
// handshake is captured, endpoints are not used again, and losses come without
// disorder. It knows no order across the directions, so only bytes are
// compared. Its older tcpassembly package cannot be in the same program, both
// define the same flags: see internal/test/tcpassemblytest.

// oracleResult is what one engine made of each direction; missing bytes are
// counted and marked by '?' in the data.
type oracleResult struct {
	data [2][]byte
	lost [2]int
	mark [2]int // length of data after the latest gap
}

func (o *oracleResult) add(d int, skip int, b []byte) {
	if skip > 0 {
		o.lost[d] += skip
		if o.mark[d] == 0 || o.mark[d] != len(o.data[d]) { // else one hole told in parts
			o.data[d] = append(o.data[d], '?')
			o.mark[d] = len(o.data[d])
		}
	}
	o.data[d] = append(o.data[d], b...)
}

func (s *Segment) layers() (gopacket.Flow, *layers.TCP) {
	src, dst := s.Src.Addr.Addr().As4(), s.Dst.Addr.Addr().As4()
	flow := gopacket.NewFlow(layers.EndpointIPv4, src[:], dst[:])
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(s.Src.Port), DstPort: layers.TCPPort(s.Dst.Port),
		Seq: s.Seq, Ack: s.Ack, DataOffset: 5, Window: s.Window,
		FIN: s.Flags&FIN != 0, SYN: s.Flags&SYN != 0, RST: s.Flags&RST != 0,
		PSH: s.Flags&PSH != 0, ACK: s.Flags&ACK != 0,
		BaseLayer: layers.BaseLayer{Payload: s.Payload},
	}
	tcp.SetInternalPortsForTesting()
	return flow, tcp
}

// reassemblyOracle is gopacket's reassembly package.
type reassemblyOracle struct{ oracleResult }

func (o *reassemblyOracle) New(_, _ gopacket.Flow, _ *layers.TCP, _ oracle.AssemblerContext) oracle.Stream {
	return o
}

func (o *reassemblyOracle) Accept(*layers.TCP, gopacket.CaptureInfo, oracle.TCPFlowDirection, oracle.Sequence, *bool, oracle.AssemblerContext) bool {
	return true
}

func (o *reassemblyOracle) ReassembledSG(sg oracle.ScatterGather, _ oracle.AssemblerContext) {
	dir, _, _, skip := sg.Info()
	d := 0
	if dir == oracle.TCPDirServerToClient {
		d = 1
	}
	n, _ := sg.Lengths()
	o.add(d, skip, sg.Fetch(n))
}

func (o *reassemblyOracle) ReassemblyComplete(oracle.AssemblerContext) bool { return true }

type oracleContext gopacket.CaptureInfo

func (c *oracleContext) GetCaptureInfo() gopacket.CaptureInfo { return gopacket.CaptureInfo(*c) }

func runReassembly(segs []Segment) oracleResult {
	o := &reassemblyOracle{}
	a := oracle.NewAssembler(oracle.NewStreamPool(o))
	for i := range segs {
		flow, tcp := segs[i].layers()
		a.AssembleWithContext(flow, tcp, &oracleContext{Timestamp: time.Unix(0, segs[i].At.Time)})
	}
	a.FlushAll()
	return o.oracleResult
}

// ours collects the same from our engine.
type ours struct{ oracleResult }

func (o *ours) Open(*Conn, Stamp)                      {}
func (o *ours) Data(_ *Conn, d Dir, b []byte, _ Stamp) { o.add(int(d), 0, b) }
func (o *ours) Gap(_ *Conn, d Dir, n int64, _ Stamp)   { o.add(int(d), int(n), nil) }
func (o *ours) Close(*Conn, Reason, Stamp)             {}
func (o *oracleResult) same(w *oracleResult) (d int, ok bool) {
	for d := range 2 {
		if !bytes.Equal(o.data[d], w.data[d]) || o.lost[d] != w.lost[d] {
			return d, false
		}
	}
	return 0, true
}

func TestAgainstOracles(t *testing.T) {
	disturb := map[string]func(r *rand.Rand, segs []Segment) []Segment{
		"in order":  func(_ *rand.Rand, s []Segment) []Segment { return s },
		"disorder":  func(r *rand.Rand, s []Segment) []Segment { return jumble(r, s, 8) },
		"doubled":   doubleSome,
		"both":      func(r *rand.Rand, s []Segment) []Segment { return jumble(r, doubleSome(r, s), 5) },
		"with loss": loseSome,
	}
	for name, do := range disturb {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(rounds(100)) {
				r := rand.New(rand.NewPCG(seed, 6))
				m := newModel(r, modelConfig{turns: 5 + r.IntN(100), retransmit: name != "with loss" && seed%2 == 0})
				// What comes after a FIN opens ghosts there, so the end stays as it is,
				// and goes without the last acknowledgment.
				n := len(m.segs) - 3
				segs := stampAll(append(do(r, slices.Clone(m.segs[:n])), m.segs[n:n+2]...))
				o := &ours{}
				a := New(o, Config{})
				for i := range segs {
					a.Segment(&segs[i])
				}
				a.Flush()
				w := runReassembly(segs)
				if d, ok := o.same(&w); !ok {
					t.Errorf("seed %d, direction %d: %d bytes and %d lost; reassembly: %d and %d",
						seed, d, len(o.data[d]), o.lost[d], len(w.data[d]), w.lost[d])
				}
			}
		})
	}
}

// loseSome drops segments with text after the handshake, but none at the end
// of a direction: reassembly does not tell of a hole that only a FIN follows.
func loseSome(r *rand.Rand, segs []Segment) []Segment {
	last := map[uint16]int{}
	for i, s := range segs {
		if len(s.Payload) > 0 {
			last[s.Src.Port] = i
		}
	}
	i := -1
	return slices.DeleteFunc(segs, func(s Segment) bool {
		i++
		return len(s.Payload) > 0 && i != last[s.Src.Port] && r.IntN(15) == 0
	})
}
