package tlsdecrypt

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"errors"
	"hash"
	"slices"
)

var errNoSetIV = errors.New("crypto/cipher: CBC without SetIV")

// openerCBC is block cipher protection (RFC 5246 section 6.2.3.2, RFC 2246 for
// TLS 1.0), with the MAC inside or, by RFC 7366, outside of the encryption.
// Nobody times a reader of captures, so nothing here is constant-time.
type openerCBC struct {
	mode    cbcMode
	mac     hash.Hash
	macThen bool   // encrypt-then-MAC
	iv      []byte // TLS 1.0: the last block of the record before; else nil
	ad      [additionalSize]byte
	sum     []byte
}

// cbcMode is what crypto/cipher's CBC mode can do besides decrypting.
type cbcMode interface {
	cipher.BlockMode
	SetIV([]byte)
}

func newOpenerCBC(hs *handshake, macKey, key, iv []byte) (opener, error) {
	block, err := hs.suite.block(key)
	if err != nil {
		return nil, err
	}
	if len(iv) == 0 {
		iv = make([]byte, block.BlockSize())
	}
	mode, ok := cipher.NewCBCDecrypter(block, iv).(cbcMode)
	if !ok {
		return nil, errNoSetIV
	}
	o := &openerCBC{mode: mode, mac: hmac.New(hs.suite.mac, macKey), macThen: hs.encryptThenMAC}
	if hs.version <= versionTLS10 {
		o.iv = slices.Clone(iv)
	}
	return o, nil
}

func (o *openerCBC) overhead() (int, bool) {
	n := o.mac.Size() + 1
	if o.macThen {
		n = o.mac.Size() + o.mode.BlockSize()
	}
	if o.iv == nil {
		n += o.mode.BlockSize()
	}
	return n, false
}

func (o *openerCBC) passed(payload []byte) {
	if o.macThen {
		payload = payload[:max(0, len(payload)-o.mac.Size())]
	}
	if o.iv != nil && len(payload) >= len(o.iv) {
		copy(o.iv, payload[len(payload)-len(o.iv):])
	}
}

func (o *openerCBC) open(dst []byte, h header, payload []byte, seq uint64) (opened, bool) {
	if o.macThen {
		n := len(payload) - o.mac.Size()
		if n < 0 || !o.authentic(h, payload[:n], payload[n:], seq) {
			return opened{}, false
		}
		payload = payload[:n]
	}
	plain, ok := o.decrypt(dst, payload)
	if !ok {
		return opened{}, false
	}
	content, ok := unpad(plain[len(dst):])
	if !ok {
		return opened{}, false
	}
	if !o.macThen {
		n := len(content) - o.mac.Size()
		if n < 0 || !o.authentic(h, content[:n], content[n:], seq) {
			return opened{}, false
		}
		content = content[:n]
	}
	return opened{typ: h.typ, plain: plain[:len(dst)+len(content)]}, true
}

// decrypt appends the decrypted blocks to dst.
func (o *openerCBC) decrypt(dst, payload []byte) ([]byte, bool) {
	size := o.mode.BlockSize()
	iv := o.iv
	if iv == nil {
		if len(payload) < size {
			return nil, false
		}
		iv, payload = payload[:size], payload[size:]
	}
	if len(payload) == 0 || len(payload)%size != 0 {
		return nil, false
	}
	n := len(dst)
	dst = grow(dst, len(payload))[:n+len(payload)]
	o.mode.SetIV(iv)
	o.mode.CryptBlocks(dst[n:], payload)
	return dst, true
}

// authentic compares a record's MAC.
func (o *openerCBC) authentic(h header, content, mac []byte, seq uint64) bool {
	putAdditional(&o.ad, h, seq, len(content))
	o.mac.Reset()
	o.mac.Write(o.ad[:])
	o.mac.Write(content)
	o.sum = o.mac.Sum(o.sum[:0])
	return bytes.Equal(o.sum, mac)
}

// unpad removes the padding, whose every byte is its length without this one.
func unpad(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	n := int(b[len(b)-1])
	if n >= len(b) {
		return nil, false
	}
	for _, p := range b[len(b)-1-n:] {
		if int(p) != n {
			return nil, false
		}
	}
	return b[:len(b)-1-n], true
}
