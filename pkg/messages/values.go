package messages

import (
	"encoding/binary"
	"iter"
)

// nullLen is the length that stands for NULL: -1.
const nullLen = 0xFFFFFFFF

// Values is a counted list of values as the protocol writes them: each an Int32
// length (-1 for NULL) and its bytes. It keeps the wire form and is iterated,
// never split into a slice of slices. The zero Values is an empty list.
type Values struct {
	n   int
	raw []byte // the n values, validated, without the count; nil if n is 0
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

// Add appends a value to the list; nil is NULL. The value's bytes are copied. A
// list that was decoded is detached from the body that it borrows by the first
// Add. As with append, of two copies of a list only one may be added to.
func (v *Values) Add(b []byte) {
	if b == nil {
		v.raw = binary.BigEndian.AppendUint32(v.raw, nullLen)
	} else {
		v.raw = binary.BigEndian.AppendUint32(v.raw, uint32(len(b)))
		v.raw = append(v.raw, b...)
	}
	v.n++
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

// whole reports whether every value is there in full.
func (v Values) whole() bool {
	it := v.Iter()
	for it.Next() {
		if it.Size() > len(it.Value()) {
			return false
		}
	}
	return it.left == 0 && len(it.rest) == 0
}

// Iter returns an iterator over the values.
func (v Values) Iter() ValueIter { return ValueIter{rest: v.raw, left: int32(v.n)} }

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

// ValueIter walks a list of values without allocating. It is small enough for the
// processor's registers: a larger one would be copied before its first use.
type ValueIter struct {
	rest []byte // from the current value on
	left int32
	size int32 // of the current value
}

// Next advances to the next value and reports whether there is one.
func (it *ValueIter) Next() bool {
	if it.size > 0 {
		it.rest = it.rest[min(int(it.size), len(it.rest)):]
	}
	if it.left == 0 || len(it.rest) < 4 {
		it.size = 0
		return false
	}
	it.left--
	it.size = int32(binary.BigEndian.Uint32(it.rest))
	it.rest = it.rest[4:]
	return true
}

// Value returns the current value; nil is NULL. It is borrowed from the body
// that the list was decoded from.
func (it *ValueIter) Value() []byte {
	if it.size < 0 {
		return nil
	}
	n := min(int(it.size), len(it.rest))
	return it.rest[:n:n]
}

// Size returns the current value's length in bytes as the message states it, -1
// for NULL. It is more than len(Value()) only for the last value of a list whose
// body was cut short, where Decode returned an error.
func (it *ValueIter) Size() int { return int(it.size) }
