// Package linetest checks, in tests, that structs do not share lines of the
// processor's cache.
package linetest

import (
	"math/bits"
	"testing"
)

// Whole demands that each of these sizes, by the name of a struct, is a multiple of
// 128 bytes: the allocator places such objects so that they have their lines for
// themselves.
//
// What one goroutine uses for each packet or message must not share a line, nor one
// that is fetched with it, with what another writes to: that costs a fourth of the
// speed, or not, as the heap happens to be laid out.
func Whole(t testing.TB, sizes map[string]uintptr) {
	t.Helper()
	if bits.UintSize != 64 {
		t.Skip("the sizes are those of 64-bit systems")
	}
	for name, size := range sizes {
		if size%128 != 0 {
			t.Errorf("%s takes %d bytes", name, size)
		}
	}
}
