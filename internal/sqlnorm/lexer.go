package sqlnorm

import "bytes"

// tokenKind is a class of PostgreSQL's tokens, as far as normalising needs to
// tell them apart.
type tokenKind uint8

const (
	tokenEOF         tokenKind = iota
	tokenWord                  // identifier or keyword, not quoted
	tokenQuotedIdent           // "…" or U&"…"
	tokenString                // '…' in all its forms, and dollar quotes
	tokenNumber                // without a sign
	tokenParam                 // $1
	tokenOperator
	tokenDot   // one dot
	tokenDots  // two dots or more: PL/pgSQL's range, and our own ellipsis
	tokenColon // of a slice
	tokenCast  // ::
	tokenComma
	tokenSemicolon
	tokenOpen         // (
	tokenClose        // )
	tokenOpenBracket  // [
	tokenCloseBracket // ]
	tokenOther        // := and what no SQL has: braces, a lone dollar, control characters
)

// Classes of bytes, as src/backend/parser/scan.l has them.
const (
	classSpace      = 1 << iota // white space
	classGap                    // what white space or a comment may begin with
	classIdentStart             // letters, underscore, every byte of a multi-byte character
	classIdentCont              // may follow in an identifier
	classDigit
	classHex
	classOperator // characters of operators
	classSpecial  // those that let an operator end in + or -
)

// maxOperator is the length at which a run of operator characters is cut into
// tokens. PostgreSQL refuses operators of 64 bytes and more (NAMEDATALEN); the
// limit keeps a long run of them from being scanned once for each of its bytes.
const maxOperator = 63

var class = buildClasses()

func buildClasses() (t [256]uint8) {
	for c := range 256 {
		b := byte(c)
		letter := b|0x20 >= 'a' && b|0x20 <= 'z'
		digit := b >= '0' && b <= '9'
		if letter || b == '_' || b >= 0x80 {
			t[c] |= classIdentStart | classIdentCont
		}
		if digit || b == '$' {
			t[c] |= classIdentCont
		}
		if digit {
			t[c] |= classDigit
		}
		if digit || b|0x20 >= 'a' && b|0x20 <= 'f' && letter {
			t[c] |= classHex
		}
	}
	for _, b := range []byte(" \t\n\r\f\v") {
		t[b] |= classSpace | classGap
	}
	t['-'] |= classGap
	t['/'] |= classGap
	for _, b := range []byte("+-*/<>=~!@#%^&|`?") {
		t[b] |= classOperator
	}
	for _, b := range []byte("~!@#%^&|`?") {
		t[b] |= classSpecial
	}
	return t
}

// token is a piece of the source: src[start:end].
type token struct {
	kind       tokenKind
	start, end int
}

// lexer cuts SQL into tokens. It never fails: whatever the text is, each call
// moves on by at least one byte, and what is not terminated ends with the text.
type lexer struct {
	src     []byte
	pos     int
	escapes bool // standard_conforming_strings is off: backslashes in all strings are escapes
}

// at returns the byte at i, or 0 past the end.
func (l *lexer) at(i int) byte {
	if i < len(l.src) {
		return l.src[i]
	}
	return 0
}

// is tells whether the byte at i, if there is one, belongs to a class.
func (l *lexer) is(i int, c uint8) bool {
	return i < len(l.src) && class[l.src[i]]&c != 0
}

// next returns the next token, skipping white space and comments before it.
func (l *lexer) next() token {
	i := l.pos
	if l.is(i, classSpace) { // mostly there is one space, or none
		i++
	}
	if l.is(i, classGap) {
		i = l.skipSpace(i)
	}
	if i >= len(l.src) {
		l.pos = i
		return token{tokenEOF, i, i}
	}
	t := token{start: i}
	t.kind, t.end = l.scan(i)
	l.pos = t.end
	return t
}

// scan returns the kind and the end of the token that starts at i.
func (l *lexer) scan(i int) (tokenKind, int) {
	c := l.src[i]
	if class[c]&classIdentStart != 0 {
		return l.scanWord(i)
	}
	if class[c]&classDigit != 0 {
		return tokenNumber, l.scanNumber(i)
	}
	if k := single[c]; k != tokenEOF {
		return k, i + 1
	}
	if class[c]&classOperator != 0 {
		return tokenOperator, l.scanOperator(i)
	}
	switch c {
	case '\'':
		return tokenString, l.scanQuoted(i, l.escapes)
	case '"':
		return tokenQuotedIdent, l.scanQuotedIdent(i)
	case '$':
		return l.scanDollar(i)
	case '.':
		return l.scanDot(i)
	case ':':
		return l.scanColon(i)
	}
	return tokenOther, i + 1
}

