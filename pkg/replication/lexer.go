package replication

import "strings"

type tokenKind uint8

const (
	tokenEnd        tokenKind = iota
	tokenWord                 // a keyword, a bare name, a number or a position
	tokenIdentifier           // "quoted"
	tokenString               // 'quoted'
	tokenOpen
	tokenClose
	tokenComma
	tokenDot
	tokenSemicolon
	tokenBad
)

type token struct {
	kind tokenKind
	text string
}

// lexer splits the text of a command. It is not that of SQL (internal/sqltext), since the
// server has another scanner for these commands (src/backend/replication/repl_scanner.l):
// keywords are in upper case only, a position such as 0/16B3748 is one token, and there
// are no comments, escapes, dollar quotes or operators.
type lexer struct {
	s   string
	off int
}

func (l *lexer) next() token {
	for l.off < len(l.s) && strings.IndexByte(" \t\n\r\f\v", l.s[l.off]) >= 0 {
		l.off++
	}
	if l.off == len(l.s) {
		return token{}
	}
	switch b := l.s[l.off]; b {
	case '(':
		return l.single(tokenOpen)
	case ')':
		return l.single(tokenClose)
	case ',':
		return l.single(tokenComma)
	case '.':
		return l.single(tokenDot)
	case ';':
		return l.single(tokenSemicolon)
	case '"':
		return l.quoted(tokenIdentifier, b)
	case '\'':
		return l.quoted(tokenString, b)
	}
	start := l.off
	for l.off < len(l.s) && wordByte(l.s[l.off]) {
		l.off++
	}
	if l.off == start {
		return l.single(tokenBad)
	}
	return token{tokenWord, l.s[start:l.off]}
}

func (l *lexer) single(k tokenKind) token {
	l.off++
	return token{kind: k}
}

// wordByte reports whether b belongs to a name, number or position: 0/16B3748.
func wordByte(b byte) bool {
	return digit(b) || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b == '$' || b == '/' || b >= 0x80
}

// quoted takes text in quotes; a quote in it is doubled.
func (l *lexer) quoted(k tokenKind, quote byte) token {
	var b strings.Builder
	for l.off++; l.off < len(l.s); l.off++ {
		if l.s[l.off] != quote {
			b.WriteByte(l.s[l.off])
			continue
		}
		if l.off+1 == len(l.s) || l.s[l.off+1] != quote {
			l.off++
			return token{k, b.String()}
		}
		l.off++
		b.WriteByte(quote)
	}
	return token{kind: tokenBad}
}
