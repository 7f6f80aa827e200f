package tlsdecrypt

import (
	"bytes"
	"crypto/tls"
	"strings"
	"testing"
)

// TestTakeUsed: each connection's secrets once, when they have decrypted
// something, and again when there are more of them.
func TestTakeUsed(t *testing.T) {
	ec, _ := certificates()
	e := &exchange{script: dialogue(), client: &tls.Config{}, server: &tls.Config{Certificates: []tls.Certificate{ec}}}
	first, firstLog := e.run(t)
	second, secondLog := e.run(t)

	k := keyLogOf(t, firstLog)
	if got := k.TakeUsed(); len(got) > 0 {
		t.Fatalf("nothing was used yet: %s", got)
	}
	play(k, first, 0)
	if got := k.TakeUsed(); !sameLines(got, firstLog) {
		t.Errorf("first:\n%swant\n%s", got, firstLog)
	}
	// Of the second connection only the secrets of the handshake are there.
	var rest [][]byte
	for line := range bytes.Lines(secondLog) {
		if bytes.Contains(line, []byte("HANDSHAKE_TRAFFIC")) {
			if err := k.Add(line); err != nil {
				t.Fatal(err)
			}
		} else {
			rest = append(rest, bytes.Clone(line))
		}
	}
	play(k, second, 0)
	if got := k.TakeUsed(); bytes.Count(got, []byte("\n")) != 2 || bytes.Contains(got, []byte("SECRET_0")) {
		t.Errorf("second, of the handshake:\n%s", got)
	}
	if got := k.TakeUsed(); got != nil {
		t.Errorf("again, though nothing is new:\n%s", got)
	}
	for _, line := range rest {
		if err := k.Add(line); err != nil {
			t.Fatal(err)
		}
	}
	if got := k.TakeUsed(); !sameLines(got, secondLog) {
		t.Errorf("second, all:\n%swant\n%s", got, secondLog)
	}
	if got := k.Used(); !sameLines(got, append(firstLog, secondLog...)) {
		t.Errorf("all:\n%s", got)
	}
}

// sameLines compares key logs without regard to order, and to the labels that
// are not needed for decryption.
func sameLines(got, want []byte) bool {
	n := 0
	for line := range strings.Lines(string(want)) {
		if strings.HasPrefix(line, "EXPORTER") {
			continue
		}
		n++
		if !strings.Contains(string(got), line) {
			return false
		}
	}
	return n == bytes.Count(got, []byte("\n"))
}

func TestTakeUsedCostsNothing(t *testing.T) {
	k := NewKeyLog(nil)
	k.TakeUsed()
	if n := testing.AllocsPerRun(100, func() { k.TakeUsed() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
