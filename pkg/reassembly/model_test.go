package reassembly

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// model is a conversation of two TCPs, with the capture taken at A. It knows
// what each segment carried, so what comes out of a disturbed capture can be
// checked byte by byte.
type model struct {
	segs []Segment
	isn  [2]uint32
	sent [2][]byte
	// need tells for each byte of a direction how many bytes of the other one
	// its sender had received when it sent the byte first.
	need [2][]int
}

func (m *model) seq(d Dir, off int) uint32 { return m.isn[d] + 1 + uint32(off) }

type modelConfig struct {
	turns      int
	wrap       bool
	retransmit bool // with boundaries of their own
	port       uint16
}

func newModel(r *rand.Rand, cfg modelConfig) *model {
	m := &model{}
	for d := range m.isn {
		m.isn[d] = r.Uint32N(1 << 30)
		if cfg.wrap {
			m.isn[d] = ^r.Uint32N(20000)
		}
	}
	a, b := Endpoint{AddrFrom(testA), 40000 + cfg.port}, Endpoint{AddrFrom(testB), 5432}
	// B's segments travel: what is on the way, B sent knowing had[1] bytes of A.
	received := [2]int{} // by d's receiver
	emit := func(d Dir, off, n int, flags uint8) {
		s := Segment{Src: a, Dst: b, Seq: m.seq(d, off), Flags: flags, Payload: m.sent[d][off : off+n]}
		if d == 1 {
			s.Src, s.Dst = b, a
		}
		if flags&ACK != 0 {
			s.Ack = m.seq(d^1, received[d^1])
		}
		m.segs = append(m.segs, s)
	}
	m.segs = append(m.segs,
		Segment{Src: a, Dst: b, Seq: m.isn[0], Flags: SYN},
		Segment{Src: b, Dst: a, Seq: m.isn[1], Ack: m.isn[0] + 1, Flags: SYN | ACK},
		Segment{Src: a, Dst: b, Seq: m.isn[0] + 1, Ack: m.isn[1] + 1, Flags: ACK})
	for range cfg.turns {
		d := Dir(r.IntN(2))
		switch k := r.IntN(10); {
		case k < 7: // a burst
			for range 1 + r.IntN(4) {
				off, n := len(m.sent[d]), 1+r.IntN(1+r.IntN(300))
				for range n {
					m.sent[d] = append(m.sent[d], byte(r.Uint32()))
					m.need[d] = append(m.need[d], received[d^1])
				}
				emit(d, off, n, ACK|PSH)
			}
			if r.IntN(3) > 0 {
				received[d] = len(m.sent[d])
			}
		case k < 9: // the receiver acknowledges
			received[d] = len(m.sent[d])
			emit(d^1, len(m.sent[d^1]), 0, ACK)
		case cfg.retransmit && len(m.sent[d]) > 0:
			off := max(len(m.sent[d])-1-r.IntN(2000), 0)
			emit(d, off, 1+r.IntN(len(m.sent[d])-off), ACK)
		}
	}
	received = [2]int{len(m.sent[0]), len(m.sent[1])}
	emit(0, len(m.sent[0]), 0, FIN|ACK)
	received[0]++
	emit(1, len(m.sent[1]), 0, FIN|ACK)
	received[1]++
	m.segs = append(m.segs, Segment{
		Src: a, Dst: b, Flags: ACK,
		Seq: m.seq(0, len(m.sent[0])) + 1, Ack: m.seq(1, len(m.sent[1])) + 1,
	})
	return m
}

// stampAll numbers the segments in the order they are in.
func stampAll(segs []Segment) []Segment {
	for i := range segs {
		segs[i].At = Stamp{Time: testStart + int64(i)*1e5, Frame: uint64(i + 1)}
	}
	return segs
}

// jumble moves segments back and forth by up to window places. The first
// three, the handshake, stay.
func jumble(r *rand.Rand, segs []Segment, window int) []Segment {
	type placed struct {
		s   Segment
		key int
	}
	p := make([]placed, len(segs))
	for i, s := range segs {
		p[i] = placed{s, i}
		if i >= 3 {
			p[i].key += r.IntN(window)
		}
	}
	slices.SortStableFunc(p, func(x, y placed) int { return x.key - y.key })
	out := make([]Segment, len(segs))
	for i := range p {
		out[i] = p[i].s
	}
	return out
}

// doubleSome repeats segments a few places later.
func doubleSome(r *rand.Rand, segs []Segment) []Segment {
	var out []Segment
	for i, s := range segs {
		out = append(out, s)
		if i > 5 && r.IntN(8) == 0 {
			out = append(out, segs[i-r.IntN(5)])
		}
	}
	return out
}

// checker is a Handler that compares with the model as it goes.
type checker struct {
	t      testing.TB
	m      *model
	pos    [2]int // in sent
	lost   [2]int
	opened int
	closed int
	why    Reason
	stats  [2]Stats
	strict bool // causal order holds to the byte
}

func (k *checker) Open(*Conn, Stamp) { k.opened++ }

