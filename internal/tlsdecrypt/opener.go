package tlsdecrypt

import (
	"crypto/cipher"
	"encoding/binary"
	"slices"
)

const (
	aeadNonceLen   = 12
	gcmSaltLen     = 4
	explicitLen    = 8 // of a GCM nonce in TLS 1.2
	aeadTagLen     = 16
	additionalSize = 8 + headerLen // additional data and MAC header up to TLS 1.2
)

// opener removes one direction's record protection under one key. It is tried
// with sequence numbers after a loss, so it has no counter of its own.
type opener interface {
	// open decrypts and authenticates payload with sequence number seq and
	// appends the plaintext to dst, which does not overlap payload. ok is false
	// where it is not authentic.
	open(dst []byte, h header, payload []byte, seq uint64) (r opened, ok bool)
	// passed is called once for every record after it was tried, authentic or
	// not, for what chains from record to record.
	passed(payload []byte)
	// overhead is the least number of bytes that protection adds to the
	// content, and exact tells that it is always that much.
	overhead() (n int, exact bool)
}

// opened is a record's content.
type opened struct {
	typ    byte
	plain  []byte
	padded bool // TLS 1.3 padding was there
}

// grow returns dst with room for n more bytes.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	return slices.Grow(dst, n)
}

// opener13 is TLS 1.3's record protection (RFC 8446, section 5.2).
type opener13 struct {
	aead  cipher.AEAD
	iv    [aeadNonceLen]byte
	nonce [aeadNonceLen]byte
	ad    [headerLen]byte
}

func (o *opener13) overhead() (int, bool) { return aeadTagLen + 1, true }
func (o *opener13) passed([]byte)         {}

func (o *opener13) open(dst []byte, h header, payload []byte, seq uint64) (opened, bool) {
	if len(payload) <= aeadTagLen {
		return opened{}, false
	}
	o.nonce = o.iv
	xorSeq(&o.nonce, seq)
	o.ad[0] = h.typ
	binary.BigEndian.PutUint16(o.ad[1:], h.version)
	binary.BigEndian.PutUint16(o.ad[3:], uint16(h.length))
	dst = grow(dst, len(payload))
	inner, err := o.aead.Open(dst, o.nonce[:], payload, o.ad[:])
	if err != nil {
		return opened{}, false
	}
	n := len(inner) - 1
	for n >= len(dst) && inner[n] == 0 {
		n--
	}
	if n < len(dst) {
		return opened{}, false // nothing but padding
	}
	return opened{typ: inner[n], plain: inner[:n], padded: n < len(inner)-1}, true
}

// xorSeq XORs a sequence number into the right end of a nonce.
func xorSeq(nonce *[aeadNonceLen]byte, seq uint64) {
	low := binary.BigEndian.Uint64(nonce[4:]) ^ seq
	binary.BigEndian.PutUint64(nonce[4:], low)
}

// opener12 is AEAD record protection in TLS 1.2 (RFC 5246 section 6.2.3.3, RFC
// 5288, RFC 7905).
type opener12 struct {
	aead     cipher.AEAD
	explicit bool               // GCM: the salt is implicit, the rest in the record
	iv       [aeadNonceLen]byte // of GCM the first four bytes
	nonce    [aeadNonceLen]byte
	ad       [additionalSize]byte
}

func (o *opener12) passed([]byte) {}

func (o *opener12) overhead() (int, bool) {
	if o.explicit {
		return explicitLen + aeadTagLen, true
	}
	return aeadTagLen, true
}

func (o *opener12) open(dst []byte, h header, payload []byte, seq uint64) (opened, bool) {
	if n, _ := o.overhead(); len(payload) < n {
		return opened{}, false
	}
	o.nonce = o.iv
	if o.explicit {
		copy(o.nonce[gcmSaltLen:], payload)
		payload = payload[explicitLen:]
	} else {
		xorSeq(&o.nonce, seq)
	}
	putAdditional(&o.ad, h, seq, len(payload)-aeadTagLen)
	plain, err := o.aead.Open(grow(dst, len(payload)), o.nonce[:], payload, o.ad[:])
	if err != nil {
		return opened{}, false
	}
	return opened{typ: h.typ, plain: plain}, true
}

// putAdditional writes what is authenticated besides the content up to TLS 1.2:
// seq_num, type, version, length.
func putAdditional(ad *[additionalSize]byte, h header, seq uint64, length int) {
	binary.BigEndian.PutUint64(ad[:], seq)
	ad[8] = h.typ
	binary.BigEndian.PutUint16(ad[9:], h.version)
	binary.BigEndian.PutUint16(ad[11:], uint16(length))
}
