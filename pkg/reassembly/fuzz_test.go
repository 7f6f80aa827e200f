package reassembly

import (
	"encoding/binary"
	"testing"
	"time"
)

// fuzzHandler checks what must hold whatever comes.
type fuzzHandler struct {
	t     testing.TB
	next  uint64
	open  map[uint64]*[2]Stats
	quiet map[uint64]bool // ignored: no more data may come
}

func (h *fuzzHandler) Open(c *Conn, _ Stamp) {
	h.next++
	if c.ID != h.next {
		h.t.Fatalf("connection %d opened after %d", c.ID, h.next-1)
	}
	h.open[c.ID] = &[2]Stats{}
}

func (h *fuzzHandler) of(c *Conn) *[2]Stats {
	s := h.open[c.ID]
	if s == nil {
		h.t.Fatalf("event of connection %d, which is not open", c.ID)
	}
	if h.quiet[c.ID] {
		h.t.Fatalf("event of connection %d, which is ignored", c.ID)
	}
	return s
}

func (h *fuzzHandler) Data(c *Conn, d Dir, b []byte, _ Stamp) {
	s := h.of(c)
	if len(b) == 0 {
		h.t.Fatal("empty Data")
	}
	s[d].Bytes += uint64(len(b))
	if b[0] == 0xff && c.ID%2 == 0 {
		c.Ignore()
		h.quiet[c.ID] = true
	}
}

func (h *fuzzHandler) Gap(c *Conn, d Dir, n int64, _ Stamp) {
	s := h.of(c)
	if n == 0 || n < -1 || n > maxAhead {
		h.t.Fatalf("gap of %d", n)
	}
	if n > 0 {
		s[d].Lost += uint64(n)
	}
}

func (h *fuzzHandler) HalfClose(c *Conn, _ Dir, _ Stamp)          { h.of(c) }
func (h *fuzzHandler) Anomaly(c *Conn, _ Dir, _ Anomaly, _ Stamp) { h.of(c) }

func (h *fuzzHandler) Close(c *Conn, _ Reason, _ Stamp) {
	if !h.quiet[c.ID] {
		s := h.of(c)
		for d := range s {
			if s[d].Bytes != c.Stats[d].Bytes || s[d].Lost != c.Stats[d].Lost {
				h.t.Fatalf("connection %d: delivered %+v, counted %+v", c.ID, s, c.Stats)
			}
		}
	}
	delete(h.open, c.ID)
}

// fuzzRecord bytes make one segment.
const fuzzRecord = 10

// FuzzAssembler reads segments from bytes: ends and direction, flags, offsets
// of the sequence and acknowledgment numbers from what would be right, lengths
// and time.
func FuzzAssembler(f *testing.F) {
	seed := func(steps ...[fuzzRecord]byte) {
		var b []byte
		for _, s := range steps {
			b = append(b, s[:]...)
		}
		f.Add(b)
	}
	syn, synAck := [fuzzRecord]byte{0, SYN}, [fuzzRecord]byte{1, SYN | ACK}
	dataA, dataB := [fuzzRecord]byte{0, ACK, 0, 0, 0, 0, 10}, [fuzzRecord]byte{1, ACK, 0, 0, 0, 0, 20}
	ahead := [fuzzRecord]byte{0, ACK, 20, 0, 0, 0, 10}
	ackAhead := [fuzzRecord]byte{1, ACK, 0, 0, 30, 0, 5}
	fin, finB := [fuzzRecord]byte{0, FIN | ACK}, [fuzzRecord]byte{1, FIN | ACK}
	rst := [fuzzRecord]byte{0, RST}
	late := [fuzzRecord]byte{0, ACK, 0, 0, 0, 0, 1, 0, 0, 255}
	cut := [fuzzRecord]byte{0, ACK, 0, 0, 0, 0, 10, 7}
	far := [fuzzRecord]byte{0, ACK, 0, 0x7f, 0, 0, 10}
	seed(syn, synAck, dataA, dataB, fin, finB)
	seed(syn, synAck, ahead, dataB, ackAhead, dataA, dataA, fin, finB)
	seed(syn, synAck, ackAhead, dataA, late, late, rst)
	seed(dataA, dataB, cut, ahead, late, rst, syn, dataA)
	seed(syn, synAck, dataA, far, far, far, far, dataB, fin)
	seed(dataA, dataA, fin, dataB, finB, syn, synAck, dataA)

	f.Fuzz(func(t *testing.T, b []byte) {
		h := &fuzzHandler{t: t, open: map[uint64]*[2]Stats{}, quiet: map[uint64]bool{}}
		a := New(h, Config{
			MaxQueueSegments: 16, MaxQueueBytes: 4096, MaxTotalBytes: 16 << 10,
			LossSegments: 8, MaxConns: 3, GapTimeout: time.Second,
		})
		feed(t, a, b)
		a.Flush()
		a.verify(t)
		if len(h.open) != 0 || a.Open() != 0 || a.Queued() != 0 || a.table.n != 0 {
			t.Fatalf("after Flush: %d not closed, %d open, %d bytes", len(h.open), a.Open(), a.Queued())
		}
	})
}

// feed plays fuzz bytes.
func feed(t testing.TB, a *Assembler, b []byte) {
	text := make([]byte, 255)
	for i := range text {
		text[i] = byte(i * 37)
	}
	var next [8][2]uint32 // by port and direction: where the stream is
	now := testStart
	for i := uint64(1); len(b) >= fuzzRecord; i++ {
		r := b[:fuzzRecord]
		b = b[fuzzRecord:]
		d, port := r[0]&1, r[0]>>1&7
		ends := [2]Endpoint{{AddrFrom(testA), 40000 + uint16(port)}, {AddrFrom(testB), 5432}}
		at := &next[port][d]
		now += int64(int8(r[9])) * 20e6
		s := Segment{
			Src: ends[d], Dst: ends[d^1], Flags: r[1] & (FIN | SYN | RST | PSH | ACK),
			// The high bytes reach all over the number space.
			Seq:     *at + uint32(int32(int8(r[2]))) + uint32(r[3])<<24,
			Ack:     next[port][d^1] + uint32(int32(int8(r[4]))) + uint32(r[5])<<24,
			Payload: text[r[8]%128:][:r[6]%128],
			Missing: int(r[7]) >> 2,
			At:      Stamp{Time: now, Frame: i},
		}
		if r[0]>>4 == 15 {
			a.Advance(now)
		}
		a.Segment(&s)
		a.verify(t)
		if end := s.Seq + uint32(s.span()); r[2] == 0 && r[3] == 0 {
			*at = end
			if s.Flags&(SYN|FIN) != 0 {
				*at++
			}
		}
	}
}

// TestFeedReaches makes sure that the fuzz target's segments get into the
// machine: one that were all refused would test nothing.
func TestFeedReaches(t *testing.T) {
	r := newRecorder(t)
	a := New(r, Config{})
	var b []byte
	for i := range 3000 {
		rec := make([]byte, fuzzRecord)
		binary.LittleEndian.PutUint64(rec, uint64(i)*0x9e3779b97f4a7c15)
		rec[3], rec[5] = 0, 0
		b = append(b, rec...)
	}
	feed(t, a, b)
	a.Flush()
	kinds := map[byte]bool{}
	for _, e := range r.ev {
		kinds[e[len(e)-1]] = true
	}
	if r.conns == nil || len(r.ev) < 100 {
		t.Fatalf("%d events", len(r.ev))
	}
}
