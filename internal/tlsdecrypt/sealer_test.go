package tlsdecrypt

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"hash"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// sealer protects one direction's records, the other way round from an opener.
type sealer struct {
	version uint16
	aead    cipher.AEAD
	iv      []byte
	secret  []byte // TLS 1.3
	suite   *suite

	block  cipher.Block // CBC
	mac    hash.Hash
	etm    bool
	lastIV []byte // TLS 1.0

	seq uint64
}

func recordOf(typ byte, version uint16, payload []byte) []byte {
	b := []byte{typ, byte(version >> 8), byte(version), byte(len(payload) >> 8), byte(len(payload))}
	return append(b, payload...)
}

// seal returns a whole record. pad is the number of bytes of padding in TLS 1.3
// and of blocks more than needed in CBC.
func (s *sealer) seal(typ byte, content []byte, pad int) []byte {
	defer func() { s.seq++ }()
	switch {
	case s.version == versionTLS13:
		inner := append(bytes.Clone(content), typ)
		inner = append(inner, make([]byte, pad)...)
		head := recordOf(typeApplicationData, versionTLS12, make([]byte, len(inner)+16))[:headerLen]
		return append(head, s.aead.Seal(nil, s.xored(), inner, head)...)
	case s.aead == nil:
		return recordOf(typ, s.version, s.sealCBC(typ, content, pad))
	case len(s.iv) == 4:
		explicit := binary.BigEndian.AppendUint64(nil, s.seq^0x5555)
		nonce := append(bytes.Clone(s.iv), explicit...)
		return recordOf(typ, s.version, s.aead.Seal(explicit, nonce, content, s.additional(typ, content)))
	}
	return recordOf(typ, s.version, s.aead.Seal(nil, s.xored(), content, s.additional(typ, content)))
}

func (s *sealer) xored() []byte {
	nonce := bytes.Clone(s.iv)
	for i, b := range binary.BigEndian.AppendUint64(nil, s.seq) {
		nonce[4+i] ^= b
	}
	return nonce
}

func (s *sealer) additional(typ byte, content []byte) []byte {
	b := binary.BigEndian.AppendUint64(nil, s.seq)
	b = append(b, typ, byte(s.version>>8), byte(s.version))
	return binary.BigEndian.AppendUint16(b, uint16(len(content)))
}

func (s *sealer) macOf(typ byte, content []byte) []byte {
	s.mac.Reset()
	s.mac.Write(s.additional(typ, content))
	s.mac.Write(content)
	return s.mac.Sum(nil)
}

func (s *sealer) sealCBC(typ byte, content []byte, pad int) []byte {
	size := s.block.BlockSize()
	plain := bytes.Clone(content)
	if !s.etm {
		plain = append(plain, s.macOf(typ, content)...)
	}
	n := size - len(plain)%size + pad*size
	plain = append(plain, bytes.Repeat([]byte{byte(n - 1)}, n)...)
	iv := s.lastIV
	var out []byte
	if s.version > versionTLS10 {
		iv = bytes.Repeat([]byte{byte(s.seq)}, size)
		out = bytes.Clone(iv)
	}
	cipher.NewCBCEncrypter(s.block, iv).CryptBlocks(plain, plain)
	out = append(out, plain...)
	s.lastIV = out[len(out)-size:]
	if s.etm {
		out = append(out, s.macOf(typ, out)...)
	}
	return out
}

// fake is a made-up connection: its handshake has only the messages that
// matter.
type fake struct {
	t              testing.TB
	version        uint16
	suite          *suite
	etm            bool
	client, server clientRandom
	secrets        [numLabels][]byte
	sealers        [2]*sealer
	chunks         []chunk
	rng            *rand.ChaCha8
}

func newFake(t testing.TB, version, suite uint16, etm bool) *fake {
	f := &fake{t: t, version: version, suite: suiteByID(suite), etm: etm, rng: rand.NewChaCha8([32]byte{byte(suite), byte(version)})}
	f.newSecrets()
	return f
}

func (f *fake) newSecrets() {
	f.rng.Read(f.client[:])
	f.rng.Read(f.server[:])
	for l := range f.secrets {
		n := masterLen
		if l != int(labelMaster) {
			n = f.suite.prf().Size()
		}
		f.secrets[l] = make([]byte, n)
		f.rng.Read(f.secrets[l])
	}
}

// log is the key log of what was agreed on last.
func (f *fake) log() []byte {
	var out []byte
	for l, name := range labelNames {
		if (l == int(labelMaster)) == (f.version < versionTLS13) {
			out = fmt.Appendf(out, "%s %x %x\n", name, f.client, f.secrets[l])
		}
	}
	return out
}

func (f *fake) raw(fromClient bool, b []byte) { f.chunks = append(f.chunks, chunk{fromClient, b}) }

// message is a handshake message.
func message(typ byte, body []byte) []byte {
	return append([]byte{typ, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

type extension struct {
	id   uint16
	data []byte
}

func (f *fake) clientHello(extensions ...extension) []byte {
	var b cryptobyte.Builder
	b.AddUint16(min(f.version, versionTLS12))
	b.AddBytes(f.client[:])
	b.AddUint8LengthPrefixed(func(*cryptobyte.Builder) {})
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddUint16(f.suite.id) })
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddUint8(0) })
	addExtensions(&b, extensions)
	return message(msgClientHello, b.BytesOrPanic())
}

