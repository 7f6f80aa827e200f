package report

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
)

// finding returns a record as a JSON object, whatever its fields are. Where texts of SQL
// may not be shown, what quotes them is left out.
func (o *output) finding(r record.Record) []byte {
	v := jsonVisitor{buf: []byte{'{'}, open: []byte{'}'}, hide: o.noSQL || o.noValues}
	r.Visit(&v)
	v.buf = append(v.buf, '}')
	if !json.Valid(v.buf) {
		return nil // a record whose Visit does not close what it opens
	}
	return v.buf
}

// jsonVisitor writes records as JSON.
type jsonVisitor struct {
	record.Forgetful

	buf  []byte
	open []byte
	key  bool
	hide bool
}

// hidden are the fields of findings that quote SQL or values.
var hidden = map[string]bool{"normalized": true, "text": true}

func (j *jsonVisitor) member(f *record.Field) {
	if j.key {
		j.key = false
		return
	}
	if last := j.buf[len(j.buf)-1]; last != '{' && last != '[' {
		j.buf = append(j.buf, ',')
	}
	if f != nil {
		j.buf = append(j.buf, f.Key()...)
	}
}

// Bool and the others are the methods of record.Visitor.
func (j *jsonVisitor) Bool(f *record.Field, v bool) {
	j.member(f)
	j.buf = strconv.AppendBool(j.buf, v)
}

// Int takes a number.
func (j *jsonVisitor) Int(f *record.Field, v int64) {
	j.member(f)
	j.buf = strconv.AppendInt(j.buf, v, 10)
}

// Uint takes a number.
func (j *jsonVisitor) Uint(f *record.Field, v uint64) {
	j.member(f)
	j.buf = strconv.AppendUint(j.buf, v, 10)
}

// Word takes text.
func (j *jsonVisitor) Word(w *record.Word) { j.String(w.Field, w.Text) }

// Ints takes numbers.
func (j *jsonVisitor) Ints(fields []*record.Field, v []int64) {
	for i, f := range fields {
		if v[i] != record.Unknown {
			j.Int(f, v[i])
		}
	}
}

// Text takes text.
func (j *jsonVisitor) Text(f *record.Field, v []byte) { j.String(f, string(v)) }

// Long takes text.
func (j *jsonVisitor) Long(f *record.Field, v []byte, _ int) { j.Text(f, v) }

// String takes text.
func (j *jsonVisitor) String(f *record.Field, v string) {
	if j.hide && f != nil && hidden[f.Name] {
		v = ""
	}
	if len(v) > maxSQL {
		v = cut([]byte(v), maxSQL)
	}
	j.member(f)
	j.buf = jsontext.Append(j.buf, v)
}

// Time takes a time.
func (j *jsonVisitor) Time(f *record.Field, ns int64) {
	j.member(f)
	j.buf = append(time.Unix(0, ns).UTC().AppendFormat(append(j.buf, '"'), time.RFC3339Nano), '"')
}

// Data takes bytes.
func (j *jsonVisitor) Data(f *record.Field, v []byte) {
	if !utf8.Valid(v) {
		v = strconv.AppendInt(nil, int64(len(v)), 10)
		v = append(v, " bytes"...)
	}
	j.Text(f, v)
}

// Value takes a value of the database.
func (j *jsonVisitor) Value(f *record.Field, v []byte, _ uint32, _ int16) { j.Data(f, v) }

// Open begins an object or a list.
func (j *jsonVisitor) Open(f *record.Field) {
	j.member(f)
	if f != nil && f.Type == record.TypeList {
		j.buf, j.open = append(j.buf, '['), append(j.open, ']')
	} else {
		j.buf, j.open = append(j.buf, '{'), append(j.open, '}')
	}
}

// Close ends it.
func (j *jsonVisitor) Close() {
	n := len(j.open) - 1
	j.buf, j.open = append(j.buf, j.open[n]), j.open[:n]
}

// Key is the name of what comes next.
func (j *jsonVisitor) Key(name []byte) {
	j.member(nil)
	j.buf = append(jsontext.Append(j.buf, name), ':')
	j.key = true
}
