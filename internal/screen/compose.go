package screen

import (
	"image/color"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/internal/termsafe"
	"github.com/pgsniff/pgsniff/internal/units"
)

// ink is what is written before and after text of a style, made once: a screen has some
// thousand pieces of text. Of what is selected it is reversed.
type ink struct{ on, off, selOn, selOff string }

func newInk(s lipgloss.Style) ink {
	const mark = "x"
	var k ink
	k.on, k.off, _ = strings.Cut(s.Render(mark), mark)
	k.selOn, k.selOff, _ = strings.Cut(s.Reverse(true).Render(mark), mark)
	return k
}

// theme is the styles, by meaning. Colours are the terminal's sixteen, so that they go
// with its background.
type theme struct {
	plain, dim, name, head, tab, on, sql, good, warn, bad ink
	client, server                                        arrowInk
}

// arrowInk is that of an arrow and of the name in it.
type arrowInk struct{ line, name ink }

func newArrowInk(s lipgloss.Style) arrowInk { return arrowInk{newInk(s), newInk(s.Bold(true))} }

// newTheme makes one with colours, or one that does with bold, underlined and reversed.
func newTheme(colors bool) *theme {
	s := lipgloss.NewStyle
	in := func(c color.Color) lipgloss.Style {
		if !colors {
			return s()
		}
		return s().Foreground(c)
	}
	return &theme{
		plain: newInk(s()), dim: newInk(in(lipgloss.BrightBlack)), name: newInk(s().Bold(true)),
		head: newInk(s().Bold(true).Underline(true)), tab: newInk(in(lipgloss.BrightBlack)), on: newInk(s().Bold(true).Reverse(true)),
		sql: newInk(in(lipgloss.Green)), good: newInk(in(lipgloss.Green)), warn: newInk(in(lipgloss.Yellow)),
		bad:    newInk(in(lipgloss.Red).Bold(true)),
		client: newArrowInk(in(lipgloss.Cyan)), server: newArrowInk(in(lipgloss.Blue)),
	}
}

// span is a piece of a line. Its text may come from the capture and hold anything.
type span struct {
	text  string
	style ink
}

// textLine is a line of the screen, with its styles, as it goes to the terminal.
type textLine struct {
	text string
	cuts []cut // where its pieces begin
	end  int   // columns that are written; those behind are blank
	odd  bool  // it has characters of which terminals may think otherwise how wide they are
}

// cut is where a piece begins: its byte in the text, its column.
type cut struct{ at, col int32 }

// compose makes a line of at most w columns. It and its kin are the one way to the
// terminal: what could steer it is escaped here, line feeds and tabs become blanks.
func compose(w int, selected bool, spans ...span) textLine {
	c := newComposer(w, selected, len(spans))
	for i := range spans {
		c.add(&spans[i], 0, false)
	}
	return c.done()
}

// composer makes a line.
type composer struct {
	w        int
	selected bool
	b        []byte
	line     textLine
}

func newComposer(w int, selected bool, pieces int) composer {
	return composer{w: w, selected: selected, b: make([]byte, 0, 2*w), line: textLine{cuts: make([]cut, 0, pieces+1)}}
}

// add adds a piece: as many columns as its text has, or exactly so many and a blank.
func (c *composer) add(s *span, columns int, right bool) {
	room := c.w - c.line.end
	most := room
	if columns > 0 {
		most = min(columns, room)
	}
	if room <= 0 {
		return
	}
	text, n, odd := fitting(s.text, most)
	before, behind := 0, 0
	if columns > 0 {
		behind = min(columns+1, room) - n
	}
	if right {
		before, behind = most-n, behind-(most-n)
	}
	if text == "" && before+behind == 0 {
		return
	}
	c.line.cuts, c.line.odd = append(c.line.cuts, cut{int32(len(c.b)), int32(c.line.end)}), c.line.odd || odd
	c.styled(&s.style, before, text, behind)
	c.line.end += before + n + behind
}

func (c *composer) styled(k *ink, before int, text string, behind int) {
	on, off := k.on, k.off
	if c.selected {
		on, off = k.selOn, k.selOff
	}
	c.b = append(blanks(append(c.b, on...), before), text...)
	c.b = append(blanks(c.b, behind), off...)
}

// done returns the line. One that is selected is filled up.
func (c *composer) done() textLine {
	l := &c.line
	if left := c.w - l.end; left > 0 && c.selected {
		l.cuts = append(l.cuts, cut{int32(len(c.b)), int32(l.end)})
		c.styled(&blank, left, "", 0)
		l.end = c.w
	}
	l.text = string(c.b)
	return *l
}

// beside puts a line into the columns from x on of another one.
func (l textLine) beside(x int, r textLine) textLine {
	l.cuts = slices.Clone(l.cuts)
	if l.end < x {
		l.cuts = append(l.cuts, cut{int32(len(l.text)), int32(l.end)})
		l.text += strings.Repeat(" ", x-l.end)
	}
	for _, c := range r.cuts {
		l.cuts = append(l.cuts, cut{c.at + int32(len(l.text)), c.col + int32(x)})
	}
	l.text += r.text
	l.end, l.odd = x+r.end, l.odd || r.odd
	return l
}

// blank is the ink of nothing.
var blank = newInk(lipgloss.NewStyle())

func blanks(b []byte, n int) []byte {
	for range n {
		b = append(b, ' ')
	}
	return b
}

