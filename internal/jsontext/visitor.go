package jsontext

import (
	"strconv"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/record"
)

// Visitor writes fields of a record as JSON: what one opens first is an object or list
// without a name, and what is visited until it is closed stands in it.
//
// The output json has a visitor of its own (internal/render's members): it writes what
// repeats from memory, cuts values and lists what it cut, and values have the settings of
// their connection. It follows the same rules, since both use the functions of this
// package.
type Visitor struct {
	record.Forgetful

	Buf []byte
	// Who is whose settings the values follow; nil: the defaults.
	Who *record.Who

	open    []level
	named   bool // a name was written, its value follows
	clock   Clock
	zone    record.Zone
	scratch []byte
}

// level is an object or list that is open.
type level struct {
	bracket byte
	names   Names
}

// nobody has the default settings.
var nobody record.Who

// Reset begins anew.
func (v *Visitor) Reset() { v.Buf, v.open, v.named = v.Buf[:0], v.open[:0], false }

// Depth is how many objects and lists are open.
func (v *Visitor) Depth() int { return len(v.open) }

// member begins a value; f is nil in a list and in a map.
func (v *Visitor) member(f *record.Field) {
	if v.named || len(v.open) == 0 {
		v.named = false
		return
	}
	if last := v.Buf[len(v.Buf)-1]; last != '{' && last != '[' {
		v.Buf = append(v.Buf, ',')
	}
	if f != nil {
		v.Buf = append(v.Buf, f.Key()...)
	}
}

// Bool and the others are the methods of record.Visitor.
func (v *Visitor) Bool(f *record.Field, b bool) {
	v.member(f)
	v.Buf = strconv.AppendBool(v.Buf, b)
}

// Int takes a number.
func (v *Visitor) Int(f *record.Field, n int64) {
	v.member(f)
	v.Buf = AppendInt(v.Buf, n)
}

// Uint takes a number.
func (v *Visitor) Uint(f *record.Field, n uint64) {
	v.member(f)
	v.Buf = AppendUint(v.Buf, n)
}

// Ints takes numbers.
func (v *Visitor) Ints(fields []*record.Field, n []int64) {
	for i, f := range fields {
		if n[i] != record.Unknown {
			v.Int(f, n[i])
		}
	}
}

// Word takes text.
func (v *Visitor) Word(w *record.Word) { v.String(w.Field, w.Text) }

// String takes text.
func (v *Visitor) String(f *record.Field, s string) {
	v.member(f)
	v.Buf = Append(v.Buf, s)
}

// Text takes text.
func (v *Visitor) Text(f *record.Field, s []byte) {
	v.member(f)
	v.Buf = Append(v.Buf, s)
}

// Long takes text.
func (v *Visitor) Long(f *record.Field, s []byte, _ int) { v.Text(f, s) }

// Time takes a time.
func (v *Visitor) Time(f *record.Field, ns int64) {
	v.member(f)
	v.Buf = append(v.clock.Append(append(v.Buf, '"'), ns), '"')
}

// Data takes bytes: text where they are UTF-8, else hexadecimal digits as of a bytea.
func (v *Visitor) Data(f *record.Field, b []byte) { v.Text(f, v.DataText(b)) }

// DataText returns what Data writes as a string, borrowed until the next value.
func (v *Visitor) DataText(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return v.hex(b)
}

func (v *Visitor) hex(b []byte) []byte {
	v.scratch = AppendHex(append(v.scratch[:0], '\\', 'x'), b)
	return v.scratch
}

// Value takes a value of the database, as the text that the server prints.
func (v *Visitor) Value(f *record.Field, b []byte, oid uint32, format int16) {
	if b == nil {
		v.member(f)
		v.Buf = append(v.Buf, "null"...)
		return
	}
	v.Text(f, v.ValueText(b, oid, format))
}

// ValueText returns what Value writes of a value that is not NULL as a string, borrowed
// until the next value.
func (v *Visitor) ValueText(b []byte, oid uint32, format int16) []byte {
	if format == 0 {
		return v.DataText(b)
	}
	who := v.Who
	if who == nil {
		who = &nobody
	}
	text, scratch, ok := record.ValueText(v.scratch, b, oid, format, v.zone.Of(who))
	if v.scratch = scratch; !ok {
		return v.hex(b)
	}
	return text
}

// Open begins an object, a map or a list.
func (v *Visitor) Open(f *record.Field) {
	v.member(f)
	l := level{bracket: '}'}
	if f != nil && f.Type == record.TypeList {
		l.bracket = ']'
		v.Buf = append(v.Buf, '[')
	} else {
		v.Buf = append(v.Buf, '{')
	}
	v.open = append(v.open, l)
}

// Close ends it.
func (v *Visitor) Close() {
	n := len(v.open) - 1
	v.Buf = append(v.Buf, v.open[n].bracket)
	v.open = v.open[:n]
}

// Key is the name of what comes next, in a map.
func (v *Visitor) Key(name []byte) {
	v.member(nil)
	v.Buf = append(v.open[len(v.open)-1].names.Append(v.Buf, name), ':')
	v.named = true
}
