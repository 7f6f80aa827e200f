package packet

import (
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

const (
	defaultDatagrams       = 1024
	defaultFragmentBytes   = 16 << 20
	defaultFragmentTimeout = 30e9

	// maxDatagram is the end that a fragment's offset and an IP length can
	// reach at most.
	maxDatagram = 65535
	unit        = 8 // fragment offsets count in units of 8 bytes

	// A datagram that is complete is remembered for a second, so that the
	// copies that some captures have of every packet do not begin it anew.
	rememberDone = 1e9
	// maxAge is the same as the timeouts, in packets, for captures without
	// times: 16-bit identifications come round again after 65,536.
	maxAge = 1 << 15
)

type fragmentKey struct {
	src, dst reassembly.Addr
	id       uint32
	proto    uint8 // IPv4 only
	v6       bool
}

// fragmentOf is what the IP headers say of one fragment.
type fragmentOf struct {
	key  fragmentKey
	next byte // the protocol; in IPv6 the first fragment's counts
	off  int  // bytes
	more bool
}

// datagram is one that is being put together, or was a moment ago.
type datagram struct {
	key          fragmentKey
	older, newer *datagram // in order of arrival
	since        reassembly.Stamp
	buf          []byte
	have         [(maxDatagram/unit + 64) / 64]uint64 // a bit for each unit
	units        int                                  // bits set
	total        int                                  // length, -1 until the last fragment has come
	end          int                                  // the greatest seen
	cutAt        int                                  // where the snap length left the first hole, or beyond the end
	next         byte
	done         bool
}

// fragment takes one fragment, and decodes the datagram if that completes it.
func (d *Decoder) fragment(fr fragmentOf, b bytesOf, seg *reassembly.Segment) Verdict {
	n := len(b.data) + b.cut
	if fr.more {
		n -= n % unit // as receivers do: the next one's offset cannot say otherwise
	}
	if n == 0 || fr.off+n > maxDatagram {
		return Malformed
	}
	g := d.frags.find(fr.key, d.stamp)
	if g.done || !d.frags.add(g, fr, b.limit(n)) {
		return Fragment
	}
	known := min(g.total, g.cutAt)
	whole := bytesOf{d.frags.finish(g, d.stamp)[:known], g.total - known}
	if d.depth++; d.depth > maxDepth {
		return NotTCP
	}
	d.fcs = 0
	return d.protocol(g.next, whole, seg)
}

// add copies what of a fragment is not there yet (of overlapping ones, the
// first wins) and reports whether the datagram is complete.
func (f *defragmenter) add(g *datagram, fr fragmentOf, b bytesOf) bool {
	end := fr.off + len(b.data) + b.cut
	if g.total >= 0 && (end > g.total || !fr.more && end != g.total) || !fr.more && end < g.end {
		return false // contradicts what was seen before
	}
	g.end = max(g.end, end)
	if !fr.more {
		g.total = end
	}
	if fr.off == 0 && g.have[0]&1 == 0 {
		g.next = fr.next
	}
	f.grow(g, fr.off+len(b.data))
	captured := fr.off + len(b.data)
	for u := fr.off / unit; u*unit < end; u++ {
		word, bit := &g.have[u/64], uint64(1)<<(u%64)
		if *word&bit != 0 {
			continue
		}
		*word |= bit
		g.units++
		from, to := u*unit, min(u*unit+unit, end)
		if to > captured {
			g.cutAt = min(g.cutAt, max(from, captured))
			to = captured
		}
		if from < to {
			copy(g.buf[from:to], b.data[from-fr.off:])
		}
	}
	return g.total >= 0 && g.units == (g.total+unit-1)/unit
}
