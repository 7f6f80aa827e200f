package parquet

import "encoding/binary"

// thrift writes structs in Thrift's compact protocol, in which Parquet has its
// headers.
type thrift struct {
	buf  []byte
	last []int16 // number of the latest field, of each struct that is open
}

// Types of the compact protocol.
const (
	typeTrue   = 1
	typeFalse  = 2
	typeByte   = 3
	typeI16    = 4
	typeI32    = 5
	typeI64    = 6
	typeBinary = 8
	typeList   = 9
	typeStruct = 12
)

// begin opens a struct that is the whole, or an element of a list.
func (t *thrift) begin() { t.last = append(t.last, 0) }

// end closes it.
func (t *thrift) end() {
	t.buf = append(t.buf, 0)
	t.last = t.last[:len(t.last)-1]
}

// field begins a field. Numbers rise within a struct.
func (t *thrift) field(id int16, kind byte) {
	last := &t.last[len(t.last)-1]
	t.buf = append(t.buf, byte(id-*last)<<4|kind)
	*last = id
}

// structure opens a struct that is a field.
func (t *thrift) structure(id int16) {
	t.field(id, typeStruct)
	t.begin()
}

// empty writes a struct without fields: it stands for itself in a union.
func (t *thrift) empty(id int16) {
	t.structure(id)
	t.end()
}

func (t *thrift) bool(id int16, v bool) {
	if v {
		t.field(id, typeTrue)
	} else {
		t.field(id, typeFalse)
	}
}

func (t *thrift) int32(id int16, v int) {
	t.field(id, typeI32)
	t.buf = binary.AppendVarint(t.buf, int64(v))
}

func (t *thrift) int64(id int16, v int64) {
	t.field(id, typeI64)
	t.buf = binary.AppendVarint(t.buf, v)
}

func (t *thrift) binary(id int16, v []byte) {
	t.field(id, typeBinary)
	t.text(string(v))
}

func (t *thrift) string(id int16, v string) {
	t.field(id, typeBinary)
	t.text(v)
}

// text writes a string that is an element of a list.
func (t *thrift) text(v string) {
	t.buf = binary.AppendUvarint(t.buf, uint64(len(v)))
	t.buf = append(t.buf, v...)
}

// list begins a list; its n elements follow.
func (t *thrift) list(id int16, kind byte, n int) {
	t.field(id, typeList)
	if n < 15 {
		t.buf = append(t.buf, byte(n)<<4|kind)
		return
	}
	t.buf = append(t.buf, 0xf0|kind)
	t.buf = binary.AppendUvarint(t.buf, uint64(n))
}

func (t *thrift) int32s(id int16, list ...int) {
	t.list(id, typeI32, len(list))
	for _, v := range list {
		t.buf = binary.AppendVarint(t.buf, int64(v))
	}
}
