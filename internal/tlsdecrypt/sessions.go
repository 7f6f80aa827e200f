package tlsdecrypt

import "crypto/sha256"

// sessionKey names a TLS 1.2 session: the SHA-256 of its id or ticket. The zero
// sessionKey names none.
type sessionKey [sha256.Size]byte

func sessionKeyOf(idOrTicket []byte) sessionKey {
	if len(idOrTicket) == 0 {
		return sessionKey{}
	}
	return sha256.Sum256(idOrTicket)
}

// session is what a TLS 1.2 session is resumed with.
type session struct {
	master [masterLen]byte
	from   Origin
}

// rememberSession notes the master secret of a TLS 1.2 session by its id or
// ticket. Programs that log a full handshake only, such as Go's, need it for
// the connections that resume the session.
func (k *KeyLog) rememberSession(key sessionKey, master []byte, from Origin) {
	if key == (sessionKey{}) || len(master) != masterLen {
		return
	}
	value := session{[masterLen]byte(master), from}
	k.mu.Lock()
	defer k.mu.Unlock()
	if old, ok := k.sessions.get(key); !ok || old.master != value.master {
		k.sessions.put(key, value)
		k.generation.Add(1)
	}
}

// session returns the master secret of a session, or nil.
func (k *KeyLog) session(key sessionKey) ([]byte, Origin) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	value, ok := k.sessions.get(key)
	if !ok {
		return nil, 0
	}
	return value.master[:], value.from
}
