// Package jsontext writes captured text as JSON strings, for the exports that write
// their JSON by hand.
package jsontext

import "unicode/utf8"

// Append appends a JSON string; bytes that are not UTF-8 become U+FFFD.
func Append[T ~string | ~[]byte](dst []byte, v T) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(v); {
		b := v[i]
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\n':
			dst = append(dst, '\\', 'n')
		case b < ' ' || b == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', digits[b>>4], digits[b&15])
		case b < utf8.RuneSelf:
			dst = append(dst, b)
		default:
			r, n := utf8.DecodeRuneInString(string(v[i:min(len(v), i+utf8.UTFMax)]))
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}
