package scram

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// DefaultIterations is PostgreSQL's default number of rounds.
const DefaultIterations = 4096

// saltBytes is the length of a salt, as PostgreSQL makes it.
const saltBytes = 16

// Secret is what a server stores of a password: enough to check it, too little to
// log in with elsewhere.
type Secret struct {
	Iterations           int
	Salt                 []byte
	StoredKey, ServerKey []byte
}

// keys are what both sides derive from the password.
type keys struct{ client, stored, server []byte }

func derive(password string, salt []byte, iterations int) (keys, error) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return keys{}, err
	}
	k := keys{client: mac(salted, "Client Key"), server: mac(salted, "Server Key")}
	stored := sha256.Sum256(k.client)
	k.stored = stored[:]
	return k, nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// xor returns a XOR b, which are of the same length.
func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	subtle.XORBytes(out, a, b)
	return out
}

// NewSecret returns the secret of a password, with a salt of its own.
func NewSecret(password string, iterations int) (Secret, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	k, err := derive(Prepare(password), salt, iterations)
	return Secret{iterations, salt, k.stored, k.server}, err
}

// UnknownSecret returns the secret to go through an exchange with for a user that
// does not exist, so that nobody finds out by asking. key belongs to the server and
// stays the same: the same user has the same salt each time. No password fits.
func UnknownSecret(user string, key []byte) Secret {
	h := mac(key, user)
	return Secret{DefaultIterations, h[:saltBytes], mac(h, "stored"), mac(h, "server")}
}

// ParseSecret reads a secret in PostgreSQL's form, as pg_authid.rolpassword has it:
// SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey.
func ParseSecret(s string) (Secret, error) {
	bad := fmt.Errorf("scram: not a secret of the form %s$iterations:salt$StoredKey:ServerKey", Mechanism)
	parts := strings.Split(s, "$")
	if len(parts) != 3 || parts[0] != Mechanism {
		return Secret{}, bad
	}
	iterations, salt64, ok := strings.Cut(parts[1], ":")
	stored64, server64, ok2 := strings.Cut(parts[2], ":")
	n, err := strconv.Atoi(iterations)
	salt, err2 := base64.StdEncoding.DecodeString(salt64)
	stored, err3 := base64.StdEncoding.DecodeString(stored64)
	server, err4 := base64.StdEncoding.DecodeString(server64)
	if !ok || !ok2 || err != nil || err2 != nil || err3 != nil || err4 != nil || n < 1 ||
		len(salt) == 0 || len(stored) != sha256.Size || len(server) != sha256.Size {
		return Secret{}, bad
	}
	return Secret{n, salt, stored, server}, nil
}

// Format returns the secret in the form that ParseSecret reads.
func (s Secret) Format() string {
	b64 := base64.StdEncoding.EncodeToString
	return Mechanism + "$" + strconv.Itoa(s.Iterations) + ":" + b64(s.Salt) + "$" + b64(s.StoredKey) + ":" + b64(s.ServerKey)
}

// String does not show the secret.
func (s Secret) String() string { return Mechanism + "$<redacted>" }

// GoString does not show the secret.
func (s Secret) GoString() string { return s.String() }
