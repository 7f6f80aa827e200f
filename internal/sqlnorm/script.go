package sqlnorm

import (
	"bytes"
	"unicode/utf8"
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
	l := lexer{src: text}
	depth, words := 0, scriptWords{first: true}
	for {
		t := l.next()
		if words.first && t.kind != tokenSemicolon {
			statements++
		}
		switch t.kind {
		case tokenEOF:
			return 0, false // the last semicolon was taken in
		case tokenSemicolon:
			if t.start == len(text)-1 {
				return statements, depth == 0
			}
			words = scriptWords{first: true}
			continue
		case tokenOpen:
			depth++
		case tokenClose:
			if depth--; depth < 0 {
				return 0, false
			}
		case tokenColon:
			if c := l.at(t.end); c == '\'' || c == '"' || c == '{' || c >= 'A' && c <= 'Z' {
				return 0, false
			}
		case tokenOther, tokenOperator:
			if bytes.IndexByte(text[t.start:t.end], '\\') >= 0 {
				return 0, false
			}
		case tokenWord:
			if words.next(text[t.start:t.end]) {
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
		w.first, w.copies = false, equalFold(word, "copy")
	case w.from && equalFold(word, "stdin"):
		return true
	default:
		w.from = w.copies && equalFold(word, "from")
	}
	return false
}
