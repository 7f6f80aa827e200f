package messages

import "encoding/binary"

// nullLen is the length that stands for NULL: -1.
const nullLen = 0xFFFFFFFF

// maxKeptValues is the longest list whose memory a message keeps for the next
// one: rows have no more columns than this, and a Bind of 65,535 parameters must
// not cost each connection that had one a megabyte and a half for ever.
const maxKeptValues = 2048

// Values is a list of values as rows, Bind and FunctionCall have them: nil is
// NULL, a value that is empty and not nil is the empty one. It is a slice and
// used as one. The values of a decoded message are borrowed from its body; those
// that a program puts in are borrowed until Append.
type Values [][]byte

// MakeValues returns the list of its arguments, which it does not copy; nil is
// NULL.
func MakeValues(values ...[]byte) Values { return values }

// Add appends a value, which it does not copy; nil is NULL.
func (v *Values) Add(b []byte) { *v = append(*v, b) }

// Reset empties the list and keeps its memory, so that a program fills the same
// message again and again without allocating.
func (v *Values) Reset() { *v = (*v)[:0] }

// Len returns the number of values.
func (v Values) Len() int { return len(v) }

// Bytes returns the number of bytes of the values alone, without their lengths.
func (v Values) Bytes() int {
	total := 0
	for _, b := range v {
		total += len(b)
	}
	return total
}

// Clone returns a copy of the list and its values.
func (v Values) Clone() Values { return cloneAll(v) }

// sized returns the list with that length and the contents to be written,
// allocating if its memory is too short or far too long.
func (v Values) sized(n int) Values {
	if cap(v) < n || cap(v) > maxKeptValues && n <= maxKeptValues {
		v = make(Values, n, max(n, 8))
	}
	return v[:n]
}

// split reads a count and as many values from the start of b into dst. It returns
// how many bytes they take, or -1 where they are not all there, and dst then holds
// anything.
func (v Values) split(b []byte) (list Values, size int) {
	if len(b) < 2 {
		return v[:0], -1
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > (len(b)-2)/4 {
		return v[:0], -1 // nothing is allocated for what is only announced
	}
	list = v.sized(n)
	// Ends are compared with the end of b as 64 bits, which no length overflows: then
	// the compiler needs no further checks.
	off, all := uint64(2), uint64(len(b))
	for i := range list {
		at := off + 4
		if at > all {
			return list, -1
		}
		size := uint64(binary.BigEndian.Uint32(b[off:at]))
		if off = at + size; off <= all {
			list[i] = b[at:off:off]
			continue
		}
		if size != nullLen {
			return list, -1
		}
		list[i], off = nil, at
	}
	return list, int(off)
}
