package reassembly

import (
	"net/netip"
	"slices"
	"testing"
)

// stallWire plays segments of one connection and collects what is told.
type stallWire struct {
	a      *Assembler
	client Endpoint
	server Endpoint
	told   [][2]int64 // since and at, in milliseconds
}

func (*stallWire) Open(*Conn, Stamp)              {}
func (*stallWire) Data(*Conn, Dir, []byte, Stamp) {}
func (*stallWire) Gap(*Conn, Dir, int64, Stamp)   {}
func (*stallWire) Close(*Conn, Reason, Stamp)     {}
func (w *stallWire) Stalled(_ *Conn, since int64, at Stamp) {
	w.told = append(w.told, [2]int64{since / 1e6, at.Time / 1e6})
}

// send plays a segment at a time in milliseconds.
func (w *stallWire) send(at int64, d Dir, flags uint8, seq, ack uint32, n int, window uint16) {
	s := &Segment{
		Src: w.client, Dst: w.server, Seq: seq, Ack: ack, Flags: flags, Window: window, Payload: make([]byte, n), At: Stamp{Time: at * 1e6},
	}
	if d == 1 {
		s.Src, s.Dst = s.Dst, s.Src
	}
	w.a.Segment(s)
}

func TestStalled(t *testing.T) {
	const open = 500
	for _, c := range []struct {
		name string
		play func(w *stallWire)
		want [][2]int64
	}{
		{"request repeated", func(w *stallWire) {
			w.send(1100, 0, ACK, 100, 500, 50, open)
			w.send(1300, 0, ACK, 100, 500, 50, open)
		}, [][2]int64{{1100, 1300}}},
		{"request repeated twice", func(w *stallWire) {
			w.send(1100, 0, ACK, 100, 500, 50, open)
			w.send(1300, 0, ACK, 100, 500, 50, open)
			w.send(1700, 0, ACK, 100, 500, 50, open)
		}, [][2]int64{{1100, 1300}, {1100, 1700}}},
		{"a reply that had been acknowledged comes again, and then the request", func(w *stallWire) {
			w.send(1100, 0, ACK, 100, 500, 50, open)
			w.send(1110, 1, ACK, 500, 150, 30, open)
			w.send(1120, 0, ACK, 150, 530, 50, open) // lost on its way to the server
			w.send(1320, 1, ACK, 500, 150, 30, open)
			w.send(1321, 0, ACK, 200, 530, 0, open)
			w.send(1330, 0, ACK, 150, 530, 50, open)
		}, [][2]int64{{1120, 1330}}},
		{"needless: it had been acknowledged", func(w *stallWire) {
			w.send(1100, 0, ACK, 100, 500, 50, open)
			w.send(1101, 1, ACK, 500, 150, 0, open)
			w.send(1300, 0, ACK, 100, 500, 50, open)
			w.send(6000, 1, ACK, 500, 150, 30, open) // the server's work is not the network's
		}, nil},
		{"a probe of the tail", func(w *stallWire) {
			w.send(1100, 1, ACK, 500, 100, 50, open)
			w.send(1120, 1, ACK, 500, 100, 50, open)
		}, nil},
		{"a keep-alive", func(w *stallWire) {
			w.send(1100, 0, ACK, 100, 500, 50, open)
			w.send(9000, 0, ACK, 149, 500, 1, open)
		}, nil},
		{"a closed window", func(w *stallWire) {
			w.send(1100, 1, ACK, 500, 100, 50, open)
			w.send(1110, 0, ACK, 100, 500, 0, 0)
			w.send(1400, 1, ACK, 500, 100, 50, open)
			w.send(1500, 0, ACK, 100, 550, 0, open)
			w.send(1600, 1, ACK, 550, 100, 50, open)
			w.send(1800, 1, ACK, 550, 100, 50, open)
		}, [][2]int64{{1600, 1800}}},
		{"a hole that is filled late", func(w *stallWire) {
			w.send(1100, 1, ACK, 550, 100, 50, open)
			w.send(1350, 1, ACK, 500, 100, 50, open)
		}, [][2]int64{{1100, 1350}}},
		{"a hole that is filled soon", func(w *stallWire) {
			w.send(1100, 1, ACK, 550, 100, 50, open)
			w.send(1101, 1, ACK, 500, 100, 50, open)
		}, nil},
		{"a segment lost before the capture", func(w *stallWire) {
			w.send(3100, 0, ACK, 100, 500, 50, open)
		}, nil},
	} {
		w := &stallWire{
			client: EndpointFrom(netip.MustParseAddrPort("192.0.2.1:40000")),
			server: EndpointFrom(netip.MustParseAddrPort("192.0.2.2:5432")),
		}
		w.a = New(w, Config{})
		w.send(1000, 0, SYN, 99, 0, 0, open)
		w.send(1001, 1, SYN|ACK, 499, 100, 0, open)
		w.send(1002, 0, ACK, 100, 500, 0, open)
		c.play(w)
		if !slices.Equal(w.told, c.want) {
			t.Errorf("%s: %v, want %v", c.name, w.told, c.want)
		}
	}
}
