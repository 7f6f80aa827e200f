package parquet

import (
	"bytes"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
)

// cells is the visitor that puts the fields of a record into the columns of a row.
// Objects and lists of objects become JSON.
type cells struct {
	record.Forgetful

	s     *series
	col   int      // of the field whose object or list is open
	list  bool     // one of texts is open, which are gathered and are no JSON
	texts [][]byte // of it; nil is null
	json  jsontext.Visitor
	arena []byte // what texts are made of
}

func (c *cells) row(s *series, r record.Record) {
	c.s, c.json.Who = s, whoOf(r)
	r.Visit(c)
}

// clean returns text as UTF-8; what is not becomes U+FFFD.
func clean(v []byte) []byte {
	if utf8.Valid(v) {
		return v
	}
	return bytes.ToValidUTF8(v, []byte("\ufffd"))
}

// inside tells that an object or list is open that is a cell.
func (c *cells) inside() bool { return c.list || c.json.Depth() > 0 }

// column returns the column of a field, -1 for one within an object.
func (c *cells) column(f *record.Field) int {
	if c.inside() || f == nil {
		return -1
	}
	if i, ok := c.s.fields[f]; ok {
		return i
	}
	return -1
}

// Bool, Int and the others are the methods of record.Visitor.
func (c *cells) Bool(f *record.Field, v bool) {
	if i := c.column(f); i >= 0 {
		c.s.w.Bool(i, v)
	} else if c.inside() {
		c.json.Bool(f, v)
	}
}

// Int takes a number.
func (c *cells) Int(f *record.Field, v int64) {
	if i := c.column(f); i >= 0 {
		c.s.w.Int(i, v)
	} else if c.inside() {
		c.json.Int(f, v)
	}
}

// Uint takes a number; those above the largest signed one do not occur.
func (c *cells) Uint(f *record.Field, v uint64) { c.Int(f, int64(v)) }

// Word takes text.
func (c *cells) Word(w *record.Word) { c.String(w.Field, w.Text) }

// Ints takes numbers.
func (c *cells) Ints(fields []*record.Field, v []int64) {
	for i, f := range fields {
		if v[i] != record.Unknown {
			c.Int(f, v[i])
		}
	}
}

// String takes text.
func (c *cells) String(f *record.Field, v string) { c.Text(f, []byte(v)) }

// Long takes text of any content.
func (c *cells) Long(f *record.Field, v []byte, _ int) { c.Text(f, v) }

// Text takes text of any content.
func (c *cells) Text(f *record.Field, v []byte) {
	switch i := c.column(f); {
	case i >= 0:
		c.s.w.String(i, clean(v))
	case c.list:
		c.keep(clean(v))
	case c.inside():
		c.json.Text(f, v)
	}
}

// Time takes a time in nanoseconds.
func (c *cells) Time(f *record.Field, ns int64) {
	if i := c.column(f); i >= 0 {
		c.s.w.Int(i, ns/1000)
	} else if c.inside() {
		c.json.Time(f, ns)
	}
}

// Data takes bytes: text where they are UTF-8, else hexadecimal digits.
func (c *cells) Data(f *record.Field, v []byte) { c.Text(f, c.json.DataText(v)) }

// Value takes a value of the database, as the text that the server prints.
func (c *cells) Value(f *record.Field, v []byte, oid uint32, format int16) {
	switch {
	case v != nil:
		c.Text(f, c.json.ValueText(v, oid, format))
	case c.list:
		c.texts = append(c.texts, nil)
	case c.inside():
		c.json.Value(f, nil, oid, format)
	}
}

// whoOf returns whose settings the values of a record follow.
func whoOf(r record.Record) *record.Who {
	switch r := r.(type) {
	case *record.Query:
		return r.Who
	case *record.Message:
		return r.Who
	}
	return nil
}

// keep copies a text of a list.
func (c *cells) keep(v []byte) {
	n := len(c.arena)
	c.arena = append(c.arena, v...)
	c.texts = append(c.texts, c.arena[n:len(c.arena):len(c.arena)])
}

// Open begins an object, a map or a list.
func (c *cells) Open(f *record.Field) {
	if !c.inside() {
		c.col = c.column(f)
		c.texts, c.arena = c.texts[:0], c.arena[:0]
		c.json.Reset()
		if c.list = c.col >= 0 && c.s.cols[c.col].Type == Strings; c.list {
			return
		}
	}
	c.json.Open(f)
}

// Close ends it.
func (c *cells) Close() {
	if c.list {
		c.list = false
		c.s.w.Strings(c.col, c.texts)
		return
	}
	c.json.Close()
	if c.json.Depth() == 0 && c.col >= 0 {
		c.s.w.String(c.col, c.json.Buf)
	}
}

// Key is the name of what comes next, in a map.
func (c *cells) Key(name []byte) { c.json.Key(name) }
