package findings

import (
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/pgsniff/pgsniff/internal/record"
)

// form is how much of a finding is shown.
type form uint8

const (
	formWhole form = iota // its title, statement, evidence and advice, however long
	formTitle             // a line of each but the statement, and all of the title
	formShort             // a line of each but the statement
	formLine              // one line
	formNone              // it is counted only
)

// screenRows is how many lines there are for findings on the smallest usual terminal, of 24:
// without those of the conclusion and of the next prompt.
const screenRows = 24 - 4

// arrange chooses how much is shown of each finding, worst first, so that all of them fit a
// screen of so many columns: a line of evidence and one of advice for as many as have room,
// then more of the worst, and of the others a line each.
func arrange(list []Finding, width int) []form {
	forms := make([]form, len(list))
	rows := 0
	for i := range forms {
		if forms[i] = formLine; i >= screenRows {
			forms[i] = formNone
			continue
		}
		rows++
	}
	for _, to := range []form{formShort, formTitle, formWhole} {
		for i := range forms {
			if forms[i] == formNone || list[i].Severity == Info || forms[i] != to+1 {
				continue
			}
			now, then := Record{Finding: list[i], form: forms[i], width: width}, Record{Finding: list[i], form: to, width: width}
			more := heightOf(then.Lines(), width) - heightOf(now.Lines(), width)
			if rows+more > screenRows {
				break
			}
			forms[i] = to
			rows += more
		}
	}
	return forms
}

// heightOf counts the rows that lines take on a terminal.
func heightOf(lines []record.Line, width int) (n int) {
	for i := range lines {
		n++
		column, first := lines[i].Indent, true
		for _, s := range lines[i].Spans {
			for _, word := range strings.SplitAfter(s.Text, " ") {
				w := runewidth.StringWidth(word)
				if !first && column+runewidth.StringWidth(strings.TrimRight(word, " ")) > width {
					n++
					column = lines[i].Indent + lines[i].Hang
				}
				column += w
				first = false
			}
		}
	}
	return n
}

// cut shortens a line so that it takes one row.
func cut(l record.Line, width int) record.Line {
	room := width - l.Indent
	for i := range l.Spans {
		s := &l.Spans[i]
		w := runewidth.StringWidth(s.Text)
		if w > room {
			s.Text = runewidth.Truncate(s.Text, max(room, 0), "…")
			l.Spans = l.Spans[:i+1]
			break
		}
		room -= w
	}
	return l
}
