package grammar

import "github.com/pgsniff/pgsniff/pkg/messages"

// AuthenticationAnswers tells how the frontend answers an authentication request;
// KindUnknown: not at all.
var AuthenticationAnswers = [messages.NumKinds]messages.Kind{
	messages.KindAuthenticationCleartextPassword: messages.KindPasswordMessage,
	messages.KindAuthenticationMD5Password:       messages.KindPasswordMessage,
	messages.KindAuthenticationGSS:               messages.KindGSSResponse,
	messages.KindAuthenticationSSPI:              messages.KindGSSResponse,
	messages.KindAuthenticationGSSContinue:       messages.KindGSSResponse,
	messages.KindAuthenticationSASL:              messages.KindSASLInitialResponse,
	messages.KindAuthenticationSASLContinue:      messages.KindSASLResponse,
}

// AuthenticationPhase is the phase after an authentication request.
func AuthenticationPhase(k messages.Kind) messages.Phase {
	switch k {
	case messages.KindAuthenticationOk:
		return messages.PhaseInitialization
	case messages.KindAuthenticationGSS, messages.KindAuthenticationSSPI, messages.KindAuthenticationGSSContinue:
		return messages.PhaseAuthenticatingGSS
	case messages.KindAuthenticationSASL:
		return messages.PhaseSASLInitial
	case messages.KindAuthenticationSASLContinue:
		return messages.PhaseSASLContinue
	}
	return messages.PhaseAuthenticating
}

// PhaseBefore is the phase in which a message of authentication is sent.
func PhaseBefore(k messages.Kind) messages.Phase {
	switch k {
	case messages.KindAuthenticationSASLContinue, messages.KindAuthenticationSASLFinal:
		return messages.PhaseSASLContinue
	case messages.KindAuthenticationGSSContinue:
		return messages.PhaseAuthenticatingGSS
	}
	return messages.PhaseAuthenticating
}

// Authenticating reports whether k is one of the frontend's 'p' messages.
func Authenticating(k messages.Kind) bool {
	return k == messages.KindPasswordMessage || k == messages.KindGSSResponse ||
		k == messages.KindSASLInitialResponse || k == messages.KindSASLResponse
}

// BeginsAuthentication are the requests that begin a method of authentication;
// a backend may ask for several in sequence.
var BeginsAuthentication = KindsOf(messages.KindAuthenticationKerberosV5, messages.KindAuthenticationCleartextPassword,
	messages.KindAuthenticationMD5Password, messages.KindAuthenticationGSS, messages.KindAuthenticationSSPI,
	messages.KindAuthenticationSASL)
