package screen

import (
	"strconv"
	"strings"
	"time"

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

func newTheme() *theme {
	s := lipgloss.NewStyle
	return &theme{
		plain: newInk(s()), dim: newInk(s().Foreground(lipgloss.BrightBlack)), name: newInk(s().Bold(true)),
		head: newInk(s().Bold(true).Underline(true)), tab: newInk(s().Foreground(lipgloss.BrightBlack)), on: newInk(s().Bold(true).Reverse(true)),
		sql: newInk(s().Foreground(lipgloss.Green)), good: newInk(s().Foreground(lipgloss.Green)), warn: newInk(s().Foreground(lipgloss.Yellow)),
		bad:    newInk(s().Bold(true).Foreground(lipgloss.Red)),
		client: newArrowInk(s().Foreground(lipgloss.Cyan)), server: newArrowInk(s().Foreground(lipgloss.Blue)),
	}
}

// span is a piece of a line. Its text may come from the capture and hold anything.
type span struct {
	text  string
	style ink
}

// compose makes a line of exactly w columns. It is the one way to the terminal: what
// could steer it is escaped here, line feeds and tabs become blanks.
func compose(w int, selected bool, spans ...span) string {
	var b strings.Builder
	left := w
	for _, s := range spans {
		if left <= 0 {
			break
		}
		text := clean(s.text, left)
		n := width(text)
		if n > left {
			text = ansi.Truncate(text, left, "…")
			n = width(text)
		}
		if text == "" {
			continue
		}
		left -= n
		write(&b, &s.style, selected, text)
	}
	if left > 0 {
		write(&b, &blank, selected, strings.Repeat(" ", left))
	}
	return b.String()
}

// blank is the ink of nothing.
var blank = newInk(lipgloss.NewStyle())

func write(b *strings.Builder, k *ink, selected bool, text string) {
	on, off := k.on, k.off
	if selected {
		on, off = k.selOn, k.selOff
	}
	b.WriteString(on)
	b.WriteString(text)
	b.WriteString(off)
}

// clean returns text that fills no more than w columns and a little, without anything
// that steers a terminal.
func clean(s string, w int) string {
	const longest = 8 // bytes of a column, by and large
	plain := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			plain = false
			break
		}
	}
	if plain {
		return s[:min(len(s), w+1)]
	}
	if most := longest * (w + 2); len(s) > most {
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

// width is how many columns a text takes. Characters of the program's own drawings take
// one each, as letters do that are not combined with others; of the rest the tables of
// Unicode have to be asked, which takes a hundred times as long.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r >= ' ' && r <= '~', r >= '\u00ae' && r <= '\u02ff', r >= '─' && r <= '▟', r == '…', r == '●', r == '–':
			n++
		default:
			return ansi.StringWidth(s)
		}
	}
	return n
}

// fit returns text in exactly w columns, to the left or to the right of them.
func fit(s string, w int, left bool) string {
	s = clean(s, w)
	n := width(s)
	if n > w {
		return ansi.Truncate(s, w, "…")
	}
	pad := strings.Repeat(" ", w-n)
	if left {
		return s + pad
	}
	return pad + s
}

// oneLine makes a line of SQL: runs of white space are one blank.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// wrap divides text into lines of w columns, at most so many.
func wrap(s string, w, most int) (lines []string) {
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
