package record

import "github.com/pgsniff/pgsniff/pkg/messages"

// bridge shows the fields of a message to the visitor of a record.
type bridge struct {
	Visitor
	fields  map[string]*Field
	types   []uint32
	columns []messages.ColumnDescription
}

// bodyOf returns what shows the fields of a message to v.
func bodyOf(v Visitor) messages.Visitor {
	if b := v.Body(); b != nil {
		return b
	}
	return &bridge{Visitor: v}
}

// field finds a field by its name; those of messages are made when they are first
// met.
func (b *bridge) field(name string, t Type) *Field {
	f := b.fields[name]
	if f == nil {
		f = NewField(name, t, "", "")
		if b.fields == nil {
			b.fields = make(map[string]*Field)
		}
		b.fields[name] = f
	}
	return f
}

func (b *bridge) Int(name string, v int64)   { b.Visitor.Int(b.field(name, TypeInt), v) }
func (b *bridge) Bool(name string, v bool)   { b.Visitor.Bool(b.field(name, TypeBool), v) }
func (b *bridge) Text(name string, v []byte) { b.Visitor.Text(b.field(name, TypeText), v) }
func (b *bridge) Data(name string, v []byte) { b.Visitor.Data(b.field(name, TypeData), v) }
func (b *bridge) Hex(name string, v []byte) {
	b.Visitor.String(b.field(name, TypeText), hexText(v))
}
func (b *bridge) SecretText(name string, v []byte) { b.Text(name, v) }
func (b *bridge) SecretHex(name string, v []byte)  { b.Hex(name, v) }

func hexText(v []byte) string {
	const digits = "0123456789abcdef"
	s := make([]byte, 0, 2*len(v))
	for _, c := range v {
		s = append(s, digits[c>>4], digits[c&15])
	}
	return string(s)
}

func (b *bridge) Texts(name string, list [][]byte) {
	b.Open(b.field(name, TypeList))
	for _, v := range list {
		b.Visitor.Text(nil, v)
	}
	b.Close()
}

func (b *bridge) Pairs(name string, list []messages.Pair) {
	b.Open(b.field(name, TypeMap))
	for i := range list {
		b.Key(list[i].Name)
		b.Visitor.Text(nil, list[i].Value)
	}
	b.Close()
}

func (b *bridge) OIDs(name string, list []uint32) {
	b.Open(b.field(name, TypeList))
	for _, v := range list {
		b.Visitor.Uint(nil, uint64(v))
	}
	b.Close()
}

func (b *bridge) Formats(name string, list []int16) {
	b.Open(b.field(name, TypeList))
	for _, v := range list {
		b.Visitor.Int(nil, int64(v))
	}
	b.Close()
}

func (b *bridge) Values(name string, list messages.Values, formats []int16) {
	b.Open(b.field(name, TypeList))
	for i, v := range list {
		oid, format := b.typeOf(i, formats)
		b.Visitor.Value(nil, v, oid, format)
	}
	b.Close()
}

func (b *bridge) typeOf(i int, formats []int16) (oid uint32, format int16) {
	if b.columns != nil {
		if i < len(b.columns) {
			return b.columns[i].TypeOID, b.columns[i].Format
		}
		return 0, 0
	}
	if formats == nil {
		return 0, FormatUnknown // a row whose description was not captured
	}
	if i < len(b.types) {
		oid = b.types[i]
	}
	return oid, messages.FormatOf(formats, i)
}

func (b *bridge) Value(name string, v []byte) {
	b.Visitor.Value(b.field(name, TypeValue), v, 0, 0)
}

func (b *bridge) Columns(name string, list []messages.ColumnDescription) {
	b.Open(b.field(name, TypeList))
	for i := range list {
		c := &list[i]
		b.Open(nil)
		b.Visitor.Text(ColumnName, c.Name)
		b.Visitor.Uint(ColumnTable, uint64(c.TableOID))
		b.Visitor.Int(ColumnNumber, int64(c.Column))
		b.Visitor.Uint(ColumnTypeOID, uint64(c.TypeOID))
		if t := typeName(c.TypeOID); t != "" {
			b.Visitor.String(ColumnType, t)
		}
		b.Visitor.Int(ColumnSize, int64(c.TypeSize))
		b.Visitor.Int(ColumnModifier, int64(c.TypeModifier))
		b.Visitor.Int(ColumnFormat, int64(c.Format))
		b.Close()
	}
	b.Close()
}
