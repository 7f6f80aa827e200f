package flow

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// maxValue is how much of a value is kept for the side pane, maxLines how many
	// fields of a message.
	maxValue = 4000
	maxLines = 300
)

// body writes the fields of a message as lines, those of objects further in.
type body struct {
	record.Forgetful
	lines   []string
	depth   int
	key     string
	counter []int // in lists: the number of the element; -1 in objects
}

func (b *body) line(f *record.Field, value string) {
	if len(b.lines) >= maxLines {
		if len(b.lines) == maxLines {
			b.lines = append(b.lines, "…")
		}
		return
	}
	b.lines = append(b.lines, strings.Repeat("  ", b.depth)+b.name(f)+value)
}

func (b *body) name(f *record.Field) string {
	n := len(b.counter)
	switch {
	case f != nil:
		return f.Name + ": "
	case b.key != "":
		key := b.key
		b.key = ""
		return key + ": "
	case n > 0 && b.counter[n-1] >= 0:
		b.counter[n-1]++
		return strconv.Itoa(b.counter[n-1]) + ": "
	}
	return ""
}

// Bool and the others are the methods of record.Visitor.
func (b *body) Bool(f *record.Field, v bool) { b.line(f, strconv.FormatBool(v)) }

// Int takes a number.
func (b *body) Int(f *record.Field, v int64) { b.line(f, strconv.FormatInt(v, 10)) }

// Uint takes a number.
func (b *body) Uint(f *record.Field, v uint64) { b.line(f, strconv.FormatUint(v, 10)) }

// Ints takes numbers.
func (b *body) Ints(fields []*record.Field, v []int64) {
	for i, f := range fields {
		if v[i] != record.Unknown {
			b.Int(f, v[i])
		}
	}
}

// Word takes text.
func (b *body) Word(w *record.Word) { b.line(w.Field, w.Text) }

// Long takes text.
func (b *body) Long(f *record.Field, v []byte, _ int) { b.Text(f, v) }

// Text takes text.
func (b *body) Text(f *record.Field, v []byte) { b.line(f, cut(v, maxValue)) }

// String takes text.
func (b *body) String(f *record.Field, v string) { b.line(f, v) }

// Time takes a time.
func (b *body) Time(f *record.Field, ns int64) {
	b.line(f, time.Unix(0, ns).UTC().Format(time.RFC3339Nano))
}

// Data takes bytes.
func (b *body) Data(f *record.Field, v []byte) {
	if utf8.Valid(v) {
		b.Text(f, v)
		return
	}
	text := hex.EncodeToString(v[:min(len(v), maxValue/2)])
	if len(v) > maxValue/2 {
		text += "… (" + strconv.Itoa(len(v)) + " bytes)"
	}
	b.line(f, `\x`+text)
}

// Value takes a value of the database.
func (b *body) Value(f *record.Field, v []byte, oid uint32, format int16) {
	if v == nil {
		b.line(f, "NULL")
		return
	}
	if text, _, ok := record.ValueText(nil, v, oid, format, nil); ok {
		b.line(f, cut(text, maxValue))
		return
	}
	b.Data(f, v)
}

// Open begins an object or a list.
func (b *body) Open(f *record.Field) {
	b.line(f, "")
	b.depth++
	first := -1
	if f != nil && f.Type == record.TypeList {
		first = 0
	}
	b.counter = append(b.counter, first)
}

// Close ends it.
func (b *body) Close() {
	b.depth--
	b.counter = b.counter[:len(b.counter)-1]
}

// Key is the name of what comes next.
func (b *body) Key(name []byte) { b.key = cut(name, maxLine) }

// params returns the parameters of a query as text.
func (c *Collector) params(q *record.Query) string {
	var b []byte
	for i, v := range q.Params {
		if len(b) > maxValue {
			return string(b) + ", …"
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(strconv.AppendInt(append(b, '$'), int64(i+1), 10), " = "...)
		if v == nil {
			b = append(b, "NULL"...)
			continue
		}
		text, scratch, ok := record.ValueText(c.value, v, q.TypeOf(i), q.FormatOf(i), c.zone.Of(q.Who))
		if c.value = scratch; !ok {
			b = append(strconv.AppendInt(append(b, '('), int64(len(v)), 10), " bytes)"...)
			continue
		}
		b = append(append(append(b, '\''), cut(text, maxLine)...), '\'')
	}
	return string(b)
}

// failure takes code and message of an error.
type failure struct {
	messages.Visitor // nil: errors have texts alone

	state, message string
}

// Text takes a field.
func (e *failure) Text(name string, v []byte) {
	switch name {
	case "sqlstate":
		e.state = cut(v, 5)
	case "message":
		e.message = cut(v, maxValue)
	}
}

// Pairs passes over fields without a name.
func (e *failure) Pairs(string, []messages.Pair) {}

// SecretText takes what stands in place of a secret.
func (e *failure) SecretText(name string, v []byte) { e.Text(name, v) }

// cut returns the first bytes of a text, whole characters of it.
func cut(b []byte, most int) string {
	if len(b) <= most {
		return string(b)
	}
	for most > 0 && !utf8.RuneStart(b[most]) {
		most--
	}
	return string(b[:most]) + "…"
}
