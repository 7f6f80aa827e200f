package sqlnorm

import (
	"bytes"
	"testing"
)

// TestMayGiveValue sends each byte in each place of texts of all lengths: the signs
// are found wherever they are, and of the others only those are let through that the
// comment names.
func TestMayGiveValue(t *testing.T) {
	lengths := []int{longText - 1, longText, longText + 1}
	for n := 1; n <= 64; n++ {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for at := range n {
			for c := range 256 {
				s := bytes.Repeat([]byte("x"), n)
				s[at] = byte(c)
				sign, through := bytes.IndexByte([]byte("=:'$%<("), byte(c)) >= 0, bytes.IndexByte([]byte("&;"), byte(c)) >= 0
				if got := MayGiveValue(s); got != sign && !through {
					t.Fatalf("%q at %d of %d: %t", byte(c), at, n, got)
				}
			}
		}
	}
}

// TestMayName sends each byte in each place of texts of all lengths; no watched word,
// and nothing of a URL, is one that has no name.
func TestMayName(t *testing.T) {
	for n := 1; n <= 33; n++ {
		for at := range n {
			for c := range 256 {
				s := bytes.Repeat([]byte(":"), n)
				s[at] = byte(c)
				if got := mayName(s); got != (c >= '@' || c == '/') {
					t.Fatalf("%q at %d of %d: %t", byte(c), at, n, got)
				}
			}
		}
	}
	for _, w := range watchedWords {
		if !mayName([]byte(w.word)) {
			t.Errorf("%q", w.word)
		}
	}
	for _, s := range []string{"://", "pw"} {
		if !mayName([]byte(s)) {
			t.Errorf("%q", s)
		}
	}
}
