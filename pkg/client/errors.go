package client

import (
	"errors"
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/scram"
)

// Errors that can be told apart with errors.Is.
var (
	// ErrNeedData is what NextEvent returns when all that was received has become
	// events. It is not a failure.
	ErrNeedData = errors.New("postgresql client: more data is needed")
	// ErrTerminated is what NextEvent returns after DoTerminate.
	ErrTerminated = errors.New("postgresql client: the session was terminated")
	// ErrNoUser: Config.User is empty.
	ErrNoUser = errors.New("postgresql client: no user name")
	// ErrNoBackendKey: there is no key to cancel with, as before the startup is
	// complete, or because the server sent none.
	ErrNoBackendKey = errors.New("postgresql client: the server sent no key to cancel with")
	// ErrNoPassword: the server asks for a password and Config.Password is empty.
	ErrNoPassword = errors.New("no password given")
	// ErrMethodRefused: the server does not ask for, or does not offer, what
	// Config.RequireAuth demands.
	ErrMethodRefused = errors.New("weaker than required")
	// ErrServerNotVerified: the server has not proved that it knows the password.
	ErrServerNotVerified = scram.ErrServerNotVerified
	// ErrUnknownType: there is no conversion for values of the type.
	ErrUnknownType = errors.New("unknown type")
)

// errNotMade is of a zero Client.
var errNotMade = errors.New("postgresql client: made without New")

// StateError tells that a method was called in a state that does not allow it.
type StateError struct {
	Op    string // the method
	State State
	Err   error // what ended the connection, if anything did
}

func (e *StateError) Error() string {
	s := fmt.Sprintf("postgresql client: %s in state %v", e.Op, e.State)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Err.
func (e *StateError) Unwrap() error { return e.Err }

// ProtocolError tells that the server sent what is not in order
// (*tracker.Anomaly), what cannot be decoded (*codec.DecodingError,
// *codec.FramingError), bytes in clear where encryption begins
// (connection.ErrInjected), or contents that contradict one another. The
// connection is of no more use.
type ProtocolError struct {
	State State // in which it came
	Err   error
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("postgresql client: in state %v: %v", e.State, e.Err)
}

// Unwrap returns Err.
func (e *ProtocolError) Unwrap() error { return e.Err }

// Is reports whether target is messages.ErrProtocol.
func (e *ProtocolError) Is(target error) bool { return target == messages.ErrProtocol }

// AuthError tells why the client did not go on with authentication. That the
// server refused is a *ServerError. The connection is of no more use.
type AuthError struct {
	Method string // what the server asked for, such as "md5"
	Err    error
}

func (e *AuthError) Error() string {
	return fmt.Sprintf("postgresql client: authentication by %s: %v", e.Method, e.Err)
}

// Unwrap returns Err.
func (e *AuthError) Unwrap() error { return e.Err }

// LostError tells where the conversation stood when the transport failed.
type LostError struct {
	State  State
	Unread int   // bytes received of an incomplete message
	Err    error // of the transport
}

func (e *LostError) Error() string {
	return fmt.Sprintf("postgresql client: connection lost in state %v: %v", e.State, e.Err)
}

// Unwrap returns Err.
func (e *LostError) Unwrap() error { return e.Err }

// EncodingError tells that text cannot be converted to or from the session's
// client_encoding.
type EncodingError struct {
	Encoding string // as the server names it
	Err      error
}

func (e *EncodingError) Error() string {
	return fmt.Sprintf("postgresql client: client_encoding %s: %v", e.Encoding, e.Err)
}

// Unwrap returns Err.
func (e *EncodingError) Unwrap() error { return e.Err }

// ArgumentError tells that an argument of DoBindExecute cannot be sent.
type ArgumentError struct {
	Index int    // from 0; the number of parameters if there are too few or too many arguments
	OID   uint32 // of the parameter's type
	Err   error
}

func (e *ArgumentError) Error() string {
	return fmt.Sprintf("postgresql client: parameter $%d: %v", e.Index+1, e.Err)
}

// Unwrap returns Err.
func (e *ArgumentError) Unwrap() error { return e.Err }

// ValueError tells that a value of a row cannot be converted.
type ValueError struct {
	Index  int // of the column, from 0
	Column Column
	Err    error
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("postgresql client: column %d %q of type %s: %v", e.Index+1, e.Column.Name, e.Column.typeName(), e.Err)
}

// Unwrap returns Err.
func (e *ValueError) Unwrap() error { return e.Err }
