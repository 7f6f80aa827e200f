package replication

import "encoding/binary"

// The kinds of a column's value in a tuple (manual: "TupleData").
const (
	ColumnNull      = 'n'
	ColumnUnchanged = 'u' // stored out of line (TOAST) and not sent, since it is as before
	ColumnText      = 't'
	ColumnBinary    = 'b'
)

// MaxColumns is more than a row can have (MaxTupleAttributeNumber in
// PostgreSQL's source).
const MaxColumns = 1664

// Tuple is a row in the form of the wire; it is iterated, not split. It is
// borrowed from the bytes it was decoded from.
type Tuple struct {
	n         int
	unchanged bool
	raw       []byte
}

// Unchanged reports whether a column may be ColumnUnchanged: of most rows none is.
func (t Tuple) Unchanged() bool { return t.unchanged }

// Len returns the number of columns that the message states.
func (t Tuple) Len() int { return t.n }

// Iter returns an iterator over the columns.
func (t Tuple) Iter() TupleIter { return TupleIter{rest: t.raw, left: t.n} }

// columnHead is what stands before the bytes of a value: its kind and its length.
const columnHead = 1 + 4

// TupleIter walks the columns of a tuple.
type TupleIter struct {
	rest  []byte
	left  int
	kind  byte
	size  int
	value []byte
}

// Next advances to the next column and reports whether there is one. Of a tuple
// whose end was not captured there may be less than Len.
func (it *TupleIter) Next() bool {
	b := it.rest
	if it.left == 0 || len(b) == 0 {
		return false
	}
	it.left--
	it.kind = b[0]
	if it.kind != ColumnText && it.kind != ColumnBinary {
		it.size, it.value, it.rest = 0, nil, b[1:]
		return true
	}
	if len(b) < columnHead {
		it.size, it.value, it.left, it.rest = 0, nil, 0, nil
		return false
	}
	it.size = int(binary.BigEndian.Uint32(b[1:]))
	b = b[columnHead:]
	n := min(it.size, len(b))
	it.value, it.rest = b[:n:n], b[n:]
	return true
}

// Kind returns what the current column is: ColumnNull, ColumnUnchanged, ColumnText
// or ColumnBinary.
func (it *TupleIter) Kind() byte { return it.kind }

// Value returns the bytes of a ColumnText or ColumnBinary, not nil; nil for the
// others.
func (it *TupleIter) Value() []byte { return it.value }

// Size is the value's true length in bytes: more than len(Value()) where its end
// was not captured.
func (it *TupleIter) Size() int { return it.size }

// Torn reports whether the end of the value was not captured.
func (it *TupleIter) Torn() bool { return it.size > len(it.value) }

func (t Tuple) append(dst []byte) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(t.n)), t.raw...)
}

// tupleOf reads the byte that announces a tuple, and the tuple.
func (c *cursor) tupleOf(kind byte) Tuple {
	if got := c.byte1(); c.reason == "" && got != kind {
		c.off--
		c.fail(reasonTuple)
	}
	return c.tuple()
}

// tuple reads the number of columns and the columns.
func (c *cursor) tuple() Tuple {
	n := int(c.uint16())
	if c.reason == "" && n > MaxColumns {
		c.off -= 2
		c.fail(reasonMany)
	}
	if c.reason != "" {
		return Tuple{}
	}
	start, b, off, unchanged := c.off, c.b, c.off, false
	for range n {
		if off >= len(b) {
			return c.tornTuple(n, start, len(b), reasonShort)
		}
		kind := b[off]
		off++
		if kind == ColumnText || kind == ColumnBinary {
			if len(b)-off < 4 {
				return c.tornTuple(n, start, len(b), reasonShort)
			}
			size := int64(binary.BigEndian.Uint32(b[off:]))
			off += 4
			if size > int64(len(b)-off) {
				return c.tornTuple(n, start, len(b), reasonLength)
			}
			off += int(size)
		} else if kind == ColumnUnchanged {
			unchanged = true
		} else if kind != ColumnNull {
			c.off = off - 1
			c.fail(reasonColumn)
			return Tuple{}
		}
	}
	c.off = off
	return Tuple{n: n, unchanged: unchanged, raw: b[start:off:off]}
}

// tornTuple is a tuple beyond whose end the bytes end.
func (c *cursor) tornTuple(n, start, end int, reason string) Tuple {
	c.off = end
	if !c.cut {
		c.fail(reason)
		return Tuple{}
	}
	c.reason, c.at = reasonShort, end // nothing after it can be read
	return Tuple{n: n, unchanged: true, raw: c.b[start:end:end]}
}
