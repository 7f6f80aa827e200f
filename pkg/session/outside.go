package session

// Peer is the process at the other end of a connection through a Unix socket.
type Peer struct {
	PID, UID int    // when it connected
	Program  string // its name; empty where not known
}

// SetPeer tells who the client is.
func (s *Session) SetPeer(p Peer) { s.info.Peer = &p }

// Secured tells that the connection is encrypted from here on and how, where the
// plaintext's source knows: direct TLS has no SSLRequest to tell.
func (s *Session) Secured(how Encryption) {
	if s.encrypted || s.over {
		return
	}
	s.info.Encryption = how
	s.encrypted = true
	s.tracker.Encrypted()
}

// SetTLS tells the names of the version and the cipher suite, as in TLSFacts, where
// the plaintext's source knows them. What is visible of the handshake counts for more.
func (s *Session) SetTLS(version, cipher string) {
	s.outsideTLS = &TLSFacts{Version: version, Cipher: cipher}
	s.learnTLS(s.info.TLS)
}

// named adds to the facts of a handshake what the source of the plaintext knows.
func (s *Session) named(f *TLSFacts) {
	o := s.outsideTLS
	if o == nil {
		return
	}
	if f.Version == "" {
		f.Version = o.Version
	}
	if f.Cipher == "" {
		f.Cipher = o.Cipher
	}
}
