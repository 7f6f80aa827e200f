package render

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/internal/units"
)

// Record writes a record that a view has derived from others: a line with its
// fields in their order. A message that waited is written as the others are.
func (p *Pretty) Record(r record.Record) {
	switch r := r.(type) {
	case *record.Message:
		p.waited(r)
	case *record.Change:
		p.change(r)
	case *stats.Report:
		p.stats(r)
	case record.Sheet:
		p.sheet(r)
	default:
		p.derived(r)
	}
}

func (p *Pretty) memory() int { return p.opt.Slot }

// waited writes a message that waited until it was known whether it is shown. What else
// there was of its connection may wait still, so that the line that names the connection
// has the time at which that began.
func (p *Pretty) waited(r *record.Message) {
	c := connIn(r.Conn, p.opt.Slot)
	if !c.remembered().introduced {
		p.introduce(c, r.Conn.Started.Time, r.Who.MidStream)
	}
	p.msg.from(r, c, &p.more)
	p.message(&p.msg)
}

func (p *Pretty) derived(r record.Record) {
	p.start()
	l := &p.line
	l.wrap = true
	if at := r.Place(); at.Time != 0 {
		p.time(at.Time)
		l.space()
	}
	if c := r.Of(); c != nil {
		l.painted(p.opt.Theme.conn, "#"+strconv.FormatUint(c.ID, 10))
		l.space()
	}
	l.indent = min(l.col, 40)
	l.painted(p.opt.Theme.name, r.Schema().Name)
	r.Visit(&prettyFields{p: p})
	p.end()
}

// sheet writes a record that has lines of its own.
func (p *Pretty) sheet(s record.Sheet) {
	t := p.opt.Theme
	paints := [...]paint{record.Plain: {}, record.Name: t.name, record.Good: t.good, record.Warn: t.warn, record.Bad: t.bad, record.Dim: t.dim, record.SQL: t.sql}
	for _, line := range s.Lines() {
		p.start()
		l := &p.line
		l.wrap, l.indent = true, line.Indent+line.Hang
		l.pad(line.Indent)
		if line.At != 0 {
			p.time(line.At)
			l.space()
		}
		for _, part := range line.Spans {
			l.paint(paints[part.Style])
			p.words(part.Text)
			l.unpaint(paints[part.Style])
		}
		p.end()
	}
}

// words writes text that goes on in the next line at a blank where there is one.
func (p *Pretty) words(text string) {
	l := &p.line
	for text != "" {
		n := strings.IndexByte(text[1:], ' ') + 1
		if n == 0 {
			n = len(text)
		}
		word := text[:n]
		if l.width > 0 && l.col > l.indent && l.col+utf8.RuneCountInString(word) > l.width {
			l.newline()
			word = strings.TrimLeft(word, " ")
		}
		l.text([]byte(word))
		text = text[n:]
	}
}

// prettyFields writes the fields of a record as name=value.
type prettyFields struct {
	record.Forgetful
	p     *Pretty
	comma bool // something stands before in the same brackets
	lists []byte
	key   []byte
}

func (w *prettyFields) name(f *record.Field) {
	l := &w.p.line
	if len(w.lists) == 0 {
		l.space()
	} else if w.comma {
		l.ascii(", ")
	}
	w.comma = true
	switch {
	case f != nil:
		l.ascii(f.Name + "=")
	case w.key != nil:
		l.text(w.key)
		l.ascii("=")
		w.key = nil
	}
}

func (w *prettyFields) Bool(f *record.Field, v bool) {
	w.name(f)
	w.p.line.ascii(strconv.FormatBool(v))
}

func (w *prettyFields) Int(f *record.Field, v int64) {
	w.name(f)
	if f != nil && f.Unit == "ns" {
		w.p.line.text(units.AppendDuration(nil, v))
		return
	}
	w.p.line.int(v)
}

func (w *prettyFields) Uint(f *record.Field, v uint64) {
	w.name(f)
	w.p.line.ascii(strconv.FormatUint(v, 10))
}

func (w *prettyFields) Word(v *record.Word) { w.String(v.Field, v.Text) }

func (w *prettyFields) Ints(fields []*record.Field, v []int64) {
	for i, f := range fields {
		if v[i] != record.Unknown {
			w.Int(f, v[i])
		}
	}
}

func (w *prettyFields) Text(f *record.Field, v []byte) {
	w.name(f)
	w.cut(v)
}

// cut writes text up to the longest that is shown.
func (w *prettyFields) cut(v []byte) {
	max := w.p.opt.MaxValueBytes
	w.p.line.text(cutText(v, max))
	if max > 0 && len(v) > max {
		w.p.line.wide("…")
	}
}

func (w *prettyFields) Long(f *record.Field, v []byte, length int) {
	w.name(f)
	w.cut(v)
	if max := w.p.opt.MaxValueBytes; len(v) < length && (max == 0 || len(v) <= max) {
		w.p.line.wide("…")
	}
}

func (w *prettyFields) String(f *record.Field, v string) { w.Text(f, []byte(v)) }

func (w *prettyFields) Time(f *record.Field, ns int64) {
	w.name(f)
	var c jsontext.Clock
	w.p.line.ascii(string(c.Append(nil, ns)))
}

func (w *prettyFields) Data(f *record.Field, v []byte) { w.Text(f, v) }

func (w *prettyFields) Value(f *record.Field, v []byte, oid uint32, format int16) {
	w.name(f)
	if v == nil {
		w.p.line.painted(w.p.opt.Theme.null, "NULL")
		return
	}
	t, _, ok := record.ValueText(nil, v, oid, format, nil)
	if !ok {
		t = append([]byte(`\x`), jsontext.AppendHex(nil, v)...)
	}
	w.cut(t)
}

func (w *prettyFields) Open(f *record.Field) {
	w.name(f)
	open, end := "(", byte(')')
	if f != nil && f.Type == record.TypeList {
		open, end = "[", ']'
	}
	w.p.line.ascii(open)
	w.lists = append(w.lists, end)
	w.comma = false
}

func (w *prettyFields) Close() {
	n := len(w.lists) - 1
	w.p.line.ascii(string(rune(w.lists[n])))
	w.lists = w.lists[:n]
	w.comma = true
}

func (w *prettyFields) Key(name []byte) {
	if name == nil {
		name = []byte{}
	}
	w.key = name
}
