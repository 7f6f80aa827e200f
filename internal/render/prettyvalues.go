package render

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

func (f *fields) Formats(name string, list []int16) {
	if !f.label(name, len(list) == 0) {
		return
	}
	if name == "column_formats" { // servers send the format before them for each
		f.line.ascii(strconv.Itoa(len(list)) + " column")
		if len(list) != 1 {
			f.line.ours("s")
		}
		return
	}
	for i, v := range list {
		if i > 0 {
			f.line.ours(",")
		}
		f.line.int(int64(v))
	}
}

func (f *fields) Values(name string, list messages.Values, formats []int16) {
	if list.Len() == 0 {
		return
	}
	if !f.label(name, false) {
		return
	}
	for i, v := range list {
		if f.line.full {
			break
		}
		if i > 0 {
			f.line.space()
		}
		f.valueName(i)
		oid, format := f.typeOf(i, formats)
		f.value(v, oid, format)
	}
}

func (f *fields) valueName(i int) {
	switch {
	case f.kind != messages.KindDataRow:
		f.line.ours("$")
		f.line.int(int64(i + 1))
		f.line.ours("=")
	case i < len(f.columns):
		f.line.paint(f.theme.dim)
		f.line.text(f.columns[i].Name)
		f.line.ours("=")
		f.line.unpaint(f.theme.dim)
	}
}

func (f *fields) typeOf(i int, formats []int16) (oid uint32, format int16) {
	if f.columns != nil {
		if i < len(f.columns) {
			return f.columns[i].TypeOID, f.columns[i].Format
		}
		return 0, 0
	}
	if i < len(f.types) {
		oid = f.types[i]
	}
	return oid, messages.FormatOf(formats, i)
}

func (f *fields) value(v []byte, oid uint32, format int16) {
	if v == nil {
		f.line.painted(f.theme.null, "NULL")
		return
	}
	if f.unknown {
		f.anything(v)
		return
	}
	t, scratch, ok := record.ValueText(f.scratch, v, oid, format, f.zone)
	f.scratch = scratch
	if !ok {
		f.hex(v)
		return
	}
	if needsQuotes(t) {
		f.line.ours("'")
		f.content(t)
		f.line.ours("'")
		return
	}
	f.content(t)
}

// needsQuotes reports whether a value could not be told from its surroundings.
func needsQuotes(v []byte) bool {
	switch {
	case len(v) == 0, v[0] == '\'', string(v) == "NULL":
		return true
	case string(v) == record.Redacted: // nothing was hidden here
		return true
	}
	for i, c := range v {
		const nbsp = 0xa0 // after C2
		if c == ' ' || c == '=' || c == nbsp && i > 0 && v[i-1] == 0xc2 {
			return true
		}
	}
	return false
}

func (f *fields) Value(name string, v []byte) {
	if f.label(name, false) {
		if v == nil {
			f.line.painted(f.theme.null, "NULL")
			return
		}
		f.anything(v)
	}
}

func (f *fields) Columns(_ string, list []messages.ColumnDescription) {
	for i := range list {
		if f.line.full {
			return
		}
		if i > 0 {
			f.line.ours(", ")
		}
		f.line.text(list[i].Name)
		f.line.space()
		f.line.paint(f.theme.dim)
		f.typeName(list[i].TypeOID)
		if list[i].Format == 1 {
			f.line.ours(" binary")
		}
		f.line.unpaint(f.theme.dim)
	}
}

// setTypes gives the visitor the types of the values it will meet.
func (f *fields) setTypes(e *message) {
	var b body
	setTypes(&b, e)
	f.types, f.columns, f.unknown = b.types, b.columns, b.unknown
}
