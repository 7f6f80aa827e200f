package app

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

const (
	// maxKeptConn and maxKept bound the packets, in bytes, that wait for their
	// connection to match. What is more goes, oldest first, but for the first
	// maxKeptHead bytes, where a connection says who it is.
	maxKeptConn = 1 << 20
	maxKept     = 16 << 20
	maxKeptHead = 32 << 10
	// maxKeptPairs bounds the connections that are told apart; each is charged with
	// pairCost bytes, for itself and its places in two maps.
	maxKeptPairs = 30_000
	pairCost     = 350
	// maxKeptEnded is how many connections that have ended are remembered, for
	// the packets that come after the end.
	maxKeptEnded = 8_192
	// leftWithKept is what statements and the like of all connections may take beside
	// the packets, in bytes: less than usual.
	leftWithKept = 20 << 20
)

// matching holds the packets of connections back until it is known that the
// selection shows something of them. It is for --only-matching.
type matching struct {
	write   func(*capture.Packet) error
	pairs   map[analyze.Pair]*keptConn
	conns   map[uint64]*keptConn
	ended   []*keptConn // oldest first
	matches []uint64    // of connections, since the last packet
	ends    []uint64
	latest  uint64 // the connection that matched last
	size    int    // bytes held
	letGo   uint64 // packets of connections that matched when these were gone
}

// keptConn is one connection, or a pair of addresses of which no connection is
// known.
type keptConn struct {
	pair    analyze.Pair
	id      uint64 // 0: not known
	matched bool
	over    bool
	head    []byte // packets, see hold
	tail    []byte
	cost    [2]int // the memory of head and tail, in bytes
	gone    uint64 // packets that were let go
}

func newMatching(write func(*capture.Packet) error) *matching {
	return &matching{write: write, pairs: make(map[analyze.Pair]*keptConn), conns: make(map[uint64]*keptConn)}
}

// packet takes a packet after the analysis has seen it.
func (m *matching) packet(a *analyze.Analyzer, p *capture.Packet) error {
	pair, id, tcp := a.Latest()
	var k *keptConn
	if tcp {
		k = m.conn(pair, id)
	}
	if err := m.settle(); err != nil || k == nil || k.over && !k.matched {
		return err
	}
	if k.matched {
		return m.write(p)
	}
	m.hold(k, p)
	return nil
}

// conn finds or makes the connection of a packet.
func (m *matching) conn(pair analyze.Pair, id uint64) *keptConn {
	k := m.pairs[pair]
	if k != nil && (id == 0 || k.id == id) {
		return k
	}
	if k != nil && k.id == 0 { // now it is known
		k.id = id
		m.conns[id] = k
		return k
	}
	if k != nil {
		m.forget(k)
	}
	if len(m.pairs) >= maxKeptPairs {
		m.makeRoom()
	}
	k = &keptConn{pair: pair, id: id}
	m.pairs[pair] = k
	m.size += pairCost
	if id != 0 {
		m.conns[id] = k
	}
	return k
}

// makeRoom forgets a connection, if it can one that has not matched: which are
// no PostgreSQL never end here.
func (m *matching) makeRoom() {
	const tries = 16
	n := 0
	for _, k := range m.pairs {
		if n++; !k.matched || n == tries {
			m.forget(k)
			return
		}
	}
}

func (m *matching) forget(k *keptConn) {
	m.drop(k)
	if m.pairs[k.pair] == k {
		delete(m.pairs, k.pair)
		m.size -= pairCost
	}
	if m.conns[k.id] == k {
		delete(m.conns, k.id)
	}
}

// drop lets the packets of a connection go.
func (m *matching) drop(k *keptConn) {
	m.size -= k.cost[0] + k.cost[1]
	k.head, k.tail, k.cost = nil, nil, [2]int{}
}

