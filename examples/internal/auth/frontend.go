package auth

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Mechanism is the SASL mechanism that this package speaks.
const Mechanism = "SCRAM-SHA-256"

// Frontend answers a backend's authentication requests. The zero value with User
// and Password set is ready for one login.
type Frontend struct {
	User, Password string
	scram          *client
}

// Answer returns what to send in answer to a message of the backend: nil if
// nothing, as for messages that do not ask for anything. The error is final:
// the backend asks for what cannot be given, or has not proved that it knows the
// password.
func (f *Frontend) Answer(m messages.Message) (messages.Message, error) {
	switch m := m.(type) {
	case *messages.AuthenticationCleartextPassword:
		return &messages.PasswordMessage{Password: []byte(f.Password)}, nil
	case *messages.AuthenticationMD5Password:
		return &messages.PasswordMessage{Password: md5Password(f.User, f.Password, m.Salt)}, nil
	case *messages.AuthenticationSASL:
		if !slices.ContainsFunc(m.Mechanisms, func(b []byte) bool { return string(b) == Mechanism }) {
			return nil, fmt.Errorf("no common SASL mechanism: the server offers %q", m.Mechanisms)
		}
		f.scram = newClient(f.Password)
		return &messages.SASLInitialResponse{Mechanism: []byte(Mechanism), Data: f.scram.first()}, nil
	case *messages.AuthenticationSASLContinue:
		data, err := f.scram.final(m.Data)
		if err != nil {
			return nil, err
		}
		return &messages.SASLResponse{Data: data}, nil
	case *messages.AuthenticationSASLFinal:
		return nil, f.scram.verify(m.Data)
	case *messages.AuthenticationOk:
		if f.scram != nil && !f.scram.verified {
			return nil, errUnproved
		}
		return nil, nil
	case *messages.AuthenticationKerberosV5, *messages.AuthenticationGSS, *messages.AuthenticationSSPI:
		return nil, fmt.Errorf("the server asks for %v", m.Kind())
	}
	return nil, nil
}

// md5Password is "md5" and the MD5 of the MD5 of password and user, and the salt
// (manual: "AuthenticationMD5Password").
func md5Password(user, password string, salt [4]byte) []byte {
	inner := md5.Sum([]byte(password + user))
	outer := md5.Sum(append(hex.AppendEncode(nil, inner[:]), salt[:]...))
	return hex.AppendEncode([]byte("md5"), outer[:])
}
