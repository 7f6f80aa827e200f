package render

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Applications say the same few things in turn, and a server tells all clients the same
// parameters. What became of a message's body is remembered, so that another one of its
// kind that is the same need not be decoded.

// memo is a body of a kind and what it became.
type memo struct {
	kind       messages.Kind
	of         uint32 // what else the text depends on
	wire, text []byte
}

const (
	// maxMemo is the length in bytes of the longest body that is remembered: a
	// comparison is to be cheaper than decoding.
	maxMemo = 512
	// memoSets times memoWays bodies are remembered, of all kinds together. Each takes its
	// bytes and the text, which has some six for each of them at most: a megabyte in all.
	memoSets = 1 << 6
	memoWays = 4
)

// memos are the bodies that are remembered, in sets of those whose hashes begin alike. The
// zero memos is empty and ready.
type memos struct {
	sets [memoSets]struct {
		hashes [memoWays]uint64
		ways   [memoWays]memo
		next   uint8 // the way that is given to another one next
	}
	latest [messages.NumKinds]*memo // of each kind, which is most often the same again
}

// again returns what is remembered of the latest body of a kind, if it is this one, else
// nil. Most are, so that is asked before search is.
func (t *memos) again(k messages.Kind, of uint32, body []byte) *memo {
	if m := t.latest[k]; m != nil && m.is(k, of, body) {
		return m
	}
	return nil
}

// search returns what is remembered of a body, nil if nothing is, and the body's hash.
func (t *memos) search(k messages.Kind, of uint32, body []byte) (m *memo, hash uint64) {
	hash = memoHash(k, of, body)
	set := &t.sets[hash>>(64-6)]
	for i, h := range set.hashes {
		if h != hash {
			continue
		}
		if m = &set.ways[i]; m.is(k, of, body) {
			t.latest[k] = m
			return m, hash
		}
	}
	return nil, hash
}

func (m *memo) is(k messages.Kind, of uint32, body []byte) bool {
	return m.kind == k && m.of == of && bytes.Equal(m.wire, body)
}

// add remembers what a body became that search has not found, with its hash, unless it is
// long.
func (t *memos) add(hash uint64, k messages.Kind, of uint32, body, text []byte) {
	if len(body) > maxMemo {
		return
	}
	set := &t.sets[hash>>(64-6)]
	way := set.next % memoWays
	set.next++
	set.hashes[way] = hash
	m := &set.ways[way]
	m.kind, m.of, m.wire, m.text = k, of, append(m.wire[:0], body...), append(m.text[:0], text...)
	t.latest[k] = m
}

// memoHash is made of what most bodies differ in: their length, beginning and end.
func memoHash(k messages.Kind, of uint32, b []byte) uint64 {
	const golden = 0x9e3779b97f4a7c15 // spreads what differs in a few bits
	h, n := uint64(len(b))<<8|uint64(k)|uint64(of)<<24, len(b)
	switch {
	case n >= 8:
		h += binary.LittleEndian.Uint64(b) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[n-8:]), 32)
	case n >= 4:
		h += uint64(binary.LittleEndian.Uint32(b))<<16 ^ uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	case n > 0:
		h += uint64(b[0])<<16 | uint64(b[n-1])<<24
	}
	return h * golden
}

// memorable are the kinds whose record depends on nothing but their bytes, whose decoding
// costs more than a comparison, and of which the same comes again: rows, parameters and
// the texts of queries differ.
func memorable(k messages.Kind) bool {
	switch k {
	case messages.KindQuery, messages.KindDataRow, messages.KindBind, messages.KindCopyData, messages.KindFunctionCall,
		messages.KindUnknown, messages.KindPasswordMessage:
		return false
	}
	return true
}
