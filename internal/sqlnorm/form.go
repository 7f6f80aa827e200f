package sqlnorm

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// ShortestToken is the length in bytes of the shortest value that [IsToken] knows.
const ShortestToken = 14

// IsToken tells whether a value is a token or a key that is known by its form alone: those
// of clouds and services, JSON Web Tokens, private keys in PEM, what a header of HTTP has for
// Basic and Bearer.
func IsToken(v []byte) bool {
	if len(v) < ShortestToken || !beginsForm(binary.LittleEndian.Uint32(v)) {
		return false
	}
	switch {
	case v[0] == 'B' && bytes.HasPrefix(v, []byte("Basic ")):
		return basic(v[len("Basic "):])
	case v[0] == 'B':
		return bytes.HasPrefix(v, []byte("Bearer ")) && tokenBody(v[len("Bearer "):])
	case privateKey(v):
		return true
	}
	const longest = 16
	w := findWord(v[:min(len(v), longest)], 0)
	return w.use == useShape && w.start == 0 && shaped(v, w)
}

// tokenLetters are those that the values begin with which [IsToken] knows.
var tokenLetters = [256]bool{
	'g': true, 'x': true, 's': true, 'r': true, 'w': true, 'A': true, 'y': true, 'n': true, 'd': true, 'e': true, '-': true, 'B': true,
}

// MayBeToken tells whether a value that begins with a byte may be one that [IsToken] knows.
func MayBeToken(first byte) bool { return tokenLetters[first] }

// beginsForm tells whether four bytes begin one of those.
func beginsForm(four uint32) bool {
	switch four {
	case 'g' | 'h'<<8 | 'p'<<16 | '_'<<24, 'g' | 'h'<<8 | 'o'<<16 | '_'<<24, 'g' | 'h'<<8 | 'u'<<16 | '_'<<24,
		'g' | 'h'<<8 | 's'<<16 | '_'<<24, 'g' | 'h'<<8 | 'r'<<16 | '_'<<24, 'g' | 'i'<<8 | 't'<<16 | 'h'<<24,
		'g' | 'l'<<8 | 'p'<<16 | 'a'<<24, 'x' | 'o'<<8 | 'x'<<16 | 'a'<<24, 'x' | 'o'<<8 | 'x'<<16 | 'b'<<24,
		'x' | 'o'<<8 | 'x'<<16 | 'p'<<24, 'x' | 'o'<<8 | 'x'<<16 | 'r'<<24, 'x' | 'o'<<8 | 'x'<<16 | 's'<<24,
		'x' | 'a'<<8 | 'p'<<16 | 'p'<<24, 's' | 'k'<<8 | '_'<<16 | 'l'<<24, 'r' | 'k'<<8 | '_'<<16 | 'l'<<24,
		's' | 'k'<<8 | '_'<<16 | 't'<<24, 'w' | 'h'<<8 | 's'<<16 | 'e'<<24, 'A' | 'I'<<8 | 'z'<<16 | 'a'<<24,
		'y' | 'a'<<8 | '2'<<16 | '9'<<24, 's' | 'k'<<8 | '-'<<16 | 'p'<<24, 's' | 'k'<<8 | '-'<<16 | 'a'<<24,
		'n' | 'p'<<8 | 'm'<<16 | '_'<<24, 'd' | 'o'<<8 | 'p'<<16 | '_'<<24, 's' | 'h'<<8 | 'p'<<16 | 'a'<<24,
		'A' | 'K'<<8 | 'I'<<16 | 'A'<<24, 'A' | 'S'<<8 | 'I'<<16 | 'A'<<24, 'e' | 'y'<<8 | 'J'<<16 | 'h'<<24,
		'e' | 'y'<<8 | 'J'<<16 | '0'<<24, 'e' | 'y'<<8 | 'J'<<16 | 'r'<<24, '-' | '-'<<8 | '-'<<16 | '-'<<24,
		'B' | 'a'<<8 | 's'<<16 | 'i'<<24, 'B' | 'e'<<8 | 'a'<<16 | 'r'<<24:
		return true
	}
	return false
}

// basic tells whether a text begins with the credentials of HTTP's Basic scheme (RFC 7617).
func basic(s []byte) bool {
	const least, most = 8, 256
	n := 0
	for n < len(s) && n < most && (sqltext.Classes[s[n]]&(sqltext.ClassIdentStart|sqltext.ClassDigit) != 0 && s[n] < 0x80 && s[n] != '_' || s[n] == '+' || s[n] == '/') {
		n++
	}
	if n < least {
		return false
	}
	var buf [most]byte
	m, _ := base64.RawStdEncoding.Decode(buf[:], s[:n])
	return bytes.IndexByte(buf[:m], ':') >= 0
}

// hasBasic tells whether a document has such credentials somewhere.
func hasBasic(s []byte) bool {
	i := bytes.Index(s, []byte("Basic "))
	return i >= 0 && basic(s[i+len("Basic "):])
}

// InHex tells whether a text has bytes in hexadecimal digits, as bytea is written (\x70617373),
// that hold a secret, or are one by their form.
func InHex(text []byte) bool {
	const (
		least   = 12  // digits
		part    = 512 // bytes that are looked at together
		overlap = 128
	)
	var buf [part]byte
	for {
		i := bytes.Index(text, []byte(`\x`))
		if i < 0 || len(text)-i < 2+least {
			return false
		}
		text = text[i+2:]
		n := 0
		for n < len(text) && sqltext.Classes[text[n]]&sqltext.ClassHex != 0 {
			n++
		}
		for digits := text[:n&^1]; len(digits) >= least; {
			m, _ := hex.Decode(buf[:], digits[:min(len(digits), 2*part)])
			if HoldsSecret(buf[:m]) || IsToken(buf[:m]) {
				return true
			}
			if len(digits) <= 2*part {
				break
			}
			digits = digits[2*(part-overlap):]
		}
		text = text[n:]
	}
}

// HasToken tells whether a text has a token, or a key, of those that [IsToken] knows, somewhere.
func HasToken(text []byte) bool {
	for w := findWord(text, 0); w.use != 0; w = findWord(text, w.next) {
		if w.use == useShape && shaped(text, w) {
			return true
		}
	}
	i := bytes.Index(text, []byte("-----BEGIN "))
	return i >= 0 && privateKey(text[i:]) || hasBasic(text)
}
