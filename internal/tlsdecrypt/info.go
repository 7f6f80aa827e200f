package tlsdecrypt

import (
	"crypto/x509"
	"fmt"
	"strings"
)

// State tells how far the decryption of a connection came.
type State uint8

const (
	// Handshaking: no protected record was seen yet.
	Handshaking State = iota
	// Decrypting: records are decrypted.
	Decrypting
	// NoKeys: the key log does not have the secrets, so far.
	NoKeys
	// WrongKeys: not one record is authentic under the key log's secrets.
	WrongKeys
	// MidStream: the handshake's beginning was not captured.
	MidStream
	// Unsupported: a version, cipher suite or compression not known here.
	Unsupported
	// Lost: after a loss, the place in a direction was not found again.
	Lost
	// NotTLS: the bytes are not TLS records.
	NotTLS
)

var stateNames = [...]string{
	Handshaking: "handshaking",
	Decrypting:  "decrypting",
	NoKeys:      "no keys",
	WrongKeys:   "wrong keys",
	MidStream:   "mid-stream",
	Unsupported: "unsupported",
	Lost:        "lost",
	NotTLS:      "not TLS",
}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Info is what is known of a TLS connection, decrypted or not. Strings and
// counts are zero where nothing was seen of them. In the arrays, 0 is the
// direction from client to server, 1 the other.
type Info struct {
	State  State
	Reason string // in words, for every State but Handshaking and Decrypting

	Version     string // "TLSv1.3", as PostgreSQL's pg_stat_ssl has it
	CipherSuite string // as IANA registers it: "TLS_AES_256_GCM_SHA384"
	ServerName  string // SNI of the ClientHello
	OfferedALPN []string
	ALPN        string // the server's choice; in TLS 1.3 only where decrypted

	// Subject and issuer of the server's certificate, the subject of the
	// client's, as RFC 2253 strings. In TLS 1.3 only where decrypted.
	ServerSubject, ServerIssuer, ClientSubject string
	ClientCert                                 bool // the client sent a certificate

	KeysFrom Origin // of the secrets that decrypted something; 0 where none did

	Resumed           bool // the session or its PSK is of an earlier connection
	HelloRetry        bool // there was a HelloRetryRequest
	EncryptThenMAC    bool
	EarlyData         uint64 // records of 0-RTT data, which are not decrypted
	EarlyDataAccepted bool   // by the server, so that their plaintext is missing

	Bytes     [2]uint64 // fed, record headers included
	Records   [2]uint64 // whole records framed
	Decrypted [2]uint64 // records decrypted
	Plaintext [2]uint64 // bytes of application data handed out
	// Unauthentic counts whole records that no key and sequence number fitted.
	Unauthentic [2]uint64
	// Resyncs counts how often the next record was looked for by the form of its
	// header.
	Resyncs    [2]uint64
	KeyUpdates [2]uint64
	Gaps       [2]uint64 // losses handed on to the Sink

	Alerts [2]uint64 // that could be read
	// LastAlert is its name in the RFCs, such as "close_notify", which replaces
	// no other: that is why the peer closes.
	LastAlert string
	// LastAlertFrom is the direction that it came in.
	LastAlertFrom int

	// Closing tells of each direction that its latest record closes the connection,
	// as far as can be seen from outside: it is a protected alert, which after the
	// handshake is a close_notify but where something is broken.
	Closing [2]bool

	// BrokenOff tells, after Close, that the handshake came to nothing.
	BrokenOff bool

	HeldBytes    int64 // waiting for keys at this moment
	DroppedBytes int64 // that would have waited, but for the limits
}

// Info returns what is known so far. It is a copy.
func (c *Conn) Info() Info {
	i := c.info
	i.State, i.Reason = c.state()
	i.HeldBytes = c.held.size
	i.Closing = [2]bool{c.closing(toServer), c.closing(toClient)}
	i.Resyncs = [2]uint64{c.dirs[toServer].framer.hunts, c.dirs[toClient].framer.hunts}
	return i
}

