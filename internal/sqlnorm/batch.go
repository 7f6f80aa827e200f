package sqlnorm

import (
	"iter"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// Statements yields the statements of a text, without the semicolons between them and
// the comments around them. What holds no word and no sign is none.
func Statements(sql []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		l := sqltext.Lexer{Src: sql}
		for {
			c, ok := l.Command()
			if !ok || !yield(sql[c.Start:c.End]) {
				return
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
