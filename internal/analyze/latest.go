package analyze

import (
	"cmp"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// Pair is the two ends of a TCP connection, in an order that does not depend on
// the direction of a packet.
type Pair [2]reassembly.Endpoint

// Latest tells what the packet taken last was: tcp is false if it was no TCP
// segment, or a fragment of one. id is the number of its connection, 0 if it
// belongs to none that is open.
func (a *Analyzer) Latest() (pair Pair, id uint64, tcp bool) {
	if !a.wasTCP {
		return Pair{}, 0, false
	}
	pair = pairOf(a.segment.Src, a.segment.Dst)
	id, _ = a.tcp.Latest(&a.segment)
	return pair, id, true
}

func pairOf(x, y reassembly.Endpoint) Pair {
	if order(x, y) > 0 {
		return Pair{y, x}
	}
	return Pair{x, y}
}

func order(a, b reassembly.Endpoint) int {
	return cmp.Or(cmp.Compare(a.Addr.Hi, b.Addr.Hi), cmp.Compare(a.Addr.Lo, b.Addr.Lo), cmp.Compare(a.Port, b.Port))
}
