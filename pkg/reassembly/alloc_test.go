package reassembly

import (
	"encoding/binary"
	"runtime"
	"testing"
	"unsafe"
)

// counter is a Handler that keeps nothing.
type counter struct {
	opened, closed, data, bytes, gaps int
}

func (k *counter) Open(*Conn, Stamp)                      { k.opened++ }
func (k *counter) Gap(*Conn, Dir, int64, Stamp)           { k.gaps++ }
func (k *counter) Close(*Conn, Reason, Stamp)             { k.closed++ }
func (k *counter) Data(_ *Conn, _ Dir, b []byte, _ Stamp) { k.data++; k.bytes += len(b) }

// exchange makes the segments of an endless conversation: request, reply, and
// acknowledgment.
type exchange struct {
	segs [3]Segment
}

func newExchange(a *Assembler, port uint16, request, reply int) *exchange {
	x := &exchange{}
	ends := [2]Endpoint{{AddrFrom(testA), port}, {AddrFrom(testB), 5432}}
	s := Segment{Src: ends[0], Dst: ends[1], Seq: 99, Flags: SYN}
	a.Segment(&s)
	s = Segment{Src: ends[1], Dst: ends[0], Seq: 999, Ack: 100, Flags: SYN | ACK}
	a.Segment(&s)
	x.segs[0] = Segment{Src: ends[0], Dst: ends[1], Seq: 100, Ack: 1000, Flags: ACK | PSH, Payload: make([]byte, request)}
	x.segs[1] = Segment{Src: ends[1], Dst: ends[0], Seq: 1000, Ack: 100 + uint32(request), Flags: ACK | PSH, Payload: make([]byte, reply)}
	x.segs[2] = Segment{Src: ends[0], Dst: ends[1], Seq: 100 + uint32(request), Ack: 1000 + uint32(reply), Flags: ACK}
	return x
}

// step moves on to the next exchange.
func (x *exchange) step() {
	n, m := uint32(len(x.segs[0].Payload)), uint32(len(x.segs[1].Payload))
	for i := range x.segs {
		s := &x.segs[i]
		if i == 1 {
			s.Seq, s.Ack = s.Seq+m, s.Ack+n
		} else {
			s.Seq, s.Ack = s.Seq+n, s.Ack+m
		}
		s.At.Time += 1000
		s.At.Frame++
	}
}

func TestNoAllocations(t *testing.T) {
	for _, c := range []struct {
		name  string
		order [3]int
	}{
		{"in order", [3]int{0, 1, 2}},
		{"reply first", [3]int{1, 0, 2}},
		{"acknowledgment first", [3]int{2, 0, 1}},
	} {
		k := &counter{}
		a := New(k, Config{})
		x := newExchange(a, 40000, 60, 300)
		step := func() {
			for _, i := range c.order {
				a.Segment(&x.segs[i])
			}
			x.step()
		}
		for range 10 {
			step()
		}
		if n := testing.AllocsPerRun(1000, step); n != 0 {
			t.Errorf("%s: %v allocations per exchange", c.name, n)
		}
		if k.data != 2*1011 || k.gaps != 0 {
			t.Errorf("%s: %d pieces of data, %d gaps", c.name, k.data, k.gaps)
		}
	}
}

func TestNoAllocationsLoss(t *testing.T) {
	k := &counter{}
	a := New(k, Config{})
	x := newExchange(a, 40000, 60, 300)
	i := 0
	step := func() {
		for j := range x.segs {
			if i++; i%97 != 0 {
				a.Segment(&x.segs[j])
			}
		}
		x.step()
	}
	for range 1000 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations per exchange", n)
	}
	if k.gaps == 0 {
		t.Error("no gaps")
	}
}

func TestConnIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 320 {
		t.Errorf("a Conn takes %d bytes", n)
	}
	if n := unsafe.Sizeof(wait{}); n > waitCost {
		t.Errorf("a wait takes %d bytes, counted as %d", n, waitCost)
	}
	if n := unsafe.Sizeof(chunk{}) + 8; n > chunkCost {
		t.Errorf("a chunk takes %d bytes, counted as %d", n, chunkCost)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// stranger returns the endpoint number i of very many.
func stranger(i int) Endpoint {
	var b [16]byte
	binary.BigEndian.PutUint64(b[8:], uint64(i>>14)|1<<40)
	return Endpoint{Addr: Addr{Hi: 0x2001 << 48, Lo: uint64(i >> 14)}, Port: uint16(i&0x3fff) + 1024}
}

// A million connections opened and never closed, with all that an attacker
// can have each of them hold.
func TestMemoryBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("a million connections")
	}
	server := Endpoint{AddrFrom(testB), 5432}
	for _, c := range []struct {
		name string
		send func(a *Assembler, s *Segment)
	}{
		{"SYN", func(a *Assembler, s *Segment) { s.Flags = SYN; a.Segment(s) }},
		{"bare ACK", func(a *Assembler, s *Segment) { s.Flags = ACK; a.Segment(s) }},
		{"bare FIN", func(a *Assembler, s *Segment) { s.Flags = FIN; a.Segment(s) }},
		{"SYN, and a segment out of order", func(a *Assembler, s *Segment) {
			s.Flags = SYN
			a.Segment(s)
			s.Flags, s.Seq, s.Payload = ACK, s.Seq+10, []byte("x")
			a.Segment(s)
		}},
		{"open and reset", func(a *Assembler, s *Segment) {
			s.Flags = SYN
			a.Segment(s)
			s.Flags = RST
			s.Seq++
			a.Segment(s)
		}},
	} {
		k := &counter{}
		a := New(k, Config{})
		before := heap()
		for i := range 1_000_000 {
			s := Segment{Src: stranger(i), Dst: server, Seq: uint32(i), At: Stamp{Time: testStart + int64(i), Frame: uint64(i + 1)}}
			c.send(a, &s)
		}
		used := (int64(heap()) - int64(before)) >> 20
		if used > 100 {
			t.Errorf("%s: %d MB of heap", c.name, used)
		}
		if a.Open() > 100_000 || k.opened-k.closed != a.Open() {
			t.Errorf("%s: %d open, %d opened, %d closed", c.name, a.Open(), k.opened, k.closed)
		}
		a.verify(t)
		t.Logf("%s: %d MB, %d opened, %d open, %d bytes queued", c.name, used, k.opened, a.Open(), a.Queued())
		a.Flush()
		if k.opened != k.closed {
			t.Errorf("%s: %d opened, %d closed", c.name, k.opened, k.closed)
		}
	}
}

// hard are orders of arrival that make a naive queue take quadratic time: offset,
// size and bytes cut off of each segment of n.
var hard = []struct {
	name string
	seq  func(i, n int) (off, size, missing int)
}{
	{"descending", func(i, n int) (int, int, int) { return 3 * (n - i), 1, 0 }},
	{"descending in blocks", func(i, _ int) (int, int, int) { return i&^255*3 + 3*(256-i&255), 1, 0 }},
	{"every second byte", func(i, _ int) (int, int, int) { return 1 + 2*i, 1, 0 }},
	{"staggered overlaps", func(i, _ int) (int, int, int) { return 1 + i, 100, 0 }},
	{"growing overlaps", func(i, _ int) (int, int, int) { return 1 + i&255, 1 + i&255, 0 }},
	{"cut short over others", func(i, _ int) (int, int, int) { return 1 + (i&1)*(i&255), 1, 60000 }},
	{"scattered", func(i, _ int) (int, int, int) { return 1 + int(uint32(i*2654435761)>>8), 5, 0 }},
}

// Whatever the order, the queue stays within its bounds: the work for a segment is
// bounded by them, not by how many came before. BenchmarkHardOrders has the times.
func TestHardOrders(t *testing.T) {
	if testing.Short() {
		t.Skip("two million segments")
	}
	const n = 300_000
	for _, c := range hard {
		t.Run(c.name, func(t *testing.T) {
			feedHard(c.seq, n, func(a *Assembler) { a.verify(t) })
		})
	}
}

func feedHard(seq func(i, n int) (off, size, missing int), n int, look func(*Assembler)) {
	a := New(&counter{}, Config{})
	s := newExchange(a, 40000, 0, 0).segs[0]
	text := make([]byte, 256)
	for i := range n {
		off, size, missing := seq(i, n)
		s.Seq, s.Payload, s.Missing = 100+uint32(off), text[:size], missing
		a.Segment(&s)
		if i&1023 == 0 {
			look(a)
		}
	}
	a.Flush()
}
