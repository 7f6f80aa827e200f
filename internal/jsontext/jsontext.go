// Package jsontext writes captured text as JSON strings, for the exports that write
// their JSON by hand. Characters that may steer a terminal are escaped.
package jsontext

import (
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/termsafe"
)

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
			if termsafe.Steers(r) {
				dst = append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15]) // none is beyond U+FFFF
			} else {
				dst = utf8.AppendRune(dst, r)
			}
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}
