package render

import (
	"strconv"
	"strings"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const redacted = `"<redacted>"`

// cut is a value that was shortened, with its true length in bytes.
type cut struct {
	field  string
	index  int // in a list, else -1
	length int
}

// body writes a message's fields as a JSON object. It is the Visitor of JSON.
type body struct {
	buf     []byte
	scratch []byte
	cuts    []cut
	max     int // longest value in bytes, 0: any
	secrets bool
	comma   bool
	names   jsontext.Names // of the pairs so far

	// The types and formats of the values, where the message does not have them.
	types   []uint32
	columns []messages.ColumnDescription
	unknown bool // not even the formats are known
	zone    *value.Session

	// What the fields of records need beyond that, see members.
	clock    *jsontext.Clock
	open     []closing
	name     []byte // the key that comes next, in a map
	shortest int    // shorter texts are not cut
	label    *label // of the record's connection, nil if it is about none
	// The columns of the latest result, and what they became.
	columnsText    []byte
	latest         *exchange.Columns
	from, cutsFrom int // where what is to be remembered began
	results        *results
}

func (b *body) begin() {
	b.buf = append(b.buf, '{')
	b.comma = false
	b.cuts = b.cuts[:0]
}

func (b *body) end() { b.buf = append(b.buf, '}') }

func (b *body) key(name string) {
	if b.comma {
		b.buf = append(b.buf, ',')
	}
	b.comma = true
	b.buf = append(append(append(b.buf, '"'), name...), '"', ':')
}

func (b *body) str(name, v string) {
	b.key(name)
	b.buf = jsontext.Append(b.buf, []byte(v))
}

func (b *body) strs(name string, list []string) {
	b.key(name)
	b.buf = append(b.buf, '[')
	for i, v := range list {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.buf = jsontext.Append(b.buf, []byte(v))
	}
	b.buf = append(b.buf, ']')
}

func (b *body) limit(name string, index int, v []byte) []byte {
	if b.max > 0 && len(v) > b.max {
		b.cuts = append(b.cuts, cut{name, index, len(v)})
		return cutText(v, b.max)
	}
	return v
}

func (b *body) Int(name string, v int64) {
	b.key(name)
	if v >= 0 {
		b.buf = jsontext.AppendUint(b.buf, uint64(v))
	} else {
		b.buf = strconv.AppendInt(b.buf, v, 10)
	}
}

func (b *body) Bool(name string, v bool) {
	b.key(name)
	b.buf = strconv.AppendBool(b.buf, v)
}

func (b *body) Text(name string, v []byte) {
	if isSQL(name) {
		b.sql(name, v, len(v))
		return
	}
	b.key(name)
	b.buf = jsontext.Append(b.buf, b.limit(name, -1, v))
}

// isSQL reports whether a field is the text of a command.
func isSQL(name string) bool { return name == "query" || name == "internal_query" }

// sql writes the text of a command. length is that of the whole text in bytes, of
// which more may be missing than what is cut here.
func (b *body) sql(name string, v []byte, length int) {
	whole := len(v) == length
	b.key(name)
	if b.max > 0 && len(v) > b.max {
		v, whole = cutText(v, b.max), false
	}
	if !whole {
		b.cuts = append(b.cuts, cut{name, -1, length})
	}
	b.buf = jsontext.Append(b.buf, v)
}

func (b *body) Data(name string, v []byte) {
	b.key(name)
	b.data(name, -1, v)
}

func (b *body) data(name string, i int, v []byte) {
	at := len(b.buf)
	var valid bool
	if b.buf, valid = jsontext.AppendText(b.buf, v); valid && (b.max == 0 || len(v) <= b.max) {
		return
	}
	b.buf = b.buf[:at]
	if valid {
		b.buf = jsontext.Append(b.buf, b.limit(name, i, v))
		return
	}
	b.hexObject(b.limitBytes(name, i, v))
}

// copyPart is what the body of a CopyData begins with, in front of its data.
var copyPart = func() string {
	var b body
	b.begin()
	new(messages.CopyData).Visit(&b)
	return strings.TrimSuffix(string(b.buf), `""`)
}()

// copyData appends the body of a CopyData whose data is text and not cut, as nearly all
// are. There is one for each line of a copy, so it is written without being decoded and
// visited first. Of others nothing is appended, and ok is false.
func (b *body) copyData(dst, data []byte) (text []byte, ok bool) {
	if b.max > 0 && len(data) > b.max {
		return dst, false
	}
	if text, ok = jsontext.AppendText(append(dst, copyPart...), data); !ok {
		return dst, false
	}
	return append(text, '}'), true
}

// limitBytes is limit for values that are no text.
func (b *body) limitBytes(name string, index int, v []byte) []byte {
	if b.max > 0 && len(v) > b.max {
		b.cuts = append(b.cuts, cut{name, index, len(v)})
		return v[:b.max]
	}
	return v
}

func (b *body) hexObject(v []byte) {
	b.buf = append(b.buf, `{"hex":"`...)
	b.buf = jsontext.AppendHex(b.buf, v)
	b.buf = append(b.buf, `"}`...)
}

func (b *body) Hex(name string, v []byte) {
	b.key(name)
	b.buf = append(b.buf, '"')
	b.buf = jsontext.AppendHex(b.buf, b.limitBytes(name, -1, v))
	b.buf = append(b.buf, '"')
}

func (b *body) SecretText(name string, v []byte) {
	if b.secrets {
		b.Text(name, v)
		return
	}
	b.key(name)
	b.buf = append(b.buf, redacted...)
}

func (b *body) SecretHex(name string, v []byte) {
	if b.secrets {
		b.Hex(name, v)
		return
	}
	b.key(name)
	b.buf = append(b.buf, redacted...)
}

func (b *body) Texts(name string, list [][]byte) {
	b.key(name)
	b.buf = append(b.buf, '[')
	for i, v := range list {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.buf = jsontext.Append(b.buf, b.limit(name, i, v))
	}
	b.buf = append(b.buf, ']')
}

// Pairs writes an object. Keys are unique.
func (b *body) Pairs(name string, list []messages.Pair) {
	b.key(name)
	b.buf = append(b.buf, '{')
	b.names.Reset()
	for i := range list {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		if len(list) > 1 {
			b.buf = b.names.Append(b.buf, list[i].Name)
		} else {
			b.buf = jsontext.Append(b.buf, list[i].Name)
		}
		b.buf = append(b.buf, ':')
		b.buf = jsontext.Append(b.buf, b.limit(name, i, list[i].Value))
	}
	b.buf = append(b.buf, '}')
}

func (b *body) OIDs(name string, list []uint32) {
	b.key(name)
	b.buf = append(b.buf, '[')
	for i, v := range list {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.buf = jsontext.AppendUint(b.buf, uint64(v))
	}
	b.buf = append(b.buf, ']')
}

func (b *body) Formats(name string, list []int16) {
	b.key(name)
	b.buf = append(b.buf, '[')
	for i, v := range list {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.buf = strconv.AppendInt(b.buf, int64(v), 10)
	}
	b.buf = append(b.buf, ']')
}

func (b *body) Values(name string, list messages.Values, formats []int16) {
	b.key(name)
	b.buf = append(b.buf, '[')
	for i, v := range list {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		oid, f := b.typeOf(i, formats)
		b.value(name, i, v, oid, f)
	}
	b.buf = append(b.buf, ']')
}

// typeOf returns the type and format of value i.
func (b *body) typeOf(i int, formats []int16) (oid uint32, format int16) {
	if b.columns != nil {
		if i < len(b.columns) {
			return b.columns[i].TypeOID, b.columns[i].Format
		}
		return 0, 0
	}
	if i < len(b.types) {
		oid = b.types[i]
	}
	return oid, messages.FormatOf(formats, i)
}

func (b *body) value(name string, i int, v []byte, oid uint32, format int16) {
	if v == nil {
		b.buf = append(b.buf, "null"...)
		return
	}
	if format == 0 && !b.unknown && (b.max == 0 || len(v) <= b.max) {
		if text, ok := jsontext.AppendPlain(b.buf, v); ok { // most values
			b.buf = text
			return
		}
	}
	var t []byte
	ok := false
	if b.unknown {
		b.scratch, ok = value.AppendUnknown(b.scratch[:0], v, b.zone)
		t = b.scratch
	} else {
		t, b.scratch, ok = record.ValueText(b.scratch, v, oid, format, b.zone)
	}
	if !ok {
		b.hexObject(b.limitBytes(name, i, v))
		return
	}
	b.buf = jsontext.Append(b.buf, b.limit(name, i, t))
}

func (b *body) Value(name string, v []byte) {
	b.key(name)
	b.value(name, -1, v, 0, 0)
}

func (b *body) Columns(name string, list []messages.ColumnDescription) {
	b.key(name)
	b.buf = append(b.buf, '[')
	for i := range list {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		c := &list[i]
		b.buf = append(append(b.buf, '{'), record.ColumnName.Key()...)
		b.buf = jsontext.Append(b.buf, c.Name)
		b.buf = record.ColumnTable.AppendKey(b.buf)
		b.buf = jsontext.AppendUint(b.buf, uint64(c.TableOID))
		b.buf = record.ColumnNumber.AppendKey(b.buf)
		b.buf = strconv.AppendInt(b.buf, int64(c.Column), 10)
		b.buf = record.ColumnTypeOID.AppendKey(b.buf)
		b.buf = jsontext.AppendUint(b.buf, uint64(c.TypeOID))
		if t := value.TypeName(c.TypeOID); t != "" {
			b.buf = append(append(append(record.ColumnType.AppendKey(b.buf), '"'), t...), '"')
		}
		b.buf = record.ColumnSize.AppendKey(b.buf)
		b.buf = strconv.AppendInt(b.buf, int64(c.TypeSize), 10)
		b.buf = record.ColumnModifier.AppendKey(b.buf)
		b.buf = strconv.AppendInt(b.buf, int64(c.TypeModifier), 10)
		b.buf = record.ColumnFormat.AppendKey(b.buf)
		b.buf = strconv.AppendInt(b.buf, int64(c.Format), 10)
		b.buf = append(b.buf, '}')
	}
	b.buf = append(b.buf, ']')
}
