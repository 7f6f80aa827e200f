package tracker

import (
	"bytes"
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Facts are the contents of a message that its meaning depends on.
type Facts struct {
	Status   byte // ReadyForQuery's transaction status; the byte of SSLResponse and GSSENCResponse
	Fatal    bool // ErrorResponse of severity FATAL or PANIC: the connection ends
	Broken   bool // ErrorResponse of SQLSTATE 08P01: the server read what it did not expect
	Protocol uint32
	// Replicates tells that a CopyData can only be one of streaming replication.
	Replicates bool
	// cut tells that the end of an ErrorResponse is missing, and its SQLSTATE with it.
	cut bool
}

// FactsOf reads the facts from a message's body, which may be cut short.
func FactsOf(k messages.Kind, body []byte) (f Facts) {
	switch k {
	case messages.KindReadyForQuery, messages.KindSSLResponse, messages.KindGSSENCResponse:
		if len(body) > 0 {
			f.Status = body[0]
		}
	case messages.KindErrorResponse:
		f.Fatal = fatal(body)
		f.Broken, f.cut = broken(body)
	case messages.KindErrorResponseV2:
		f.Fatal = true
	case messages.KindStartupMessage:
		if len(body) >= 4 {
			f.Protocol = binary.BigEndian.Uint32(body)
		}
	}
	return f
}

// fatal looks for severity FATAL or PANIC in an ErrorResponse's fields. The
// never translated field V decides where it was sent (since 9.6).
func fatal(body []byte) (yes bool) {
	for len(body) > 1 && body[0] != 0 {
		end := bytes.IndexByte(body[1:], 0)
		if end < 0 {
			return yes
		}
		value := body[1 : 1+end]
		switch body[0] {
		case 'V':
			return string(value) == "FATAL" || string(value) == "PANIC"
		case 'S':
			yes = string(value) == "FATAL" || string(value) == "PANIC"
		case 'M':
			return yes
		}
		body = body[end+2:]
	}
	return yes
}

// broken looks for SQLSTATE 08P01, protocol_violation, in an ErrorResponse's fields; cut
// is for one that ends before it.
func broken(body []byte) (yes, cut bool) {
	for len(body) > 1 && body[0] != 0 {
		end := bytes.IndexByte(body[1:], 0)
		if end < 0 {
			return false, true
		}
		if body[0] == 'C' {
			return string(body[1:1+end]) == "08P01", false
		}
		body = body[end+2:]
	}
	return false, len(body) == 0 || body[0] != 0
}
