package reassembly

// Conn is one TCP connection. The exported fields are the Handler's to read,
// and Value to set; they hold until Handler.Close returns, after which the
// Assembler uses the memory for another connection.
type Conn struct {
	ID uint64 // 1, 2, 3… in order of the connections' first packets
	// A initiated the connection where a SYN of either side was seen; else it
	// sent the first packet seen.
	A, B  Endpoint
	First Stamp // the first packet
	Last  Stamp // the latest packet
	Value any   // the Handler's own
	// Unacked is, while Handler.Data is called, how many of the bytes of the other
	// direction delivered before the sender of these had not acknowledged: what it had
	// not read when it sent them is among those. UnackedUnknown where nothing tells.
	Unacked int
	Watch   any // the Observer's own; kept until the Conn is used again
	Stats   [2]Stats
	// MidStream tells that the capture has no SYN of either side.
	MidStream bool

	plain   bool // nothing waits, no FIN seen, not ignored: the fast path applies
	ignored bool
	state   connState
	hash    uint32
	half    [2]half
	wait    *wait

	used, listed uint64 // number of the latest segment; the same when last put into the list
	chain        *Conn  // next in the hash bucket
	prev, next   *Conn  // in the list of open connections
}

// UnackedUnknown is Conn.Unacked where the segment acknowledges nothing, or the other
// direction has no known place.
const UnackedUnknown = -1 << 40

// Stats counts the bytes of one direction.
type Stats struct {
	Bytes uint64 // delivered
	Lost  uint64 // told in Gaps of known size
	// Retransmitted bytes came again, be it from the sender or because the
	// capture has packets twice.
	Retransmitted uint64
	// Late bytes came after they had been called lost, and were dropped.
	Late uint64
}

type connState uint8

const (
	stateOpen    connState = iota
	stateClosing           // what waits is being handed over before Close
	stateClosed
)

// half is one direction as an observer between the two ends knows it.
type half struct {
	next   uint32 // what RCV.NXT would be at the receiver: next to deliver
	isn    uint32 // of the SYN; in midstream the number before the first one seen
	acked  uint32 // highest acknowledgment number from the peer
	fin    uint32 // where the FIN is, with hasFIN
	gap    [2]uint32
	far    uint32 // with farSegs: where the run of implausible segments goes on
	recent uint32 // latest fingerprint
	bits   halfBits
	// farSegs counts implausible segments in a row, silent the losses in a row
	// that only the peer's acknowledgments told of.
	farSegs, silent uint8
}

type halfBits uint8

const (
	known     halfBits = 1 << iota // next is
	seen                           // a packet of this direction is in the capture
	synSeen                        // isn is real
	hasAcked                       // acked is set
	tentative                      // next comes from a segment without text: it may be a keep-alive
	hasFIN                         // fin is set
	finDone                        // FIN is delivered
	shut                           // the receive window that this side told last is closed
)

func (h *half) is(b halfBits) bool { return h.bits&b == b }

// ackedAhead returns how many bytes the peer acknowledged beyond next.
func (h *half) ackedAhead() int {
	if !h.is(hasAcked|known) || h.is(finDone) {
		return 0
	}
	if n := diff(h.acked, h.next); n > 0 && n <= maxAckAhead {
		return n
	}
	return 0
}

// Answered reports whether the SYN of a direction was seen; that of direction 1 is the
// answer to the connection's first packet.
func (c *Conn) Answered(d Dir) bool { return c.half[d].is(synSeen) }

// Ignore tells the Assembler that the Handler wants nothing more of c: bytes
// are neither kept nor delivered from now on, only Close comes. Stats go on,
// with reordered bytes counted as lost or retransmitted.
func (c *Conn) Ignore() { c.ignored, c.plain = true, false }

// refresh decides whether the fast path applies.
func (c *Conn) refresh() {
	c.plain = c.state == stateOpen && !c.ignored && c.wait == nil &&
		(c.half[0].bits|c.half[1].bits)&(hasFIN|shut) == 0
}