// settle follows up on what the analysis told of since the last packet.
func (m *matching) settle() error {
	for _, id := range m.matches {
		k := m.conns[id]
		if k == nil || k.matched {
			continue
		}
		k.matched = true
		m.letGo += k.gone
		if err := m.release(k); err != nil {
			return err
		}
	}
	m.matches = m.matches[:0]
	for _, id := range m.ends {
		if k := m.conns[id]; k != nil && !k.over {
			k.over = true
			m.drop(k)
			m.ended = append(m.ended, k)
		}
	}
	m.ends = m.ends[:0]
	for len(m.ended) > maxKeptEnded {
		m.forget(m.ended[0])
		m.ended[0] = nil
		m.ended = m.ended[1:]
	}
	return nil
}

// keptHeader is what stands before a packet that is held: its time, lengths,
// interface and link type.
const keptHeader = 8 + 4 + 4 + 4 + 2

// hold keeps a copy of a packet.
func (m *matching) hold(k *keptConn, p *capture.Packet) {
	n := keptHeader + len(p.Data)
	for len(k.tail) > 0 && (len(k.head)+len(k.tail)+n > maxKeptConn || m.size+n > maxKept) {
		_, k.tail = heldPacket(k.tail)
		if k.gone++; len(k.tail) == 0 {
			m.size -= k.cost[1]
			k.tail, k.cost[1] = nil, 0
		}
	}
	if len(k.head)+len(k.tail)+n > maxKeptConn || m.size+n > maxKept {
		k.gone++
		return
	}
	to, cost := &k.tail, &k.cost[1]
	if len(k.tail) == 0 && k.gone == 0 && len(k.head)+n <= maxKeptHead {
		to, cost = &k.head, &k.cost[0]
	}
	b, room := *to, cap(*to)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Time))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.Data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.OrigLen))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.Interface))
	b = binary.LittleEndian.AppendUint16(b, p.LinkType)
	*to = append(b, p.Data...)
	if now := cap(*to); now > room { // it was moved, and what had gone before it is gone
		m.size += now - *cost
		*cost = now
	}
}

// heldPacket takes the first packet off what hold made.
func heldPacket(b []byte) (p capture.Packet, rest []byte) {
	le := binary.LittleEndian
	end := keptHeader + int(le.Uint32(b[8:]))
	return capture.Packet{
		Time: int64(le.Uint64(b)), OrigLen: int(le.Uint32(b[12:])),
		Interface: int(le.Uint32(b[16:])), LinkType: le.Uint16(b[20:]),
		Data: b[keptHeader:end:end],
	}, b[end:]
}

// release writes the packets that a connection held.
func (m *matching) release(k *keptConn) error {
	defer m.drop(k)
	for _, b := range [][]byte{k.head, k.tail} {
		for len(b) > 0 {
			var p capture.Packet
			p, b = heldPacket(b)
			if err := m.write(&p); err != nil {
				return err
			}
		}
	}
	return nil
}

// matchingHandler finds out which connections match, on the way to the outputs.
type matchingHandler struct {
	session.Handler
	sel     *selection.Selection
	showAll bool
	m       *matching
}

func (v *matchingHandler) match(s *session.Session) {
	if s.ID != v.m.latest {
		v.m.latest = s.ID
		v.m.matches = append(v.m.matches, s.ID)
	}
}

// Message matches if it is shown, whatever its query's duration will be.
func (v *matchingHandler) Message(e *session.Event) {
	if v.sel.MinDuration == 0 && (v.showAll && e.Session.PostgreSQL() || !v.showAll && v.sel.Message(e)) {
		v.match(e.Session)
	}
	v.Handler.Message(e)
}

// Exchange matches if it is selected. Names of messages select none.
func (v *matchingHandler) Exchange(s *session.Session, x *exchange.Exchange) {
	if (v.sel.Kinds == nil || v.sel.MinDuration > 0) && (v.showAll || v.sel.Exchange(s, x)) {
		v.match(s)
	}
	v.Handler.Exchange(s, x)
}

// End tells that nothing can match any more.
func (v *matchingHandler) End(s *session.Session) {
	v.Handler.End(s)
	v.m.ends = append(v.m.ends, s.ID)
}
