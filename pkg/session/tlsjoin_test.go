package session

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// records is ciphertext of records of the given lengths, from byte skip on.
func records(r *rand.Rand, skip int, lengths ...int) []byte {
	var b []byte
	for _, n := range lengths {
		b = append(b, 23, 3, 3)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
		for range n {
			b = append(b, byte(r.Uint32()))
		}
	}
	return b[skip:]
}

// recognisedAt tells at which byte a direction was found to be TLS, in chunks of
// at most size bytes; -1 if it was not.
func recognisedAt(b []byte, size int) int {
	var j tlsJoin
	for at := 0; at < len(b); at += size {
		if j.look(b[at:min(at+size, len(b))]) {
			return at
		}
	}
	return -1
}

// TestJoinInsideRecord: two headers in a row are enough, wherever the capture
// begins and the segments end.
func TestJoinInsideRecord(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	cases := []struct {
		name   string
		b      []byte
		latest int // byte by which it has to be recognised, -1 if it must not be
	}{
		{"from a header on", records(r, 0, 100, 100, 100), 110 + 5},
		{"from inside a header", records(r, 3, 100, 100, 100), 210 + 5},
		{"from inside a record", records(r, 77, 8216, 8216, 8216), 2*8221 + 5},
		{"longest records", records(r, 1, maxRecord, maxRecord, maxRecord), 2*(maxRecord+5) + 5},
		{"one header only", records(r, 50, 100, 3000)[:2000], -1},
		{"random bytes", records(r, 5, 60000), -1},
		{"text", bytes.Repeat([]byte("D\x00\x00\x00\x14\x00\x01\x00\x00\x00\x0asome value"), 3000), -1},
		{"too long for a record", append(records(r, 0, 17+maxRecord), 23, 3, 3, 0, 40), -1},
		{"nothing but the byte", bytes.Repeat([]byte{23}, 5000), -1},
	}
	for _, c := range cases {
		for _, size := range []int{1, 3, 4, 5, 6, 100, 1448, 1 << 16} {
			at := recognisedAt(c.b, size)
			if (at < 0) != (c.latest < 0) || at > c.latest {
				t.Errorf("%s, chunks of %d bytes: recognised at %d, want by %d", c.name, size, at, c.latest)
			}
		}
	}
}

// FuzzJoin: what is recognised does not depend on the chunks.
func FuzzJoin(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	f.Add(records(r, 10, 40, 40, 40), uint8(7))
	f.Add([]byte{23, 3, 3, 0, 17, 23, 3, 3, 0, 17, 23, 3}, uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		n := int(size)%len("any chunk size") + 1
		whole, parts := recognisedAt(b, len(b)+1), recognisedAt(b, n)
		if (whole < 0) != (parts < 0) {
			t.Errorf("recognised at %d as a whole, at %d in chunks of %d bytes", whole, parts, n)
		}
	})
}
