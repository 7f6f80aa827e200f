package client

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/scram"
)

// A server reports some 15 parameters, an extension may add to them. What goes
// beyond these bounds is an event, but is not kept.
const (
	maxParameters     = 256
	maxParameterBytes = 4096
)

// DoSSLRequest returns the bytes that ask for TLS. The answer is an
// EncryptionResponse.
func (c *Client) DoSSLRequest() ([]byte, error) {
	if err := c.require("DoSSLRequest", StateStartup); err != nil {
		return nil, err
	}
	out, err := c.conn.Send(&messages.SSLRequest{})
	if err != nil {
		return nil, err // it has been asked for before
	}
	c.state = StateEncryptionSent
	return out, nil
}

// TLSEstablished tells that the handshake is done: from now on Receive takes
// decrypted bytes, and what methods return is to be encrypted. The state is what
// the TLS connection says of itself; SCRAM-SHA-256-PLUS is bound to the server's
// certificate in it. For TLS without negotiation it is called before DoStartup.
func (c *Client) TLSEstablished(state tls.ConnectionState) error {
	if err := c.require("TLSEstablished", StateEncryptionAccepted, StateStartup); err != nil {
		return err
	}
	if err := c.conn.TLSEstablished(); err != nil {
		return c.broken(err)
	}
	if len(state.PeerCertificates) > 0 {
		c.auth.binding = scram.EndPoint(state.PeerCertificates[0])
	}
	c.state = StateStartup
	return nil
}

// DoStartup returns the bytes of the StartupMessage. Events are: an
// AuthenticationRequest and what follows from it, Authenticated, ParameterStatus
// for each parameter that the server reports, BackendKey, Ready.
func (c *Client) DoStartup() ([]byte, error) {
	if err := c.require("DoStartup", StateStartup); err != nil {
		return nil, err
	}
	parameters, err := c.config.startupParameters()
	if err != nil {
		return nil, err
	}
	m := &messages.StartupMessage{Version: c.config.ProtocolVersion, Parameters: parameters}
	out, err := c.conn.Send(m)
	if err != nil {
		return nil, err // a NUL, or a version that does not exist
	}
	c.state = StateStartupSent
	return out, nil
}

// startupParameters are the parameters of the StartupMessage, in a fixed order.
func (c *Config) startupParameters() (list []messages.Pair, err error) {
	if c.User == "" {
		return nil, ErrNoUser
	}
	add := func(name, value string) {
		list = append(list, messages.Pair{Name: []byte(name), Value: []byte(value)})
	}
	add("user", c.User)
	add("database", c.Database)
	if c.ApplicationName != "" {
		add("application_name", c.ApplicationName)
	}
	defaults := [][2]string{{"client_encoding", "UTF8"}, {"DateStyle", "ISO"}, {"IntervalStyle", "postgres"}}
	for _, name := range slices.Sorted(maps.Keys(c.Parameters)) {
		for _, own := range []string{"user", "database", "application_name"} {
			if strings.EqualFold(name, own) {
				return nil, fmt.Errorf("postgresql client: %q among the parameters: Config has a field for it", name)
			}
		}
		n := len(defaults)
		defaults = slices.DeleteFunc(defaults, func(d [2]string) bool { return strings.EqualFold(d[0], name) })
		if value := c.Parameters[name]; value != "" || n == len(defaults) {
			add(name, value)
		}
	}
	for _, d := range defaults {
		add(d[0], d[1])
	}
	return list, nil
}

// DoCancel returns the bytes of a CancelRequest for what this client is doing.
// They are to be sent over a connection of their own, encrypted like this one,
// which is to be closed then; there is no answer. Unlike all other methods it may be
// called from any goroutine.
func (c *Client) DoCancel() ([]byte, error) {
	key := c.key.Load()
	if key == nil {
		return nil, ErrNoBackendKey
	}
	return connection.NewFrontend().Send(key)
}

// DoTerminate returns the bytes that end the session. After them the transport is
// to be closed; there is no answer.
func (c *Client) DoTerminate() ([]byte, error) {
	if c.conn == nil {
		return nil, errNotMade
	}
	if c.err != nil {
		return nil, &StateError{"DoTerminate", c.state, c.err}
	}
	out, err := c.conn.Send(&messages.Terminate{})
	if err != nil {
		return nil, &StateError{"DoTerminate", c.state, err}
	}
	_ = c.fail(ErrTerminated)
	c.state = StateTerminated
	return out, nil
}

// handleStartup makes an event of what comes before the first Ready.
func (c *Client) handleStartup(m messages.Message) (Event, error) {
	switch m := m.(type) {
	case *messages.SSLResponse:
		c.state = StateStartup
		if m.Accepted {
			c.state = StateEncryptionAccepted
		}
		return &EncryptionResponse{m.Accepted}, nil
	case *messages.NegotiateProtocolVersion:
		return c.gotVersion(m)
	case *messages.AuthenticationCleartextPassword:
		return c.authCleartext()
	case *messages.AuthenticationMD5Password:
		return c.authMD5(m.Salt)
	case *messages.AuthenticationSASL:
		return c.authSASL(m)
	case *messages.AuthenticationSASLContinue:
		return c.authSASLContinue(m)
	case *messages.AuthenticationSASLFinal:
		return c.authSASLFinal(m)
	case *messages.AuthenticationOk:
		return c.authOk()
	case *messages.BackendKeyData:
		key := slices.Clone(m.SecretKey)
		c.key.Store(&messages.CancelRequest{ProcessID: m.ProcessID, SecretKey: key})
		return &BackendKey{m.ProcessID, slices.Clone(key)}, nil
	}
	if method := unsupportedMethod(m.Kind()); method != "" {
		return nil, c.authFailed(method, errMethod)
	}
	return nil, c.unexpected(m)
}

// unexpected ends the connection for a message that has no place in the state.
func (c *Client) unexpected(m messages.Message) error {
	return c.broken(fmt.Errorf("unexpected %v", m.Kind()))
}

func (c *Client) gotVersion(m *messages.NegotiateProtocolVersion) (Event, error) {
	version := m.Version()
	if asked := c.config.ProtocolVersion; version.Major() != asked.Major() || version > asked {
		return nil, c.broken(fmt.Errorf("the server offers protocol version %v, %v was asked for", version, asked))
	}
	e := &VersionNegotiated{Version: version}
	for _, name := range m.Unsupported {
		e.Unsupported = append(e.Unsupported, string(name))
	}
	return e, nil
}

// gotParameter remembers a parameter and applies those that conversions need.
func (c *Client) gotParameter(m *messages.ParameterStatus) Event {
	e := &ParameterStatus{c.text().lossy(m.Name), c.text().lossy(m.Value)}
	_, known := c.parameters[e.Name]
	if len(e.Name)+len(e.Value) > maxParameterBytes || !known && len(c.parameters) >= maxParameters {
		return e
	}
	c.parameters[e.Name] = e.Value
	switch e.Name {
	case "client_encoding":
		next := *c.conversion
		next.text = newTextEncoding(e.Value)
		c.conversion = &next
	case "TimeZone":
		next := *c.conversion
		if next.session.TimeZone = value.Zone(e.Value); next.session.TimeZone == nil {
			next.session.TimeZone = time.UTC
		}
		c.conversion = &next
	}
	return e
}
