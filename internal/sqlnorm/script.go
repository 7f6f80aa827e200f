package sqlnorm

import (
	"bytes"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// InScript returns how many statements a text has, and whether psql, given a text and a semicolon in a script, sends just
// that text to the server and goes on with what follows. It does not where the text
// holds a backslash outside of constants, which is a command of psql's own (one runs
// the shell), where it leaves a constant, a comment or a parenthesis open, where it
// names one of psql's variables, or where it has psql read data from the script (manual:
// "psql").
func InScript(sql []byte) (statements int, ok bool) {
	if !utf8.Valid(sql) || bytes.IndexByte(sql, 0) >= 0 {
		return 0, false
	}
	// What is open at the end would take in what follows.
	const end = "\n;"
	text := append(append(make([]byte, 0, len(sql)+len(end)), sql...), end...)
	l := sqltext.Lexer{Src: text}
	depth, words := 0, scriptWords{first: true}
	for {
		t := l.Next()
		if words.first && t.Kind != sqltext.Semicolon {
			statements++
		}
		switch t.Kind {
		case sqltext.EOF:
			return 0, false // the last semicolon was taken in
		case sqltext.Semicolon:
			if t.Start == len(text)-1 {
				return statements, depth == 0
			}
			words = scriptWords{first: true}
			continue
		case sqltext.Open:
			depth++
		case sqltext.Close:
			if depth--; depth < 0 {
				return 0, false
			}
		case sqltext.Colon:
			if c := l.At(t.End); c == '\'' || c == '"' || c == '{' || c >= 'A' && c <= 'Z' {
				return 0, false
			}
		case sqltext.Other, sqltext.Operator:
			if bytes.IndexByte(text[t.Start:t.End], '\\') >= 0 {
				return 0, false
			}
		case sqltext.Word:
			if words.next(text[t.Start:t.End]) {
				return 0, false
			}
		}
		words.first = false
	}
}

// scriptWords follows the words of a statement up to COPY … FROM STDIN.
type scriptWords struct{ first, copies, from bool }

func (w *scriptWords) next(word []byte) (readsData bool) {
	switch {
	case w.first:
		w.first, w.copies = false, sqltext.EqualFold(word, "copy")
	case w.from && sqltext.EqualFold(word, "stdin"):
		return true
	default:
		w.from = w.copies && sqltext.EqualFold(word, "from")
	}
	return false
}