// single has the kinds of the tokens that are one byte whatever follows.
var single = [256]tokenKind{
	',': tokenComma,
	';': tokenSemicolon,
	'(': tokenOpen,
	')': tokenClose,
	'[': tokenOpenBracket,
	']': tokenCloseBracket,
}

// skipSpace returns the first position from i on that is neither white space
// nor in a comment.
func (l *lexer) skipSpace(i int) int {
	for i < len(l.src) {
		switch c := l.src[i]; {
		case class[c]&classSpace != 0:
			i++
		case c == '-' && l.at(i+1) == '-':
			i = l.skipLine(i)
		case c == '/' && l.at(i+1) == '*':
			i = l.skipComment(i)
		default:
			return i
		}
	}
	return i
}

// skipLine returns the end of the line that i is in.
func (l *lexer) skipLine(i int) int {
	if n := bytes.IndexAny(l.src[i:], "\n\r"); n >= 0 {
		return i + n
	}
	return len(l.src)
}

// skipComment returns the end of the block comment that starts at i. Block
// comments nest.
func (l *lexer) skipComment(i int) int {
	depth := 1
	for i += 2; i < len(l.src); {
		switch {
		case l.src[i] == '*' && l.at(i+1) == '/':
			i += 2
			if depth--; depth == 0 {
				return i
			}
		case l.src[i] == '/' && l.at(i+1) == '*':
			i += 2
			depth++
		default:
			i++
		}
	}
	return len(l.src)
}

// scanWord scans an identifier or keyword, or the string or quoted identifier
// whose prefix it is: those of E, B, X, N and U& strings, and of U& names.
func (l *lexer) scanWord(i int) (tokenKind, int) {
	switch next := l.at(i + 1); next {
	case '\'':
		switch l.src[i] | 0x20 {
		case 'e':
			return tokenString, l.scanQuoted(i+1, true)
		case 'n':
			return tokenString, l.scanQuoted(i+1, l.escapes)
		case 'b', 'x':
			return tokenString, l.scanQuoted(i+1, false)
		}
	case '&':
		if l.src[i]|0x20 != 'u' {
			break
		}
		switch l.at(i + 2) {
		case '\'':
			return tokenString, l.scanQuoted(i+2, false)
		case '"':
			return tokenQuotedIdent, l.scanQuotedIdent(i + 2)
		}
	}
	src := l.src
	for i++; i < len(src) && class[src[i]]&classIdentCont != 0; i++ {
	}
	return tokenWord, i
}

// scanColon scans a colon, a cast, or an assignment.
func (l *lexer) scanColon(i int) (tokenKind, int) {
	switch l.at(i + 1) {
	case ':':
		return tokenCast, i + 2
	case '=':
		return tokenOther, i + 2
	}
	return tokenColon, i + 1
}

// scanDot scans a number without an integral part, a dot, or several.
func (l *lexer) scanDot(i int) (tokenKind, int) {
	if l.is(i+1, classDigit) {
		return tokenNumber, l.scanNumber(i)
	}
	j := i + 1
	for l.at(j) == '.' {
		j++
	}
	if j == i+1 {
		return tokenDot, j
	}
	return tokenDots, j
}

// scanOperator scans an operator (manual: "Operators"): a run of its characters
// ends before a comment, and does not end in + or - unless it has one of the
// characters that SQL's own operators do not have.
func (l *lexer) scanOperator(i int) int {
	j, special := i, false
	for j < i+maxOperator && l.is(j, classOperator) {
		if c, after := l.src[j], l.at(j+1); c == '-' && after == '-' || c == '/' && after == '*' {
			break
		}
		special = special || class[l.src[j]]&classSpecial != 0
		j++
	}
	for !special && j > i+1 && (l.src[j-1] == '+' || l.src[j-1] == '-') {
		j--
	}
	return j
}
