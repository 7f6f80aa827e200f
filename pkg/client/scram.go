package client

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

// maxIterations bounds the work that a server can ask for: 2^22 take a second or
// so, PostgreSQL's default is 4096.
const maxIterations = 1 << 22

// nonceBytes are the random bytes of the client's nonce, as many as libpq takes.
const nonceBytes = 18

var (
	errSCRAMOrder      = errors.New("SASL message out of order")
	errSCRAMFormat     = errors.New("malformed SCRAM message")
	errSCRAMNonce      = errors.New("the server's nonce does not begin with the client's")
	errSCRAMIterations = fmt.Errorf("iteration count is not between 1 and %d", maxIterations)
)

// scram is the client's side of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677;
// manual: "SCRAM-SHA-256 Authentication").
type scram struct {
	password  string
	gs2       string // header: whether and how the exchange is bound to TLS
	binding   []byte // of TLS, nil if not bound
	firstBare string
	nonce     string
	signature []byte // that the server is to send; nil until final
}

// newSCRAM returns an exchange. binding is what tls-server-end-point binds to, nil
// without TLS; plus tells that the server can bind too.
func newSCRAM(password string, binding []byte, plus bool) *scram {
	s := &scram{password: saslPrep(password)}
	switch {
	case plus:
		s.gs2, s.binding = "p=tls-server-end-point,,", binding
	case binding != nil:
		s.gs2 = "y,," // the server did not offer it: if it did, somebody took that away
	default:
		s.gs2 = "n,,"
	}
	random := make([]byte, nonceBytes)
	_, _ = rand.Read(random) // never fails
	s.nonce = base64.StdEncoding.EncodeToString(random)
	s.firstBare = "n=,r=" + s.nonce // the server takes the name from the startup packet
	return s
}

// first returns the client-first-message.
func (s *scram) first() []byte { return []byte(s.gs2 + s.firstBare) }

// final returns the client-final-message, with the proof, in answer to the
// server-first-message.
func (s *scram) final(serverFirst []byte) ([]byte, error) {
	nonce, salt, iterations, err := parseServerFirst(serverFirst)
	if err != nil {
		return nil, err
	}
	if len(nonce) <= len(s.nonce) || nonce[:len(s.nonce)] != s.nonce {
		return nil, errSCRAMNonce
	}
	salted, err := pbkdf2.Key(sha256.New, s.password, salt, iterations, sha256.Size)
	if err != nil {
		return nil, err
	}
	bound := base64.StdEncoding.EncodeToString(append([]byte(s.gs2), s.binding...))
	withoutProof := "c=" + bound + ",r=" + nonce
	authMessage := []byte(s.firstBare + "," + string(serverFirst) + "," + withoutProof)
	clientKey := hmacSHA256(salted, []byte("Client Key"))
	storedKey := sha256.Sum256(clientKey)
	proof := hmacSHA256(storedKey[:], authMessage)
	for i := range proof {
		proof[i] ^= clientKey[i]
	}
	s.signature = hmacSHA256(hmacSHA256(salted, []byte("Server Key")), authMessage)
	return []byte(withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// verify checks the server-final-message.
func (s *scram) verify(serverFinal []byte) error {
	if reason, ok := bytes.CutPrefix(serverFinal, []byte("e=")); ok {
		return fmt.Errorf("%w: %q", ErrServerNotVerified, reason)
	}
	encoded, ok := bytes.CutPrefix(serverFinal, []byte("v="))
	if !ok || s.signature == nil {
		return errSCRAMFormat
	}
	encoded, _, _ = bytes.Cut(encoded, []byte(",")) // extensions may follow
	got, err := base64.StdEncoding.AppendDecode(nil, encoded)
	if err != nil {
		return fmt.Errorf("%w: %w", errSCRAMFormat, err)
	}
	if !hmac.Equal(got, s.signature) {
		return ErrServerNotVerified
	}
	return nil
}

// parseServerFirst reads "r=nonce,s=salt,i=iterations" and optional extensions.
func parseServerFirst(b []byte) (nonce string, salt []byte, iterations int, err error) {
	fields := bytes.SplitN(b, []byte(","), 4)
	if len(fields) < 3 || !bytes.HasPrefix(fields[0], []byte("r=")) ||
		!bytes.HasPrefix(fields[1], []byte("s=")) || !bytes.HasPrefix(fields[2], []byte("i=")) {
		return "", nil, 0, errSCRAMFormat
	}
	salt, err = base64.StdEncoding.AppendDecode(nil, fields[1][2:])
	if err != nil || len(salt) == 0 {
		return "", nil, 0, fmt.Errorf("%w: salt", errSCRAMFormat)
	}
	iterations, err = strconv.Atoi(string(fields[2][2:]))
	if err != nil || iterations < 1 || iterations > maxIterations {
		return "", nil, 0, errSCRAMIterations
	}
	return string(fields[0][2:]), salt, iterations, nil
}

func hmacSHA256(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}
