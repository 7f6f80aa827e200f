package messages

import (
	"encoding/binary"
	"iter"
)

// Values is a counted list of values as the protocol writes them: each an Int32
// length (-1 for NULL) and its bytes. It keeps the wire form and is iterated,
// never split into a slice of slices. The zero Values is an empty list.
type Values struct {
	n   int
	raw []byte // the n values, validated, without the count
}

// MakeValues builds a list from values; nil is NULL, empty but not nil is the
// empty value.
func MakeValues(values ...[]byte) Values {
	var v Values
	for _, b := range values {
		v.Add(b)
	}
	return v
}

// Add appends a value to the list; nil is NULL. The value's bytes are copied.
// A list that was decoded is first detached from the body that it borrows.
func (v *Values) Add(b []byte) {
	raw := v.raw[:len(v.raw):len(v.raw)]
	if b == nil {
		raw = binary.BigEndian.AppendUint32(raw, 0xFFFFFFFF)
	} else {
		raw = binary.BigEndian.AppendUint32(raw, uint32(len(b)))
		raw = append(raw, b...)
	}
	v.raw, v.n = raw, v.n+1
}

// Len returns the number of values.
func (v Values) Len() int { return v.n }

// Bytes returns the number of bytes of the values alone, without their lengths.
func (v Values) Bytes() int {
	total := 0
	for it := v.Iter(); it.Next(); {
		total += len(it.Value())
	}
	return total
}

// Iter returns an iterator over the values.
func (v Values) Iter() ValueIter { return ValueIter{rest: v.raw, left: v.n} }

// All ranges over index and value; a nil value is NULL. Values are borrowed
// from the body that the list was decoded from.
func (v Values) All() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		i := 0
		for it := v.Iter(); it.Next(); i++ {
			if !yield(i, it.Value()) {
				return
			}
		}
	}
}

// ValueIter walks a list of values without allocating.
type ValueIter struct {
	rest  []byte
	value []byte
	left  int
}

// Next advances to the next value and reports whether there is one.
func (it *ValueIter) Next() bool {
	if it.left == 0 || len(it.rest) < 4 {
		return false
	}
	it.left--
	n := int32(binary.BigEndian.Uint32(it.rest))
	it.rest = it.rest[4:]
	if n < 0 {
		it.value = nil
		return true
	}
	if int(n) > len(it.rest) {
		it.left = 0
		return false
	}
	it.value = it.rest[:n:n]
	it.rest = it.rest[n:]
	return true
}

// Value returns the current value; nil is NULL. It is borrowed from the body
// that the list was decoded from.
func (it *ValueIter) Value() []byte { return it.value }
