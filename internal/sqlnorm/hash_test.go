package sqlnorm

import (
	"strings"
	"testing"
)

// TestFingerprint checks the hash against values that the reference
// implementation's xxh64sum and its tests publish.
func TestFingerprint(t *testing.T) {
	tests := []struct {
		in   string
		want string
	}{
		{"", "ef46db3751d8e999"},
		{"a", "d24ec4f1a98c6e5b"},
		{"as", "1c330fb2d66be179"},
		{"asd", "631c37ce72a97393"},
		{"asdf", "415872f599cea71e"},
		{"Call me Ishmael. Some years ago--never mind how long precisely-", "02a2e85470d6fd96"},
	}
	for _, tt := range tests {
		got := string(AppendFingerprint(nil, Fingerprint([]byte(tt.in))))
		if got != tt.want {
			t.Errorf("%q: %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestFingerprintLengths tells apart texts that differ in one byte, at every
// length through the ways that the hash takes.
func TestFingerprintLengths(t *testing.T) {
	seen := map[uint64]int{}
	for n := range 200 {
		h := Fingerprint([]byte(strings.Repeat("x", n)))
		if m, ok := seen[h]; ok {
			t.Errorf("%d and %d bytes have the same fingerprint", m, n)
		}
		seen[h] = n
	}
}
