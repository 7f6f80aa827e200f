package sqlnorm

import (
	"bytes"
	"testing"
)

// TestMayGiveValue sends each byte in each place of texts of all lengths: the signs
// are found wherever they are, and of the others only those are let through that the
// comment names.
func TestMayGiveValue(t *testing.T) {
	for n := 1; n <= 2*longText; n++ {
		for at := range n {
			for c := range 256 {
				s := bytes.Repeat([]byte("x"), n)
				s[at] = byte(c)
				sign, through := bytes.IndexByte([]byte("=:'$%<"), byte(c)) >= 0, bytes.IndexByte([]byte("&;"), byte(c)) >= 0
				if got := MayGiveValue(s); got != sign && !through {
					t.Fatalf("%q at %d of %d: %t", byte(c), at, n, got)
				}
			}
		}
	}
}
