package report

import (
	"encoding/json"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
)

// finding returns a record as a JSON object, whatever its fields are. Where texts of SQL
// may not be shown, what quotes them is left out.
func (o *output) finding(r record.Record) []byte {
	v := jsonVisitor{hide: o.noSQL || o.noValues}
	v.Open(nil)
	r.Visit(&v)
	v.Close()
	if !json.Valid(v.Buf) {
		return nil // a record whose Visit does not close what it opens
	}
	return v.Buf
}

// hidden are the fields of findings that quote SQL or values.
var hidden = map[string]bool{"normalized": true, "text": true}

// jsonVisitor writes a finding as JSON, its texts cut, or left out where they are hidden.
type jsonVisitor struct {
	jsontext.Visitor
	hide bool
}

// Text takes text.
func (j *jsonVisitor) Text(f *record.Field, v []byte) { j.String(f, string(v)) }

// Long takes text.
func (j *jsonVisitor) Long(f *record.Field, v []byte, _ int) { j.String(f, string(v)) }

// String takes text.
func (j *jsonVisitor) String(f *record.Field, v string) {
	if j.hide && f != nil && hidden[f.Name] {
		v = ""
	}
	if len(v) > maxSQL {
		v = cut([]byte(v), maxSQL)
	}
	j.Visitor.String(f, v)
}
