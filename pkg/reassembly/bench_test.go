package reassembly

import (
	"fmt"
	"slices"
	"testing"
)

// The unit of all benchmarks is one segment.

func BenchmarkInOrder(b *testing.B) {
	for _, c := range []struct {
		name           string
		request, reply int
		conns          int
	}{
		{"small", 60, 120, 1},
		{"bulk", 60, 1448, 1},
		{"offloaded", 60, 32000, 1},
		{"100conns", 60, 120, 100},
		{"50000conns", 60, 120, 50000},
	} {
		b.Run(c.name, func(b *testing.B) {
			a := New(&counter{}, Config{})
			xs := make([]*exchange, c.conns)
			for i := range xs {
				xs[i] = newExchange(a, uint16(i+1024), c.request, c.reply)
			}
			b.ReportAllocs()
			b.SetBytes(int64(c.request+c.reply) / 3)
			for i := 0; b.Loop(); i++ {
				x := xs[i/3%c.conns]
				a.Segment(&x.segs[i%3])
				if i%3 == 2 {
					x.step()
				}
			}
		})
	}
}

func BenchmarkReplyFirst(b *testing.B) {
	a := New(&counter{}, Config{})
	x := newExchange(a, 40000, 60, 120)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Segment(&x.segs[[3]int{1, 0, 2}[i%3]])
		if i%3 == 2 {
			x.step()
		}
	}
}

func BenchmarkTwice(b *testing.B) {
	a := New(&counter{}, Config{})
	x := newExchange(a, 40000, 60, 120)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Segment(&x.segs[i/2%3])
		if i%6 == 5 {
			x.step()
		}
	}
}

func BenchmarkLoss(b *testing.B) {
	a := New(&counter{}, Config{})
	x := newExchange(a, 40000, 60, 1448)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%101 != 0 {
			a.Segment(&x.segs[i%3])
		}
		if i%3 == 2 {
			x.step()
		}
	}
}

// Connections of a handshake, one exchange and the end.
func BenchmarkShortConnections(b *testing.B) {
	a := New(&counter{}, Config{})
	segs := []Segment{}
	for _, s := range parseScript("HS; A 100 1000 PA select; B 1000 106 PA result; END 106 1006") {
		segs = append(segs, s.seg)
	}
	b.ReportAllocs()
	port := uint16(0)
	for i := 0; b.Loop(); i++ {
		s := segs[i%len(segs)]
		if i%len(segs) == 0 {
			port++
		}
		if s.Src.Port == 5432 {
			s.Dst.Port = port
		} else {
			s.Src.Port = port
		}
		a.Segment(&s)
	}
}

func BenchmarkCapture(b *testing.B) {
	segs := readCapture(b, "base_mix")
	swapped := readCapture(b, "v_ooo_adjacent")
	for name, s := range map[string][]Segment{"base_mix": segs, "v_ooo_adjacent": swapped} {
		b.Run(name, func(b *testing.B) {
			s := slices.Clone(s)
			a := New(&counter{}, Config{})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				a.Segment(&s[i%len(s)])
			}
		})
	}
}

// BenchmarkHardOrders has for each order the time of a segment among few and among
// many: they are alike where time is linear.
func BenchmarkHardOrders(b *testing.B) {
	for _, c := range hard {
		for _, n := range []int{30_000, 300_000} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				for b.Loop() {
					feedHard(c.seq, n, func(*Assembler) {})
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/segment")
			})
		}
	}
}
