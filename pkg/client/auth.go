package client

import (
	"errors"
	"slices"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/scram"
)

// AuthMethod is a method of authentication (manual: "Authentication Methods").
// They are ordered, the weakest first.
type AuthMethod uint8

// The methods that the client knows. The password goes over the connection with
// AuthPassword, and a token, which is of use until it expires, with AuthBearer; AuthMD5's hash is as good as the password to those who have it
// from the server; only with the last two does the server prove that it knows the
// password, and only with the last one that nobody stands between.
const (
	AuthTrust     AuthMethod = iota // the server asks for nothing
	AuthPassword                    // the password in clear
	AuthBearer                      // OAUTHBEARER: Config.Token in clear
	AuthMD5                         // its salted MD5 hash
	AuthSCRAM                       // SCRAM-SHA-256
	AuthSCRAMPlus                   // SCRAM-SHA-256-PLUS: bound to the server's certificate
)

func (m AuthMethod) String() string {
	switch m {
	case AuthTrust:
		return "trust"
	case AuthPassword:
		return "password"
	case AuthBearer:
		return "oauth"
	case AuthMD5:
		return "md5"
	case AuthSCRAM:
		return "scram-sha-256"
	case AuthSCRAMPlus:
		return "scram-sha-256-plus"
	}
	return "unknown"
}

var (
	errMethod     = errors.New("not supported")
	errMechanisms = errors.New("none of the mechanisms is supported")
	errSecond     = errors.New("another method was begun before")
)

// authentication is what the client keeps until it is authenticated.
type authentication struct {
	method  AuthMethod
	begun   bool
	binding []byte // tls-server-end-point, nil without TLS
	scram   *scram.Client
}

// authFailed ends the connection, which must not go on.
func (c *Client) authFailed(method string, err error) error {
	return c.fail(&AuthError{method, err})
}

// beginAuth checks that a method may be gone through with.
func (c *Client) beginAuth(method AuthMethod) error {
	switch {
	case c.auth.begun:
		return errSecond // a server that has had a proof may not ask for less
	case method < c.config.RequireAuth:
		return ErrMethodRefused
	case c.config.Password == "" && method != AuthBearer:
		return ErrNoPassword
	}
	c.auth.begun, c.auth.method = true, method
	return nil
}

// wantAnswer has Outgoing send the answer to an authentication request.
func (c *Client) wantAnswer(m messages.Message, requested, sent State) error {
	if err := messages.Encodable(m); err != nil {
		return c.authFailed(c.auth.method.String(), err)
	}
	c.state = requested
	c.wanted, c.wantedState = m, sent
	return nil
}

func (c *Client) authCleartext() (Event, error) {
	if err := c.beginAuth(AuthPassword); err != nil {
		return nil, c.authFailed(AuthPassword.String(), err)
	}
	m := &messages.PasswordMessage{Password: []byte(c.config.Password)}
	if err := c.wantAnswer(m, StateCleartextRequested, StateCleartextSent); err != nil {
		return nil, err
	}
	return &AuthenticationRequest{Method: AuthPassword}, nil
}

func (c *Client) authMD5(salt [4]byte) (Event, error) {
	if err := c.beginAuth(AuthMD5); err != nil {
		return nil, c.authFailed(AuthMD5.String(), err)
	}
	m := &messages.PasswordMessage{Password: scram.MD5Password(c.config.User, c.config.Password, salt)}
	if err := c.wantAnswer(m, StateMD5Requested, StateMD5Sent); err != nil {
		return nil, err
	}
	return &AuthenticationRequest{Method: AuthMD5}, nil
}

func (c *Client) authSASL(m *messages.AuthenticationSASL) (Event, error) {
	e := &AuthenticationRequest{}
	for _, name := range m.Mechanisms {
		e.Mechanisms = append(e.Mechanisms, string(name))
	}
	plain := slices.Contains(e.Mechanisms, scram.Mechanism)
	plus := c.auth.binding != nil && slices.Contains(e.Mechanisms, scram.MechanismPlus)
	switch {
	case c.bearerOffered(e.Mechanisms):
		return c.authBearer(e)
	case plus:
		e.Method = AuthSCRAMPlus
	case plain:
		e.Method = AuthSCRAM
	default:
		return nil, c.authFailed("SASL", errMechanisms)
	}
	if err := c.beginAuth(e.Method); err != nil {
		return nil, c.authFailed(e.Method.String(), err)
	}
	c.auth.scram = scram.NewClient(c.config.Password, c.auth.binding, plus)
	answer := &messages.SASLInitialResponse{Mechanism: []byte(c.auth.scram.Mechanism()), Data: c.auth.scram.First()}
	if err := c.wantAnswer(answer, StateSASLRequested, StateSASLInitialSent); err != nil {
		return nil, err
	}
	return e, nil
}

