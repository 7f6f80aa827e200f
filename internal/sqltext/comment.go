package sqltext

import "iter"

// Comment is a comment with its marks, at Start to End of a text. Line tells that it
// begins with two dashes and ends with its line; else it is in asterisks.
type Comment struct {
	Start, End int
	Line       bool
}

// Text returns what stands between the marks.
func (c Comment) Text(sql []byte) []byte {
	if c.Line {
		return sql[c.Start+len("--") : c.End]
	}
	return sql[c.Start+len("/*") : c.End-len("*/")]
}

// Comments yields the comments of a text between from and to, where no token is. One
// that is not closed is none.
func Comments(sql []byte, from, to int) iter.Seq[Comment] {
	return func(yield func(Comment) bool) {
		l := Lexer{Src: sql[:to]}
		for i := from; i < to; {
			c, closed := Comment{Start: i}, true
			switch {
			case sql[i] == '-' && l.At(i+1) == '-':
				c.Line, c.End = true, l.skipLine(i)
			case sql[i] == '/' && l.At(i+1) == '*':
				c.End, closed = l.skipComment(i)
			default:
				i++
				continue
			}
			if i = c.End; closed && !yield(c) {
				return
			}
		}
	}
}
