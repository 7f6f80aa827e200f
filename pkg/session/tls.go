package session

import (
	"strconv"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// TLS follows the ciphertext of a connection: it reads what is visible of the
// handshake and, with keys, gives out the plaintext.
type TLS interface {
	// Data takes the next bytes of a direction, borrowed for the call.
	Data(d messages.Direction, b []byte, at Stamp, out TLSOutput)
	// Gap tells of n missing bytes, n < 0 for an unknown number.
	Gap(d messages.Direction, n int64, at Stamp, out TLSOutput)
	// Poll gives out what waited for keys that have come since.
	Poll(out TLSOutput)
	// Retry looks once more for keys where they come from, and does what Poll does.
	Retry(out TLSOutput)
	// Close ends the connection: what can still be decrypted is.
	Close(at Stamp, out TLSOutput)
	// Facts tells what is known so far. The result is valid until the next call
	// of any method.
	Facts() *TLSFacts
	// Snapshot tells what is known, for Resume of a new TLS layer. The result is the
	// caller's.
	Snapshot() *TLSSnapshot
	Resume(*TLSSnapshot)
	// Held returns the bytes of memory kept for what is incomplete; Shed gives
	// them back at the cost of that.
	Held() int
	Shed()
}

// TLSOutput takes plaintext, in the order of the ciphertext. It may come later
// than that, with the stamps of its own packets.
type TLSOutput interface {
	Plaintext(d messages.Direction, b []byte, at Stamp) // borrowed for the call
	LostPlaintext(d messages.Direction, n int64, at Stamp)
}

// TLSFacts is what was seen of a connection's TLS. Strings are empty where
// nothing was seen.
type TLSFacts struct {
	Version    string // such as "TLSv1.3"
	Cipher     string // as IANA registers it
	ServerName string // SNI
	// ALPN is the protocol that the server chose; where its choice cannot be
	// seen, which ALPNOffered tells, the first that the client offered.
	ALPN        string
	ALPNOffered bool
	Subject     string // of the server's certificate
	// ClientSubject is that of the client's certificate.
	ClientSubject string
	// Offered tells that the ClientHello was read whole; OffersPostgreSQL that
	// its ALPN names PostgreSQL.
	Offered, OffersPostgreSQL bool
	Decrypted                 bool // plaintext has been given out
	// KeysFrom is a word for what gave the keys that decrypted something, such as
	// "keylog".
	KeysFrom string
	// Waiting tells that ciphertext is held for keys that may still come.
	Waiting bool
	// MayCome tells that such keys are still expected when the connection is over.
	MayCome bool
	// ClientCloses tells that the client's latest record ended the connection, as far
	// as can be seen from outside.
	ClientCloses bool
	Failed       string // why it cannot be decrypted; "" while that is open
	Alert        string // the last that could be read, but for those of an orderly end
	// AlertFrom is who sent it.
	AlertFrom messages.Direction
}

// keyPatience is how long nothing is said of a connection whose keys are not
// there, in nanoseconds of the capture: clients write them during the handshake,
// but a key log is read, or embedded in the capture, somewhat later.
const keyPatience = 2e9

// startTLS sends what follows to the TLS layer.
func (s *Session) startTLS() {
	s.endTroubles() // what was no plaintext either comes no more
	s.encrypted = true
	if s.cfg.NewTLS == nil {
		return
	}
	if s.shared.tlsConns == maxTLS {
		s.tooManyTLS()
		return
	}
	s.shared.tlsConns++
	s.tls = s.cfg.NewTLS()
}

// maxTLS bounds the TLS connections that are looked into at a time. Each takes
// some 2 KB beyond other connections; servers with more are behind poolers.
const maxTLS = 16384

// tooManyTLS is for a connection whose ciphertext is counted only.
func (s *Session) tooManyTLS() {
	if !s.candidate && !s.tlsTold {
		s.tlsTold = true
		s.notice(&Notice{
			Code: NoticeEncrypted, At: s.info.Started,
			Text: "TLS: not looked into, since " + strconv.Itoa(maxTLS) + " other TLS connections are open",
		})
	}
}

// tlsData takes ciphertext.
func (s *Session) tlsData(d messages.Direction, b []byte, at Stamp) {
	if s.streams[d] != nil && !s.decrypting && s.shared.sessions > restAbove {
		s.shared.rest(s, messages.Frontend, s.streams[messages.Frontend])
		s.shared.rest(s, messages.Backend, s.streams[messages.Backend])
	}
	if s.tls == nil {
		return
	}
	s.tls.Data(d, b, at, (*tlsSink)(s))
	if held := s.tls.Held(); held != int(s.holding.bytes[holdingTLS]) {
		s.shared.hold(s, holdingTLS, held)
	}
	s.tlsProgress(at)
}

// pollTLS looks whether keys have come for a connection that waits for them.
func (s *Session) pollTLS(now int64) {
	s.tls.Poll((*tlsSink)(s))
	s.tlsProgress(Stamp{Time: max(now, s.tlsSince.Time), Frame: s.tlsSince.Frame})
}

// tlsProgress says once what keeps the connection from being read, and gives up
// a candidate whose ClientHello speaks of something else.
func (s *Session) tlsProgress(at Stamp) {
	if s.over || s.outside {
		s.shared.setKeyless(s, false)
		return
	}
	f := s.tls.Facts()
	if s.candidate && f.Offered {
		if !f.OffersPostgreSQL {
			s.giveUp(at)
			return
		}
		s.candidate = false
	}
	if f.Waiting != (s.keyless > 0) {
		s.shared.setKeyless(s, f.Waiting)
		s.tlsSince = at
	}
	switch {
	case f.Failed != "":
		s.unreadable(f, f.Failed, at)
	case f.Waiting && at.Time-s.tlsSince.Time > keyPatience:
		s.unreadable(f, noKeys, at)
	}
}

const noKeys = "the keys are not known"

// unreadable says, once, that a connection is not decrypted, and what is known
// of it. Where PostgreSQL would refuse the handshake it is none.
func (s *Session) unreadable(f *TLSFacts, why string, at Stamp) {
	if s.tlsTold || s.candidate || s.outside {
		return
	}
	s.tlsTold = true
	s.learnTLS(f)
	if s.foreignTLS(f) {
		s.notice(&Notice{Code: NoticeNotPG, Text: f.text(foreignHello), At: at})
		return
	}
	s.notice(&Notice{Code: NoticeEncrypted, Text: f.text(why), At: at})
}

const foreignHello = "the ClientHello does not offer the protocol postgresql, which PostgreSQL requires where no SSLRequest precedes it"

// foreignTLS reports whether a connection that began with a ClientHello cannot
// be PostgreSQL's: the server closes it unless ALPN names the protocol (manual:
// "SSL Session Encryption"). What was decrypted tells for itself.
func (s *Session) foreignTLS(f *TLSFacts) bool {
	return s.info.Encryption == EncryptionTLSDirect && f.Offered && !f.OffersPostgreSQL && !s.decrypting
}

// noTLS is what is known of the TLS of a connection that has none.
var noTLS TLSFacts

// learnTLS keeps facts for the connection's record.
func (s *Session) learnTLS(f *TLSFacts) {
	known := *f
	known.Decrypted = s.decrypting
	s.named(&known)
	s.info.TLS = &known
	if s.decrypting && !s.outside {
		s.info.DecryptedBy = f.KeysFrom
	}
}

// endTLS takes the last of the ciphertext.
func (s *Session) endTLS(at Stamp) {
	if s.tls == nil {
		return
	}
	s.shared.tlsConns--
	s.tls.Close(at, (*tlsSink)(s))
	s.shared.setKeyless(s, false)
	f := s.tls.Facts()
	s.learnTLS(f)
	switch {
	case s.over:
	case s.refusedTLS(f):
		s.notice(&Notice{Code: NoticeTLS, Text: f.text(f.Refusal()), At: at})
		s.info.State = StateFailed
	case f.Failed != "":
		s.unreadable(f, f.Failed, at)
	case s.foreignTLS(f):
		s.unreadable(f, foreignHello, at)
	case f.Alert != "" && !s.candidate:
		s.notice(&Notice{Code: NoticeTLS, Text: f.text("the TLS connection ended"), At: at})
	}
	if !s.over && s.foreignTLS(f) {
		s.info.State = StateNotPostgreSQL
	}
}

// refusedTLS reports whether an alert ended the handshake: the server's may come
// after the client took it for done.
func (s *Session) refusedTLS(f *TLSFacts) bool {
	return f.Alert != "" && !s.candidate && !s.foreignTLS(f) &&
		(!s.decrypting || s.info.Auth == "" && !s.info.HasProcessID && s.log.Totals.Queries == 0)
}

// Refusal says in words who refused what by the alert (RFC 8446, section 6.2); it means
// nothing where there was none.
func (f *TLSFacts) Refusal() string {
	who, peer := "the client", "the server"
	if f.AlertFrom == messages.Backend {
		who, peer = peer, who
	}
	reason := strings.ReplaceAll(f.Alert, "_", " ")
	switch f.Alert {
	case "unknown_ca":
		return who + " refused " + peer + "'s certificate: unknown CA"
	case "bad_certificate", "unsupported_certificate", "certificate_revoked", "certificate_expired", "certificate_unknown":
		return who + " refused " + peer + "'s certificate: " + reason
	case "certificate_required", "no_certificate":
		return who + " requires a certificate of " + peer
	case "protocol_version":
		return who + " refused the version of TLS that " + peer + " offers"
	case "handshake_failure":
		return who + " found nothing that both sides have in common, such as a cipher suite"
	case "insufficient_security":
		return who + " refused what " + peer + " offers as not secure enough"
	case "no_application_protocol":
		return who + " found no protocol in common (ALPN)"
	case "unrecognized_name":
		return who + " does not know the name that was asked for (SNI)"
	}
	return who + " ended the handshake: " + reason
}

// text is a sentence about the connection, preceded by what is known of it.
func (f *TLSFacts) text(sentence string) string {
	var known []string
	add := func(what, v string) {
		if v != "" {
			known = append(known, what+v)
		}
	}
	add("", f.Version)
	add("", f.Cipher)
	add("server name ", f.ServerName)
	if f.ALPNOffered {
		add("ALPN offered ", f.ALPN)
	} else {
		add("ALPN ", f.ALPN)
	}
	add("certificate ", f.Subject)
	add("client certificate ", f.ClientSubject)
	add("alert ", f.Alert)
	if len(known) == 0 {
		return sentence
	}
	return strings.Join(known, ", ") + ": " + sentence
}

// looksLikeTLS reports whether b begins with a TLS record header.
func looksLikeTLS(b []byte) bool {
	return len(b) >= 3 && b[0] >= 20 && b[0] <= 23 && b[1] == 3 && b[2] <= 4
}

// setKeyless enters a session among those that wait for keys, or removes it.
func (sh *Shared) setKeyless(s *Session, waits bool) {
	switch {
	case waits == (s.keyless > 0):
	case waits:
		sh.keyless = append(sh.keyless, s)
		s.keyless = len(sh.keyless)
	default:
		last := len(sh.keyless) - 1
		sh.keyless[s.keyless-1] = sh.keyless[last]
		sh.keyless[s.keyless-1].keyless = s.keyless
		sh.keyless[last] = nil
		sh.keyless = sh.keyless[:last]
		s.keyless = 0
	}
}

// PollTLS lets the sessions whose ciphertext waits for keys look whether these
// have come. now is the capture's time in nanoseconds since the epoch.
func (sh *Shared) PollTLS(now int64) {
	for i := len(sh.keyless) - 1; i >= 0; i-- { // one that is done is removed
		sh.keyless[i].pollTLS(now)
	}
	sh.part(now)
}
