package sqlnorm

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// harmlessNames are settings and the like that have a secret's name in theirs.
var harmlessNames = map[string]bool{
	"password_encryption": true, "password_required": true, "passwordcheck": true,
}

// secretParts are what the names of settings that are not the server's own end in where
// they hold secrets, and that are nothing special in other names.
var secretParts = makeSet("key", "keys", "jwt", "otp", "cred", "creds", "salt", "pepper", "pin", "cookie", "psk", "dsn")

// secretPart tells whether the last word of a setting's name, or of what stands behind the
// last dot of it, is that of a secret. It may be quoted.
func secretPart(name []byte) bool {
	name = bytes.TrimRight(name, `"`)
	return inSet(secretParts, bytes.TrimLeft(name[bytes.LastIndexAny(name, "._-")+1:], `"`))
}

// namesSecret tells whether a name is that of a secret: of a column, an option or
// a setting, which has a dot if it is not the server's own. It may be quoted.
func namesSecret(name []byte) bool {
	if len(name) > 2 && name[1] == '&' && bytes.IndexByte(name, '\\') > 0 {
		return true // U&"p\0061ssword": nobody does that to be read
	}
	name = bytes.Trim(name, `"`)
	for w := findWord(name, 0); w.use != 0; w = findWord(name, w.next) {
		if w.use == useName && (!plainWord(name, w.start, w.end) || w.start == 0 && w.end == len(name)) {
			var buf [32]byte
			return !tellsOf(name, w.start, w.end) && (len(name) > len(buf) || !harmlessNames[string(sqltext.AppendLower(buf[:0], name))])
		}
	}
	if bytes.IndexByte(name, '.') >= 0 && secretPart(name) {
		return true
	}
	n := len(name) - len("pw")
	return n >= 0 && sqltext.EqualFold(name[n:], "pw") && (n == 0 || name[n-1] == '_')
}

// EndsInKey tells whether a name ends in key, as those of secrets do and of what tables are
// joined by: those are numbers.
func EndsInKey(name []byte) bool { return hasSuffixFold(name, "key") }

// numberTypes are those of numbers, which are no keys that anybody keeps secret.
var numberTypes = makeSet("int", "integer", "bigint", "smallint", "int2", "int4", "int8", "serial", "bigserial", "smallserial", "numeric", "boolean", "bool", "uuid")

// NamesSecret tells whether a name is that of a secret: of a column, a parameter
// of the start-up or a setting.
func NamesSecret(name []byte) bool { return namesSecret(name) }

// MentionsSecret tells whether a text that is no SQL names a secret and may have
// it beside: it has one of the words that secrets are called by, or a URL with a
// password.
func MentionsSecret(text []byte) bool { return mentionsSecret(text) }
