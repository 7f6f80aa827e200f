package tlsdecrypt

import (
	"crypto/sha256"

	"golang.org/x/crypto/cryptobyte"
)

// Extensions that matter here (IANA, TLS ExtensionType Values).
const (
	extServerName        = 0
	extALPN              = 16
	extEncryptThenMAC    = 22
	extSessionTicket     = 35
	extPreSharedKey      = 41
	extEarlyData         = 42
	extSupportedVersions = 43
)

const (
	// maxALPN bounds the protocols remembered of a ClientHello.
	maxALPN = 16
	// maxHostName is the longest name that DNS has, in bytes.
	maxHostName = 255
)

// helloRetryRandom marks a ServerHello as a HelloRetryRequest (RFC 8446,
// section 4.1.3).
var helloRetryRandom = clientRandom(sha256.Sum256([]byte("HelloRetryRequest")))

// clientHello is what is read of a ClientHello (RFC 8446, section 4.1.2). Its
// slices are borrowed from the message.
type clientHello struct {
	random     clientRandom
	sessionID  []byte
	serverName string
	alpn       []string
	ticket     []byte
	earlyData  bool
}

// parseClientHello reads a ClientHello's body. What follows a malformed
// extension is left out; ok is false where even the random is not there.
func parseClientHello(body []byte) (h clientHello, ok bool) {
	s := cryptobyte.String(body)
	var version uint16
	var random []byte
	var sessionID, suites, methods cryptobyte.String
	if !s.ReadUint16(&version) || version>>8 != 3 || !s.ReadBytes(&random, randomLen) ||
		!s.ReadUint8LengthPrefixed(&sessionID) || !s.ReadUint16LengthPrefixed(&suites) ||
		!s.ReadUint8LengthPrefixed(&methods) {
		return h, false
	}
	h.random, h.sessionID = clientRandom(random), sessionID
	eachExtension(s, func(id uint16, data cryptobyte.String) {
		switch id {
		case extServerName:
			h.serverName = parseServerName(data)
		case extALPN:
			h.alpn = parseALPN(data)
		case extSessionTicket:
			h.ticket = data
		case extEarlyData:
			h.earlyData = true
		}
	})
	return h, true
}

// eachExtension calls f with each whole extension of the block in s.
func eachExtension(s cryptobyte.String, f func(id uint16, data cryptobyte.String)) {
	var block cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&block) {
		return
	}
	for !block.Empty() {
		var id uint16
		var data cryptobyte.String
		if !block.ReadUint16(&id) || !block.ReadUint16LengthPrefixed(&data) {
			return
		}
		f(id, data)
	}
}

// parseServerName returns the host name of RFC 6066, section 3.
func parseServerName(s cryptobyte.String) string {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return ""
	}
	for !list.Empty() {
		var kind uint8
		var name cryptobyte.String
		if !list.ReadUint8(&kind) || !list.ReadUint16LengthPrefixed(&name) {
			return ""
		}
		if kind == 0 && len(name) <= maxHostName {
			return string(name)
		}
	}
	return ""
}

// parseALPN returns the protocol names of RFC 7301, section 3.1.
func parseALPN(s cryptobyte.String) []string {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return nil
	}
	var names []string
	for !list.Empty() && len(names) < maxALPN {
		var name cryptobyte.String
		if !list.ReadUint8LengthPrefixed(&name) {
			break
		}
		names = append(names, string(name))
	}
	return names
}

// serverHello is what is read of a ServerHello (RFC 8446, section 4.1.3). Its
// slices are borrowed from the message.
type serverHello struct {
	random         clientRandom
	version        uint16
	sessionID      []byte
	suite          uint16
	compressed     bool
	alpn           string
	encryptThenMAC bool
	preSharedKey   bool
}

func (h *serverHello) retry() bool { return h.random == helloRetryRandom }

func parseServerHello(body []byte) (h serverHello, ok bool) {
	s := cryptobyte.String(body)
	var random []byte
	var sessionID cryptobyte.String
	var compression uint8
	if !s.ReadUint16(&h.version) || h.version>>8 != 3 || !s.ReadBytes(&random, randomLen) ||
		!s.ReadUint8LengthPrefixed(&sessionID) || !s.ReadUint16(&h.suite) || !s.ReadUint8(&compression) {
		return h, false
	}
	h.random, h.sessionID, h.compressed = clientRandom(random), sessionID, compression != 0
	eachExtension(s, func(id uint16, data cryptobyte.String) {
		switch id {
		case extSupportedVersions:
			data.ReadUint16(&h.version)
		case extALPN:
			h.alpn = first(parseALPN(data))
		case extEncryptThenMAC:
			h.encryptThenMAC = true
		case extPreSharedKey:
			h.preSharedKey = true
		}
	})
	return h, true
}

// parseEncryptedExtensions reads TLS 1.3's EncryptedExtensions (RFC 8446,
// section 4.3.1).
func parseEncryptedExtensions(body []byte) (alpn string, earlyData bool) {
	eachExtension(body, func(id uint16, data cryptobyte.String) {
		switch id {
		case extALPN:
			alpn = first(parseALPN(data))
		case extEarlyData:
			earlyData = true
		}
	})
	return alpn, earlyData
}

// parseCertificate returns the first certificate of a Certificate message, in
// DER, or nil where the peer sent none (RFC 8446 section 4.4.2, RFC 5246
// section 7.4.2).
func parseCertificate(body []byte, tls13 bool) []byte {
	s := cryptobyte.String(body)
	var context, list, cert cryptobyte.String
	if tls13 && !s.ReadUint8LengthPrefixed(&context) {
		return nil
	}
	if !s.ReadUint24LengthPrefixed(&list) || !list.ReadUint24LengthPrefixed(&cert) {
		return nil
	}
	return cert
}

// parseNewSessionTicket returns the ticket of RFC 5077, section 3.3, borrowed.
func parseNewSessionTicket(body []byte) []byte {
	s := cryptobyte.String(body)
	var ticket cryptobyte.String
	if !s.Skip(4) || !s.ReadUint16LengthPrefixed(&ticket) {
		return nil
	}
	return ticket
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