// bearerOffered reports whether OAUTHBEARER is to be gone through with: there is a
// token, or neither that nor a password and the server may tell where to get one.
func (c *Client) bearerOffered(mechanisms []string) bool {
	return slices.Contains(mechanisms, scram.MechanismBearer) && (c.config.Token != "" || c.config.Password == "")
}

func (c *Client) authBearer(e *AuthenticationRequest) (Event, error) {
	e.Method = AuthBearer
	err := c.beginAuth(AuthBearer)
	var data []byte
	if err == nil {
		data, err = scram.BearerRequest(c.config.Token)
	}
	if err != nil {
		return nil, c.authFailed(AuthBearer.String(), err)
	}
	answer := &messages.SASLInitialResponse{Mechanism: []byte(scram.MechanismBearer), Data: data}
	if err := c.wantAnswer(answer, StateSASLRequested, StateSASLInitialSent); err != nil {
		return nil, err
	}
	return e, nil
}

// tokenRefused acknowledges what a server says of a token; its error follows.
func (c *Client) tokenRefused(m *messages.AuthenticationSASLContinue) (Event, error) {
	refused, err := scram.ParseBearerError(m.Data)
	if err != nil {
		return nil, c.authFailed(AuthBearer.String(), err)
	}
	answer := &messages.SASLResponse{Data: scram.BearerAbort()}
	if err := c.wantAnswer(answer, StateSASLFinalRequested, StateSASLFinalSent); err != nil {
		return nil, err
	}
	return &TokenRefused{refused.Status, refused.Scope, refused.OpenIDConfiguration}, nil
}

func (c *Client) authSASLContinue(m *messages.AuthenticationSASLContinue) (Event, error) {
	if c.state != StateSASLInitialSent {
		return nil, c.authFailed(c.auth.method.String(), scram.ErrOrder)
	}
	if c.auth.method == AuthBearer {
		return c.tokenRefused(m)
	}
	final, err := c.auth.scram.Final(m.Data)
	if err != nil {
		return nil, c.authFailed(c.auth.method.String(), err)
	}
	if err := c.wantAnswer(&messages.SASLResponse{Data: final}, StateSASLFinalRequested, StateSASLFinalSent); err != nil {
		return nil, err
	}
	return &SASLChallenge{}, nil
}

func (c *Client) authSASLFinal(m *messages.AuthenticationSASLFinal) (Event, error) {
	if c.state != StateSASLFinalSent || c.auth.scram == nil {
		return nil, c.authFailed(c.auth.method.String(), scram.ErrOrder)
	}
	if err := c.auth.scram.Verify(m.Data); err != nil {
		return nil, c.authFailed(c.auth.method.String(), err)
	}
	c.state = StateSASLVerified
	return &SASLVerified{}, nil
}

func (c *Client) authOk() (Event, error) {
	switch {
	case c.auth.method >= AuthSCRAM && c.state != StateSASLVerified:
		return nil, c.authFailed(c.auth.method.String(), ErrServerNotVerified)
	case c.auth.method == AuthBearer && c.state != StateSASLInitialSent:
		return nil, c.authFailed(c.auth.method.String(), scram.ErrOrder) // it has refused the token
	case c.auth.method < c.config.RequireAuth, c.auth.method == AuthBearer && c.config.Token == "" && c.config.RequireAuth > AuthTrust:
		return nil, c.authFailed(c.auth.method.String(), ErrMethodRefused)
	}
	c.state = StateAuthenticated
	method := c.auth.method
	c.auth = authentication{} // secrets are not needed any more
	return &Authenticated{Method: method}, nil
}

// unsupportedMethod names what else a server may ask for; "" for other messages.
func unsupportedMethod(k messages.Kind) string {
	switch k {
	case messages.KindAuthenticationKerberosV5:
		return "Kerberos V5"
	case messages.KindAuthenticationGSS:
		return "gss"
	case messages.KindAuthenticationSSPI:
		return "sspi"
	}
	return ""
}
