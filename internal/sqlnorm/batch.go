package sqlnorm

import "iter"

// Statements yields the statements of a text, without the semicolons between them. What
// holds no word and no sign is none. A function's body of statements is not told from
// statements: ask only for texts of which it is known that they were several, or of
// normalised ones without such a body.
func Statements(sql []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		l := lexer{src: sql}
		start, end, depth := -1, 0, 0
		for {
			t := l.next()
			switch t.kind {
			case tokenOpen:
				depth++
			case tokenClose:
				depth = max(depth-1, 0)
			}
			if t.kind == tokenEOF || t.kind == tokenSemicolon && depth == 0 {
				if start >= 0 && !yield(sql[start:end]) || t.kind == tokenEOF {
					return
				}
				start = -1
				continue
			}
			if end = t.end; start < 0 {
				start = t.start
			}
		}
	}
}

// SameButNumbers reports whether two normalised statements differ at most in the numbers
// of their parameters, which count through a text of several.
func SameButNumbers(a, b []byte) bool {
	for len(a) > 0 && len(b) > 0 {
		if a[0] != b[0] {
			return false
		}
		number := a[0] == '$'
		if a, b = a[1:], b[1:]; number {
			a, b = afterDigits(a), afterDigits(b)
		}
	}
	return len(a) == len(b)
}

func afterDigits(s []byte) []byte {
	for len(s) > 0 && s[0] >= '0' && s[0] <= '9' {
		s = s[1:]
	}
	return s
}
