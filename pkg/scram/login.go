package scram

import (
	"crypto/md5" // what the protocol asks for
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// ErrUnsupported tells that a server asks for a method that Login does not have.
var ErrUnsupported = errors.New("scram: the server asks for a method of authentication that is not supported")

// ErrNoPassword tells that a server asks for a password and there is none.
var ErrNoPassword = errors.New("scram: the server asks for a password")

// Login answers a server's requests for authentication: by a password in clear, its
// MD5 hash, SCRAM-SHA-256(-PLUS) or OAUTHBEARER, whatever it asks for. The zero
// value with User and Password, or Token, is ready for one login.
type Login struct {
	User, Password string
	// Token is for OAUTHBEARER, which is taken where the server offers it and there
	// is a Token.
	Token string
	// Binding is what EndPoint returns for the server's certificate; nil without TLS.
	Binding []byte
	// SCRAMOnly refuses to send the password, or what is as good as it, to a server
	// that does not prove that it knows it. A program without TLS should set it.
	SCRAMOnly bool

	scram  *Client
	bearer bool
	begun  bool
}

// Answer returns what to send in answer to a message of the server: nil for messages
// that ask for nothing. The message is the caller's. An error is final: the server
// asks for what cannot be given, asks a second time, or has not proved that it knows
// the password; the connection is to be closed.
func (l *Login) Answer(m messages.Message) (messages.Message, error) {
	switch m := m.(type) {
	case *messages.AuthenticationCleartextPassword:
		if err := l.begin(); err != nil {
			return nil, err
		}
		return &messages.PasswordMessage{Password: []byte(l.Password)}, nil
	case *messages.AuthenticationMD5Password:
		if err := l.begin(); err != nil {
			return nil, err
		}
		return &messages.PasswordMessage{Password: MD5Password(l.User, l.Password, m.Salt)}, nil
	case *messages.AuthenticationSASL:
		return l.sasl(m)
	case *messages.AuthenticationSASLContinue:
		return l.next(m.Data)
	case *messages.AuthenticationSASLFinal:
		if l.scram == nil {
			return nil, ErrOrder
		}
		return nil, l.scram.Verify(m.Data)
	case *messages.AuthenticationOk:
		if l.scram != nil && !l.scram.Verified() || l.SCRAMOnly && l.scram == nil {
			return nil, ErrServerNotVerified
		}
	case *messages.AuthenticationKerberosV5, *messages.AuthenticationGSS, *messages.AuthenticationSSPI:
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, m.Kind())
	}
	return nil, nil
}

// begin checks that a password may be sent.
func (l *Login) begin() error {
	switch {
	case l.begun:
		return ErrOrder // a server that has had a proof may not ask for less
	case l.SCRAMOnly:
		return ErrServerNotVerified
	case l.Password == "":
		return ErrNoPassword
	}
	l.begun = true
	return nil
}

func (l *Login) sasl(m *messages.AuthenticationSASL) (messages.Message, error) {
	if l.begun {
		return nil, ErrOrder
	}
	l.begun = true
	offers := func(name string) bool {
		for _, b := range m.Mechanisms {
			if string(b) == name {
				return true
			}
		}
		return false
	}
	switch plus := offers(MechanismPlus); {
	case l.Token != "" && !l.SCRAMOnly && offers(MechanismBearer):
		l.bearer = true
		data, err := BearerRequest(l.Token)
		if err != nil {
			return nil, err
		}
		return &messages.SASLInitialResponse{Mechanism: []byte(MechanismBearer), Data: data}, nil
	case l.Password == "":
		return nil, ErrNoPassword
	case plus && l.Binding != nil, offers(Mechanism):
		l.scram = NewClient(l.Password, l.Binding, plus)
		return &messages.SASLInitialResponse{Mechanism: []byte(l.scram.Mechanism()), Data: l.scram.First()}, nil
	}
	return nil, fmt.Errorf("%w: SASL with %q", ErrUnsupported, m.Mechanisms)
}

// next answers AuthenticationSASLContinue.
func (l *Login) next(data []byte) (messages.Message, error) {
	switch {
	case l.bearer:
		refused, err := ParseBearerError(data)
		if err == nil {
			err = refused
		}
		return nil, err
	case l.scram == nil:
		return nil, ErrOrder
	}
	final, err := l.scram.Final(data)
	if err != nil {
		return nil, err
	}
	return &messages.SASLResponse{Data: final}, nil
}

// MD5Password is a password as AuthenticationMD5Password asks for it: "md5" and the
// MD5 of the MD5 of password and user, and the salt (manual:
// "AuthenticationMD5Password (B)").
func MD5Password(user, password string, salt [4]byte) []byte {
	inner := md5.Sum([]byte(password + user))
	outer := md5.Sum(append(hex.AppendEncode(nil, inner[:]), salt[:]...))
	return hex.AppendEncode([]byte("md5"), outer[:])
}
