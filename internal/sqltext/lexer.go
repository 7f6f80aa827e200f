package sqltext

import "bytes"

// Kind is a class of PostgreSQL's tokens, as far as those who read SQL here need to
// tell them apart.
type Kind uint8

// The kinds of tokens.
const (
	EOF         Kind = iota
	Word             // identifier or keyword, not quoted
	QuotedIdent      // "…" or U&"…"
	String           // '…' in all its forms, and dollar quotes
	Number           // without a sign
	Param            // $1
	Operator
	Dot   // one dot
	Dots  // two dots or more: PL/pgSQL's range, and our own ellipsis
	Colon // of a slice
	Cast  // ::
	Comma
	Semicolon
	Open         // (
	Close        // )
	OpenBracket  // [
	CloseBracket // ]
	Other        // := and what no SQL has: braces, a lone dollar, control characters
)

// Classes of bytes, as src/backend/parser/scan.l has them.
const (
	ClassSpace      = 1 << iota // white space
	ClassGap                    // what white space or a comment may begin with
	ClassIdentStart             // letters, underscore, every byte of a multi-byte character
	ClassIdentCont              // may follow in an identifier
	ClassDigit
	ClassHex
	ClassOperator // characters of operators
	ClassSpecial  // those that let an operator end in + or -
)

// maxOperator is the length at which a run of operator characters is cut into
// tokens. PostgreSQL refuses operators of 64 bytes and more (NAMEDATALEN); the
// limit keeps a long run of them from being scanned once for each of its bytes.
const maxOperator = 63

// Classes are the classes of each byte. Nobody changes them.
var Classes = buildClasses()

func buildClasses() (t [256]uint8) {
	for c := range 256 {
		b := byte(c)
		letter := b|0x20 >= 'a' && b|0x20 <= 'z'
		digit := b >= '0' && b <= '9'
		if letter || b == '_' || b >= 0x80 {
			t[c] |= ClassIdentStart | ClassIdentCont
		}
		if digit || b == '$' {
			t[c] |= ClassIdentCont
		}
		if digit {
			t[c] |= ClassDigit
		}
		if digit || b|0x20 >= 'a' && b|0x20 <= 'f' && letter {
			t[c] |= ClassHex
		}
	}
	for _, b := range []byte(" \t\n\r\f\v") {
		t[b] |= ClassSpace | ClassGap
	}
	t['-'] |= ClassGap
	t['/'] |= ClassGap
	for _, b := range []byte("+-*/<>=~!@#%^&|`?") {
		t[b] |= ClassOperator
	}
	for _, b := range []byte("~!@#%^&|`?") {
		t[b] |= ClassSpecial
	}
	return t
}

// Token is a piece of the source: Src[Start:End].
type Token struct {
	Kind       Kind
	Start, End int
}

// Lexer cuts SQL into tokens. It never fails: whatever the text is, each call
// moves on by at least one byte, and what is not terminated ends with the text. A
// copy of it looks ahead.
type Lexer struct {
	Src     []byte
	Pos     int  // where the next token, or what stands before it, begins
	Escapes bool // standard_conforming_strings is off: backslashes in all strings are escapes
}

// At returns the byte at i, or 0 past the end.
func (l *Lexer) At(i int) byte {
	if i < len(l.Src) {
		return l.Src[i]
	}
	return 0
}

// Is tells whether the byte at i, if there is one, belongs to a class.
func (l *Lexer) Is(i int, c uint8) bool {
	return i < len(l.Src) && Classes[l.Src[i]]&c != 0
}

// Next returns the next token, skipping white space and comments before it.
func (l *Lexer) Next() Token {
	i := l.Pos
	if l.Is(i, ClassSpace) { // mostly there is one space, or none
		i++
	}
	if l.Is(i, ClassGap) {
		i = l.SkipSpace(i)
	}
	if i >= len(l.Src) {
		l.Pos = i
		return Token{EOF, i, i}
	}
	t := Token{Start: i}
	t.Kind, t.End = l.scan(i)
	l.Pos = t.End
	return t
}

