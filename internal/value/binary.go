package value

const (
	hexDigits = "0123456789abcdef"
	hexUpper  = "0123456789ABCDEF"
)

// appendBytea prints bytes in bytea_output's form hex.
func appendBytea(dst []byte, b []byte) []byte {
	dst = append(dst, '\\', 'x')
	for _, c := range b {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// appendChar prints the one-byte type "char": zero is the empty string, and bytes
// that are not ASCII are octal, since PostgreSQL 15.
func appendChar(dst []byte, b []byte) ([]byte, bool) {
	if len(b) != 1 {
		return dst, false
	}
	switch c := b[0]; {
	case c == 0:
		return dst, true
	case c < 0x80:
		return append(dst, c), true
	default:
		return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7), true
	}
}

func appendUUID(dst []byte, b []byte) ([]byte, bool) {
	if len(b) != 16 {
		return dst, false
	}
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst, true
}

// appendVersioned prints jsonb and jsonpath, which are sent as text after a version
// number; only version 1 exists.
func appendVersioned(dst []byte, b []byte) ([]byte, bool) {
	if len(b) == 0 || b[0] != 1 {
		return dst, false
	}
	return append(dst, b[1:]...), true
}

// appendBits prints bit and varbit: a count of bits, then the bits, padded with
// zeros to whole bytes.
func appendBits(dst []byte, b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return dst, false
	}
	n := int64(int32At(b, 0))
	b = b[4:]
	if n < 0 || (n+7)/8 != int64(len(b)) {
		return dst, false
	}
	for i := range int(n) {
		dst = append(dst, '0'+b[i>>3]>>(7-i&7)&1)
	}
	return dst, true
}

// appendMAC prints a macaddr or macaddr8 of size bytes.
func appendMAC(dst []byte, b []byte, size int) ([]byte, bool) {
	if len(b) != size {
		return dst, false
	}
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst, true
}