func (k *checker) Data(_ *Conn, d Dir, b []byte, at Stamp) {
	sent := k.m.sent[d]
	if k.pos[d]+len(b) > len(sent) || string(sent[k.pos[d]:k.pos[d]+len(b)]) != string(b) {
		k.t.Fatalf("frame %d: direction %d: wrong bytes at %d", at.Frame, d, k.pos[d])
	}
	if k.strict {
		for i := range b {
			if need := k.m.need[d][k.pos[d]+i]; need > k.pos[d^1] {
				k.t.Fatalf("frame %d: byte %d of direction %d was sent knowing %d bytes of the other, of which %d are delivered",
					at.Frame, k.pos[d]+i, d, need, k.pos[d^1])
			}
		}
	}
	k.pos[d] += len(b)
}

func (k *checker) Gap(c *Conn, d Dir, n int64, at Stamp) {
	if n < 0 || k.pos[d]+int(n) > len(k.m.sent[d]) {
		k.t.Fatalf("frame %d: direction %d: gap of %d at %d of %d", at.Frame, d, n, k.pos[d], len(k.m.sent[d]))
	}
	k.pos[d] += int(n)
	k.lost[d] += int(n)
}

func (k *checker) Anomaly(_ *Conn, d Dir, kind Anomaly, at Stamp) {
	k.t.Fatalf("frame %d: direction %d: %v", at.Frame, d, kind)
}

func (k *checker) Close(c *Conn, why Reason, _ Stamp) {
	k.closed++
	k.why, k.stats = why, c.Stats
}

func (m *model) run(t testing.TB, segs []Segment, strict bool) *checker {
	k := &checker{t: t, m: m, strict: strict}
	a := New(k, Config{})
	for i := range segs {
		a.Segment(&segs[i])
		a.verify(t)
	}
	a.Flush()
	a.verify(t)
	if k.opened != 1 || k.closed != 1 {
		t.Fatalf("%d connections opened, %d closed", k.opened, k.closed)
	}
	for d := range k.stats {
		if k.stats[d].Bytes != uint64(k.pos[d]-k.lost[d]) || k.stats[d].Lost != uint64(k.lost[d]) {
			t.Fatalf("direction %d: %+v, but %d delivered and %d lost", d, k.stats[d], k.pos[d]-k.lost[d], k.lost[d])
		}
	}
	return k
}

// verify checks what must hold between any two segments.
func (a *Assembler) verify(t testing.TB) {
	t.Helper()
	if a.table.n != a.open.n {
		t.Fatalf("%d connections in the table, %d open", a.table.n, a.open.n)
	}
	a.linger.verify(t)
	inUse := 0
	for w := a.waiting.head; w != nil; w = w.next {
		if w.c.wait != w || w.c.state != stateOpen || w.c.plain {
			t.Fatalf("connection %d is in the list of waiting ones wrongly", w.c.ID)
		}
		inUse += waitCost
		for d := range w.q {
			inUse += w.verify(t, Dir(d), a.cfg)
		}
	}
	if inUse != a.pool.inUse {
		t.Fatalf("%d bytes are in queues, %d are counted", inUse, a.pool.inUse)
	}
	if a.pool.inUse > a.cfg.MaxTotalBytes || a.pool.pooled > maxPooled {
		t.Fatalf("%d bytes in queues, %d in pools", a.pool.inUse, a.pool.pooled)
	}
}

func (l *lingerTable) verify(t testing.TB) {
	t.Helper()
	n := 0
	for _, at := range l.buckets {
		for ; at != 0; at = l.ring[at-1].chain {
			e := &l.ring[at-1]
			if f, _ := l.find(&e.b, &e.a, e.hash); f != e || !e.linked {
				t.Fatalf("the connection at %d of those that linger is not found", at)
			}
			n++
		}
	}
	if n != l.n || n > maxLinger {
		t.Fatalf("%d connections linger, %d are counted", n, l.n)
	}
}

func (w *wait) verify(t testing.TB, d Dir, cfg Config) (inUse int) {
	t.Helper()
	q, h := &w.q[d], &w.c.half[d]
	bytes := 0
	for i, k := range q.chunks {
		if (k == nil) != (i < q.head) {
			t.Fatalf("queue of %d: delivered up to %d, hole at %d", w.c.ID, q.head, i)
		}
		if k == nil {
			continue
		}
		if i > q.head && diff(k.seq, q.chunks[i-1].seq) < 0 {
			t.Fatalf("queue of %d: out of order at %d", w.c.ID, i)
		}
		if diff(k.end(), h.next) <= 0 {
			t.Fatalf("queue of %d: holds what is delivered", w.c.ID)
		}
		bytes += len(k.data)
		inUse += cap(k.buf) + chunkCost
	}
	if m := &w.fin[d]; m.set && (!h.is(hasFIN) || diff(m.seq, h.next) < 0 || h.is(finDone)) {
		t.Fatalf("FIN of %d waits at %d, next is %d", w.c.ID, m.seq, h.next)
	}
	if bytes != q.bytes {
		t.Fatalf("queue of %d: %d bytes, %d counted", w.c.ID, bytes, q.bytes)
	}
	if q.len() > stallFactor*cfg.MaxQueueSegments || q.bytes > stallFactor*cfg.MaxQueueBytes {
		t.Fatalf("queue of %d: %d segments, %d bytes", w.c.ID, q.len(), q.bytes)
	}
	return inUse
}
