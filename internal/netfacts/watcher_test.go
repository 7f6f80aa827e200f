package netfacts

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// wire plays segments of one connection to a Watcher by way of an Assembler.
type wire struct {
	tcp    *reassembly.Assembler
	w      *Watcher
	events []Event
	client reassembly.Endpoint
	server reassembly.Endpoint
	frame  uint64
	passes func(*reassembly.Conn, reassembly.Dir, *reassembly.Segment) bool // nil: none
}

type handler struct{ *wire }

func (handler) Open(*reassembly.Conn, reassembly.Stamp)                         {}
func (handler) Data(*reassembly.Conn, reassembly.Dir, []byte, reassembly.Stamp) {}
func (handler) Gap(*reassembly.Conn, reassembly.Dir, int64, reassembly.Stamp)   {}
func (h handler) Close(c *reassembly.Conn, _ reassembly.Reason, _ reassembly.Stamp) {
	h.w.Close(c, 0, true)
}

func (h handler) Segment(c *reassembly.Conn, d reassembly.Dir, s *reassembly.Segment) {
	if h.passes == nil || !h.passes(c, d, s) {
		h.w.Segment(c, 0, d, s)
	}
}

func newWire() *wire {
	w := &wire{
		client: reassembly.EndpointFrom(netip.MustParseAddrPort("192.0.2.1:40000")),
		server: reassembly.EndpointFrom(netip.MustParseAddrPort("192.0.2.2:5432")),
	}
	w.w = New(func(e *Event) { w.events = append(w.events, *e) })
	w.tcp = reassembly.New(handler{w}, reassembly.Config{})
	return w
}

// numbers are added to the sequence numbers of the client and of the server.
var numbers [2]uint32

// TestAnyNumbers plays the other tests with other initial sequence numbers: they may be any.
func TestAnyNumbers(t *testing.T) {
	defer func() { numbers = [2]uint32{} }()
	for _, numbers[0] = range []uint32{0, 1<<31 - 300, 1<<31 + 5000, 1<<32 - 120} {
		for _, numbers[1] = range []uint32{0, 1<<31 - 520, 1<<31 + 5000, 1<<32 - 560} {
			for name, test := range map[string]func(*testing.T){
				"round trip": TestRoundTrip, "retransmission": TestRetransmission, "none": TestNoRetransmission, "hole": TestHoleFilledLate,
				"window": TestClosedWindow, "delayed": TestDelayedACK, "silence": TestSilence, "stall": TestServerSilence,
			} {
				if !t.Run(fmt.Sprint(name, numbers), test) {
					return
				}
			}
		}
	}
}

const epoch = int64(1_700_000_000_000_000_000)

// send plays a segment at a time in milliseconds.
func (w *wire) send(at float64, fromClient bool, flags uint8, seq, ack uint32, n int, more ...func(*reassembly.Segment)) {
	w.frame++
	front, back := numbers[0], numbers[1]
	if !fromClient {
		front, back = back, front
	}
	if seq += front; flags&reassembly.ACK != 0 {
		ack += back
	}
	s := &reassembly.Segment{
		Src: w.client, Dst: w.server, Seq: seq, Ack: ack, Flags: flags, Window: 500, Payload: make([]byte, n),
		At: reassembly.Stamp{Time: epoch + int64(at*1e6), Frame: w.frame},
	}
	if !fromClient {
		s.Src, s.Dst = s.Dst, s.Src
	}
	for _, f := range more {
		f(s)
	}
	w.tcp.Segment(s)
}

const (
	syn = reassembly.SYN
	ack = reassembly.ACK
	rst = reassembly.RST
)

// open plays a handshake: toServer and toClient are round-trip times in ms.
func (w *wire) open(toServer, toClient float64) {
	options := func(s *reassembly.Segment) {
		s.Options = []byte{2, 4, 5, 0xb4, 1, 3, 3, 7} // MSS 1460, window scale 7
	}
	w.send(0, true, syn, 99, 0, 0, options)
	w.send(toServer, false, syn|ack, 499, 100, 0, options)
	w.send(toServer+toClient, true, ack, 100, 500, 0)
}

func (w *wire) of(k Kind) (list []Event) {
	for _, e := range w.events {
		if e.Kind == k {
			list = append(list, e)
		}
	}
	return list
}

func (w *wire) one(t *testing.T, k Kind) Event {
	t.Helper()
	list := w.of(k)
	if len(list) != 1 {
		t.Fatalf("%d events of kind %d: %+v", len(list), k, w.events)
	}
	return list[0]
}

func TestRoundTrip(t *testing.T) {
	w := newWire()
	w.open(3, 20)
	list := w.of(RTT)
	if len(list) != 2 || list[0].Length != 3*ms || list[0].FromClient || list[1].Length != 20*ms || !list[1].FromClient || !list[1].Handshake {
		t.Fatalf("%+v", list)
	}
}

