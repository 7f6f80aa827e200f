package reassembly

import (
	"math/bits"
	"math/rand/v2"
)

// table finds connections by their two ends, in either direction. The hash is
// keyed at random: a capture must not be able to choose its collisions.
type table struct {
	buckets []*Conn
	n       int
	seed    [3]uint64
}

func newTable() table {
	t := table{buckets: make([]*Conn, 256)}
	for i := range t.seed {
		t.seed[i] = rand.Uint64() | 1
	}
	return t
}

// hash is the same for both directions.
func (t *table) hash(a, b *Endpoint) uint32 {
	return uint32((t.one(a) + t.one(b)) >> 16)
}

func (t *table) one(e *Endpoint) uint64 {
	h := fold(e.Addr.Hi^t.seed[0], e.Addr.Lo^t.seed[1])
	return fold(h^uint64(e.Port), t.seed[2])
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// find returns the connection between src and dst, and the direction in it
// that goes from src to dst.
func (t *table) find(src, dst *Endpoint, hash uint32) (*Conn, Dir) {
	for c := t.buckets[int(hash)&(len(t.buckets)-1)]; c != nil; c = c.chain {
		if c.hash != hash {
			continue
		}
		if c.A == *src && c.B == *dst {
			return c, 0
		}
		if c.A == *dst && c.B == *src {
			return c, 1
		}
	}
	return nil, 0
}

func (t *table) insert(c *Conn) {
	if t.n >= len(t.buckets) {
		t.grow()
	}
	b := &t.buckets[int(c.hash)&(len(t.buckets)-1)]
	c.chain, *b = *b, c
	t.n++
}

func (t *table) grow() {
	old := t.buckets
	t.buckets = make([]*Conn, 2*len(old))
	for _, c := range old {
		for c != nil {
			rest := c.chain
			b := &t.buckets[int(c.hash)&(len(t.buckets)-1)]
			c.chain, *b = *b, c
			c = rest
		}
	}
}

func (t *table) remove(c *Conn) {
	p := &t.buckets[int(c.hash)&(len(t.buckets)-1)]
	for *p != nil {
		if *p == c {
			*p, c.chain = c.chain, nil
			t.n--
			return
		}
		p = &(*p).chain
	}
}

// connList is a doubly linked list through Conn.prev and next, oldest first.
type connList struct {
	head, tail *Conn
	n          int
}

func (l *connList) push(c *Conn) {
	c.prev, c.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = c
	} else {
		l.head = c
	}
	l.tail = c
	l.n++
}

func (l *connList) remove(c *Conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.head = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.tail = c.prev
	}
	c.prev, c.next = nil, nil
	l.n--
}
