package scram

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

// The names of the mechanisms.
const (
	Mechanism       = "SCRAM-SHA-256"
	MechanismPlus   = "SCRAM-SHA-256-PLUS" // bound to the server's certificate
	MechanismBearer = "OAUTHBEARER"
)

// MaxIterations bounds the work that a server can ask of a Client: 2^22 take a
// second or so, PostgreSQL's default is 4096.
const MaxIterations = 1 << 22

// nonceBytes are the random bytes of a nonce, as many as libpq and the server take.
const nonceBytes = 18

// Errors that a Client returns, wrapped or not.
var (
	// ErrServerNotVerified: the server has not proved that it knows the password.
	ErrServerNotVerified = errors.New("scram: the server has not proved that it knows the password")
	// ErrFormat: the other side's message is malformed.
	ErrFormat = errors.New("scram: malformed message")
	// ErrNonce: the nonce is not the one that was begun with.
	ErrNonce = errors.New("scram: the nonce does not belong to this exchange")
	// ErrIterations: the server asks for more work than MaxIterations, or none.
	ErrIterations = fmt.Errorf("scram: the iteration count is not between 1 and %d", MaxIterations)
	// ErrOrder: a message that has no place at this point of the exchange.
	ErrOrder = errors.New("scram: message out of order")
)

const (
	unbound   = "n,," // the client knows no channel binding, or there is no TLS
	unoffered = "y,," // it does, and thinks that the server does not
	bound     = "p=tls-server-end-point,,"
)

// Client is the client's side of one exchange. It is made by NewClient; the zero value
// answers nothing.
type Client struct {
	password  string
	gs2       string // header: whether and how the exchange is bound to TLS
	binding   []byte // of TLS, nil if not bound
	firstBare string
	nonce     string
	signature []byte // that the server is to send; nil until Final
	verified  bool
}

// NewClient returns the client's side for a password. binding is what EndPoint
// returns for the server's certificate, nil without TLS; offered tells that the
// server's AuthenticationSASL lists MechanismPlus.
func NewClient(password string, binding []byte, offered bool) *Client {
	c := &Client{password: Prepare(password), gs2: unbound, nonce: newNonce()}
	switch {
	case binding != nil && offered:
		c.gs2, c.binding = bound, binding
	case binding != nil:
		c.gs2 = unoffered // if it did, somebody in the middle took that away
	}
	c.firstBare = "n=,r=" + c.nonce // the server takes the name from the startup packet
	return c
}

func newNonce() string {
	b := make([]byte, nonceBytes)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// Mechanism returns the name of the mechanism, for SASLInitialResponse.
func (c *Client) Mechanism() string {
	if c.gs2 == bound {
		return MechanismPlus
	}
	return Mechanism
}

// First returns the client-first-message, for SASLInitialResponse.
func (c *Client) First() []byte { return []byte(c.gs2 + c.firstBare) }

// Final returns the client-final-message with the proof, for SASLResponse, in answer
// to the data of AuthenticationSASLContinue. There is one proof in an exchange.
func (c *Client) Final(serverFirst []byte) ([]byte, error) {
	if c.nonce == "" || c.signature != nil {
		return nil, ErrOrder // any nonce begins with none
	}
	nonce, salt, iterations, err := parseServerFirst(serverFirst)
	if err != nil {
		return nil, err
	}
	if len(nonce) <= len(c.nonce) || nonce[:len(c.nonce)] != c.nonce {
		return nil, ErrNonce
	}
	k, err := derive(c.password, salt, iterations)
	if err != nil {
		return nil, err
	}
	header := base64.StdEncoding.EncodeToString(append([]byte(c.gs2), c.binding...))
	withoutProof := "c=" + header + ",r=" + nonce
	signed := c.firstBare + "," + string(serverFirst) + "," + withoutProof
	c.signature = mac(k.server, signed)
	proof := xor(k.client, mac(k.stored, signed))
	return []byte(withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// Verify checks the data of AuthenticationSASLFinal: that the server knows the
// password, too. Without it an AuthenticationOk must not be believed.
func (c *Client) Verify(serverFinal []byte) error {
	if reason, ok := bytes.CutPrefix(serverFinal, []byte("e=")); ok {
		return fmt.Errorf("%w: %q", ErrServerNotVerified, reason)
	}
	encoded, ok := bytes.CutPrefix(serverFinal, []byte("v="))
	if !ok || c.signature == nil {
		return ErrFormat
	}
	encoded, _, _ = bytes.Cut(encoded, []byte(",")) // extensions may follow
	got, err := base64.StdEncoding.AppendDecode(nil, encoded)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if !hmac.Equal(got, c.signature) {
		return ErrServerNotVerified
	}
	c.verified = true
	return nil
}

// Verified reports whether Verify has found that the server knows the password.
func (c *Client) Verified() bool { return c.verified }

// parseServerFirst reads "r=nonce,s=salt,i=iterations" and optional extensions.
func parseServerFirst(b []byte) (nonce string, salt []byte, iterations int, err error) {
	fields := bytes.SplitN(b, []byte(","), 4)
	if len(fields) < 3 || !bytes.HasPrefix(fields[0], []byte("r=")) ||
		!bytes.HasPrefix(fields[1], []byte("s=")) || !bytes.HasPrefix(fields[2], []byte("i=")) {
		return "", nil, 0, ErrFormat
	}
	salt, err = base64.StdEncoding.AppendDecode(nil, fields[1][2:])
	if err != nil || len(salt) == 0 {
		return "", nil, 0, fmt.Errorf("%w: salt", ErrFormat)
	}
	iterations, err = strconv.Atoi(string(fields[2][2:]))
	if err != nil || iterations < 1 || iterations > MaxIterations {
		return "", nil, 0, ErrIterations
	}
	return string(fields[0][2:]), salt, iterations, nil
}
