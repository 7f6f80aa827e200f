package render

import (
	"encoding/binary"
	"math/bits"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Applications say the same few things in turn, and a server tells all clients the same
// parameters. What became of a message's body is remembered, so that another one of its
// kind that is the same need not be decoded.

// bodyMemo is a body of a kind and what it became.
type bodyMemo struct {
	kind       messages.Kind
	wire, text []byte
}

const (
	// maxMemo is the length in bytes of the longest body that is remembered: a
	// comparison is to be cheaper than decoding.
	maxMemo = 512
	// memoPlaces is how many are, all kinds together. Each takes its body and the text,
	// which has six bytes for one where all are escaped: a megabyte at most.
	memoPlaces = 1 << 8
)

// memoPlace is where a body is remembered, in the place of another one that differs in
// little or happens to have the same.
func memoPlace(k messages.Kind, b []byte) uint64 {
	const golden = 0x9e3779b97f4a7c15 // spreads what differs in a few bits
	h, n := uint64(len(b))<<8|uint64(k), len(b)
	switch {
	case n >= 8:
		h += binary.LittleEndian.Uint64(b) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[n-8:]), 32)
	case n >= 4:
		h += uint64(binary.LittleEndian.Uint32(b))<<16 ^ uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	case n > 0:
		h += uint64(b[0])<<16 | uint64(b[n-1])<<24
	}
	return h * golden >> (64 - 8)
}

// memorable are the kinds whose record depends on nothing but their bytes, and
// whose decoding costs more than a comparison.
func memorable(k messages.Kind) bool {
	switch k {
	case messages.KindDataRow, messages.KindBind, messages.KindCopyData, messages.KindFunctionCall,
		messages.KindUnknown, messages.KindPasswordMessage:
		return false
	}
	return true
}
