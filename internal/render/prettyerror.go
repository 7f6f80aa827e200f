package render

import (
	"bytes"
	"strconv"
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
	if position := e.Get(messages.FieldPosition); position != nil {
		p.errorPosition(sql, position)
	} else if position := e.Get(messages.FieldInternalPosition); position != nil {
		p.errorPosition(e.Get(messages.FieldInternalQuery), position)
	}
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
	// many of them at least after the position: as libpq has it.
	displaySize = 60
	rightCut    = 10
)

// errorPosition writes the line of a text that an error is in, and a caret below the
// character: position counts characters from 1. A text in which something was redacted
// is not what the position is of.
func (p *Pretty) errorPosition(sql, position []byte) {
	n, err := strconv.Atoi(string(position))
	if err != nil || n < 1 || len(sql) == 0 || bytes.Contains(sql, []byte(record.Redacted)) {
		return
	}
	x, ok := findExcerpt(sql, n-1)
	if !ok {
		return
	}
	p.startBelow()
	l := &p.line
	l.ascii("LINE " + strconv.Itoa(x.line) + ": ")
	if x.cutLeft {
		l.ascii("...")
	}
	l.raw(x.before)
	caret := l.col
	l.raw(x.after)
	if x.cutRight {
		l.ascii("...")
	}
	p.end()
	p.start()
	l.pad(caret)
	l.painted(p.opt.Theme.bad, "^")
	p.end()
}

// excerpt is part of a line of SQL, around a position.
type excerpt struct {
	line              int
	before, after     []byte
	cutLeft, cutRight bool
}

// findExcerpt returns what psql shows of the line that a character is in, from 0: tabs
// are blanks, and a long line is cut (libpq, reportErrorPosition).
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
	x.before, x.after = line[:place-begin], line[place-begin:]
	x.cut()
	return x, true
}

// cut leaves displaySize columns.
func (x *excerpt) cut() {
	before, after := runewidth.StringWidth(string(x.before)), runewidth.StringWidth(string(x.after))
	if before+after <= displaySize {
		return
	}
	if before+rightCut <= displaySize {
		for before+after > displaySize {
			after -= dropLast(&x.after)
			x.cutRight = true
		}
		return
	}
	for after > rightCut {
		after -= dropLast(&x.after)
		x.cutRight = true
	}
	for before+after > displaySize && len(x.before) > 0 {
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
