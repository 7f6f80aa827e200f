//go:build linux && (amd64 || arm64)

package attach

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

// ringWriter writes into a ring as the kernel does.
type ringWriter struct {
	*ringReader
	at uintptr
}

func newRing(size int) *ringWriter {
	return &ringWriter{ringReader: &ringReader{
		consumer: make([]byte, 8), producer: make([]byte, 8), data: make([]byte, 2*size), mask: uintptr(size - 1),
	}}
}

// reserve begins a record, which the reader may not see yet; nil where there is no room.
func (w *ringWriter) reserve(b []byte) (submit func(discard bool)) {
	size := ringHead + (uintptr(len(b))+7)&^7
	if w.at+size-atomic.LoadUintptr(position(w.consumer)) > w.mask {
		return nil
	}
	at := w.at & w.mask
	w.at += size
	w.put(at, append(binary.NativeEndian.AppendUint64(nil, ringBusy|uint64(len(b))), b...))
	atomic.StoreUintptr(position(w.producer), w.at)
	return func(discard bool) {
		head := uint64(len(b))
		if discard {
			head |= ringDiscard
		}
		w.put(at, binary.NativeEndian.AppendUint64(nil, head))
	}
}

// put writes to both places where the memory is mapped.
func (w *ringWriter) put(at uintptr, b []byte) {
	size := w.mask + 1
	copy(w.data[at:], b)
	rest := copy(w.data[at+size:], b)
	copy(w.data, b[rest:])
}

// However records come, finished or not, those that were not discarded are read in their
// order, and never is room given back that is still borrowed.
func TestRing(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w := newRing(256 << 10)
		var want [][]byte
		var unfinished []func()
		for n := range byte(200) {
			b := bytes.Repeat([]byte{n}, rnd.IntN(20<<10))
			submit := w.reserve(b)
			if submit == nil {
				t.Fatal("a ring that was read has no room")
			}
			discard := rnd.IntN(4) == 0
			if !discard {
				want = append(want, b)
			}
			if unfinished = append(unfinished, func() { submit(discard) }); rnd.IntN(3) == 0 {
				continue
			}
			for _, i := range rnd.Perm(len(unfinished)) {
				unfinished[i]()
			}
			unfinished = nil
			for b := w.take(); b != nil; b = w.take() {
				if len(want) == 0 || !bytes.Equal(b, want[0]) {
					t.Fatalf("seed %d: read %d bytes of another record", seed, len(b))
				}
				if given := atomic.LoadUintptr(position(w.consumer)); given+ringHead+(uintptr(len(b))+7)&^7 > w.next {
					t.Fatalf("seed %d: the room of a record was given back while it is borrowed", seed)
				}
				want = want[1:]
			}
			if len(want) > 0 {
				t.Fatalf("seed %d: %d records were not read", seed, len(want))
			}
			if given := atomic.LoadUintptr(position(w.consumer)); given != w.at {
				t.Fatalf("seed %d: of what was read, %d bytes were not given back", seed, w.at-given)
			}
		}
	}
}

// What is not finished holds up what follows, and nothing before it.
func TestRingUnfinished(t *testing.T) {
	w := newRing(4096)
	w.reserve([]byte("first"))(false)
	second := w.reserve([]byte("second"))
	w.reserve([]byte("third"))(false)
	if got := w.take(); string(got) != "first" {
		t.Errorf("first: %q", got)
	}
	if got := w.take(); got != nil {
		t.Errorf("an unfinished record was read: %q", got)
	}
	second(false)
	for _, want := range []string{"second", "third", ""} {
		if got := w.take(); string(got) != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
