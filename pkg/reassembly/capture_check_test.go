package reassembly

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCaptureSwapped(t *testing.T) {
	want := assemble(t, readCapture(t, "base_mix"), Config{})
	assemble(t, readCapture(t, "v_ooo_adjacent"), Config{}).same(t, want)
}

// Real traffic, disturbed: what comes out must not change.
func TestCaptureDisturbed(t *testing.T) {
	for _, name := range []string{"base_mix", "one_byte_segments"} {
		segs := readCapture(t, name)
		want := assemble(t, segs, Config{})
		for _, d := range []struct {
			name string
			do   func(r *rand.Rand, s []Segment) []Segment
		}{
			{"swapped", swapAdjacent},
			{"twice", duplicateAll},
			{"retransmitted", retransmitSome},
			{"wrapping", renumber},
			{"without SYN", func(_ *rand.Rand, s []Segment) []Segment {
				return slices.DeleteFunc(s, func(s Segment) bool { return s.Flags&SYN != 0 })
			}},
			{"times back", func(r *rand.Rand, s []Segment) []Segment {
				for i := range s {
					if r.IntN(20) == 0 {
						s[i].At.Time -= 5e9
					}
				}
				return s
			}},
			{"wrapping, retransmitted, swapped", func(r *rand.Rand, s []Segment) []Segment {
				return swapAdjacent(r, retransmitSome(r, renumber(r, s)))
			}},
		} {
			t.Run(name+" "+d.name, func(t *testing.T) {
				for seed := range uint64(20) {
					r := rand.New(rand.NewPCG(seed, 1))
					assemble(t, d.do(r, slices.Clone(segs)), Config{}).same(t, want)
				}
			})
		}
	}
}

func swapAdjacent(r *rand.Rand, s []Segment) []Segment {
	for i := 1; i < len(s); i++ {
		if r.IntN(5) == 0 {
			s[i-1], s[i] = s[i], s[i-1]
			i++
		}
	}
	return s
}

func duplicateAll(_ *rand.Rand, s []Segment) []Segment {
	var out []Segment
	for _, x := range s {
		out = append(out, x, x)
	}
	return out
}

func retransmitSome(r *rand.Rand, s []Segment) []Segment {
	var out []Segment
	for i, x := range s {
		out = append(out, x)
		if r.IntN(6) == 0 {
			out = append(out, s[r.IntN(i+1)])
		}
	}
	// A SYN after its connection's end begins it again, so none comes late.
	seen := map[Endpoint]int{}
	return slices.DeleteFunc(out, func(x Segment) bool {
		if x.Flags&SYN == 0 || x.Flags&ACK != 0 {
			return false
		}
		seen[x.Src]++
		return seen[x.Src] > 1
	})
}

// renumber lets every direction wrap soon after its beginning.
func renumber(r *rand.Rand, s []Segment) []Segment {
	type pair struct{ a, b Endpoint }
	shift := map[pair]uint32{}
	for _, x := range s {
		if x.Flags&SYN != 0 {
			shift[pair{x.Src, x.Dst}] = -x.Seq - 1 - r.Uint32N(3000)
		}
	}
	for i := range s {
		x := &s[i]
		x.Seq += shift[pair{x.Src, x.Dst}]
		if x.Flags&ACK != 0 {
			x.Ack += shift[pair{x.Dst, x.Src}]
		}
	}
	return s
}

// A link that lost, doubled and reordered packets, with the kernels' own
// retransmissions: everything was delivered in the end, and no byte is missing.
func TestCaptureLossyLink(t *testing.T) {
	s := assemble(t, readCapture(t, "lossy_real_server"), Config{})
	for _, id := range s.order {
		st := s.conns[id]
		if st.why != ByFIN || st.odd != 0 || len(st.gaps[0])+len(st.gaps[1]) != 0 {
			t.Errorf("connection %d: ended by %v, %d anomalies, gaps %v", id, st.why, st.odd, st.gaps)
		}
		if st.stats[0].Retransmitted+st.stats[1].Retransmitted == 0 {
			t.Errorf("connection %d: no retransmissions seen", id)
		}
	}
}

func TestCapturePortReuse(t *testing.T) {
	s := assemble(t, readCapture(t, "port_reuse"), Config{})
	var ends []Reason
	for _, id := range s.order {
		ends = append(ends, s.conns[id].why)
	}
	if want := []Reason{ByRST, ByFIN, ByRST, ByFIN}; !slices.Equal(ends, want) {
		t.Errorf("connections ended by %v, want %v", ends, want)
	}
}

func TestCaptureReset(t *testing.T) {
	s := assemble(t, readCapture(t, "client_rst"), Config{})
	var ends []Reason
	for _, id := range s.order {
		ends = append(ends, s.conns[id].why)
	}
	if want := []Reason{ByRST, ByRST, ByRST, ByFIN}; !slices.Equal(ends, want) {
		t.Errorf("connections ended by %v, want %v", ends, want)
	}
}

// Every packet dropped in turn: what is left is delivered with a gap of the
// right size in the right place, and order across the directions as it was.
func TestCaptureOneLost(t *testing.T) {
	segs := readCapture(t, "base_mix")
	want := assemble(t, segs, Config{})
	for i := range segs {
		if len(segs[i].Payload) == 0 {
			continue
		}
		got := assemble(t, slices.Delete(slices.Clone(segs), i, i+1), Config{})
		if len(got.order) != len(want.order) {
			t.Fatalf("without segment %d: %d connections", i, len(got.order))
		}
		for _, id := range want.order {
			w, g := want.conns[id], got.conns[id]
			for d := range 2 {
				if w.stats[d].Bytes != g.stats[d].Bytes+g.stats[d].Lost || g.stats[d].Late != 0 {
					t.Errorf("without segment %d: connection %d direction %d: %+v of %d bytes", i, id, d, g.stats[d], w.stats[d].Bytes)
				}
			}
			if g.why != w.why {
				t.Errorf("without segment %d: connection %d ended by %v", i, id, g.why)
			}
		}
	}
}
