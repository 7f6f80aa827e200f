package parquet

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
)

// cells is the visitor that puts the fields of a record into the columns of a row.
// Objects and lists of objects become JSON.
type cells struct {
	record.Forgetful

	s       *series
	col     int // of the field whose object or list is open
	depth   int
	list    bool     // texts are gathered, not JSON
	texts   [][]byte // of a list; nil is null
	json    []byte
	open    []byte // how each open object or list ends
	key     bool   // a name was written, its value follows
	arena   []byte // what texts are made of
	scratch []byte
	zone    record.Zone
	who     *record.Who
}

func (c *cells) row(s *series, r record.Record) {
	c.s, c.who = s, whoOf(r)
	r.Visit(c)
}

// clean returns text as UTF-8; what is not becomes U+FFFD.
func clean(v []byte) []byte {
	if utf8.Valid(v) {
		return v
	}
	return bytes.ToValidUTF8(v, []byte("\ufffd"))
}

// column returns the column of a field, -1 for one within an object.
func (c *cells) column(f *record.Field) int {
	if c.depth > 0 || f == nil {
		return -1
	}
	if i, ok := c.s.fields[f]; ok {
		return i
	}
	return -1
}

// member begins a value within an object or list.
func (c *cells) member(f *record.Field) {
	if c.key {
		c.key = false
		return
	}
	if last := c.json[len(c.json)-1]; last != '{' && last != '[' {
		c.json = append(c.json, ',')
	}
	if f != nil {
		c.json = append(c.json, f.Key()...)
	}
}

// Bool, Int and the others are the methods of record.Visitor.
func (c *cells) Bool(f *record.Field, v bool) {
	if i := c.column(f); i >= 0 {
		c.s.w.Bool(i, v)
	} else if c.depth > 0 {
		c.member(f)
		c.json = strconv.AppendBool(c.json, v)
	}
}

// Int takes a number.
func (c *cells) Int(f *record.Field, v int64) {
	if i := c.column(f); i >= 0 {
		c.s.w.Int(i, v)
	} else if c.depth > 0 {
		c.member(f)
		c.json = strconv.AppendInt(c.json, v, 10)
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
	case c.depth > 0:
		c.member(f)
		c.json = jsontext.Append(c.json, v)
	}
}

// Time takes a time in nanoseconds.
func (c *cells) Time(f *record.Field, ns int64) {
	if i := c.column(f); i >= 0 {
		c.s.w.Int(i, ns/1000)
	} else if c.depth > 0 {
		c.member(f)
		c.json = append(time.Unix(0, ns).UTC().AppendFormat(append(c.json, '"'), time.RFC3339Nano), '"')
	}
}

// Data takes bytes: text where they are UTF-8, else hexadecimal digits.
func (c *cells) Data(f *record.Field, v []byte) {
	if !utf8.Valid(v) {
		v = c.hex(v)
	}
	c.Text(f, v)
}

func (c *cells) hex(v []byte) []byte {
	const digits = "0123456789abcdef"
	b := append(c.scratch[:0], '\\', 'x')
	for _, x := range v {
		b = append(b, digits[x>>4], digits[x&15])
	}
	c.scratch = b
	return b
}

// Value takes a value of the database, as the text that the server prints.
func (c *cells) Value(f *record.Field, v []byte, oid uint32, format int16) {
	if v == nil {
		switch {
		case c.list:
			c.texts = append(c.texts, nil)
		case c.depth > 0:
			c.member(f)
			c.json = append(c.json, "null"...)
		}
		return
	}
	if format == 0 {
		c.Data(f, v)
		return
	}
	text, scratch, ok := record.ValueText(c.scratch, v, oid, format, c.zone.Of(c.who))
	if c.scratch = scratch; !ok {
		text = c.hex(v)
	}
	c.Text(f, text)
}

var nobody record.Who

// whoOf returns whose settings the values of a record follow.
func whoOf(r record.Record) *record.Who {
	switch r := r.(type) {
	case *record.Query:
		return r.Who
	case *record.Message:
		return r.Who
	}
	return &nobody
}

// keep copies a text of a list.
func (c *cells) keep(v []byte) {
	n := len(c.arena)
	c.arena = append(c.arena, v...)
	c.texts = append(c.texts, c.arena[n:len(c.arena):len(c.arena)])
}

// Open begins an object, a map or a list.
func (c *cells) Open(f *record.Field) {
	if c.depth == 0 {
		c.col = c.column(f)
		c.json, c.texts, c.arena, c.key = c.json[:0], c.texts[:0], c.arena[:0], false
		if c.list = c.col >= 0 && c.s.cols[c.col].Type == Strings; c.list {
			c.depth++
			return
		}
	} else {
		c.member(f)
	}
	c.depth++
	if f != nil && f.Type == record.TypeList {
		c.json, c.open = append(c.json, '['), append(c.open, ']')
	} else {
		c.json, c.open = append(c.json, '{'), append(c.open, '}')
	}
}

// Close ends it.
func (c *cells) Close() {
	c.depth--
	if c.list {
		c.list = false
		c.s.w.Strings(c.col, c.texts)
		return
	}
	n := len(c.open) - 1
	c.json, c.open = append(c.json, c.open[n]), c.open[:n]
	if c.depth == 0 && c.col >= 0 {
		c.s.w.String(c.col, c.json)
	}
}

// Key is the name of what comes next, in a map.
func (c *cells) Key(name []byte) {
	c.member(nil)
	c.json = append(jsontext.Append(c.json, name), ':')
	c.key = true
}