func addExtensions(b *cryptobyte.Builder, extensions []extension) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, e := range extensions {
			b.AddUint16(e.id)
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(e.data) })
		}
	})
}

func (f *fake) serverHello() []byte {
	var b cryptobyte.Builder
	b.AddUint16(min(f.version, versionTLS12))
	b.AddBytes(f.server[:])
	b.AddUint8LengthPrefixed(func(*cryptobyte.Builder) {})
	b.AddUint16(f.suite.id)
	b.AddUint8(0)
	var extensions []extension
	if f.version == versionTLS13 {
		extensions = append(extensions, extension{extSupportedVersions, []byte{3, 4}})
	}
	if f.etm {
		extensions = append(extensions, extension{extEncryptThenMAC, nil})
	}
	addExtensions(&b, extensions)
	return message(msgServerHello, b.BytesOrPanic())
}

// open plays the handshake up to both Finished messages.
func (f *fake) open() {
	f.raw(true, recordOf(typeHandshake, versionTLS10, f.clientHello()))
	f.raw(false, recordOf(typeHandshake, min(f.version, versionTLS12), f.serverHello()))
	if f.version == versionTLS13 {
		f.use13(labelClientHandshake, labelServerHandshake)
		f.send(false, typeHandshake, message(msgEncryptedExtensions, []byte{0, 0}))
		f.finish13()
		return
	}
	f.raw(false, recordOf(typeHandshake, f.version, message(msgServerHelloDone, nil)))
	f.change12()
}

// finish13 sends both Finished messages and changes to the traffic secrets.
func (f *fake) finish13() {
	f.send(false, typeHandshake, message(msgFinished, make([]byte, f.suite.prf().Size())))
	f.send(true, typeHandshake, message(msgFinished, make([]byte, f.suite.prf().Size())))
	f.use13(labelClientTraffic, labelServerTraffic)
}

func (f *fake) use13(client, server label) {
	f.sealers = [2]*sealer{f.sealer13(f.secrets[client]), f.sealer13(f.secrets[server])}
}

func (f *fake) sealer13(secret []byte) *sealer {
	key, err := expandLabel(f.suite.prf, secret, "key", f.suite.keyLen)
	if err != nil {
		f.t.Fatal(err)
	}
	iv, err := expandLabel(f.suite.prf, secret, "iv", 12)
	if err != nil {
		f.t.Fatal(err)
	}
	aead, err := newAEAD(f.suite, key)
	if err != nil {
		f.t.Fatal(err)
	}
	return &sealer{version: versionTLS13, suite: f.suite, aead: aead, iv: iv, secret: secret}
}

// keyUpdate changes one direction's keys (RFC 8446, section 4.6.3).
func (f *fake) keyUpdate(fromClient bool) {
	f.send(fromClient, typeHandshake, message(msgKeyUpdate, []byte{0}))
	i := index(fromClient)
	next, err := nextTrafficSecret(f.suite, f.sealers[i].secret)
	if err != nil {
		f.t.Fatal(err)
	}
	f.sealers[i] = f.sealer13(next)
}

// change12 sends ChangeCipherSpec and Finished in both directions.
func (f *fake) change12() {
	for i, next := range f.sealers12() {
		fromClient := i == toServer
		if f.sealers[i] == nil {
			f.raw(fromClient, recordOf(typeChangeCipherSpec, f.version, []byte{1}))
		} else {
			f.send(fromClient, typeChangeCipherSpec, []byte{1})
		}
		f.sealers[i] = next
		f.send(fromClient, typeHandshake, message(msgFinished, make([]byte, 12)))
	}
}

// sealers12 cuts the key block in the order of RFC 5246, section 6.3.
func (f *fake) sealers12() (out [2]*sealer) {
	s := f.suite
	macLen, ivLen := 0, 0
	switch s.protect {
	case gcm:
		ivLen = 4
	case chacha20:
		ivLen = 12
	case cbc:
		macLen = s.mac().Size()
		if f.version == versionTLS10 {
			ivLen = 16
		}
	}
	b := keyBlock(f.version, s, f.secrets[labelMaster], f.client, f.server, 2*(macLen+s.keyLen+ivLen))
	for i := range out {
		x := &sealer{version: f.version, suite: s, etm: f.etm}
		macKey := b[i*macLen:][:macLen]
		key := b[2*macLen+i*s.keyLen:][:s.keyLen]
		x.iv = b[2*macLen+2*s.keyLen+i*ivLen:][:ivLen]
		x.lastIV = x.iv
		var err error
		if s.protect == cbc {
			x.mac = hmac.New(s.mac, macKey)
			x.block, err = s.block(key)
		} else {
			x.aead, err = newAEAD(s, key)
		}
		if err != nil {
			f.t.Fatal(err)
		}
		out[i] = x
	}
	return out
}

// send sends one protected record.
func (f *fake) send(fromClient bool, typ byte, content []byte) {
	f.raw(fromClient, f.sealers[index(fromClient)].seal(typ, content, 0))
}

// data sends application data.
func (f *fake) data(fromClient bool, content string) {
	f.send(fromClient, typeApplicationData, []byte(content))
}
