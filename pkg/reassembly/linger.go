package reassembly

import "slices"

// lingering is what is remembered of a connection that has ended, so that its
// last acknowledgments and retransmissions begin no new one.
type lingering struct {
	a, b   Endpoint
	at     int64 // of its end, on the capture clock
	half   [2]lingeringHalf
	hash   uint32
	chain  int32 // the next in its bucket, as a place from 1; 0: none
	why    Reason
	whole  bool // a connection that was told: more of it than its FIN was seen
	linked bool // false: its endpoints were used again
}

type lingeringHalf struct {
	next, isn uint32
	bits      halfBits
}

// lingerTable remembers the latest connections that ended, at most maxLinger, in a
// ring: nothing of them is touched again unless something comes after them.
type lingerTable struct {
	ring    []lingering
	oldest  int     // of a full ring, where the next one goes
	buckets []int32 // places in ring, from 1; 0: none
	n       int     // linked
}

// add remembers c.
func (t *lingerTable) add(c *Conn, why Reason, now int64) {
	if len(t.ring) == len(t.buckets) && len(t.ring) < maxLinger {
		t.grow()
	}
	at := t.oldest
	if len(t.ring) < maxLinger {
		at = len(t.ring)
		t.ring = append(t.ring, lingering{})
	} else if t.oldest++; t.oldest == maxLinger {
		t.oldest = 0
	}
	e := &t.ring[at]
	t.remove(e)
	e.a, e.b, e.at, e.hash, e.why, e.whole = c.A, c.B, now, c.hash, why, c.ID != 0
	for d := range e.half {
		h := &c.half[d]
		e.half[d] = lingeringHalf{h.next, h.isn, h.bits}
	}
	t.link(at)
}

func (t *lingerTable) bucket(hash uint32) *int32 { return &t.buckets[int(hash)&(len(t.buckets)-1)] }

func (t *lingerTable) link(at int) {
	e := &t.ring[at]
	b := t.bucket(e.hash)
	e.chain, e.linked = *b, true
	*b = int32(at) + 1
	t.n++
}

// grow doubles the ring and the buckets, which are as many.
func (t *lingerTable) grow() {
	size := max(256, 2*len(t.buckets))
	t.ring = slices.Grow(t.ring, size-len(t.ring))
	t.buckets = make([]int32, size)
	t.n = 0
	for at := range t.ring {
		if t.ring[at].linked {
			t.link(at)
		}
	}
}

// find returns the one between src and dst, and the direction in it that goes
// from src to dst; nil if none is remembered.
func (t *lingerTable) find(src, dst *Endpoint, hash uint32) (*lingering, Dir) {
	if t.n == 0 {
		return nil, 0
	}
	for at := *t.bucket(hash); at != 0; {
		e := &t.ring[at-1]
		switch {
		case e.hash != hash:
		case e.a == *src && e.b == *dst:
			return e, 0
		case e.a == *dst && e.b == *src:
			return e, 1
		}
		at = e.chain
	}
	return nil, 0
}

// remove forgets one.
func (t *lingerTable) remove(e *lingering) {
	if !e.linked {
		return
	}
	for p := t.bucket(e.hash); *p != 0; p = &t.ring[*p-1].chain {
		if &t.ring[*p-1] == e {
			*p, e.linked = e.chain, false
			t.n--
			return
		}
	}
}

// clear forgets all.
func (t *lingerTable) clear() {
	clear(t.buckets)
	t.ring, t.oldest, t.n = t.ring[:0], 0, 0
}

// ghost tells whether s, sent in direction d, belongs to the connection that has
// ended.
func (e *lingering) ghost(d Dir, s *Segment, now int64) bool {
	h := &e.half[d]
	placed := h.bits&known != 0
	switch {
	case s.Flags&RST != 0:
		return true
	case s.Flags&SYN != 0:
		// A SYN of the same number is no retransmission, the connection being
		// over: the capture is read a second time.
		return s.Flags&ACK != 0 && placed && h.isn == s.Seq
	case s.span() == 0:
		return true
	case !e.whole:
		return false
	case now-e.at > lingerTime:
		return false
	case !placed:
		return true
	}
	off := diff(s.Seq, h.next)
	if e.why == ByFIN && h.bits&finDone != 0 {
		return off <= 0 && off >= -maxBehind
	}
	return off <= 4*maxResetAhead && off >= -maxBehind // in flight when it was reset
}