// scan returns the kind and the end of the token that starts at i.
func (l *Lexer) scan(i int) (Kind, int) {
	c := l.Src[i]
	if Classes[c]&ClassIdentStart != 0 {
		return l.scanWord(i)
	}
	if Classes[c]&ClassDigit != 0 {
		return Number, l.scanNumber(i)
	}
	if k := single[c]; k != EOF {
		return k, i + 1
	}
	if Classes[c]&ClassOperator != 0 {
		return Operator, l.scanOperator(i)
	}
	switch c {
	case '\'':
		return String, l.scanQuoted(i, l.Escapes)
	case '"':
		return QuotedIdent, l.scanQuotedIdent(i)
	case '$':
		return l.scanDollar(i)
	case '.':
		return l.scanDot(i)
	case ':':
		return l.scanColon(i)
	}
	return Other, i + 1
}

// single has the kinds of the tokens that are one byte whatever follows.
var single = [256]Kind{
	',': Comma,
	';': Semicolon,
	'(': Open,
	')': Close,
	'[': OpenBracket,
	']': CloseBracket,
}

// SkipSpace returns the first position from i on that is neither white space
// nor in a comment.
func (l *Lexer) SkipSpace(i int) int {
	for i < len(l.Src) {
		switch c := l.Src[i]; {
		case Classes[c]&ClassSpace != 0:
			i++
		case c == '-' && l.At(i+1) == '-':
			i = l.skipLine(i)
		case c == '/' && l.At(i+1) == '*':
			i, _ = l.skipComment(i)
		default:
			return i
		}
	}
	return i
}

// skipLine returns the end of the line that i is in.
func (l *Lexer) skipLine(i int) int {
	if n := bytes.IndexAny(l.Src[i:], "\n\r"); n >= 0 {
		return i + n
	}
	return len(l.Src)
}

// skipComment returns the end of the block comment that starts at i, and whether it is
// closed. Block comments nest.
func (l *Lexer) skipComment(i int) (end int, closed bool) {
	depth := 1
	for i += 2; i < len(l.Src); {
		switch {
		case l.Src[i] == '*' && l.At(i+1) == '/':
			i += 2
			if depth--; depth == 0 {
				return i, true
			}
		case l.Src[i] == '/' && l.At(i+1) == '*':
			i += 2
			depth++
		default:
			i++
		}
	}
	return len(l.Src), false
}

// scanWord scans an identifier or keyword, or the string or quoted identifier
// whose prefix it is: those of E, B, X, N and U& strings, and of U& names.
func (l *Lexer) scanWord(i int) (Kind, int) {
	switch next := l.At(i + 1); next {
	case '\'':
		switch l.Src[i] | 0x20 {
		case 'e':
			return String, l.scanQuoted(i+1, true)
		case 'n':
			return String, l.scanQuoted(i+1, l.Escapes)
		case 'b', 'x':
			return String, l.scanQuoted(i+1, false)
		}
	case '&':
		if l.Src[i]|0x20 != 'u' {
			break
		}
		switch l.At(i + 2) {
		case '\'':
			return String, l.scanQuoted(i+2, false)
		case '"':
			return QuotedIdent, l.scanQuotedIdent(i + 2)
		}
	}
	src := l.Src
	for i++; i < len(src) && Classes[src[i]]&ClassIdentCont != 0; i++ {
	}
	return Word, i
}

// scanColon scans a colon, a cast, or an assignment.
func (l *Lexer) scanColon(i int) (Kind, int) {
	switch l.At(i + 1) {
	case ':':
		return Cast, i + 2
	case '=':
		return Other, i + 2
	}
	return Colon, i + 1
}

// scanDot scans a number without an integral part, a dot, or several.
func (l *Lexer) scanDot(i int) (Kind, int) {
	if l.Is(i+1, ClassDigit) {
		return Number, l.scanNumber(i)
	}
	j := i + 1
	for l.At(j) == '.' {
		j++
	}
	if j == i+1 {
		return Dot, j
	}
	return Dots, j
}

// scanOperator scans an operator (manual: "Operators"): a run of its characters
// ends before a comment, and does not end in + or - unless it has one of the
// characters that SQL's own operators do not have.
func (l *Lexer) scanOperator(i int) int {
	j, special := i, false
	for j < i+maxOperator && l.Is(j, ClassOperator) {
		if c, after := l.Src[j], l.At(j+1); c == '-' && after == '-' || c == '/' && after == '*' {
			break
		}
		special = special || Classes[l.Src[j]]&ClassSpecial != 0
		j++
	}
	for !special && j > i+1 && (l.Src[j-1] == '+' || l.Src[j-1] == '-') {
		j--
	}
	return j
}
