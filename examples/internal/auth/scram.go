package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// noBinding is the GS2 header of a client without channel binding.
const noBinding = "n,,"

// maxIterations bounds what a hostile server can make a client calculate.
const maxIterations = 1 << 20

var (
	errUnproved = errors.New("SCRAM: the server has not proved that it knows the password")
	errFormat   = errors.New("SCRAM: malformed message")
)

// keys are what both sides derive from the password.
type keys struct{ client, stored, server []byte }

func deriveKeys(password string, salt []byte, iterations int) (keys, error) {
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

func nonce() string {
	b := make([]byte, 18)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// attributes splits "a=x,b=y", whose names must be those given, in that order;
// more may follow.
func attributes(message string, names string) ([]string, error) {
	parts := strings.Split(message, ",")
	if len(parts) < len(names) {
		return nil, errFormat
	}
	values := make([]string, len(names))
	for i := range names {
		value, ok := strings.CutPrefix(parts[i], names[i:i+1]+"=")
		if !ok {
			return nil, errFormat
		}
		values[i] = value
	}
	return values, nil
}

// client is the client's side of one exchange.
type client struct {
	password, nonce, firstBare string
	signature                  []byte // that the server must send
	verified                   bool
}

func newClient(password string) *client {
	c := &client{password: password, nonce: nonce()}
	c.firstBare = "n=,r=" + c.nonce // PostgreSQL takes the user from the startup packet
	return c
}

func (c *client) first() []byte { return []byte(noBinding + c.firstBare) }

// final answers the server's first message with the client's proof.
func (c *client) final(serverFirst []byte) ([]byte, error) {
	if c == nil {
		return nil, errFormat
	}
	v, err := attributes(string(serverFirst), "rsi")
	if err != nil {
		return nil, err
	}
	salt, err := base64.StdEncoding.DecodeString(v[1])
	iterations, err2 := strconv.Atoi(v[2])
	switch {
	case err != nil || err2 != nil || iterations < 1:
		return nil, errFormat
	case iterations > maxIterations:
		return nil, fmt.Errorf("SCRAM: the server wants %d iterations", iterations)
	case !strings.HasPrefix(v[0], c.nonce) || len(v[0]) == len(c.nonce):
		return nil, errors.New("SCRAM: the server's nonce does not continue the client's")
	}
	k, err := deriveKeys(c.password, salt, iterations)
	if err != nil {
		return nil, err
	}
	bare := "c=" + base64.StdEncoding.EncodeToString([]byte(noBinding)) + ",r=" + v[0]
	signed := c.firstBare + "," + string(serverFirst) + "," + bare
	c.signature = mac(k.server, signed)
	proof := xor(k.client, mac(k.stored, signed))
	return []byte(bare + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// verify checks the server's signature.
func (c *client) verify(serverFinal []byte) error {
	if c == nil || c.signature == nil {
		return errFormat
	}
	want := []byte("v=" + base64.StdEncoding.EncodeToString(c.signature))
	if got, _, _ := bytes.Cut(serverFinal, []byte(",")); !hmac.Equal(got, want) {
		return errUnproved
	}
	c.verified = true
	return nil
}
