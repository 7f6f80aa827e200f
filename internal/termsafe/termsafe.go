// Package termsafe keeps captured bytes from steering a terminal: it is put before the
// outputs whose formats have raw text in them.
package termsafe

import (
	"fmt"
	"io"
	"strings"
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
		if r == utf8.RuneError && n == 1 || Steers(r) {
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

// Steers reports characters that may steer a terminal, or change the direction of the
// text around them: those are escaped, but for line feed and tab where a format has
// them.
func Steers(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// Plain returns text for one line, with a question mark in the place of each character
// that steers, and of bytes that are not UTF-8.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if Steers(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}

// JSON returns a JSON document with the characters that steer as \u escapes, which mean
// the same: such characters are only in its strings. Its line feeds and tabs stay.
func JSON(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if Steers(r) && r != '\n' && r != '\t' {
			out = fmt.Appendf(out, "\\u%04x", r) // none is beyond U+FFFF
		} else {
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return out
}

// NewWriter returns a writer that has Append go over all that is written to w. Each
// Write is taken by itself: characters must not be divided between two.
func NewWriter(w io.Writer) io.Writer { return &writer{w: w} }

// NewJSONWriter returns a writer that has JSON go over each Write.
func NewJSONWriter(w io.Writer) io.Writer { return jsonWriter{w} }

type jsonWriter struct{ w io.Writer }

func (j jsonWriter) Write(b []byte) (int, error) {
	if _, err := j.w.Write(JSON(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

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
