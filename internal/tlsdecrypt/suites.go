package tlsdecrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
)

// protection is the way in which a cipher suite protects records.
type protection uint8

const (
	unsupported protection = iota
	gcm
	chacha20
	cbc
)

// suite is what decryption needs to know of a cipher suite. Its key exchange
// and authentication do not matter: the key log has what follows from them.
type suite struct {
	id      uint16
	name    string // as IANA registers it
	protect protection
	keyLen  int // bytes
	block   func(key []byte) (cipher.Block, error)
	mac     func() hash.Hash // of the records; CBC only
	prf     func() hash.Hash // of the key schedule; before TLS 1.2 it is fixed
	tls13   bool
}

func gcmSuite(id uint16, name string, keyLen int, prf func() hash.Hash) suite {
	return suite{id: id, name: name, protect: gcm, keyLen: keyLen, block: aes.NewCipher, prf: prf, tls13: id>>8 == 0x13}
}

func chachaSuite(id uint16, name string) suite {
	return suite{id: id, name: name, protect: chacha20, keyLen: 32, prf: sha256.New, tls13: id>>8 == 0x13}
}

func cbcSuite(id uint16, name string, keyLen int, mac func() hash.Hash) suite {
	s := suite{id: id, name: name, protect: cbc, keyLen: keyLen, block: aes.NewCipher, mac: mac, prf: sha256.New}
	if mac().Size() == sha512.Size384 {
		s.prf = sha512.New384
	}
	if keyLen == 24 {
		s.block = des.NewTripleDESCipher
	}
	return s
}

// suiteTable: RFC 8446 appendix B.4, RFC 5246 appendix A.5, RFC 5288, RFC 5289,
// RFC 7905. The unsupported ones at its end are listed for their names.
var suiteTable = [...]suite{
	gcmSuite(0x1301, "TLS_AES_128_GCM_SHA256", 16, sha256.New),
	gcmSuite(0x1302, "TLS_AES_256_GCM_SHA384", 32, sha512.New384),
	chachaSuite(0x1303, "TLS_CHACHA20_POLY1305_SHA256"),

	gcmSuite(0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 16, sha256.New),
	gcmSuite(0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 16, sha256.New),
	gcmSuite(0x009C, "TLS_RSA_WITH_AES_128_GCM_SHA256", 16, sha256.New),
	gcmSuite(0x009E, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 16, sha256.New),
	gcmSuite(0x00A2, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", 16, sha256.New),
	gcmSuite(0x00A6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256", 16, sha256.New),
	gcmSuite(0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 32, sha512.New384),
	gcmSuite(0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 32, sha512.New384),
	gcmSuite(0x009D, "TLS_RSA_WITH_AES_256_GCM_SHA384", 32, sha512.New384),
	gcmSuite(0x009F, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 32, sha512.New384),
	gcmSuite(0x00A3, "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384", 32, sha512.New384),
	gcmSuite(0x00A7, "TLS_DH_anon_WITH_AES_256_GCM_SHA384", 32, sha512.New384),

	chachaSuite(0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
	chachaSuite(0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
	chachaSuite(0xCCAA, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),

	cbcSuite(0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA", 16, sha1.New),
	cbcSuite(0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", 16, sha1.New),
	cbcSuite(0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 16, sha1.New),
	cbcSuite(0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA", 16, sha1.New),
	cbcSuite(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", 32, sha1.New),
	cbcSuite(0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA", 32, sha1.New),
	cbcSuite(0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 32, sha1.New),
	cbcSuite(0x003A, "TLS_DH_anon_WITH_AES_256_CBC_SHA", 32, sha1.New),
	cbcSuite(0xC009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 16, sha1.New),
	cbcSuite(0xC00A, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 32, sha1.New),
	cbcSuite(0xC013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 16, sha1.New),
	cbcSuite(0xC014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 32, sha1.New),
	cbcSuite(0x003C, "TLS_RSA_WITH_AES_128_CBC_SHA256", 16, sha256.New),
	cbcSuite(0x003D, "TLS_RSA_WITH_AES_256_CBC_SHA256", 32, sha256.New),
	cbcSuite(0x0040, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", 16, sha256.New),
	cbcSuite(0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", 16, sha256.New),
	cbcSuite(0x006A, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", 32, sha256.New),
	cbcSuite(0x006B, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", 32, sha256.New),
	cbcSuite(0xC023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 16, sha256.New),
	cbcSuite(0xC027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", 16, sha256.New),
	cbcSuite(0xC024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", 32, sha512.New384),
	cbcSuite(0xC028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 32, sha512.New384),

	cbcSuite(0x000A, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", 24, sha1.New),
	cbcSuite(0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", 24, sha1.New),
	cbcSuite(0xC008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA", 24, sha1.New),
	cbcSuite(0xC012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", 24, sha1.New),

	{id: 0x1304, name: "TLS_AES_128_CCM_SHA256", tls13: true},
	{id: 0x1305, name: "TLS_AES_128_CCM_8_SHA256", tls13: true},
	{id: 0x0004, name: "TLS_RSA_WITH_RC4_128_MD5"},
	{id: 0x0005, name: "TLS_RSA_WITH_RC4_128_SHA"},
	{id: 0xC007, name: "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"},
	{id: 0xC011, name: "TLS_ECDHE_RSA_WITH_RC4_128_SHA"},
	{id: 0xC09C, name: "TLS_RSA_WITH_AES_128_CCM"},
	{id: 0xC09D, name: "TLS_RSA_WITH_AES_256_CCM"},
	{id: 0xC09E, name: "TLS_DHE_RSA_WITH_AES_128_CCM"},
	{id: 0xC09F, name: "TLS_DHE_RSA_WITH_AES_256_CCM"},
	{id: 0xC0AC, name: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"},
	{id: 0xC0AD, name: "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"},
}

// suiteByID returns the suite; one that is not in the table is unsupported and
// called by its number.
func suiteByID(id uint16) *suite {
	for i := range suiteTable {
		if suiteTable[i].id == id {
			return &suiteTable[i]
		}
	}
	return &suite{id: id, name: fmt.Sprintf("0x%04X", id), tls13: id>>8 == 0x13}
}

// versionName is the name that PostgreSQL and OpenSSL give a protocol version.
func versionName(v uint16) string {
	switch v {
	case 0:
		return ""
	case versionSSL30:
		return "SSLv3"
	case versionTLS10:
		return "TLSv1"
	case versionTLS11:
		return "TLSv1.1"
	case versionTLS12:
		return "TLSv1.2"
	case versionTLS13:
		return "TLSv1.3"
	}
	return fmt.Sprintf("0x%04X", v)
}

// Versions as on the wire.
const (
	versionSSL30 = 0x0300
	versionTLS10 = 0x0301
	versionTLS11 = 0x0302
	versionTLS12 = 0x0303
	versionTLS13 = 0x0304
)
