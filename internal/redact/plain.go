package redact

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// plainBodies remembers bodies of messages in which nothing is hidden, of kinds whose
// body says all that counts for that, and which say the same again and again:
// connections begin with the same ParameterStatus messages, and the same query has the
// same RowDescription. The zero plainBodies is empty and ready.
type plainBodies [1 << 8][]byte

// mostPlain is the length in bytes of the longest body that is remembered: all
// together take 256 KiB at most.
const mostPlain = 1024

// place is where a body of at least eight bytes is remembered.
func (p *plainBodies) place(b []byte) *[]byte {
	const golden = 0x9e3779b97f4a7c15 // spreads what differs in a few bits
	first, last := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[len(b)-8:])
	return &p[((first^bits.RotateLeft64(last, 32))+uint64(len(b)))*golden>>(64-8)]
}

// has reports whether a body is remembered.
func (p *plainBodies) has(b []byte) bool { return len(b) >= 8 && bytes.Equal(*p.place(b), b) }

// add remembers a body, in the place of another one that differs in little.
func (p *plainBodies) add(b []byte) {
	if len(b) >= 8 && len(b) <= mostPlain {
		at := p.place(b)
		*at = append((*at)[:0], b...)
	}
}
