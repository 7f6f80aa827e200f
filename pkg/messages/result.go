package messages

import "slices"

// RowDescription describes the rows that follow (manual: "RowDescription (B)").
type RowDescription struct {
	Fields []ColumnDescription // names are borrowed from the body
}

func (*RowDescription) Kind() Kind { return KindRowDescription }

func (m *RowDescription) Decode(body []byte) error {
	c := cursor{body: body}
	m.Fields = m.Fields[:0]
	n := int(c.uint16("fields"))
	if !c.failed() {
		m.Fields = slices.Grow(m.Fields, min(n, c.left()/minColumn))
	}
	for ; n > 0 && !c.failed(); n-- {
		if f := c.column(); !c.failed() {
			m.Fields = append(m.Fields, f)
		}
	}
	return c.end(KindRowDescription)
}

func (m *RowDescription) Append(dst []byte) []byte {
	dst, at := begin(dst, KindRowDescription)
	dst = appendUint16(dst, uint16(len(m.Fields)))
	for i := range m.Fields {
		f := &m.Fields[i]
		dst = appendCString(dst, f.Name)
		dst = appendUint32(dst, f.TableOID)
		dst = appendUint16(dst, uint16(f.Column))
		dst = appendUint32(dst, f.TypeOID)
		dst = appendUint16(dst, uint16(f.TypeSize))
		dst = appendUint32(dst, uint32(f.TypeModifier))
		dst = appendUint16(dst, uint16(f.Format))
	}
	return finish(dst, at)
}

func (m *RowDescription) Visit(v Visitor) {
	v.Columns("fields", m.Fields)
}

// minColumn is the size in bytes of a column description with an empty name.
const minColumn = 19

func (c *cursor) column() ColumnDescription {
	return ColumnDescription{
		Name:         c.cstring("fields"),
		TableOID:     c.uint32("fields"),
		Column:       c.int16("fields"),
		TypeOID:      c.uint32("fields"),
		TypeSize:     c.int16("fields"),
		TypeModifier: c.int32("fields"),
		Format:       c.int16("fields"),
	}
}

// DataRow is one row of a result (manual: "DataRow (B)").
type DataRow struct {
	Values Values // borrowed from the body
}

func (*DataRow) Kind() Kind { return KindDataRow }

func (m *DataRow) Decode(body []byte) error {
	list, size := m.Values.split(body)
	m.Values = list
	if size == len(body) {
		return nil
	}
	c := cursor{body: body}
	m.Values = c.values("values", list)
	return c.end(KindDataRow)
}

func (m *DataRow) Append(dst []byte) []byte {
	dst, at := begin(dst, KindDataRow)
	return finish(appendValues(dst, m.Values), at)
}

func (m *DataRow) Visit(v Visitor) {
	v.Values("values", m.Values, nil)
}
