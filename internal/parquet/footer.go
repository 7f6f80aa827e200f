package parquet

import (
	"encoding/binary"
	"maps"
	"slices"
)

// Repetition, converted types and logical types (format: "Logical Types").
const (
	optional = 1
	repeated = 2

	convertedUTF8   = 0
	convertedList   = 3
	convertedMicros = 10
	convertedJSON   = 19

	logicalString    = 1
	logicalList      = 3
	logicalTimestamp = 8
	logicalJSON      = 12
	unitMicros       = 2
)

// footer returns the metadata of the file (format: FileMetaData).
func (p *Writer) footer() []byte {
	var t thrift
	t.begin()
	t.int32(1, 1) // version of the format
	p.schema(&t)
	t.int64(3, p.rows)
	t.list(4, typeStruct, len(p.groups))
	for i := range p.groups {
		p.rowGroup(&t, i)
	}
	if len(p.meta) > 0 {
		t.list(5, typeStruct, len(p.meta))
		for _, key := range slices.Sorted(maps.Keys(p.meta)) {
			t.begin()
			t.string(1, key)
			t.string(2, p.meta[key])
			t.end()
		}
	}
	t.string(6, "pgsniff")
	t.list(7, typeStruct, len(p.columns)) // the order of values, for statistics
	for range p.columns {
		t.begin()
		t.empty(1)
		t.end()
	}
	t.end()
	return t.buf
}

// schema writes the tree of columns, its root first.
func (p *Writer) schema(t *thrift) {
	n := 1
	for i := range p.columns {
		n++
		if p.columns[i].Type == Strings {
			n += 2
		}
	}
	t.list(2, typeStruct, n)
	t.begin()
	t.string(4, "record")
	t.int32(5, len(p.columns))
	t.end()
	for i := range p.columns {
		c := &p.columns[i]
		if c.Type == Strings {
			element{repetition: optional, name: c.Name, children: 1, converted: convertedList, logical: logicalList}.write(t)
			element{repetition: repeated, name: "list", children: 1, converted: -1}.write(t)
			element{repetition: optional, name: "element", physical: physicalByteArray, converted: convertedUTF8, logical: logicalString}.write(t)
			continue
		}
		e := element{repetition: optional, name: c.Name, physical: c.physical(), converted: -1}
		switch c.Type {
		case String:
			e.converted, e.logical = convertedUTF8, logicalString
		case JSON:
			e.converted, e.logical = convertedJSON, logicalJSON
		case Timestamp:
			e.converted, e.logical = convertedMicros, logicalTimestamp
		}
		e.write(t)
	}
}

// element is a node of the schema.
type element struct {
	physical, repetition int
	name                 string
	children             int
	converted            int // -1: none
	logical              int16
}

func (e element) write(t *thrift) {
	t.begin()
	if e.children == 0 {
		t.int32(1, e.physical)
	}
	t.int32(3, e.repetition)
	t.string(4, e.name)
	if e.children > 0 {
		t.int32(5, e.children)
	}
	if e.converted >= 0 {
		t.int32(6, e.converted)
	}
	switch e.logical {
	case 0:
	case logicalTimestamp:
		t.structure(10)
		t.structure(logicalTimestamp)
		t.bool(1, true) // it is UTC
		t.structure(2)
		t.empty(unitMicros)
		t.end()
		t.end()
		t.end()
	default:
		t.structure(10)
		t.empty(e.logical)
		t.end()
	}
	t.end()
}

func (p *Writer) rowGroup(t *thrift, i int) {
	g := &p.groups[i]
	t.begin()
	t.list(1, typeStruct, len(g.chunks))
	for c := range g.chunks {
		t.begin()
		t.int64(2, g.chunks[c].at)
		t.structure(3)
		p.metadata(t, &p.columns[c], &g.chunks[c])
		t.end()
		t.end()
	}
	t.int64(2, g.bytes)
	t.int64(3, g.rows)
	t.int64(5, g.at)
	t.int64(6, g.packed)
	t.end()
}

// metadata writes what there is to say of a column of a row group.
func (p *Writer) metadata(t *thrift, c *column, k *chunk) {
	t.int32(1, c.physical())
	if k.encoding == encodingDictionary {
		t.int32s(2, encodingPlain, encodingRLE, encodingDictionary)
	} else {
		t.int32s(2, encodingPlain, encodingRLE)
	}
	if c.Type == Strings {
		t.list(3, typeBinary, 3)
		t.text(c.Name)
		t.text("list")
		t.text("element")
	} else {
		t.list(3, typeBinary, 1)
		t.text(c.Name)
	}
	t.int32(4, codecZstd)
	t.int64(5, k.values)
	t.int64(6, k.bytes)
	t.int64(7, k.packed)
	t.int64(9, k.at)
	if k.dictionary != 0 {
		t.int64(11, k.dictionary)
	}
	t.structure(12)
	if c.Type != Strings {
		t.int64(3, k.nulls)
	}
	if k.hasRange {
		t.binary(5, binary.LittleEndian.AppendUint64(nil, uint64(k.max)))
		t.binary(6, binary.LittleEndian.AppendUint64(nil, uint64(k.min)))
	}
	t.end()
}
