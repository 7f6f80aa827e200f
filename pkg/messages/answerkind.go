package messages

import (
	"bytes"
	"encoding/binary"
)

// answerKind tells what a 'p' is by its body, for where the phase does not say which
// authentication request it answers: the request may not have been captured. Only a
// PasswordMessage is one string and nothing else. The body may be cut short.
func answerKind(body []byte) Kind {
	name, rest, ended := bytes.Cut(body, nul)
	switch {
	case ended && len(rest) == 0:
		return KindPasswordMessage
	case beginsGSS(body):
		return KindGSSResponse
	case ended && isMechanism(name) && initialData(rest):
		return KindSASLInitialResponse
	case !ended && finalSCRAM(body):
		return KindSASLResponse
	}
	return KindPasswordMessage
}

var nul = []byte{0}

// initialData reports whether rest, what follows the mechanism's name, is a length and
// as many bytes, or as many as are there.
func initialData(rest []byte) bool {
	if len(rest) < 4 {
		return true // cut short
	}
	n := int32(binary.BigEndian.Uint32(rest))
	return n == -1 && len(rest) == 4 || n >= 0 && len(rest)-4 <= int(n)
}

// finalSCRAM reports whether SASL data is the client's last message of SCRAM, whose
// first attribute is the channel binding (RFC 5802).
func finalSCRAM(data []byte) bool {
	return bytes.HasPrefix(data, []byte("c=")) && bytes.Contains(data, []byte(",r="))
}

// beginsGSS reports whether data begins as GSSAPI's and SSPI's tokens do: those of RFC
// 2743 with its application tag, SPNEGO's further ones, and NTLM's with a name.
func beginsGSS(data []byte) bool {
	if len(data) < 2 {
		return false
	}
	return (data[0] == 0x60 || data[0] == 0xa1) && (data[1] < 0x80 || data[1] >= 0x81 && data[1] <= 0x84) && !isText(data) ||
		bytes.HasPrefix(data, []byte("NTLMSSP\x00"))
}
