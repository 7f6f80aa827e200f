package selection

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// fieldText collects the texts and values of a message, a line each, for --grep.
// Secrets are left out: a search must not tell what the output hides.
type fieldText struct {
	buf     []byte
	columns []messages.ColumnDescription
	types   []uint32
	rows    bool
}

func (t *fieldText) reset(x *exchange.Exchange, k messages.Kind) {
	t.buf, t.columns, t.types = t.buf[:0], nil, nil
	t.rows = k == messages.KindDataRow
	if x == nil {
		return
	}
	if t.rows {
		t.columns = x.Columns()
	} else {
		t.types = x.ParamTypes()
	}
}

func (t *fieldText) add(v []byte) { t.buf = append(append(t.buf, v...), '\n') }

// Int and the following methods make fieldText a messages.Visitor.
func (t *fieldText) Int(_ string, v int64) {
	t.buf = append(strconv.AppendInt(t.buf, v, 10), '\n')
}
func (t *fieldText) Bool(string, bool)         {}
func (t *fieldText) Text(_ string, v []byte)   { t.add(v) }
func (t *fieldText) Data(_ string, v []byte)   { t.add(v) }
func (t *fieldText) Hex(string, []byte)        {}
func (t *fieldText) SecretText(string, []byte) {}
func (t *fieldText) SecretHex(string, []byte)  {}
func (t *fieldText) OIDs(string, []uint32)     {}
func (t *fieldText) Formats(string, []int16)   {}
func (t *fieldText) Value(_ string, v []byte)  { t.add(v) }

func (t *fieldText) Texts(_ string, list [][]byte) {
	for _, v := range list {
		t.add(v)
	}
}

func (t *fieldText) Pairs(_ string, list []messages.Pair) {
	for i := range list {
		t.buf = append(append(t.buf, list[i].Name...), '=')
		t.add(list[i].Value)
	}
}

func (t *fieldText) Columns(_ string, list []messages.ColumnDescription) {
	for i := range list {
		t.add(list[i].Name)
	}
}

// Values adds values as PostgreSQL prints them.
func (t *fieldText) Values(_ string, list messages.Values, formats []int16) {
	for i, v := range list {
		oid, format := t.typeOf(i, formats)
		if format == 1 {
			if out, ok := value.Append(t.buf, oid, v, nil); ok {
				t.buf = append(out, '\n')
				continue
			}
		}
		t.add(v)
	}
}

func (t *fieldText) typeOf(i int, formats []int16) (oid uint32, format int16) {
	if t.rows {
		if i < len(t.columns) {
			return t.columns[i].TypeOID, t.columns[i].Format
		}
		return 0, 0
	}
	if i < len(t.types) {
		oid = t.types[i]
	}
	switch {
	case len(formats) == 1:
		format = formats[0]
	case i < len(formats):
		format = formats[i]
	}
	return oid, format
}
