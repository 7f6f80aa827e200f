package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError tells why an expression was refused and where.
type SyntaxError struct {
	Expr  string // the whole expression
	Pos   int    // byte offset in Expr of what was refused; len(Expr) at its end
	Token string // what stood there; empty at the end of the expression
	Msg   string // what is wrong with it
	Hint  string // the way out; may be empty
}

// hintDDD is the way out for all that libpcap knows and this package does not.
const hintDDD = "let tcpdump compile it and use --bpf-file with the output of tcpdump -ddd"

// caretWindow is how many characters of a long expression are shown on either
// side of the caret.
const caretWindow = 60

// Error shows the message, the expression with a caret under the place, and
// the hint, one below the other.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	b.WriteString("filter: ")
	b.WriteString(e.Msg)
	if e.Expr != "" {
		line, column := e.excerpt()
		fmt.Fprintf(&b, "\n  %s\n  %s^", line, strings.Repeat(" ", column))
	}
	if e.Hint != "" {
		b.WriteString("\n" + e.Hint)
	}
	return b.String()
}

// Lined tells that the text has several lines.
func (e *SyntaxError) Lined() {}

// excerpt returns the part of the expression around Pos, on one line and free
// of control characters, and the caret's column in it, both counted in
// characters.
func (e *SyntaxError) excerpt() (line string, column int) {
	pos := min(max(e.Pos, 0), len(e.Expr))
	clean := func(s string) []rune {
		return []rune(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || r == utf8.RuneError {
				return ' '
			}
			return r
		}, s))
	}
	before, after := clean(e.Expr[:pos]), clean(e.Expr[pos:])
	head, tail := "", ""
	if len(before) > caretWindow {
		before, head = before[len(before)-caretWindow:], "..."
	}
	if len(after) > caretWindow {
		after, tail = after[:caretWindow], "..."
	}
	return head + string(before) + string(after) + tail, len(head) + len(before)
}