// fitting returns as much of a text as fits in w columns, without anything that steers a
// terminal, how many columns it takes, and whether terminals may differ on that.
func fitting(s string, w int) (text string, n int, odd bool) {
	if n, fits, simple := simply(s, w); simple {
		if fits == len(s) {
			return s, n, false
		}
		return s[:fits] + "…", n + 1, false
	}
	text = clean(s, w)
	if n = width(text); n > w {
		text = ansi.Truncate(text, w, "…")
		n = width(text)
	}
	return text, n, true
}

// simply looks at a text of the characters that take one column each everywhere. Where it
// is wider than w, fits is how much of it there is room for before a sign that it goes on.
func simply(s string, w int) (n, fits int, simple bool) {
	for i, r := range s {
		if !single(r) {
			return 0, 0, false
		}
		if n == w-1 {
			fits = i
		}
		if n++; n > w {
			return w - 1, fits, true
		}
	}
	return n, len(s), true
}

// longest is how many bytes a column has, by and large: of a text of megabytes no more is
// looked at than there is room for.
const longest = 8

// clean returns text that fills no more than w columns and a little, without anything
// that steers a terminal.
func clean(s string, w int) string {
	if most := longest * (max(w, 0) + 2); len(s) > most {
		s = s[:most]
	}
	safe := string(termsafe.Append(nil, []byte(s)))
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, safe)
}

// single reports a character that takes one column: those of the program's own drawings,
// and letters that are not combined with others. They are safe, too.
func single(r rune) bool {
	return r >= ' ' && r <= '~' || r >= '\u00ae' && r <= '\u02ff' || r >= '─' && r <= '▟' || r == '…' || r == '●' || r == '–' || r == '→'
}

// width is how many columns a text takes. Of characters that are not single the tables of
// Unicode have to be asked, which takes a hundred times as long.
func width(s string) int {
	n := 0
	for _, r := range s {
		if !single(r) {
			return ansi.StringWidth(s)
		}
		n++
	}
	return n
}

// fit returns text in exactly w columns, to the left or to the right of them.
func fit(s string, w int, left bool) string {
	text, n, _ := fitting(s, w)
	if pad := strings.Repeat(" ", max(w-n, 0)); left {
		return text + pad
	} else {
		return pad + text
	}
}

// oneLine makes a line of SQL: runs of white space are one blank.
func oneLine(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return strings.Join(strings.Fields(s), " ")
		}
	}
	return s
}

// wrap divides text into lines of w columns, at most so many.
func wrap(s string, w, most int) (lines []string) {
	if n := longest * (max(w, 0) + 2) * most; len(s) > n {
		s = s[:n]
	}
	for _, line := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
		line = strings.ReplaceAll(strings.TrimRight(line, "\r"), "\t", "    ")
		line = string(termsafe.Append(nil, []byte(line)))
		for {
			if len(lines) == most {
				return lines
			}
			if width(line) <= w {
				lines = append(lines, line)
				break
			}
			part := ansi.Truncate(line, w, "")
			if i := strings.LastIndexByte(part, ' '); i > w/2 {
				part = part[:i+1]
			}
			if part == "" { // a character wider than w
				return lines
			}
			lines = append(lines, part)
			line = line[len(part):]
		}
	}
	return lines
}

var bars = []rune("▁▂▃▄▅▆▇█")

// spark draws counts in w columns.
func spark(counts []uint32, w int) string {
	if len(counts) > w {
		counts = counts[len(counts)-w:]
	}
	var most uint32
	for _, n := range counts {
		most = max(most, n)
	}
	var b strings.Builder
	for _, n := range counts {
		switch {
		case n == 0:
			b.WriteByte(' ')
		default:
			b.WriteRune(bars[int(uint64(n)*uint64(len(bars)-1)/uint64(most))])
		}
	}
	return b.String()
}

// count writes a number in at most six columns.
func count(n uint64) string {
	switch {
	case n < 100_000:
		return strconv.FormatUint(n, 10)
	case n < 10_000_000:
		return strconv.FormatUint(n/1000, 10) + "k"
	}
	return strconv.FormatUint(n/1_000_000, 10) + "M"
}

// rate writes a number for each second.
func rate(f float64) string {
	switch {
	case f == 0:
		return "0"
	case f < 9.95:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return count(uint64(f + 0.5))
}

// short writes a duration without a blank.
func short(ns int64) string {
	if ns < 0 {
		return ""
	}
	if ns >= int64(100*time.Hour) {
		return strconv.FormatInt(ns/int64(24*time.Hour), 10) + "d"
	}
	if ns >= int64(100*time.Minute) {
		return strconv.FormatInt(ns/int64(time.Hour), 10) + "h"
	}
	if ns >= int64(1000*time.Second) {
		return strconv.FormatInt(ns/int64(time.Minute), 10) + "m"
	}
	return strings.Replace(units.Duration(ns), " ", "", 1)
}

// percent writes a part of one.
func percent(f float64) string {
	if f > 0 && f < 0.0005 {
		return "<.1%"
	}
	if f >= 0.9995 {
		return "100%"
	}
	return strconv.FormatFloat(100*f, 'f', 1, 64) + "%"
}

// whoIs is a user and a database, as far as they are known.
func whoIs(user, database string) string {
	if user == "" && database == "" {
		return "(not seen)"
	}
	return user + "@" + database
}

func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return stats.FormatCount(n) + " " + many
}