func TestRetransmission(t *testing.T) {
	w := newWire()
	w.open(1, 1)
	w.send(10, true, ack, 100, 500, 50)
	w.send(210, true, ack, 100, 500, 50)
	e := w.one(t, Retransmission)
	if !e.FromClient || e.Length != 200*ms || e.N != 50 || e.Needless || e.Since != epoch+10*ms {
		t.Fatalf("%+v", e)
	}
	w.send(211, false, ack, 500, 150, 30)
	w.send(212, true, ack, 150, 530, 0)
	w.send(412, false, ack, 500, 150, 30)
	if list := w.of(Retransmission); len(list) != 2 || list[1].FromClient || !list[1].Needless {
		t.Fatalf("%+v", list)
	}
}

func TestNoRetransmission(t *testing.T) {
	w := newWire()
	w.open(1, 1)
	w.send(10, true, ack, 100, 500, 50)
	w.send(10.3, true, ack, 100, 500, 50) // the capture has it twice
	w.send(11, false, ack, 500, 150, 30)
	w.send(12, true, ack, 150, 530, 0)
	w.send(7000, true, ack, 149, 530, 0) // keep-alives, with and without a byte
	w.send(7010, true, ack, 149, 530, 1)
	w.send(8000, false, ack, 600, 150, 10) // overtaken
	w.send(8001, false, ack, 530, 150, 70)
	if list := w.of(Retransmission); len(list) != 0 {
		t.Fatalf("%+v", list)
	}
}

func TestHoleFilledLate(t *testing.T) {
	w := newWire()
	w.open(1, 1)
	w.send(10, true, ack, 100, 500, 50)
	w.send(11, false, ack, 530, 150, 30) // what came before it was lost
	w.send(230, false, ack, 500, 150, 30)
	if e := w.one(t, Retransmission); e.FromClient || e.Length != 219*ms {
		t.Fatalf("%+v", e)
	}
}

func TestClosedWindow(t *testing.T) {
	w := newWire()
	w.open(1, 1)
	window := func(n uint16) func(*reassembly.Segment) {
		return func(s *reassembly.Segment) { s.Window = n }
	}
	w.send(10, true, ack, 100, 500, 50)
	w.send(11, false, ack, 500, 150, 1000)
	w.send(12, true, ack, 150, 1500, 0, window(0))
	w.send(400, false, ack, 1499, 150, 1) // a probe
	w.send(401, true, ack, 150, 1500, 0, window(0))
	w.send(700, true, ack, 150, 1500, 0, window(100))
	if e := w.one(t, WindowClosed); !e.FromClient || e.Length != 688*ms {
		t.Fatalf("%+v", e)
	}
	w.send(800, true, ack, 150, 1500, 0, window(11)) // 11 * 128 bytes: less than a segment
	w.send(900, true, ack, 150, 1500, 0, window(100))
	if list := w.of(WindowClosed); len(list) != 2 || list[1].Length != 100*ms {
		t.Fatalf("%+v", list)
	}
}

func TestDelayedACK(t *testing.T) {
	for _, c := range []struct {
		name           string
		acked, second  float64
		toServer, want float64 // of the event, 0: none
	}{
		{"Linux", 41, 41.2, 0.1, 31.2},
		{"Windows", 210, 210.5, 0.1, 200.5},
		{"the client was not waiting", 41, 60, 0.1, 0},
		{"it is the round trip", 51, 51.2, 41, 0},
		{"at once", 11, 11.1, 0.1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWire()
			w.open(c.toServer, 0.1)
			const start = 1000
			w.send(start, true, ack, 100, 500, 50)
			w.send(start+c.acked, false, ack, 500, 150, 0)
			w.send(start+c.second, true, ack, 150, 500, 40)
			if list := w.of(DelayedACK); (len(list) == 1) != (c.want > 0) || len(list) > 0 && list[0].N != 50 {
				t.Fatalf("%+v", w.events)
			}
		})
	}
}

func TestSilence(t *testing.T) {
	w := newWire()
	w.open(1, 1)
	w.send(10, true, ack, 100, 500, 50)
	w.send(11, false, ack, 500, 150, 30)
	w.send(12, true, ack, 150, 530, 0)
	w.send(2000, true, ack, 149, 530, 0) // a keep-alive and its answer
	w.send(2001, false, ack, 530, 150, 0)
	w.send(5012, true, ack, 150, 530, 50)
	if e := w.one(t, Silence); e.Length != 5000*ms {
		t.Fatalf("%+v", e)
	}
	w.send(5013, false, rst, 530, 150, 0)
	if e := w.one(t, Reset); e.FromClient {
		t.Fatalf("%+v", e)
	}
}

