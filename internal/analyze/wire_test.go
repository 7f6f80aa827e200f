package analyze

import (
	"math/rand/v2"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// record is a TLS record.
func tlsRecord(kind byte, size int) []byte {
	b := make([]byte, 5+size)
	b[0], b[1], b[2], b[3], b[4] = kind, 3, 3, byte(size>>8), byte(size)
	for i := range b[5:] {
		b[5+i] = 23 // what could be taken for a head
	}
	return b
}

// Plaintext is placed into the packet that ended its record, however records are cut
// into packets, and whatever precedes them.
func TestWire(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, over := range overheads {
		for range 200 {
			var stream []byte
			var ends, sizes []int
			add := func(kind byte, size int) {
				stream = append(stream, tlsRecord(kind, size)...)
				if kind == 23 {
					ends = append(ends, len(stream))
				}
			}
			for range 1 + random.IntN(30) {
				sizes = append(sizes, 60+random.IntN(5000))
			}
			add(22, 300)
			add(20, 1)
			handshake := 0
			if over == 17 { // TLS 1.3: the rest of the handshake looks like data
				add(22, 122)         // after a HelloRetryRequest
				add(23, sizes[0]+24) // and like that of another cipher
				add(23, 53)
				handshake = 2
			} else {
				add(22, 40)
			}
			for _, n := range sizes {
				add(23, n+over)
			}
			var r records
			packet := make(map[int]uint64) // of each byte, by its end
			for at, frame := 0, uint64(1); at < len(stream); frame++ {
				n := min(1+random.IntN(1460), len(stream)-at)
				r.feed(stream[at:at+n], reassembly.Stamp{Frame: frame})
				for i := range n {
					packet[at+i+1] = frame
				}
				at += n
			}
			for i, n := range sizes {
				got, ok := r.take(n, true)
				if want := packet[ends[handshake+i]]; !ok || got.Frame != want {
					t.Fatalf("overhead %d: record %d of %d bytes is in packet %d (%v), want %d", over, i, n, got.Frame, ok, want)
				}
			}
		}
	}
}

// A record that is read in parts is one.
func TestWireParts(t *testing.T) {
	var r records
	r.feed(tlsRecord(23, 16384+17), reassembly.Stamp{Frame: 1})
	r.feed(tlsRecord(23, 100+17), reassembly.Stamp{Frame: 2})
	r.over = 17
	for _, n := range []int{8192, 8192} {
		if at, ok := r.take(n, true); !ok || at.Frame != 1 {
			t.Errorf("%d bytes are in packet %d", n, at.Frame)
		}
	}
	if at, ok := r.take(100, true); !ok || at.Frame != 2 {
		t.Errorf("the next is in packet %d", at.Frame)
	}
	if _, ok := r.take(100, true); ok {
		t.Error("there is no more")
	}
}

// What waits is bounded, and what is in clear is no record.
func TestWireBounds(t *testing.T) {
	var r records
	for range 3 * maxSealed {
		r.feed(tlsRecord(23, 40), reassembly.Stamp{})
	}
	if len(r.list) > maxSealed || cap(r.list) > 2*maxSealed {
		t.Errorf("%d records wait", len(r.list))
	}
	var plain records
	plain.feed([]byte("Q\x00\x00\x00\x0dselect 1\x00"), reassembly.Stamp{})
	if plain.any {
		t.Error("a query is taken for TLS")
	}
}

// Whatever comes first, records or their plaintext, and how much of it: the records that
// wait are bounded, the latest are among them, and as long as no more wait than may, each
// piece of plaintext has its packet.
func TestWireWaiting(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 3))
		var r records
		r.changed = true
		var frame uint64
		var waiting []uint64 // what a reader that keeps all has
		for range 100 {
			for range random.IntN(maxSealed / 8 * (1 + int(seed%4))) {
				frame++
				r.feed(tlsRecord(23, 17+int(frame%200)), reassembly.Stamp{Frame: frame})
				waiting = append(waiting, frame)
			}
			if len(r.list) > maxSealed || r.first > len(r.list) {
				t.Fatalf("%d records wait, of which %d are done", len(r.list), r.first)
			}
			if n := len(r.list); n > 0 && r.first < n && r.list[n-1].at.Frame != frame {
				t.Fatalf("the latest record is in packet %d, want %d", r.list[n-1].at.Frame, frame)
			}
			full := len(waiting) > maxSealed/2
			for range random.IntN(len(waiting) + 1) {
				step := min(1+random.IntN(skipped), len(waiting))
				want := waiting[step-1] // those before it are the handshake's
				at, ok := r.take(int(want%200), false)
				if !full && (!ok || at.Frame != want) {
					t.Fatalf("the record of packet %d is in %d (%v)", want, at.Frame, ok)
				}
				if waiting = waiting[step:]; len(waiting) == 0 {
					break
				}
			}
			if full {
				r.forget()
				waiting = waiting[:0]
			}
		}
	}
}
