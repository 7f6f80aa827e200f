package sqlnorm

import "bytes"

// scanQuoted returns the end of the string whose opening quote is at i. Where
// escapes is set, a backslash takes the next byte with it. A string that
// another follows after white space with a line break goes on in it (manual:
// "String Constants").
func (l *lexer) scanQuoted(i int, escapes bool) int {
	for i++; i < len(l.src); {
		n := indexQuote(l.src[i:], escapes)
		if n < 0 {
			break
		}
		i += n
		if l.src[i] == '\\' || l.at(i+1) == '\'' {
			i += 2
			continue
		}
		i++
		next, ok := l.continuation(i)
		if !ok {
			return i
		}
		i = next + 1
	}
	return len(l.src)
}

// indexQuote returns the position of the first quote, or backslash if those
// count, in s; -1 if there is none.
func indexQuote(s []byte, escapes bool) int {
	if escapes {
		return bytes.IndexAny(s, `'\`)
	}
	return bytes.IndexByte(s, '\'')
}

// continuation returns the position of the quote that continues the string that
// has just ended before i, if one does. Only line comments may stand between.
func (l *lexer) continuation(i int) (int, bool) {
	newline := false
	for i < len(l.src) {
		switch c := l.src[i]; {
		case c == '\n' || c == '\r':
			newline = true
			i++
		case class[c]&classSpace != 0:
			i++
		case c == '-' && l.at(i+1) == '-':
			i = l.skipLine(i)
		default:
			return i, newline && c == '\''
		}
	}
	return i, false
}

// scanQuotedIdent returns the end of the identifier whose opening quote is at i.
func (l *lexer) scanQuotedIdent(i int) int {
	for i++; i < len(l.src); i += 2 {
		n := bytes.IndexByte(l.src[i:], '"')
		if n < 0 {
			break
		}
		i += n
		if l.at(i+1) != '"' {
			return i + 1
		}
	}
	return len(l.src)
}

// scanDollar scans what starts with a dollar sign at i: a parameter, a dollar
// quoted string, or nothing of the two.
func (l *lexer) scanDollar(i int) (tokenKind, int) {
	j := i + 1
	if l.is(j, classDigit) {
		for l.is(j, classDigit) {
			j++
		}
		return tokenParam, j
	}
	if l.is(j, classIdentStart) {
		for l.is(j, classIdentStart|classDigit) {
			j++
		}
	}
	if l.at(j) != '$' {
		return tokenOther, i + 1
	}
	tag := l.src[i : j+1]
	n := bytes.Index(l.src[j+1:], tag)
	if n < 0 {
		return tokenString, len(l.src)
	}
	return tokenString, j + 1 + n + len(tag)
}

// dollarBody returns the contents of a dollar quoted string, which may lack its
// end.
func dollarBody(s []byte) (start, end int) {
	start = bytes.IndexByte(s[1:], '$') + 2
	if n := bytes.Index(s[start:], s[:start]); n >= 0 {
		return start, start + n
	}
	return start, len(s)
}

// scanNumber returns the end of the number that starts at i with a digit, or
// with a dot and a digit: 1, .5, 1.5e-3, 1_000, 0x1F, 0o17, 0b1.
func (l *lexer) scanNumber(i int) int {
	if l.src[i] == '0' {
		if j := l.scanRadix(i + 1); j > 0 {
			return j
		}
	}
	i = l.digits(i, classDigit)
	if l.at(i) == '.' && l.at(i+1) != '.' { // 1..2 is a range, not a fraction
		i++
		if l.is(i, classDigit) {
			i = l.digits(i, classDigit)
		}
	}
	if l.at(i)|0x20 == 'e' {
		j := i + 1
		if c := l.at(j); c == '+' || c == '-' {
			j++
		}
		if l.is(j, classDigit) {
			i = l.digits(j, classDigit)
		}
	}
	return i
}

// scanRadix returns the end of a number in another base than ten, whose letter
// is at i; 0 if there is none. All hexadecimal digits are taken in every base:
// what is wrong in a number is still a part of it.
func (l *lexer) scanRadix(i int) int {
	switch l.at(i) | 0x20 {
	case 'x', 'o', 'b':
	default:
		return 0
	}
	if j := l.digits(i+1, classHex); j > i+1 {
		return j
	}
	return 0
}

// digits returns the end of a run of digits in which single underscores may
// stand before digits.
func (l *lexer) digits(i int, c uint8) int {
	for l.is(i, c) || l.at(i) == '_' && l.is(i+1, c) {
		i++
	}
	return i
}
