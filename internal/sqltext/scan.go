package sqltext

import "bytes"

// scanQuoted returns the end of the string whose opening quote is at i. Where
// escapes is set, a backslash takes the next byte with it. A string that
// another follows after white space with a line break goes on in it (manual:
// "String Constants").
func (l *Lexer) scanQuoted(i int, escapes bool) int {
	for i++; i < len(l.Src); {
		n := indexQuote(l.Src[i:], escapes)
		if n < 0 {
			break
		}
		i += n
		if l.Src[i] == '\\' || l.At(i+1) == '\'' {
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
	return len(l.Src)
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
func (l *Lexer) continuation(i int) (int, bool) {
	newline := false
	for i < len(l.Src) {
		switch c := l.Src[i]; {
		case c == '\n' || c == '\r':
			newline = true
			i++
		case Classes[c]&ClassSpace != 0:
			i++
		case c == '-' && l.At(i+1) == '-':
			i = l.skipLine(i)
		default:
			return i, newline && c == '\''
		}
	}
	return i, false
}

// scanQuotedIdent returns the end of the identifier whose opening quote is at i.
func (l *Lexer) scanQuotedIdent(i int) int {
	for i++; i < len(l.Src); i += 2 {
		n := bytes.IndexByte(l.Src[i:], '"')
		if n < 0 {
			break
		}
		i += n
		if l.At(i+1) != '"' {
			return i + 1
		}
	}
	return len(l.Src)
}

// scanDollar scans what starts with a dollar sign at i: a parameter, a dollar
// quoted string, or nothing of the two.
func (l *Lexer) scanDollar(i int) (Kind, int) {
	j := i + 1
	if l.Is(j, ClassDigit) {
		for l.Is(j, ClassDigit) {
			j++
		}
		return Param, j
	}
	if l.Is(j, ClassIdentStart) {
		for l.Is(j, ClassIdentStart|ClassDigit) {
			j++
		}
	}
	if l.At(j) != '$' {
		return Other, i + 1
	}
	tag := l.Src[i : j+1]
	n := bytes.Index(l.Src[j+1:], tag)
	if n < 0 {
		return String, len(l.Src)
	}
	return String, j + 1 + n + len(tag)
}

// DollarBody returns the contents of a dollar quoted string, which may lack its
// end.
func DollarBody(s []byte) (start, end int) {
	start = bytes.IndexByte(s[1:], '$') + 2
	if n := bytes.Index(s[start:], s[:start]); n >= 0 {
		return start, start + n
	}
	return start, len(s)
}

// scanNumber returns the end of the number that starts at i with a digit, or
// with a dot and a digit: 1, .5, 1.5e-3, 1_000, 0x1F, 0o17, 0b1.
func (l *Lexer) scanNumber(i int) int {
	if l.Src[i] == '0' {
		if j := l.scanRadix(i + 1); j > 0 {
			return j
		}
	}
	i = l.digits(i, ClassDigit)
	if l.At(i) == '.' && l.At(i+1) != '.' { // 1..2 is a range, not a fraction
		i++
		if l.Is(i, ClassDigit) {
			i = l.digits(i, ClassDigit)
		}
	}
	if l.At(i)|0x20 == 'e' {
		j := i + 1
		if c := l.At(j); c == '+' || c == '-' {
			j++
		}
		if l.Is(j, ClassDigit) {
			i = l.digits(j, ClassDigit)
		}
	}
	return i
}

// scanRadix returns the end of a number in another base than ten, whose letter
// is at i; 0 if there is none. All hexadecimal digits are taken in every base:
// what is wrong in a number is still a part of it.
func (l *Lexer) scanRadix(i int) int {
	switch l.At(i) | 0x20 {
	case 'x', 'o', 'b':
	default:
		return 0
	}
	if j := l.digits(i+1, ClassHex); j > i+1 {
		return j
	}
	return 0
}

// digits returns the end of a run of digits in which single underscores may
// stand before digits.
func (l *Lexer) digits(i int, c uint8) int {
	for l.Is(i, c) || l.At(i) == '_' && l.Is(i+1, c) {
		i++
	}
	return i
}
