package main

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/scram"
)

// admit lets the client in and logs in at the server. admitted is false without
// an error where the client wanted only to cancel a query.
func (s *session) admit() (admitted bool, err error) {
	startup, err := s.begin()
	if startup == nil || err != nil {
		return false, err
	}
	user := parameter(startup, "user")
	if err := s.authenticate(user); err != nil {
		return false, err
	}
	setParameter(startup, "user", s.Role)
	if parameter(startup, "database") == "" {
		setParameter(startup, "database", user)
	}
	return true, s.login(startup)
}

// begin leads the client to its StartupMessage, which is a copy; nil if it asked
// to cancel a query instead.
func (s *session) begin() (*messages.StartupMessage, error) {
	for {
		m, err := s.client.next()
		if err != nil {
			return nil, err
		}
		switch m := m.(type) {
		case *messages.SSLRequest:
			err = s.client.reply(&messages.SSLResponse{Accepted: false})
		case *messages.GSSENCRequest:
			err = s.client.reply(&messages.GSSENCResponse{Accepted: false})
		case *messages.CancelRequest:
			return nil, s.cancel(m)
		case *messages.StartupMessage:
			return messages.Clone(m).(*messages.StartupMessage), nil
		default:
			err = errorf("0A000", "%v is not supported", m.Kind())
		}
		if err != nil {
			return nil, err
		}
	}
}

func parameter(m *messages.StartupMessage, name string) string {
	for _, p := range m.Parameters {
		if string(p.Name) == name {
			return string(p.Value)
		}
	}
	return ""
}

// setParameter sets every parameter of that name, or adds it.
func setParameter(m *messages.StartupMessage, name, value string) {
	found := false
	for i := range m.Parameters {
		if string(m.Parameters[i].Name) == name {
			m.Parameters[i].Value, found = []byte(value), true
		}
	}
	if !found {
		m.Parameters = append(m.Parameters, messages.Pair{Name: []byte(name), Value: []byte(value)})
	}
}

// cancel passes on a CancelRequest: the key is the server's own. The client waits
// for the end of its connection, which tells that the server has the request.
func (s *session) cancel(m *messages.CancelRequest) error {
	server, err := net.DialTimeout("tcp", s.Server, loginTime)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	request, err := connection.NewFrontend().Send(m)
	if err == nil {
		_, err = server.Write(request)
	}
	if err == nil {
		_ = server.SetReadDeadline(time.Now().Add(loginTime))
		_, err = io.Copy(io.Discard, server)
	}
	return err
}

// authenticate checks the client's password.
func (s *session) authenticate(user string) error {
	// Whether there is such a client is not to be found out.
	secret := scram.UnknownSecret(user, s.unknown)
	if password, known := s.Clients[user]; known {
		var err error
		if secret, err = scram.NewSecret(password, scram.DefaultIterations); err != nil {
			return err
		}
	}
	server := scram.NewServer(secret, nil)
	if err := s.client.reply(&messages.AuthenticationSASL{Mechanisms: server.Mechanisms()}); err != nil {
		return err
	}
	for {
		m, err := s.client.next()
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *messages.SASLInitialResponse:
			data, err := server.First(string(m.Mechanism), m.Data)
			if err != nil {
				return errorf("08P01", "SASL mechanism %q: %v", m.Mechanism, err)
			}
			if err := s.client.reply(&messages.AuthenticationSASLContinue{Data: data}); err != nil {
				return err
			}
		case *messages.SASLResponse:
			data, err := server.Final(m.Data)
			if err != nil {
				return errorf("28P01", "password authentication failed for user %q", user)
			}
			return s.client.send(&messages.AuthenticationSASLFinal{Data: data})
		default:
			return io.EOF // Terminate
		}
	}
}

// login brings a connection to the server to AuthenticationOk.
func (s *session) login(startup *messages.StartupMessage) error {
	conn, err := net.DialTimeout("tcp", s.Server, loginTime)
	if err != nil {
		return errorf("08001", "the proxy cannot reach the server")
	}
	// A client may still send data for a COPY that has failed; the server takes
	// that, so this connection is lenient.
	pg := connection.NewFrontend(connection.Lenient())
	s.server = peer{net: conn, pg: pg, in: make([]byte, bufferSize)}
	if err := s.server.reply(startup); err != nil {
		return err
	}
	login := &scram.Login{User: s.Role, Password: s.Password}
	for {
		m, err := s.server.next()
		if err != nil {
			return err
		}
		answer, err := login.Answer(m)
		switch {
		case err != nil:
			return errorf("08001", "the proxy cannot log in at the server: %v", err)
		case answer != nil:
			if err := s.server.reply(answer); err != nil {
				return err
			}
			continue
		}
		switch m.(type) {
		case *messages.AuthenticationOk:
			return s.client.reply(m)
		case *messages.ErrorResponse:
			return errors.Join(s.client.reply(m), io.EOF)
		case *messages.NegotiateProtocolVersion, *messages.NoticeResponse:
			err = s.client.send(m)
		}
		if err != nil {
			return err
		}
	}
}