// State returns Info().State without the rest.
func (c *Conn) State() State {
	s, _ := c.state()
	return s
}

func (c *Conn) state() (State, string) {
	switch {
	case c.fatal != Handshaking:
		return c.fatal, c.reason
	case c.blocked:
		return NoKeys, c.missing()
	}
	for i := range c.dirs {
		if c.dirs[i].misfit() {
			return WrongKeys, misfitReasons[i]
		}
	}
	for i := range c.dirs {
		if c.dirs[i].dead {
			return Lost, lostReasons[i]
		}
	}
	if c.opened {
		return Decrypting, ""
	}
	return Handshaking, ""
}

// The reasons, by direction: State is asked for often, so they are not composed.
var (
	misfitReasons = [2]string{
		"the client's records are not authentic under the key log's secrets",
		"the server's records are not authentic under the key log's secrets",
	}
	lostReasons = [2]string{
		"the place in the client's records was not found again",
		"the place in the server's records was not found again",
	}
)

// closing reports whether a direction's latest record is a protected alert. Up to TLS
// 1.2 its type says so; from TLS 1.3 on it is told by its length, which is that of no
// message of PostgreSQL.
func (c *Conn) closing(dir int) bool {
	h := c.dirs[dir].latest
	switch {
	case h.typ == typeAlert:
		return h.length > plainAlert
	case h.typ != typeApplicationData:
		return false
	}
	return h.length == sealedAlert && (c.hs == nil || !c.hs.haveServer || c.hs.tls13())
}

var forgottenReason = fmt.Sprintf("the key log's secrets for the connection are forgotten: those of the latest %d are kept", maxSecretConns)

// missing says what the connection waits for.
func (c *Conn) missing() string {
	switch {
	case c.keys == nil:
		return "there is no key log"
	case c.hs != nil && c.hs.haveClient && c.keys.hadSecrets(c.hs.clientRandom):
		return forgottenReason
	case c.held.overflow && c.info.DroppedBytes > 0:
		return "the key log has no secrets for the connection, and more was sent than is held for them"
	}
	return "the key log has no secrets for the connection"
}

// certificate notes a peer's certificate, in DER.
func (c *Conn) certificate(dir int, der []byte) {
	if len(der) == 0 {
		return
	}
	if dir == toServer {
		c.info.ClientCert = true
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return // an oddity of the certificate is not one of the connection
	}
	if dir == toServer {
		c.info.ClientSubject = shortened(cert.Subject.String())
		return
	}
	c.info.ServerSubject, c.info.ServerIssuer = shortened(cert.Subject.String()), shortened(cert.Issuer.String())
}

// shortened bounds a name that is kept as long as the connection.
func shortened(name string) string {
	const limit = 1024
	if len(name) > limit {
		return strings.Clone(name[:limit]) + "…"
	}
	return name
}

// alert notes an alert that could be read. What is longer, or has no level that there
// is, is protected: the handshake was not captured.
func (c *Conn) alert(dir int, content []byte) {
	const warning, fatal = 1, 2
	if len(content) != plainAlert || content[0] != warning && content[0] != fatal {
		return
	}
	c.info.Alerts[dir]++
	const closeNotify = 0
	if content[1] != closeNotify || c.info.LastAlert == "" {
		c.info.LastAlert, c.info.LastAlertFrom = alertName(content[1]), dir
	}
}

func alertName(description byte) string {
	if name, ok := alertNames[description]; ok {
		return name
	}
	return fmt.Sprintf("alert %d", description)
}

// alertNames: RFC 8446 section 6, and RFC 5246 section 7.2 for the older ones.
var alertNames = map[byte]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
	22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate",
	42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
	46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
	51: "decrypt_error", 60: "export_restriction", 70: "protocol_version", 71: "insufficient_security",
	80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
	109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
	113: "bad_certificate_status_response", 115: "unknown_psk_identity", 116: "certificate_required",
	120: "no_application_protocol",
}
