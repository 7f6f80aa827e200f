package parquet

import (
	"encoding/binary"
	"math"
)

// Type is what the values of a column are.
type Type uint8

// The types of columns. All of them can be null.
const (
	Int64     Type = iota
	Timestamp      // microseconds since the Unix epoch, UTC; more precise ones are not read by all
	Double
	Bool
	String
	JSON    // text that is JSON
	Strings // a list of strings, which can be null
)

// Column is a column of the schema.
type Column struct {
	Name string
	Type Type
}

// maxDictionary is how large, in bytes, a dictionary gets before a column of strings
// is written without one: as large as other writers let it become.
const maxDictionary = 1 << 20

// column gathers the values of a column until its row group is written.
type column struct {
	Column
	def, rep []uint32 // levels; rep is used by lists only
	plain    []byte   // values in plain encoding
	bits     []bool
	count    int // values that are not null
	set      bool

	index   map[string]uint32
	indexes []uint32
	dict    []byte
	direct  bool // the dictionary grew too large

	min, max int64 // of numbers
	nulls    int64
}

// physical types (format: "Types").
const (
	physicalBoolean   = 0
	physicalInt64     = 2
	physicalDouble    = 5
	physicalByteArray = 6
)

func (c *column) physical() int {
	switch c.Type {
	case Int64, Timestamp:
		return physicalInt64
	case Double:
		return physicalDouble
	case Bool:
		return physicalBoolean
	}
	return physicalByteArray
}

func (c *column) text() bool { return c.physical() == physicalByteArray }

// highest returns the definition level of a value that is there.
func (c *column) highest() int {
	if c.Type == Strings {
		return 3
	}
	return 1
}

func (c *column) null() {
	c.def = append(c.def, 0)
	c.nulls++
	if c.Type == Strings {
		c.rep = append(c.rep, 0)
	}
}

func (c *column) int(v int64) {
	if c.count == 0 {
		c.min, c.max = v, v
	}
	c.min, c.max = min(c.min, v), max(c.max, v)
	c.plain = binary.LittleEndian.AppendUint64(c.plain, uint64(v))
	c.value()
}

func (c *column) double(v float64) {
	c.plain = binary.LittleEndian.AppendUint64(c.plain, math.Float64bits(v))
	c.value()
}

func (c *column) bool(v bool) {
	c.bits = append(c.bits, v)
	c.value()
}

func (c *column) string(v []byte) {
	c.bytes(v)
	c.value()
}

// value notes that the row has a value.
func (c *column) value() {
	c.def = append(c.def, 1)
	c.count++
}

// strings adds a list; a nil element is null.
func (c *column) strings(list [][]byte) {
	if len(list) == 0 {
		c.def, c.rep = append(c.def, 1), append(c.rep, 0)
		return
	}
	for i, v := range list {
		c.rep = append(c.rep, min(uint32(i), 1))
		if v == nil {
			c.def = append(c.def, 2)
			continue
		}
		c.def = append(c.def, 3)
		c.bytes(v)
		c.count++
	}
}

// bytes adds a string to the dictionary and the values.
func (c *column) bytes(v []byte) {
	if c.direct {
		c.plain = appendBytes(c.plain, v)
		return
	}
	i, ok := c.index[string(v)]
	if !ok {
		if len(c.dict)+len(v) > maxDictionary {
			c.leaveDictionary()
			c.plain = appendBytes(c.plain, v)
			return
		}
		if c.index == nil {
			c.index = make(map[string]uint32)
		}
		i = uint32(len(c.index))
		c.index[string(v)] = i
		c.dict = appendBytes(c.dict, v)
	}
	c.indexes = append(c.indexes, i)
}

// leaveDictionary writes out what was said by the dictionary so far.
func (c *column) leaveDictionary() {
	at := make([][]byte, 0, len(c.index))
	for b := c.dict; len(b) > 0; {
		n := 4 + int(binary.LittleEndian.Uint32(b))
		at = append(at, b[:n])
		b = b[n:]
	}
	for _, i := range c.indexes {
		c.plain = append(c.plain, at[i]...)
	}
	c.direct, c.index, c.indexes, c.dict = true, nil, c.indexes[:0], c.dict[:0]
}

func appendBytes(dst, v []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v)))
	return append(dst, v...)
}

// size returns the bytes that the column holds, roughly.
func (c *column) size() int {
	return len(c.plain) + len(c.dict) + 4*(len(c.def)+len(c.rep)+len(c.indexes)) + len(c.bits)
}

// reset forgets the values.
func (c *column) reset() {
	clear(c.index)
	*c = column{
		Column: c.Column, def: c.def[:0], rep: c.rep[:0], plain: c.plain[:0], bits: c.bits[:0],
		index: c.index, indexes: c.indexes[:0], dict: c.dict[:0],
	}
}

// page returns the body of the data page and its encoding.
func (c *column) page(dst []byte) ([]byte, int) {
	if c.Type == Strings {
		dst = appendLevels(dst, c.rep, 1)
	}
	dst = appendLevels(dst, c.def, c.highest())
	switch {
	case c.Type == Bool:
		return appendBits(dst, c.bits), encodingPlain
	case !c.text() || c.direct:
		return append(dst, c.plain...), encodingPlain
	}
	width := max(widthOf(len(c.index)-1), 1)
	dst = append(dst, byte(width))
	return appendHybrid(dst, c.indexes, width), encodingDictionary
}

func appendBits(dst []byte, bits []bool) []byte {
	for i := 0; i < len(bits); i += 8 {
		var b byte
		for j, v := range bits[i:min(i+8, len(bits))] {
			if v {
				b |= 1 << j
			}
		}
		dst = append(dst, b)
	}
	return dst
}
