package scram

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// separator stands between the parts of OAUTHBEARER's messages (RFC 7628: kvsep).
const separator = "\x01"

// ErrToken tells that a token is none that the protocol can carry.
var ErrToken = errors.New("scram: not a bearer token")

// BearerRequest returns the data of SASLInitialResponse for OAUTHBEARER: the token
// that an authorization server gave. An empty token asks which one that is; the
// server then answers with a BearerError.
func BearerRequest(token string) ([]byte, error) {
	if token == "" {
		return []byte(unbound + separator + "auth=" + separator + separator), nil
	}
	if !isToken(token) {
		return nil, ErrToken
	}
	return []byte(unbound + separator + "auth=Bearer " + token + separator + separator), nil
}

// ParseBearerRequest returns the token of a client's request; it is empty if the
// client asks where to get one.
func ParseBearerRequest(data []byte) (token string, err error) {
	rest, ok := strings.CutPrefix(string(data), unbound+separator)
	if !ok {
		rest, ok = strings.CutPrefix(string(data), unoffered+separator)
	}
	body, end := strings.CutSuffix(rest, separator+separator)
	if !ok || !end {
		return "", fmt.Errorf("%w: OAUTHBEARER", ErrFormat)
	}
	found := false
	for _, pair := range strings.Split(body, separator) {
		value, isAuth := strings.CutPrefix(pair, "auth=")
		switch {
		case !strings.Contains(pair, "=") || isAuth && found:
			return "", fmt.Errorf("%w: OAUTHBEARER", ErrFormat)
		case isAuth:
			found, token = true, value
		}
	}
	if !found {
		return "", fmt.Errorf("%w: OAUTHBEARER without a token", ErrFormat)
	}
	if token == "" {
		return "", nil
	}
	const scheme = "Bearer "
	if len(token) < len(scheme) || !strings.EqualFold(token[:len(scheme)], scheme) || !isToken(token[len(scheme):]) {
		return "", ErrToken
	}
	return token[len(scheme):], nil
}

// BearerAbort is the data of SASLResponse with which a client acknowledges a
// BearerError: the server then ends the exchange with an ErrorResponse.
func BearerAbort() []byte { return []byte(separator) }

// BearerError is what a server answers to a token that it does not take: the data of
// AuthenticationSASLContinue.
type BearerError struct {
	Status string `json:"status"` // such as "invalid_token"
	Scope  string `json:"scope,omitempty"`
	// OpenIDConfiguration is the address of the document that tells where tokens
	// come from. A client must not follow it without having been told to trust it.
	OpenIDConfiguration string `json:"openid-configuration,omitempty"`
}

func (e *BearerError) Error() string {
	return fmt.Sprintf("scram: the server refuses the token: %q", e.Status)
}

// Data returns the error as the data of AuthenticationSASLContinue.
func (e *BearerError) Data() ([]byte, error) { return json.Marshal(e) }

// ParseBearerError reads the data of AuthenticationSASLContinue.
func ParseBearerError(data []byte) (*BearerError, error) {
	e := new(BearerError)
	if err := json.Unmarshal(data, e); err != nil || e.Status == "" {
		return nil, fmt.Errorf("%w: OAUTHBEARER error", ErrFormat)
	}
	return e, nil
}

// isToken reports whether s is a b64token of RFC 6750, section 2.1.
func isToken(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" {
		return false
	}
	for i := range len(body) {
		b := body[i]
		letter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
		if !letter && !strings.ContainsRune("-._~+/", rune(b)) {
			return false
		}
	}
	return true
}
