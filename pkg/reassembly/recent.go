package reassembly

import "hash/maphash"

// recent remembers fingerprints of the segments delivered last, of all
// connections, to tell retransmissions that carry other bytes. Those of one
// direction form a chain from the latest back, in descending order of
// sequence numbers.
type recent struct {
	seed maphash.Seed
	n    uint32 // number of the latest; 0 stands for none
	ring []print
}

type print struct {
	seq, len uint32
	sum      uint32
	mark     uint32 // of its packet; 0 if nothing tells it from others
	prev     uint32
}

const (
	// recentSegments of 20 bytes each stay in the second level cache.
	recentSegments = 8192
	// recentSteps bounds the walk back for one retransmission.
	recentSteps = 64

	printWhole = 256 // up to this length all bytes count
	printHead  = 192
	printTail  = printWhole - printHead
)

func newRecent() recent {
	return recent{seed: maphash.MakeSeed(), ring: make([]print, recentSegments)}
}

func (r *recent) sum(b []byte) uint32 {
	if len(b) <= printWhole {
		return uint32(maphash.Bytes(r.seed, b))
	}
	h := maphash.Bytes(r.seed, b[:printHead])
	return uint32(h + 3*maphash.Bytes(r.seed, b[len(b)-printTail:]))
}

// add remembers b, delivered at seq after the segment prev of the same
// direction, and the mark of its packet, and returns its number.
func (r *recent) add(prev, seq uint32, b []byte, mark uint32) uint32 {
	r.n++
	if r.n == 0 {
		r.n = 1
	}
	r.ring[r.n%recentSegments] = print{seq, uint32(len(b)), r.sum(b), mark, prev}
	return r.n
}

// holds reports whether b at seq is remembered as it is, from a packet with that mark.
func (r *recent) holds(latest, seq uint32, b []byte, mark uint32) bool {
	for i, steps := latest, 0; i != 0 && r.n-i < recentSegments && steps < recentSteps; steps++ {
		p := &r.ring[i%recentSegments]
		switch from := diff(p.seq, seq); {
		case from < 0:
			return false
		case from == 0:
			return p.mark == mark && int(p.len) == len(b) && p.sum == r.sum(b)
		case p.prev == i || r.n-p.prev >= recentSegments || r.n-p.prev <= r.n-i:
			return false // overwritten meanwhile
		}
		i = p.prev
	}
	return false
}

// conflicts tells whether b at seq covers a remembered segment with other
// bytes.
func (r *recent) conflicts(latest, seq uint32, b []byte) bool {
	for i, steps := latest, 0; i != 0 && r.n-i < recentSegments && steps < recentSteps; steps++ {
		p := &r.ring[i%recentSegments]
		from := diff(p.seq, seq)
		if from < 0 {
			return false
		}
		if n := int(p.len); from+n <= len(b) && r.sum(b[from:from+n]) != p.sum {
			return true
		}
		if p.prev == i || r.n-p.prev >= recentSegments || r.n-p.prev <= r.n-i {
			return false // overwritten meanwhile
		}
		i = p.prev
	}
	return false
}
