package render

import (
	"strconv"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/pgsniff/pgsniff/internal/jsontext"
)

// line builds one line of pretty output and knows how wide it is on a terminal.
type line struct {
	buf   []byte
	col   int // columns used so far, colours not counted
	width int // columns of the terminal, 0: no limit
	// indent is where newline goes on.
	indent int
	// wrap says what happens at the terminal's edge: the terminal goes on in its next
	// line, so that what is copied from there is whole, or the rest is dropped and
	// the line ends with an ellipsis.
	wrap bool
	full bool // the rest is being dropped
	// ended tells that a text with lines of its own has ended the line; more may follow
	// in another.
	ended bool
}

func (l *line) reset(buf []byte, width int) {
	*l = line{buf: buf, width: width}
}

// ascii appends text that is printable ASCII, as all that is ours is. If it is not,
// it is text of unknown content.
func (l *line) ascii(s string) {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			l.text([]byte(s))
			return
		}
	}
	l.ours(s)
}

// ours appends text that is printable ASCII because it is a word, a mark or a number of
// our own.
func (l *line) ours(s string) {
	if l.width == 0 {
		l.buf = append(l.buf, s...)
		l.col += len(s)
		return
	}
	for i := range len(s) {
		if !l.room(1) {
			return
		}
		l.buf = append(l.buf, s[i])
		l.col++
	}
}

// room makes place for n columns, or ends the line at the edge.
func (l *line) room(n int) bool {
	if l.full {
		return false
	}
	if l.width == 0 || l.wrap {
		return true
	}
	if l.col+n > l.width-1 {
		l.buf = append(l.buf, "…"...)
		l.col++
		l.full = true
		return false
	}
	return true
}

// left returns how many columns of most are left on the line, and no less than ten.
func (l *line) left(most int) int {
	if l.width == 0 {
		return most
	}
	return min(most, max(l.width-l.col, 10))
}

func (l *line) newline() {
	l.trim()
	l.buf = append(l.buf, '\n')
	indent := l.indent
	if l.width > 0 {
		indent = min(indent, l.width/2) // something must fit beside it
	}
	for range indent {
		l.buf = append(l.buf, ' ')
	}
	l.col = indent
}

// trim removes the blanks at the end.
func (l *line) trim() {
	for n := len(l.buf); n > 0 && l.buf[n-1] == ' '; n-- {
		l.buf = l.buf[:n-1]
	}
}

// wide appends a character of one column that is not ASCII.
func (l *line) wide(s string) {
	if l.room(1) {
		l.buf = append(l.buf, s...)
		l.col++
	}
}

// pad fills with blanks up to a column, or to the edge.
func (l *line) pad(col int) {
	if l.width > 0 {
		col = min(col, l.width)
	}
	for l.col < col && !l.full {
		l.buf = append(l.buf, ' ')
		l.col++
	}
}

func (l *line) space() { l.ours(" ") }

func (l *line) int(n int64) {
	var b [20]byte
	l.ours(string(strconv.AppendInt(b[:0], n, 10)))
}

func (l *line) uint(n uint64) { l.int(int64(n)) }

func (l *line) paint(p paint)   { l.buf = append(l.buf, p.on...) }
func (l *line) unpaint(p paint) { l.buf = append(l.buf, p.off...) }

// painted appends ASCII text in a colour.
func (l *line) painted(p paint, s string) {
	l.paint(p)
	l.ascii(s)
	l.unpaint(p)
}

// text appends text of unknown content. Control characters and bytes that are
// not UTF-8 are escaped: a capture must not be able to control the terminal. A
// backslash is doubled, so that what is escaped can be told from what is not.
func (l *line) text(s []byte) {
	for i := 0; i < len(s) && !l.full; {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '\\' {
			start := i
			for i < len(s) && s[i] >= 0x20 && s[i] < 0x7f && s[i] != '\\' {
				i++
			}
			l.run(s[start:i])
			continue
		}
		if c < utf8.RuneSelf {
			l.escape(c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		if n == 1 || r >= 0x80 && r < 0xa0 || jsontext.Formatting(r) {
			for _, c := range s[i : i+n] {
				l.escape(c)
			}
		} else if w := runewidth.RuneWidth(r); l.room(w) {
			l.buf = append(l.buf, s[i:i+n]...)
			l.col += w
		}
		i += n
	}
}

// raw appends text as it was, ends of lines among it, but for what may steer a
// terminal: it is for texts that are to be copied.
func (l *line) raw(s []byte) {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRune(s[i:])
		switch {
		case s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n':
		case s[i] == '\n', s[i] == '\t':
			l.buf = append(l.buf, s[i])
		case n == 1 && r == utf8.RuneError, jsontext.Unseen(r), r < 0x20:
			for _, c := range s[i : i+n] {
				l.escape(c)
			}
		default:
			l.buf = append(l.buf, s[i:i+n]...)
			l.col += runewidth.RuneWidth(r)
		}
		i += n
	}
}

// Visible returns a text of unknown content as it may be shown on a terminal: as
// pretty output shows it, on one line.
func Visible(s string) string {
	var l line
	l.text([]byte(s))
	return string(l.buf)
}

// run appends printable ASCII.
func (l *line) run(s []byte) {
	if l.width == 0 {
		l.buf = append(l.buf, s...)
		l.col += len(s)
		return
	}
	for _, c := range s {
		if !l.room(1) {
			return
		}
		l.buf = append(l.buf, c)
		l.col++
	}
}

func (l *line) escape(c byte) {
	switch c {
	case '\\':
		l.ascii(`\\`)
	case '\n':
		l.ascii(`\n`)
	case '\r':
		l.ascii(`\r`)
	case '\t':
		l.ascii(`\t`)
	default:
		l.ascii(`\x`)
		l.ascii(string(jsontext.AppendHex(nil, []byte{c})))
	}
}

// lineBreak stands for the end of a line of SQL: what follows a comment with -- is
// not part of it.
const lineBreak = "↵ "

// foldSpace appends s to dst with each run of white space as one blank, for SQL
// that was laid out over several lines; where lines end, there is a mark. Strings
// inside it are not spared: the text is for reading; JSON has it as it is.
func foldSpace(dst, s []byte) []byte {
	blank, ended := true, false
	begin := len(dst)
	for _, c := range s {
		if c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			if !blank {
				dst = append(dst, ' ')
			}
			blank, ended = true, ended || c == '\n'
			continue
		}
		if ended && len(dst) > begin {
			dst = append(dst, lineBreak...)
		}
		blank, ended = false, false
		dst = append(dst, c)
	}
	if n := len(dst); n > 0 && dst[n-1] == ' ' {
		dst = dst[:n-1]
	}
	return dst
}
