package packet

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// What plain takes, header by header gives the same segment: of frames that differ from a
// good one in a few bytes, or end anywhere.
func TestPlain(t *testing.T) {
	good := []byte{
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x08, 0x00,
		0x45, 0, 0, 57, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0x9c, 0x40, 0x15, 0x38, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0x18, 0, 200, 0, 0, 0, 0,
		'o', 'p', 't', 'i', 'o', 'n', 's', '!', '1', '2', '3', '4',
		'Q', 0, 0, 0, 4, 0, 0, 0, // the last three are beyond the packet's end
	}
	r := rand.New(rand.NewPCG(3, 4))
	taken := 0
	for n := range 50_000 {
		h := append([]byte(nil), good...)
		for range r.IntN(4) {
			if at := r.IntN(len(h)); r.IntN(2) == 0 {
				h[at] = byte(r.Uint32())
			} else {
				h[at] ^= 1 << r.IntN(8)
			}
		}
		h = h[:len(h)-max(r.IntN(40)-30, 0)]
		p := &capture.Packet{Data: h, OrigLen: len(h) + r.IntN(3), Time: int64(n), Frame: uint64(n), LinkType: linkEthernet, FCSLen: uint8(4 * r.IntN(2))}
		var got, want reassembly.Segment
		if !plain(p, &got) {
			continue
		}
		taken++
		d := NewDecoder(Options{})
		d.stamp = reassembly.Stamp{Time: p.Time, Frame: p.Frame}
		d.fcs = int(p.FCSLen)
		v := d.link(p.LinkType, bytesOf{p.Data, p.OrigLen - len(p.Data)}, &want)
		if v != TCP || !reflect.DeepEqual(got, want) {
			t.Fatalf("% x: plain gives\n%+v\nheader by header %v\n%+v", h, got, v, want)
		}
	}
	if taken < 10_000 {
		t.Fatalf("plain took %d frames", taken)
	}
}
