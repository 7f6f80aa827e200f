package render

import (
	"bytes"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// fields writes a message's fields for reading. It is the Visitor of pretty
// output.
type fields struct {
	line    *line
	theme   *Theme
	kind    messages.Kind
	max     int
	secrets bool
	lines   bool // SQL is written as it was
	first   bool
	scratch []byte
	fold    []byte

	types   []uint32
	columns []messages.ColumnDescription
	unknown bool
	zone    *value.Session
	// Of a message that is not all there: its bytes, and the length of the field or
	// value that they end with, 0 if it is not known.
	tail  []byte
	whole int
}

// label writes the separator and, as the style wants, the name. It reports
// whether the field is to be shown.
func (f *fields) label(name string, empty bool) bool {
	s := styleOf(f.kind, name)
	if s == hidden || s == noted && empty {
		return false
	}
	if !f.first {
		f.line.space()
	}
	f.first = false
	if s == named || s == noted {
		f.line.ours(name)
		f.line.ours("=")
	}
	return true
}

func (f *fields) cut(v []byte) (shown []byte, rest int) {
	if n := len(f.tail); f.whole > 0 && len(v) > 0 && n >= len(v) && &v[len(v)-1] == &f.tail[n-1] {
		if f.max > 0 && len(v) > f.max {
			v = cutText(v, f.max)
		}
		return v, f.whole
	}
	if f.max > 0 && len(v) > f.max {
		shown = cutText(v, f.max)
		return shown, len(v)
	}
	return v, 0
}

// content writes text, with the true length where it was cut.
func (f *fields) content(v []byte) {
	shown, length := f.cut(v)
	f.line.text(shown)
	f.more(length)
}

func (f *fields) more(length int) {
	if length == 0 {
		return
	}
	f.line.wide("…")
	f.line.painted(f.theme.dim, "("+strconv.Itoa(length)+" bytes)")
}

func (f *fields) Int(name string, v int64) {
	switch {
	case !f.label(name, v == 0):
	case name == "format":
		f.line.ascii(formatName(v))
	default:
		f.line.int(v)
	}
}

// formatName is the word for a format code of COPY (manual: "Message Formats").
func formatName(code int64) string {
	switch code {
	case 0:
		return "text"
	case 1:
		return "binary"
	}
	return strconv.FormatInt(code, 10)
}

func (f *fields) Bool(name string, v bool) {
	if !f.label(name, false) {
		return
	}
	switch {
	case name == "accepted" && v:
		f.line.painted(f.theme.good, "accepted")
	case name == "accepted":
		f.line.painted(f.theme.warn, "refused")
	default:
		f.line.ascii(strconv.FormatBool(v))
	}
}

func (f *fields) Text(name string, v []byte) {
	if !f.label(name, len(v) == 0) {
		return
	}
	switch name {
	case "query", "internal_query":
		f.sql(v, max(len(v), f.whole))
	case "status":
		f.status(v)
	case "severity":
		p := f.theme.bad
		if f.kind == messages.KindNoticeResponse {
			p = f.theme.warn
		}
		f.line.paint(p)
		f.content(v)
		f.line.unpaint(p)
	case "command_tag":
		f.line.paint(f.theme.good)
		f.content(v)
		f.line.unpaint(f.theme.good)
	case "statement", "portal", "name":
		if f.kind == messages.KindParameterStatus {
			f.content(v)
			f.line.ours(" =")
			return
		}
		f.quoted(v)
	default:
		f.content(v)
	}
}

// quoted writes a name in quotes, so that the empty name is seen.
func (f *fields) quoted(v []byte) {
	f.line.ours(`"`)
	f.content(v)
	f.line.ours(`"`)
}

// sql writes the text of a command on one line. length is that of the whole text
// in bytes.
func (f *fields) sql(v []byte, length int) {
	whole := len(v) == length
	if f.lines {
		f.sqlLines(v, length)
		return
	}
	f.fold = foldSpace(f.fold[:0], v)
	f.line.paint(f.theme.sql)
	shown, cut := f.cut(f.fold)
	f.line.text(shown)
	if cut > 0 || !whole {
		f.more(length)
	}
	f.line.unpaint(f.theme.sql)
}

// sqlLines writes it as it was; of several lines, each on one of its own, with nothing
// before it.
func (f *fields) sqlLines(v []byte, length int) {
	l := f.line
	several := bytes.IndexByte(v, '\n') >= 0
	if several {
		l.trim()
		l.buf = append(l.buf, '\n')
	}
	l.paint(f.theme.sql)
	shown, cut := f.cut(v)
	l.raw(shown)
	if cut > 0 || len(v) < length {
		f.more(length)
	}
	l.unpaint(f.theme.sql)
	if several {
		l.buf = append(l.buf, '\n')
		l.col, l.ended = 0, true
	}
}

func (f *fields) status(v []byte) {
	p, text := f.theme.good, "idle"
	switch string(v) {
	case "I":
	case "T":
		p, text = f.theme.warn, "in transaction"
	case "E":
		p, text = f.theme.bad, "failed transaction"
	default:
		f.content(v)
		return
	}
	f.line.painted(p, text)
}

func (f *fields) Data(name string, v []byte) {
	if f.label(name, len(v) == 0) {
		f.anything(v)
	}
}

// anything writes a payload as text if it is some, else as hex.
func (f *fields) anything(v []byte) {
	if out, ok := value.AppendUnknown(f.scratch[:0], v, nil); ok {
		f.scratch = out
		f.content(out)
		return
	}
	f.hex(v)
}

func (f *fields) hex(v []byte) {
	shown, length := v, 0
	if f.max > 0 && len(v) > f.max/2 {
		shown, length = v[:f.max/2], len(v)
	}
	f.line.ascii(`\x`)
	f.scratch = jsontext.AppendHex(f.scratch[:0], shown)
	f.line.run(f.scratch)
	f.more(length)
}

func (f *fields) Hex(name string, v []byte) {
	if f.label(name, len(v) == 0) {
		f.hex(v)
	}
}

func (f *fields) SecretText(name string, v []byte) {
	if f.secrets {
		f.Text(name, v)
		return
	}
	f.redacted(name)
}

func (f *fields) SecretHex(name string, v []byte) {
	if f.secrets {
		f.Hex(name, v)
		return
	}
	f.redacted(name)
}

func (f *fields) redacted(name string) {
	if f.label(name, false) {
		f.line.painted(f.theme.dim, "<redacted>")
	}
}

func (f *fields) Texts(name string, list [][]byte) {
	if !f.label(name, len(list) == 0) {
		return
	}
	for i, v := range list {
		if i > 0 {
			f.line.ours(", ")
		}
		f.content(v)
	}
}

func (f *fields) Pairs(name string, list []messages.Pair) {
	for i := range list {
		if !f.first {
			f.line.space()
		}
		f.first = false
		f.line.text(list[i].Name)
		f.line.ours("=")
		f.pairValue(list[i].Value)
	}
}

// pairValue puts what has blanks into quotes.
func (f *fields) pairValue(v []byte) {
	for _, c := range v {
		if c == ' ' {
			f.quoted(v)
			return
		}
	}
	f.content(v)
}

func (f *fields) OIDs(name string, list []uint32) {
	if !f.label(name, len(list) == 0) {
		return
	}
	for i, oid := range list {
		if i > 0 {
			f.line.ours(",")
		}
		f.typeName(oid)
	}
}

func (f *fields) typeName(oid uint32) {
	switch name := value.TypeName(oid); {
	case name != "":
		f.line.ascii(name)
	case oid == 0:
		f.line.ours("unspecified")
	default:
		f.line.uint(uint64(oid))
	}
}
