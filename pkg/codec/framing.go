package codec

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// framing is how the bytes at a message boundary are to be read.
type framing uint8

const (
	// framingStandard: type byte, Int32 length that counts itself, body.
	framingStandard framing = iota
	// framingEither: a startup packet or a standard message. The two cannot be
	// confused: a startup packet begins with a zero byte, no type is zero.
	framingEither
	// framingStartup: Int32 length that counts itself, body.
	framingStartup
	// framingSSLByte and framingGSSByte: the one byte that answers SSLRequest
	// or GSSENCRequest, or an ErrorResponse of a server that knows neither.
	framingSSLByte
	framingGSSByte
	// framingOpaque: ciphertext.
	framingOpaque
)

const (
	standardHead = 5 // type byte and length
	startupHead  = 4 // length
	// minStartup and maxStartup bound a startup packet's length field: a code
	// must be there; the server refuses more than MAX_STARTUP_PACKET_LENGTH.
	minStartup = 8
	maxStartup = 10000
	// maxErrorV2 bounds the search for the NUL that ends a version-2 error:
	// what libpq accepts for a message that it does not expect to be long.
	maxErrorV2 = 30000
	// phaseMask makes any Phase a valid index of the tables below.
	phaseMask = 31
)

// framings tells the framing by direction and phase.
var framings = func() (t [2][phaseMask + 1]framing) {
	front, back := &t[messages.Frontend], &t[messages.Backend]
	front[messages.PhaseUnknown] = framingEither
	front[messages.PhaseStartup] = framingStartup
	front[messages.PhaseSSLNegotiation] = framingStartup
	front[messages.PhaseGSSNegotiation] = framingStartup
	front[messages.PhaseEncrypted] = framingOpaque
	back[messages.PhaseSSLNegotiation] = framingSSLByte
	back[messages.PhaseGSSNegotiation] = framingGSSByte
	back[messages.PhaseEncrypted] = framingOpaque
	return t
}()

// typed tells by direction and phase that messages with a type byte may come,
// so that a header can be looked up at once.
var typed = func() (t [2][phaseMask + 1]bool) {
	for d := range t {
		for p := range t[d] {
			t[d][p] = framings[d][p] <= framingEither
		}
	}
	return t
}()

// typeInfo is what is known of a type byte without the message's body.
type typeInfo struct {
	min, max uint32 // bytes of the body
	kind     messages.Kind
	// refine tells that kind is only one of several: the phase or the body
	// decides ('p', 'R').
	refine bool
}

// types holds the type bytes that the protocol defines, by direction; kind is
// KindUnknown for the others.
var types = func() (t [2][256]typeInfo) {
	for _, d := range []messages.Direction{messages.Frontend, messages.Backend} {
		for tag := range 256 {
			t[d][tag] = typeInfoOf(d, byte(tag))
		}
	}
	return t
}()

func typeInfoOf(d messages.Direction, tag byte) typeInfo {
	kind := messages.KindOf(d, messages.PhaseUnknown, tag, nil)
	switch {
	case d == messages.Backend && tag == messages.KindAuthenticationOk.Tag():
		_, most := messages.KindAuthenticationGSSContinue.BodyLen()
		return typeInfo{min: 4, max: uint32(most), kind: messages.KindAuthenticationOk, refine: true}
	case kind == messages.KindPasswordMessage:
		_, most := messages.KindGSSResponse.BodyLen()
		return typeInfo{min: 0, max: uint32(most), kind: kind, refine: true}
	case kind == messages.KindUnknown:
		return typeInfo{}
	}
	least, most := kind.BodyLen()
	return typeInfo{min: uint32(least), max: uint32(most), kind: kind}
}

// fastTypes is types without those that need a second look, arranged so that
// one comparison of the length decides: for all others min is above max.
var fastTypes = func() (t [2][256]typeInfo) {
	for d := range t {
		for tag := range t[d] {
			t[d][tag] = types[d][tag]
			if info := &t[d][tag]; info.kind == messages.KindUnknown || info.refine {
				info.min, info.max = 1, 0
			}
		}
		// Above this all four bytes of a length may be printable: text, not a
		// length, and for 'E' a version-2 error.
		for tag := range t[d] {
			t[d][tag].max = min(t[d][tag].max, 0x1fffffff)
		}
	}
	return t
}()

// verdict is what a header alone says of the message.
type verdict uint8

const (
	impossible verdict = iota
	// doubtful: an undefined type, or a length that such a message does not
	// have. Possible, but whoever lost the boundary would see the same.
	doubtful
	trusted
)

// judge tells whether tag and length (as on the wire, counting itself) can be a
// header sent in direction d.
func judge(d messages.Direction, tag byte, length uint32) verdict {
	if length < 4 || isText(length) {
		return impossible
	}
	info, body := &types[d][tag], length-4
	switch {
	case info.kind != messages.KindUnknown && body >= info.min && body <= info.max:
		return trusted
	case body <= maxDoubtful:
		return doubtful
	}
	return impossible
}

// isText reports whether all bytes of a length are printable ASCII: over half a
// gigabyte, which no real message reaches, while text does so at once.
func isText(length uint32) bool {
	for range 4 {
		if b := byte(length); b < 0x20 || b > 0x7e {
			return false
		}
		length >>= 8
	}
	return true
}

// length reads a length field.
func length(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
