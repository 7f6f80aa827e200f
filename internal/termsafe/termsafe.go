// Package termsafe keeps captured bytes from steering a terminal: it is put before the
// outputs whose formats have raw text in them.
package termsafe

import (
	"io"
	"unicode"
	"unicode/utf8"
)

// Append appends text of which nothing steers a terminal: control characters but for
// line feed and tab, bytes that are not UTF-8, and the characters that change the
// direction of text are written as \xNN.
func Append(dst, s []byte) []byte {
	for len(s) > 0 {
		if b := s[0]; b >= ' ' && b <= '~' || b == '\n' || b == '\t' {
			dst, s = append(dst, b), s[1:]
			continue
		}
		r, n := utf8.DecodeRune(s)
		if r == utf8.RuneError && n == 1 || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			for _, b := range s[:n] {
				const digits = "0123456789abcdef"
				dst = append(dst, '\\', 'x', digits[b>>4], digits[b&15])
			}
		} else {
			dst = append(dst, s[:n]...)
		}
		s = s[n:]
	}
	return dst
}

// NewWriter returns a writer that has Append go over all that is written to w. Each
// Write is taken by itself: characters must not be divided between two.
func NewWriter(w io.Writer) io.Writer { return &writer{w: w} }

type writer struct {
	w   io.Writer
	buf []byte
}

func (t *writer) Write(b []byte) (int, error) {
	t.buf = Append(t.buf[:0], b)
	if _, err := t.w.Write(t.buf); err != nil {
		return 0, err
	}
	return len(b), nil
}
