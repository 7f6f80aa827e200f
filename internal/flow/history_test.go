package flow

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/pgsniff/pgsniff/internal/capture"
)

func packetOf(n int) *capture.Packet {
	data := bytes.Repeat([]byte{byte(n)}, n%1400+60)
	return &capture.Packet{Data: data, Time: int64(n) * 1000, OrigLen: len(data) + 3, LinkType: 276, FCSLen: 4, Interface: n % 3, Frame: uint64(n)}
}

// TestHistory holds that the latest packets are kept as they came, in no more memory than
// was said, and that a reader has those of its moment whatever comes after.
func TestHistory(t *testing.T) {
	for _, each := range []bool{false, true} {
		testHistory(t, each)
	}
}

func testHistory(t *testing.T, each bool) {
	const limit, packets = 3 << 20, 20_000
	h := NewHistory(limit)
	h.Each = each
	if frame, _ := h.Oldest(); frame != 0 {
		t.Errorf("an empty history begins with %d", frame)
	}
	var early capture.Source
	for n := 1; n <= packets; n++ {
		h.Add(packetOf(n))
		if n == packets/2 {
			if !each {
				h.Publish()
			}
			early = h.Source()
		}
		if h.size > limit+chunkSize {
			t.Fatalf("%d bytes after packet %d", h.size, n)
		}
	}
	check := func(src capture.Source, last int) (first int) {
		t.Helper()
		var p capture.Packet
		next := 0
		for {
			err := src.Next(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if next == 0 {
				next = int(p.Frame)
				first = next
			}
			want := packetOf(next)
			if p.Frame != want.Frame || p.Time != want.Time || p.OrigLen != want.OrigLen || p.LinkType != want.LinkType ||
				p.FCSLen != want.FCSLen || p.Interface != want.Interface || !bytes.Equal(p.Data, want.Data) {
				t.Fatalf("packet %d is not what it was: %+v", next, p)
			}
			next++
		}
		if next != last+1 {
			t.Errorf("the last packet is %d, not %d", next-1, last)
		}
		return first
	}
	if !each {
		h.Publish()
	}
	late := h.Source()
	first := check(late, packets)
	if frame, at := h.Oldest(); int(frame) != first || at != int64(first)*1000 || first < 10_000 {
		t.Errorf("the oldest is %d of %d, the first was %d", frame, at, first)
	}
	check(early, packets/2)
	if err := errors.Join(early.Close(), late.Close()); err != nil || h.readers != 0 {
		t.Error(err, h.readers)
	}
	h.Add(&capture.Packet{Data: make([]byte, 2*chunkSize), Frame: 1}) // larger than a chunk
	if allocs := testing.AllocsPerRun(5000, func() { h.Add(packetOf(7)) }); allocs > 2 {
		t.Errorf("%.1f allocations for a packet", allocs) // those of packetOf
	}
}
