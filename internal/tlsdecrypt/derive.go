package tlsdecrypt

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446, section
// 7.1).
func expandLabel(h func() hash.Hash, secret []byte, name string, length int) ([]byte, error) {
	const prefix = "tls13 "
	info := make([]byte, 0, 4+len(prefix)+len(name))
	info = append(info, byte(length>>8), byte(length), byte(len(prefix)+len(name)))
	info = append(info, prefix...)
	info = append(info, name...)
	info = append(info, 0)
	return hkdf.Expand(h, secret, string(info), length)
}

// nextTrafficSecret is the secret after a KeyUpdate (RFC 8446, section 7.2).
func nextTrafficSecret(s *suite, secret []byte) ([]byte, error) {
	return expandLabel(s.prf, secret, "traffic upd", s.prf().Size())
}

// pHash is the data expansion function P_hash (RFC 5246, section 5). It is
// XORed into out, so that the older PRF, which joins two of them, needs no
// second buffer.
func pHash(h func() hash.Hash, secret, seed, out []byte) {
	m := hmac.New(h, secret)
	m.Write(seed)
	a := m.Sum(nil)
	var block []byte
	for len(out) > 0 {
		m.Reset()
		m.Write(a)
		m.Write(seed)
		block = m.Sum(block[:0])
		n := min(len(block), len(out))
		for i := range n {
			out[i] ^= block[i]
		}
		out = out[n:]
		m.Reset()
		m.Write(a)
		a = m.Sum(a[:0])
	}
}

// keyBlock is the key block up to TLS 1.2 (RFC 5246 section 6.3, RFC 2246
// section 5 for the PRF before TLS 1.2).
func keyBlock(version uint16, s *suite, master []byte, client, server clientRandom, length int) []byte {
	seed := append([]byte("key expansion"), server[:]...)
	seed = append(seed, client[:]...)
	out := make([]byte, length)
	if version >= versionTLS12 {
		pHash(s.prf, master, seed, out)
		return out
	}
	half := (len(master) + 1) / 2
	pHash(md5.New, master[:half], seed, out)
	pHash(sha1.New, master[len(master)-half:], seed, out)
	return out
}

// newAEAD returns the suite's AEAD.
func newAEAD(s *suite, key []byte) (cipher.AEAD, error) {
	if s.protect == chacha20 {
		return chacha20poly1305.New(key)
	}
	b, err := s.block(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

// newOpener13 makes one direction's record protection from a TLS 1.3 traffic
// secret (RFC 8446, section 7.3).
func newOpener13(s *suite, secret []byte) (opener, error) {
	key, err := expandLabel(s.prf, secret, "key", s.keyLen)
	if err != nil {
		return nil, err
	}
	iv, err := expandLabel(s.prf, secret, "iv", aeadNonceLen)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(s, key)
	if err != nil {
		return nil, err
	}
	return &opener13{aead: aead, iv: [aeadNonceLen]byte(iv)}, nil
}

// newOpener12 makes one direction's record protection from a master secret, up
// to TLS 1.2.
func newOpener12(hs *handshake, master []byte, dir int) (opener, error) {
	s := hs.suite
	macLen, ivLen := 0, 0
	switch s.protect {
	case gcm:
		ivLen = gcmSaltLen
	case chacha20:
		ivLen = aeadNonceLen
	case cbc:
		macLen = s.mac().Size()
		if hs.version <= versionTLS10 {
			ivLen = blockSize(s)
		}
	}
	b := keyBlock(hs.version, s, master, hs.clientRandom, hs.serverRandom, 2*(macLen+s.keyLen+ivLen))
	part := func(n int) []byte { // the next pair, and of it this direction's
		both := b[:2*n]
		b = b[2*n:]
		return both[dir*n : (dir+1)*n]
	}
	macKey, key, iv := part(macLen), part(s.keyLen), part(ivLen)
	if s.protect == cbc {
		return newOpenerCBC(hs, macKey, key, iv)
	}
	aead, err := newAEAD(s, key)
	if err != nil {
		return nil, err
	}
	o := &opener12{aead: aead, explicit: s.protect == gcm}
	copy(o.iv[:], iv)
	return o, nil
}

func blockSize(s *suite) int {
	if s.keyLen == 24 {
		return 8 // 3DES
	}
	return 16
}
