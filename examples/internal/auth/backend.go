package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// ErrWrongPassword tells that the client does not know the password.
var ErrWrongPassword = errors.New("SCRAM: wrong password")

// Iterations is the number of rounds that a Backend asks for, PostgreSQL's default.
const Iterations = 4096

// Backend is the server's side of one SCRAM-SHA-256 exchange.
type Backend struct {
	keys                  keys
	salt                  []byte
	nonce                 string
	clientFirst, ownFirst string
}

// NewBackend returns the server's side for a client that must know password.
func NewBackend(password string) (*Backend, error) {
	b := &Backend{salt: make([]byte, 16)}
	_, _ = rand.Read(b.salt) // never fails
	var err error
	b.keys, err = deriveKeys(password, b.salt, Iterations)
	return b, err
}

// First answers the data of the client's SASLInitialResponse: the data of
// AuthenticationSASLContinue.
func (b *Backend) First(clientFirst []byte) ([]byte, error) {
	// A client that supports channel binding and thinks that the server does not
	// says "y,,".
	bare, ok := strings.CutPrefix(string(clientFirst), noBinding)
	if !ok {
		bare, ok = strings.CutPrefix(string(clientFirst), "y,,")
	}
	v, err := attributes(bare, "nr")
	if !ok || err != nil || v[1] == "" {
		return nil, errFormat
	}
	b.clientFirst = string(clientFirst)
	b.nonce = v[1] + nonce()
	b.ownFirst = "r=" + b.nonce + ",s=" + base64.StdEncoding.EncodeToString(b.salt) + ",i=" + strconv.Itoa(Iterations)
	return []byte(b.ownFirst), nil
}

// Final checks the data of the client's SASLResponse and returns that of
// AuthenticationSASLFinal, or ErrWrongPassword.
func (b *Backend) Final(clientFinal []byte) ([]byte, error) {
	if b.ownFirst == "" {
		return nil, errFormat
	}
	bare, proof64, ok := strings.Cut(string(clientFinal), ",p=")
	v, err := attributes(bare, "cr")
	proof, err2 := base64.StdEncoding.DecodeString(proof64)
	header := base64.StdEncoding.EncodeToString([]byte(b.clientFirst[:len(noBinding)]))
	if !ok || err != nil || err2 != nil || len(proof) != sha256.Size || v[0] != header || v[1] != b.nonce {
		return nil, errFormat
	}
	signed := b.clientFirst[len(noBinding):] + "," + b.ownFirst + "," + bare
	stored := sha256.Sum256(xor(proof, mac(b.keys.stored, signed)))
	if !hmac.Equal(stored[:], b.keys.stored) {
		return nil, ErrWrongPassword
	}
	return []byte("v=" + base64.StdEncoding.EncodeToString(mac(b.keys.server, signed))), nil
}
