package render

import (
	"testing"
	"unsafe"
)

// What one goroutine uses for each packet or message must not share a line of the
// processor's cache, nor one that is fetched with it, with what another writes to:
// that costs a fourth of the speed, or not, as the heap happens to be laid out.
// Objects of a multiple of 128 bytes have their lines for themselves.
func TestLines(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("sizes are those of 64-bit systems")
	}
	for name, size := range map[string]uintptr{
		"Pipe":   unsafe.Sizeof(Pipe{}),
		"Output": unsafe.Sizeof(Output{}),
	} {
		if size%128 != 0 {
			t.Errorf("%s takes %d bytes", name, size)
		}
	}
}
