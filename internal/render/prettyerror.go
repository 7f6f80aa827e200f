package render

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// failure writes an error as psql does, below the query that it ended: sql is the text
// that was sent, nil if it is not known, or not all of it.
func (p *Pretty) failure(e *messages.ErrorFields, sql []byte) {
	severity := string(e.Severity())
	if severity == "" {
		severity = "ERROR"
	}
	p.errorLine(severity, e.Message(), p.opt.Theme.bad)
	p.errorPlace(e, sql)
	for _, f := range []struct {
		name  string
		field byte
	}{
		{"DETAIL", messages.FieldDetail},
		{"HINT", messages.FieldHint},
		{"QUERY", messages.FieldInternalQuery},
		{"CONTEXT", messages.FieldWhere},
	} {
		if v := e.Get(f.field); len(v) > 0 {
			p.errorLine(f.name, v, paint{})
		}
	}
}

// failedAt writes the place of an error below its message.
func (p *Pretty) failedAt(e *message) {
	if e.kind != messages.KindErrorResponse || p.errs.Decode(e.body) != nil {
		return
	}
	p.errorPlace(&p.errs.ErrorFields, e.sql())
}

// errorPlace writes the line that an error's position is in, if it has one: in the text
// that was sent, or in one that the server made itself.
func (p *Pretty) errorPlace(e *messages.ErrorFields, sql []byte) {
	if position := e.Get(messages.FieldPosition); position != nil {
		p.errorPosition(sql, position)
	} else if position := e.Get(messages.FieldInternalPosition); position != nil {
		p.errorPosition(e.Get(messages.FieldInternalQuery), position)
	}
}

// errorLine writes one field, which may have several lines of its own.
func (p *Pretty) errorLine(name string, v []byte, paint paint) {
	shown, length := p.fields.cut(v)
	for i, text := range bytes.Split(shown, []byte{'\n'}) {
		p.startBelow()
		l := &p.line
		if i == 0 {
			l.paint(paint)
			l.text([]byte(name))
			l.ascii(":")
			l.unpaint(paint)
			l.ascii("  ")
		}
		l.text(text)
		if i == bytes.Count(shown, []byte{'\n'}) {
			p.fields.more(length)
		}
		p.end()
	}
}

// startBelow begins a line below another one.
func (p *Pretty) startBelow() {
	p.start()
	p.line.wrap = true
	p.line.pad(p.timeWidth() + 1)
}

const (
	// displaySize is how many columns of a statement's line are shown, rightCut how
	// many of them at least after the position: as libpq has it, where there is room.
	displaySize = 60
	rightCut    = 10
	dots        = "..." // stand for what is cut
)

// errorPosition writes the line of a text that an error is in, and a caret below the
// character: position counts characters from 1.
func (p *Pretty) errorPosition(sql, position []byte) {
	n, err := strconv.Atoi(string(position))
	if err != nil || n < 1 || len(sql) == 0 {
		return
	}
	x, ok := findExcerpt(sql, n-1)
	if !ok || x.place > asSent(sql) {
		return
	}
	p.startBelow()
	l := &p.line
	l.ascii("LINE " + strconv.Itoa(x.line) + ": ")
	x.cut(l.left(displaySize+2*len(dots)) - 2*len(dots))
	if x.cutLeft {
		l.ascii(dots)
	}
	l.raw(x.before)
	caret := l.col
	l.raw(x.after)
	if x.cutRight {
		l.ascii(dots)
	}
	p.end()
	p.start()
	l.wrap = true
	l.pad(caret)
	l.painted(p.opt.Theme.bad, "^")
	p.end()
}

// asSent returns up to where a text is as it was sent, in bytes: up to the first thing that
// was redacted. Positions beyond it are not of this text.
func asSent(sql []byte) int {
	i := bytes.Index(sql, []byte(strings.TrimSuffix(record.Redacted, ">")))
	switch {
	case i < 0:
		return len(sql)
	case bytes.HasSuffix(sql[:i], []byte(" /* ")):
		return i - len(" /* ") // a comment
	case i > 0 && sql[i-1] == '\'':
		return i - 1
	}
	return i
}

// excerpt is part of a line of SQL, around a position.
type excerpt struct {
	line              int
	place             int // of the character in all of the text, in bytes
	before, after     []byte
	cutLeft, cutRight bool
}

// findExcerpt returns the line that a character is in, from 0, as psql shows it: tabs are
// blanks.
func findExcerpt(sql []byte, at int) (x excerpt, ok bool) {
	place, found := 0, false
	begin, end := 0, len(sql)
	x.line = 1
	for i, n := 0, 0; i < len(sql); n++ {
		if n == at {
			place, found = i, true
		}
		_, size := utf8.DecodeRune(sql[i:])
		switch c := sql[i]; {
		case c != '\r' && c != '\n':
		case found:
			end = i
		case c == '\n' && i > 0 && sql[i-1] == '\r':
			begin = i + 1
		default:
			x.line++
			begin = i + 1
		}
		if end < len(sql) {
			break
		}
		i += size
		if i >= len(sql) && n+1 == at { // behind the last character
			place, found = len(sql), true
		}
	}
	if !found {
		return x, false
	}
	line := bytes.ReplaceAll(sql[begin:end], []byte{'\t'}, []byte{' '})
	x.place, x.before, x.after = place, line[:place-begin], line[place-begin:]
	return x, true
}

// cut leaves so many columns of a long line, as libpq does (reportErrorPosition).
func (x *excerpt) cut(size int) {
	before, after := runewidth.StringWidth(string(x.before)), runewidth.StringWidth(string(x.after))
	if before+after <= size {
		return
	}
	rightCut := min(rightCut, size/2)
	if before+rightCut <= size {
		for before+after > size {
			after -= dropLast(&x.after)
			x.cutRight = true
		}
		return
	}
	for after > rightCut {
		after -= dropLast(&x.after)
		x.cutRight = true
	}
	for before+after > size && len(x.before) > 0 {
		r, n := utf8.DecodeRune(x.before)
		before -= runewidth.RuneWidth(r)
		x.before, x.cutLeft = x.before[n:], true
	}
}

// dropLast takes the last character off a text and returns its width.
func dropLast(b *[]byte) int {
	r, n := utf8.DecodeLastRune(*b)
	*b = (*b)[:len(*b)-n]
	return runewidth.RuneWidth(r)
}
