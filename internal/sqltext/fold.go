package sqltext

// AppendLower appends a word with its ASCII letters in lower case, as
// PostgreSQL folds identifiers.
func AppendLower(dst, w []byte) []byte {
	n := len(dst)
	dst = append(dst, w...)
	for i, c := range dst[n:] {
		if c-'A' < 26 {
			dst[n+i] = c | 0x20
		}
	}
	return dst
}

// EqualFold tells whether w is the word lower, in any case.
func EqualFold(w []byte, lower string) bool {
	if len(w) != len(lower) {
		return false
	}
	for i, c := range w {
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
