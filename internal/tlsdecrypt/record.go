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

// LooksLikeClientHello reports whether a client's first bytes b can be the
// beginning of a TLS ClientHello. However few there are, but one, they are
// judged: a later byte may still disprove it.
func LooksLikeClientHello(b []byte) bool {
	if len(b) == 0 || b[0] != typeHandshake || !plausible(b) {
		return false
	}
	const helloLen = headerLen + 4
	if len(b) >= headerLen && parseHeader(b).length < 4 {
		return false
	}
	switch {
	case len(b) > headerLen && b[headerLen] != msgClientHello:
		return false
	case len(b) > headerLen+1 && b[headerLen+1] > maxMessage>>16:
		return false
	case len(b) > helloLen && b[helloLen] != 3:
		return false
	}
	return true
}

// LooksLikeRecord reports whether b begins with a record header as a protected
// connection has it, for streams whose beginning was not captured. It asks for
// a whole header.
func LooksLikeRecord(b []byte) bool {
	if len(b) < headerLen || !plausible(b) {
		return false
	}
	h := parseHeader(b)
	return h.typ == typeApplicationData && h.version == versionTLS12 && h.length >= minProtected
}
