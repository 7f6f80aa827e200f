package analyze

import (
	"hash/maphash"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// given are the connections that were given up since more were open than are
// followed at once. When one of them goes on it is known: it is no other connection,
// and which side is the server has not to be guessed.
type given struct {
	seed   maphash.Seed
	conns  map[uint64]givenConn // by both ends, whichever came first
	full   bool
	again  uint64
	gaveUp uint64
}

type givenConn struct {
	id     uint64
	server uint16
	listed bool
}

// maxGiven bounds them, at some 50 bytes each.
const maxGiven = 1 << 17

func (g *given) place(a, b *reassembly.Endpoint) uint64 {
	if g.conns == nil {
		g.seed, g.conns = maphash.MakeSeed(), make(map[uint64]givenConn)
	}
	// The same for both orders.
	return maphash.Comparable(g.seed, *a) + maphash.Comparable(g.seed, *b)
}

// add notes that a connection was given up.
func (g *given) add(k *conn) {
	g.gaveUp++
	server := k.b.Port
	if k.frontend == 1 {
		server = k.a.Port
	}
	at := g.place(&k.a, &k.b)
	if len(g.conns) >= maxGiven {
		g.full = true
		return
	}
	id := k.id
	if k.continues != 0 {
		id = k.continues
	}
	g.conns[at] = givenConn{id, server, k.listed}
}

// has tells whether a connection that begins in the middle is one of them.
func (g *given) has(c *reassembly.Conn) bool {
	if len(g.conns) == 0 {
		return false
	}
	_, ok := g.conns[g.place(&c.A, &c.B)]
	return ok && c.MidStream
}

// take returns the connection that one with the same ends was, if it was one of
// them; with a SYN it is another.
func (g *given) take(c *reassembly.Conn) (was givenConn, ok bool) {
	if len(g.conns) == 0 {
		return was, false
	}
	at := g.place(&c.A, &c.B)
	if was, ok = g.conns[at]; ok {
		delete(g.conns, at)
	}
	if ok = ok && c.MidStream; ok {
		g.again++
	}
	return was, ok
}

// GivenUp returns how many connections were given up because more than MaxOpen were
// open at once, and how many of these went on and were followed again from there.
// Exactly is false where the second number may be larger.
func (a *Analyzer) GivenUp() (connections, again uint64, exactly bool) {
	return a.given.gaveUp, a.given.again, !a.given.full
}

// MaxOpen is how many connections are followed at once.
const MaxOpen = maxConns
