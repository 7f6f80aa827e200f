package redact

import (
	"bytes"
	"encoding/binary"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
)

// formLetters are what a value may begin with that is known by its form alone.
var formLetters = func() (letters [256]bool) {
	for c := range letters {
		letters[c] = sqlnorm.MayBeToken(byte(c)) || c == 0 || c == '\\'
	}
	return letters
}()

// mayHaveForm tells whether a value, not empty, may have the form of a token, or be an hstore
// or bytes in hexadecimal digits.
func mayHaveForm(v []byte) bool { return formLetters[v[0]] && (v[0] == '\\' || hasForm(v)) }

// hasForm tells whether a value, not empty, is known by its form to be, or to hold, a secret.
func hasForm(v []byte) bool {
	switch v[0] {
	case 0:
		return hstoreSecret(v)
	case '\\':
		return hexSecret(v)
	}
	return sqlnorm.IsToken(v)
}

// hexSecret tells whether a value has bytes in hexadecimal digits, as bytea is written, that
// hold a secret.
func hexSecret(v []byte) bool { return bytes.IndexByte(v, '\\') >= 0 && sqlnorm.InHex(v) }

// hstoreSecret tells whether a value is an hstore in binary (contrib/hstore/hstore_io.c,
// hstore_send) in which something has the name of a secret.
func hstoreSecret(v []byte) bool {
	const least = 4 + 4 + 2 + 4 // the count, a key's length, two letters, a value's length
	if len(v) < least || v[0] != 0 {
		return false
	}
	n := binary.BigEndian.Uint32(v)
	if int64(n) > int64(len(v)) {
		return false
	}
	secret, rest := false, v[4:]
	for range n {
		for i := range 2 {
			if len(rest) < 4 {
				return false
			}
			size := int64(int32(binary.BigEndian.Uint32(rest)))
			rest = rest[4:]
			if size < 0 {
				if i == 0 {
					return false
				}
				continue
			}
			if size > int64(len(rest)) {
				return false
			}
			secret = secret || i == 0 && sqlnorm.NamesSecret(rest[:size])
			rest = rest[size:]
		}
	}
	return secret && len(rest) == 0
}
