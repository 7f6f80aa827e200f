package tlsdecrypt

import "encoding/binary"

// Content types (RFC 8446, section 5.1).
const (
	typeChangeCipherSpec = 20
	typeAlert            = 21
	typeHandshake        = 22
	typeApplicationData  = 23
)

const (
	headerLen = 5
	// maxPlaintext and maxPayload are the most bytes of a record's content and
	// of what its header may announce (RFC 5246, section 6.2.3; TLS 1.3 allows
	// less).
	maxPlaintext = 1 << 14
	maxPayload   = maxPlaintext + 2048
	// minProtected is the smallest payload of a protected record of any suite:
	// a tag and, in TLS 1.3, the inner content type.
	minProtected = 16
)

// header is a record header.
type header struct {
	typ     byte
	version uint16
	length  int // of the payload
}

func parseHeader(b []byte) header {
	return header{typ: b[0], version: binary.BigEndian.Uint16(b[1:]), length: int(binary.BigEndian.Uint16(b[3:]))}
}

// plausible reports whether b, which may be shorter than a header, can be the
// beginning of one.
func plausible(b []byte) bool {
	switch {
	case len(b) > 0 && (b[0] < typeChangeCipherSpec || b[0] > typeApplicationData):
		return false
	case len(b) > 1 && b[1] != 3:
		return false
	case len(b) > 2 && b[2] > 4:
		return false
	case len(b) >= headerLen:
		return int(binary.BigEndian.Uint16(b[3:])) <= maxPayload
	}
	return true
}