func TestRefusedAndUnanswered(t *testing.T) {
	w := newWire()
	w.send(0, true, syn, 99, 0, 0)
	w.send(1, false, rst|ack, 0, 100, 0)
	if e := w.one(t, Refused); e.Client != w.client || e.Server != w.server {
		t.Fatalf("%+v", e)
	}
	w = newWire()
	w.send(0, true, syn, 99, 0, 0)
	w.send(1000, true, syn, 99, 0, 0)
	w.send(3000, true, syn, 99, 0, 0)
	w.tcp.Flush()
	if e := w.one(t, NoAnswer); e.N != 3 || e.Length != 3000*ms {
		t.Fatalf("%+v", e)
	}
	w = newWire()
	w.send(0, true, syn, 99, 0, 0) // the capture ends here: nothing can be said
	w.tcp.Flush()
	if len(w.events) != 0 {
		t.Fatalf("%+v", w.events)
	}
}

func TestServerSilence(t *testing.T) {
	w := newWire()
	w.open(1, 1)
	w.send(10, true, ack, 100, 500, 50)
	w.send(11, false, ack, 500, 150, 30)
	w.send(20, true, ack, 150, 530, 50)
	w.send(60, false, ack, 530, 200, 0) // the host is alive
	w.send(920, false, ack, 530, 200, 30)
	if e := w.one(t, ServerSilence); e.Length != 909*ms || e.Since != epoch+11*ms {
		t.Fatalf("%+v", e)
	}
	if e := w.one(t, LateReply); !e.Acked || e.Since != epoch+20*ms || e.Length != 900*ms {
		t.Fatalf("%+v", e)
	}
}

func TestAllocations(t *testing.T) {
	w := newWire()
	w.w.tell = func(*Event) {}
	w.open(1, 1)
	at, seq, back := 10.0, uint32(100), uint32(500)
	client, server := w.client, w.server
	s := &reassembly.Segment{Flags: ack, Window: 500, Payload: make([]byte, 50)}
	step := func() {
		at += 5
		s.Src, s.Dst, s.Seq, s.Ack, s.At.Time = client, server, seq, back, epoch+int64(at*1e6)
		w.tcp.Segment(s)
		w.tcp.Segment(s) // and again
		seq += 50
		s.Src, s.Dst, s.Seq, s.Ack, s.At.Time = server, client, back, seq, epoch+int64((at+1)*1e6)
		w.tcp.Segment(s)
		back += 50
	}
	step()
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations for each turn", n)
	}
}

// TestHostile plays segments with any numbers: none may break the Watcher, and no
// event may tell of negative times or of what is longer than the capture.
func TestHostile(t *testing.T) {
	state := uint32(7)
	random := func(n uint32) uint32 {
		state = state*1664525 + 1013904223
		return (state >> 8) % n
	}
	for range 200 {
		w := newWire()
		at := 0.0
		for range 200 {
			at += float64(random(1000)) / 10
			seq, flags := 100+random(2000), uint8(random(32))
			if random(10) == 0 {
				seq = random(1<<24) << 8
			}
			w.send(at, random(2) == 0, flags, seq, 500+random(2000), int(random(60)), func(s *reassembly.Segment) {
				s.Window = uint16(random(3) * random(1000))
				s.Options = []byte{byte(random(5)), byte(random(5)), byte(random(255)), 3}[:random(5)]
			})
		}
		w.tcp.Flush()
		for _, e := range w.events {
			if e.Length < 0 || e.Length > int64(at*1e6) {
				t.Fatalf("%+v", e)
			}
		}
	}
}

// TestPasses holds that a connection that was not watched for a while is as if it were
// joined when it is again: nothing is concluded from what was not looked at.
func TestPasses(t *testing.T) {
	var set *Set
	w := newWire()
	w.passes = func(c *reassembly.Conn, d reassembly.Dir, s *reassembly.Segment) bool {
		return w.w.Passes(set, c, 0, d, s)
	}
	w.send(0, true, reassembly.ACK, 1000, 5000, 50)
	w.send(1, false, reassembly.ACK, 5000, 1050, 80)
	w.events = nil
	set = &Set{1: {}}
	w.send(2, true, reassembly.ACK, 1050, 5080, 50)
	w.send(900, false, reassembly.ACK, 5080, 1100, 80) // late, after a silence
	w.send(901, true, reassembly.ACK, 1050, 5080, 50)  // again
	if len(w.events) != 0 {
		t.Errorf("told of what nobody wanted: %+v", w.events)
	}
	set = nil
	w.send(6000, true, reassembly.ACK, 1100, 5160, 50)
	if len(w.events) != 0 {
		t.Errorf("concluded from what was not watched: %+v", w.events)
	}
	w.send(6001, true, reassembly.ACK, 1100, 5160, 50)
	w.send(9500, false, reassembly.ACK, 5160, 1150, 80)
	kinds := map[Kind]bool{}
	for _, e := range w.events {
		kinds[e.Kind] = true
	}
	if !kinds[Retransmission] || !kinds[LateReply] {
		t.Errorf("it is not watched again: %+v", w.events)
	}
}
