package tcpassemblytest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/google/gopacket/tcpassembly"

	"github.com/pgsniff/pgsniff/pkg/fromgopacket"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// packet is one TCP segment for both engines.
type packet struct {
	flow gopacket.Flow
	tcp  *layers.TCP
	ci   gopacket.CaptureInfo
	seg  reassembly.Segment
}

func read(t *testing.T, name string) []packet {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "pcaps", name+".pcap"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var out []packet
	for frame := uint64(1); ; frame++ {
		data, ci, err := r.ReadPacketData()
		if err != nil {
			return out
		}
		p := gopacket.NewPacket(data, r.LinkType(), gopacket.Default)
		tcp, ok := p.TransportLayer().(*layers.TCP)
		if !ok {
			continue
		}
		seg, ok := fromgopacket.Segment(p.NetworkLayer(), tcp, ci)
		if !ok {
			t.Fatalf("%s: frame %d: no segment", name, frame)
		}
		seg.At.Frame = frame
		out = append(out, packet{p.NetworkLayer().NetworkFlow(), tcp, ci, seg})
	}
}

// direction is one half of a connection by its ends.
type direction struct{ src, dst reassembly.Endpoint }

// result is the bytes of each direction, with a ? for a gap.
type result map[direction][]byte

func (r result) add(d direction, b ...byte) { r[d] = append(r[d], b...) }

type oracle struct {
	dirs map[[2]gopacket.Flow]direction
	data result
}

func (o *oracle) New(network, transport gopacket.Flow) tcpassembly.Stream {
	return &stream{o, o.dirs[[2]gopacket.Flow{network, transport}]}
}

type stream struct {
	o *oracle
	d direction
}

func (s *stream) Reassembled(rs []tcpassembly.Reassembly) {
	for _, r := range rs {
		if r.Skip != 0 {
			s.o.data.add(s.d, '?')
		}
		s.o.data.add(s.d, r.Bytes...)
	}
}

func (s *stream) ReassemblyComplete() {}

func runOracle(packets []packet) result {
	o := &oracle{map[[2]gopacket.Flow]direction{}, result{}}
	a := tcpassembly.NewAssembler(tcpassembly.NewStreamPool(o))
	for _, p := range packets {
		o.dirs[[2]gopacket.Flow{p.flow, p.tcp.TransportFlow()}] = direction{p.seg.Src, p.seg.Dst}
		a.AssembleWithTimestamp(p.flow, p.tcp, p.ci.Timestamp)
	}
	a.FlushAll()
	return o.data
}

type handler struct{ data result }

func directionOf(c *reassembly.Conn, d reassembly.Dir) direction {
	if d == 0 {
		return direction{c.A, c.B}
	}
	return direction{c.B, c.A}
}

func (handler) Open(*reassembly.Conn, reassembly.Stamp)                     {}
func (handler) Close(*reassembly.Conn, reassembly.Reason, reassembly.Stamp) {}

func (h handler) Data(c *reassembly.Conn, d reassembly.Dir, b []byte, _ reassembly.Stamp) {
	h.data.add(directionOf(c, d), b...)
}

func (h handler) Gap(c *reassembly.Conn, d reassembly.Dir, _ int64, _ reassembly.Stamp) {
	h.data.add(directionOf(c, d), '?')
}

func runOurs(packets []packet) result {
	h := handler{result{}}
	a := reassembly.New(h, reassembly.Config{})
	for i := range packets {
		a.Segment(&packets[i].seg)
	}
	a.Flush()
	return h.data
}

func TestAgainstTCPAssembly(t *testing.T) {
	disturb := map[string]func(r *rand.Rand, p []packet) []packet{
		"as captured": func(_ *rand.Rand, p []packet) []packet { return p },
		"swapped": func(r *rand.Rand, p []packet) []packet {
			for i := 1; i < len(p); i++ {
				if r.IntN(5) == 0 {
					p[i-1], p[i] = p[i], p[i-1]
				}
			}
			return p
		},
		"doubled": func(_ *rand.Rand, p []packet) []packet {
			var out []packet
			for _, x := range p {
				out = append(out, x, x)
			}
			return out
		},
		"lost": func(r *rand.Rand, p []packet) []packet {
			return slices.DeleteFunc(p, func(x packet) bool {
				return len(x.seg.Payload) > 0 && !x.tcp.FIN && r.IntN(30) == 0
			})
		},
	}
	for _, name := range []string{"base_mix", "v_ooo_adjacent", "one_byte_segments"} {
		packets := read(t, name)
		for how, do := range disturb {
			t.Run(name+" "+how, func(t *testing.T) {
				for seed := range uint64(5) {
					p := do(rand.New(rand.NewPCG(seed, 7)), slices.Clone(packets))
					compare(t, p, runOurs(p), runOracle(p))
				}
			})
		}
	}
}

func compare(t *testing.T, p []packet, got, want result) {
	t.Helper()
	for _, d := range []result{got, want} {
		for k, b := range d {
			d[k] = bytes.TrimRight(collapse(b), "?")
		}
	}
	for d, w := range want {
		if !bytes.Equal(got[d], w) {
			t.Errorf("%d packets: %v: %d bytes, tcpassembly has %d", len(p), d, len(got[d]), len(w))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d packets: %d directions, tcpassembly has %d", len(p), len(got), len(want))
	}
}

// collapse joins gaps that follow each other, and tcpassembly tells of none at
// the end.
func collapse(b []byte) []byte {
	return regexp.MustCompile(`\?+`).ReplaceAll(b, []byte("?"))
}
