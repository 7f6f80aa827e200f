package messages_test

import (
	"fmt"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// dump is a Visitor that writes "name=value" for each field, separated by "; ".
// It also keeps every byte slice that it was shown.
type dump struct {
	strings.Builder
	names []string
	views [][]byte
}

func (d *dump) field(name, format string, args ...any) {
	if d.Len() > 0 {
		d.WriteString("; ")
	}
	d.names = append(d.names, name)
	fmt.Fprintf(d, name+"="+format, args...)
}

func (d *dump) bytes(name, kind string, v []byte) {
	d.views = append(d.views, v)
	d.field(name, "%s%q", kind, v)
}

func (d *dump) Int(name string, v int64)         { d.field(name, "%d", v) }
func (d *dump) Bool(name string, v bool)         { d.field(name, "%t", v) }
func (d *dump) Text(name string, v []byte)       { d.bytes(name, "", v) }
func (d *dump) Data(name string, v []byte)       { d.bytes(name, "data ", v) }
func (d *dump) Hex(name string, v []byte)        { d.bytes(name, "hex ", v) }
func (d *dump) SecretText(name string, v []byte) { d.bytes(name, "secret ", v) }
func (d *dump) SecretHex(name string, v []byte)  { d.bytes(name, "secret hex ", v) }
func (d *dump) OIDs(name string, v []uint32)     { d.field(name, "oids %d", v) }
func (d *dump) Formats(name string, v []int16)   { d.field(name, "%d", v) }

func (d *dump) Texts(name string, v [][]byte) {
	d.views = append(d.views, v...)
	d.field(name, "%q", v)
}

func (d *dump) Pairs(name string, v []messages.Pair) {
	var parts []string
	for _, p := range v {
		d.views = append(d.views, p.Name, p.Value)
		parts = append(parts, fmt.Sprintf("%q:%q", p.Name, p.Value))
	}
	d.field(name, "{%s}", strings.Join(parts, " "))
}

func (d *dump) Values(name string, v messages.Values, formats []int16) {
	var parts []string
	for _, b := range v {
		d.views = append(d.views, b)
		parts = append(parts, value(b))
	}
	d.field(name, "(%s)", strings.Join(parts, " "))
	if formats != nil {
		fmt.Fprintf(d, " as %d", formats)
	}
}

func (d *dump) Value(name string, v []byte) {
	d.views = append(d.views, v)
	d.field(name, "%s", value(v))
}

func (d *dump) Columns(name string, v []messages.ColumnDescription) {
	var parts []string
	for _, c := range v {
		d.views = append(d.views, c.Name)
		parts = append(parts, fmt.Sprintf("%q %d.%d type %d size %d mod %d format %d",
			c.Name, c.TableOID, c.Column, c.TypeOID, c.TypeSize, c.TypeModifier, c.Format))
	}
	d.field(name, "[%s]", strings.Join(parts, ", "))
}

func value(b []byte) string {
	if b == nil {
		return "NULL"
	}
	return fmt.Sprintf("%q", b)
}
