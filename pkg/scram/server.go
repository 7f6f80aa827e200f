package scram

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// ErrWrongPassword tells that the client does not know the password.
var ErrWrongPassword = errors.New("scram: wrong password")

// ErrBinding tells that client and server do not see the same TLS connection:
// somebody is in the middle, or took MechanismPlus from the server's list.
var ErrBinding = errors.New("scram: the channel binding is not that of this connection")

// Server is the server's side of one exchange. It is made by NewServer.
type Server struct {
	secret  Secret
	binding []byte // nil without TLS
	header  string // GS2 header of the client's first message
	first   string // the client's without it
	own     string
	nonce   string
}

// NewServer returns the server's side for a client that must know the password of
// the secret. binding is what EndPoint returns for the server's own certificate,
// nil without TLS.
func NewServer(secret Secret, binding []byte) *Server {
	return &Server{secret: secret, binding: binding}
}

// Mechanisms returns what the server offers in AuthenticationSASL.
func (s *Server) Mechanisms() [][]byte {
	if s.binding != nil {
		return [][]byte{[]byte(MechanismPlus), []byte(Mechanism)}
	}
	return [][]byte{[]byte(Mechanism)}
}

// First answers the mechanism and data of SASLInitialResponse: the result is the
// data of AuthenticationSASLContinue.
func (s *Server) First(mechanism string, clientFirst []byte) ([]byte, error) {
	if s.own != "" {
		return nil, ErrOrder
	}
	if mechanism != Mechanism && (mechanism != MechanismPlus || s.binding == nil) {
		return nil, ErrFormat
	}
	text := string(clientFirst)
	for _, header := range []string{unbound, unoffered, bound} {
		if strings.HasPrefix(text, header) {
			s.header, s.first = header, text[len(header):]
		}
	}
	switch {
	case s.header == "" || (s.header == bound) != (mechanism == MechanismPlus):
		return nil, ErrFormat
	case s.header == unoffered && s.binding != nil:
		return nil, ErrBinding // it was offered
	}
	v, err := attributes(s.first, "nr")
	if err != nil || v[1] == "" {
		return nil, ErrFormat
	}
	s.nonce = v[1] + newNonce()
	s.own = "r=" + s.nonce + ",s=" + base64.StdEncoding.EncodeToString(s.secret.Salt) + ",i=" + strconv.Itoa(s.secret.Iterations)
	return []byte(s.own), nil
}

// Final checks the data of SASLResponse and returns that of AuthenticationSASLFinal.
// The error is ErrWrongPassword, ErrBinding, ErrNonce or ErrFormat; a client should
// not be told more than that it is not let in.
func (s *Server) Final(clientFinal []byte) ([]byte, error) {
	if s.own == "" {
		return nil, ErrOrder
	}
	at := strings.LastIndex(string(clientFinal), ",p=")
	if at < 0 {
		return nil, ErrFormat
	}
	bare := string(clientFinal[:at])
	proof, err := base64.StdEncoding.DecodeString(string(clientFinal[at+len(",p="):]))
	v, err2 := attributes(bare, "cr")
	if err != nil || err2 != nil || len(proof) != sha256.Size {
		return nil, ErrFormat
	}
	header := []byte(s.header)
	if s.header == bound {
		header = append(header, s.binding...)
	}
	switch {
	case v[0] != base64.StdEncoding.EncodeToString(header):
		return nil, ErrBinding
	case v[1] != s.nonce:
		return nil, ErrNonce
	}
	signed := s.first + "," + s.own + "," + bare
	stored := sha256.Sum256(xor(proof, mac(s.secret.StoredKey, signed)))
	if !hmac.Equal(stored[:], s.secret.StoredKey) {
		return nil, ErrWrongPassword
	}
	return []byte("v=" + base64.StdEncoding.EncodeToString(mac(s.secret.ServerKey, signed))), nil
}

// attributes splits "a=x,b=y", whose names must be those given, in that order; more
// may follow.
func attributes(message, names string) ([]string, error) {
	parts := strings.Split(message, ",")
	if len(parts) < len(names) {
		return nil, ErrFormat
	}
	values := make([]string, len(names))
	for i := range names {
		value, ok := strings.CutPrefix(parts[i], names[i:i+1]+"=")
		if !ok {
			return nil, ErrFormat
		}
		values[i] = value
	}
	return values, nil
}
