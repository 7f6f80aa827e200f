package session

import "github.com/pgsniff/pgsniff/pkg/messages"

// Plaintext of an encrypted connection comes in here, from one of two sources that know
// nothing of each other: the TLS layer, which decrypts the captured bytes, and whoever calls
// Session.Plaintext since an end of the connection has it. Both end in gives and loses. A
// source is told nothing but ciphertext, and what is behind this place does not know which
// of them it was; once there is plaintext from outside, the TLS layer stands aside.

// Plaintext takes plaintext of a connection that was not read from its captured
// bytes, but where an end of it has it: by is a word for that, Info.DecryptedBy. From
// the first of it, the captured bytes are taken for ciphertext, which tells of nothing
// but the handshake. Where the beginning of the plaintext is missing, a loss of
// unknown size comes first. The bytes are borrowed for the call.
func (s *Session) Plaintext(d messages.Direction, b []byte, at Stamp, by string) {
	if s.over || len(b) == 0 {
		return
	}
	s.fromOutside(by)
	s.gives(d, b, at)
}

// LostPlaintext tells that n bytes of what Plaintext takes will never come, n < 0 if
// their number is not known.
func (s *Session) LostPlaintext(d messages.Direction, n int64, at Stamp, by string) {
	if s.over {
		return
	}
	s.fromOutside(by)
	s.loses(d, n, at)
}

// Encrypted reports whether the captured bytes are ciphertext from here on.
func (s *Session) Encrypted() bool { return s.encrypted }

// fromOutside is called before plaintext that comes from elsewhere.
func (s *Session) fromOutside(by string) {
	if s.outside {
		return
	}
	s.outside = true
	s.candidate = false
	s.info.DecryptedBy = by
	if !s.encrypted {
		s.endTroubles() // what was no plaintext comes no more
		s.encrypted = true
		if s.info.Encryption == EncryptionUnknown {
			s.info.Encryption = EncryptionTLS
		}
		s.tracker.Encrypted()
		s.dropPlain()
	}
	if s.tls != nil {
		s.tls.Shed() // nothing waits for keys any more
		s.shared.hold(s, holdingTLS, s.tls.Held())
	}
	s.shared.setKeyless(s, false)
}

// dropPlain forgets what was taken for the beginning of messages.
func (s *Session) dropPlain() {
	for d, st := range s.streams {
		if st != nil {
			st.Take()
		}
		s.shared.clearPending(s, messages.Direction(d))
	}
}

// gives takes the next plaintext of an encrypted connection.
func (s *Session) gives(d messages.Direction, b []byte, at Stamp) {
	if !s.decrypting {
		s.startDecrypting(at)
		s.tracker.Decrypted()
	}
	if !s.over {
		s.plaintext(d, b, at)
	}
}

// loses takes a loss of it.
func (s *Session) loses(d messages.Direction, n int64, at Stamp) {
	if !s.decrypting {
		s.startDecrypting(at)
		if n < 0 {
			s.tracker.Join() // nothing tells how far the connection has come
		} else {
			s.tracker.Decrypted()
		}
	}
	if !s.over {
		s.gapPlain(d, n, at)
	}
}

// tlsSink is the session as the receiver of what its own TLS layer decrypts, which
// stands aside where the plaintext comes from elsewhere.
type tlsSink Session

func (t *tlsSink) Plaintext(d messages.Direction, b []byte, at Stamp) {
	if s := (*Session)(t); !s.outside {
		s.gives(d, b, at)
	}
}

func (t *tlsSink) LostPlaintext(d messages.Direction, n int64, at Stamp) {
	if s := (*Session)(t); !s.outside {
		s.loses(d, n, at)
	}
}

// startDecrypting is called before the first plaintext, or the first loss of it.
func (s *Session) startDecrypting(at Stamp) {
	s.decrypting = true
	if s.tls != nil {
		s.learnTLS(s.tls.Facts())
	} else {
		s.learnTLS(&noTLS)
	}
	if s.tlsTold && !s.over {
		text := "the keys have come"
		if s.outside {
			text = "its plaintext has come"
		}
		s.notice(&Notice{Code: NoticeTLS, Text: text, At: at})
	}
}
