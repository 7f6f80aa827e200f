package render

import "unicode/utf8"

// cutText returns the longest prefix of s of at most max bytes that does not
// end inside a character.
func cutText(s []byte, max int) []byte {
	if max <= 0 || len(s) <= max {
		return s
	}
	for i := max; i > max-utf8.UTFMax && i >= 0; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:max]
}
