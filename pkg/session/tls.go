package session

import "github.com/pgsniff/pgsniff/pkg/messages"

// TLS follows the ciphertext of a connection: it reads what is visible of the
// handshake and, with keys, gives out the plaintext.
type TLS interface {
	// Data takes the next bytes of a direction, borrowed for the call.
	Data(d messages.Direction, b []byte, at Stamp, out TLSOutput)
	// Gap tells of n missing bytes, n < 0 for an unknown number.
	Gap(d messages.Direction, n int64, at Stamp, out TLSOutput)
	// Close ends the connection: what can still be decrypted is.
	Close(at Stamp, out TLSOutput)
	// Facts tells what is known so far. The result is valid until the next call
	// of any method.
	Facts() *TLSFacts
}

// TLSOutput takes plaintext, in the order of the ciphertext. It may come later
// than that, with the stamps of its own packets.
type TLSOutput interface {
	Plaintext(d messages.Direction, b []byte, at Stamp) // borrowed for the call
	LostPlaintext(d messages.Direction, n int64, at Stamp)
}

// TLSFacts is what was seen of a connection's TLS.
type TLSFacts struct {
	Version    string // such as "TLSv1.3"; "" if not seen
	Cipher     string
	ServerName string // SNI
	ALPN       string // chosen, or the first offered
	Subject    string // of the server's certificate, where visible
	// Offered tells that the ClientHello was read whole; OffersPostgreSQL that
	// its ALPN names PostgreSQL.
	Offered, OffersPostgreSQL bool
	Decrypted                 bool   // plaintext has been given out
	Failed                    string // why it cannot be decrypted; "" while that is open
}

// startTLS sends what follows to the TLS layer.
func (s *Session) startTLS() {
	s.encrypted = true
	if s.cfg.NewTLS != nil {
		s.tls = s.cfg.NewTLS()
	}
}

// tlsData takes ciphertext.
func (s *Session) tlsData(d messages.Direction, b []byte, at Stamp) {
	if s.tls == nil {
		return
	}
	s.tls.Data(d, b, at, (*tlsSink)(s))
	s.tlsProgress(at)
}

// tlsProgress says once what keeps the connection from being read, and gives up
// a candidate whose ClientHello speaks of something else.
func (s *Session) tlsProgress(at Stamp) {
	f := s.tls.Facts()
	if s.candidate && f.Offered {
		if !f.OffersPostgreSQL {
			s.giveUp(at)
			return
		}
		s.candidate = false
	}
	if f.Failed != "" && !s.tlsOver {
		s.tlsOver = true
		s.info.TLS = *f
		if !s.candidate {
			s.notice(&Notice{Code: NoticeEncrypted, Text: f.Failed, At: at})
		}
	}
}

// looksLikeTLS reports whether b begins with a TLS record header.
func looksLikeTLS(b []byte) bool {
	return len(b) >= 3 && b[0] >= 20 && b[0] <= 23 && b[1] == 3 && b[2] <= 4
}

// tlsSink is the session as the receiver of its plaintext.
type tlsSink Session

func (t *tlsSink) Plaintext(d messages.Direction, b []byte, at Stamp) {
	s := (*Session)(t)
	if !s.decrypting {
		s.decrypting = true
		s.info.TLS = *s.tls.Facts()
		s.info.TLS.Decrypted = true
		s.tracker.Decrypted()
	}
	if !s.over {
		s.decode(d, b, at)
	}
}

func (t *tlsSink) LostPlaintext(d messages.Direction, n int64, at Stamp) {
	s := (*Session)(t)
	if s.decrypting && !s.over {
		s.gapPlain(d, n, at)
	}
}
