package analyze

import (
	"slices"
	"testing"
)

// TestTalks takes whole messages for PostgreSQL, and nothing else.
func TestTalks(t *testing.T) {
	ready := "Z\x00\x00\x00\x05I"
	for s, want := range map[string]bool{
		ready:                           true,
		"Q\x00\x00\x00\x0dselect 1\x00": true,
		"1\x00\x00\x00\x042\x00\x00\x00\x04" + ready: true,
		ready + ready + ready + "D\x00\x00\x40":      true,
		"D\x00\x00\x40\x00 the beginning":            false,
		"GET / HTTP/1.1\r\n":                         false,
		"\x16\x03\x01\x02\x00\x01\x00":               false,
		"SSH-2.0-OpenSSH\r\n":                        false,
		"":                                           false,
		"Z\x00\x00\x00\x03":                          false,
	} {
		if got := talks([]byte(s)); got != want {
			t.Errorf("%q: %t", s, got)
		}
	}
}

// TestLikelyPorts wants the port that connections share.
func TestLikelyPorts(t *testing.T) {
	var c Counts
	if got := c.LikelyPorts(); len(got) != 0 {
		t.Error(got)
	}
	c.likely(46570, 25432)
	if got := c.LikelyPorts(); !slices.Equal(got, []uint16{25432}) {
		t.Error(got)
	}
	c.likely(25432, 46582)
	if got := c.LikelyPorts(); !slices.Equal(got, []uint16{25432}) {
		t.Error(got)
	}
}
