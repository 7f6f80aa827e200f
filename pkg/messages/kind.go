package messages

import "encoding/binary"

// Kind identifies a message of the protocol, across both directions.
type Kind uint8

// Every message of protocol 3.0 and 3.2 (manual: "Message Formats"). The
// groups follow the protocol's chapters.
const (
	KindUnknown Kind = iota // a type byte that the protocol does not define here

	// Startup and encryption negotiation.
	KindStartupMessage
	KindSSLRequest
	KindGSSENCRequest
	KindCancelRequest
	KindSSLResponse
	KindGSSENCResponse
	KindNegotiateProtocolVersion
	KindBackendKeyData
	KindParameterStatus
	KindStartupMessageV2 // version-2 startup packet, recognised only
	KindErrorResponseV2  // version-2 error: 'E', text, NUL, no length field

	// Authentication.
	KindAuthenticationOk
	KindAuthenticationKerberosV5
	KindAuthenticationCleartextPassword
	KindAuthenticationMD5Password
	KindAuthenticationGSS
	KindAuthenticationGSSContinue
	KindAuthenticationSSPI
	KindAuthenticationSASL
	KindAuthenticationSASLContinue
	KindAuthenticationSASLFinal
	KindPasswordMessage
	KindSASLInitialResponse
	KindSASLResponse
	KindGSSResponse

	// Simple query and results.
	KindQuery
	KindRowDescription
	KindDataRow
	KindCommandComplete
	KindEmptyQueryResponse
	KindReadyForQuery

	// Extended query.
	KindParse
	KindBind
	KindDescribe
	KindExecute
	KindClose
	KindFlush
	KindSync
	KindParseComplete
	KindBindComplete
	KindCloseComplete
	KindParameterDescription
	KindNoData
	KindPortalSuspended

	// COPY.
	KindCopyData
	KindCopyDone
	KindCopyFail
	KindCopyInResponse
	KindCopyOutResponse
	KindCopyBothResponse

	// Function call.
	KindFunctionCall
	KindFunctionCallResponse

	// Asynchronous and termination.
	KindErrorResponse
	KindNoticeResponse
	KindNotificationResponse
	KindTerminate

	numKinds
)

// NumKinds is the number of kinds; valid kinds are below it.
const NumKinds = int(numKinds)

// Sides is the set of directions a kind may travel in.
type Sides uint8

// A kind is sent by the frontend, by the backend, or (COPY's data) by both.
const (
	FromFrontend Sides = 1 << Frontend
	FromBackend  Sides = 1 << Backend
	FromBoth           = FromFrontend | FromBackend
)

// Has reports whether d is in the set.
func (s Sides) Has(d Direction) bool { return s>>d&1 != 0 }

type kindInfo struct {
	name  string
	tag   byte // 0: the message has no type byte
	sides Sides
	new   func() Message
}

// String returns the manual's name of the message.
func (k Kind) String() string {
	if k >= numKinds {
		return "Unknown"
	}
	return kinds[k].name
}

// Tag returns the type byte, or 0 for messages that have none.
func (k Kind) Tag() byte { return kinds[k].tag }

// Sides returns the directions in which the kind is defined.
func (k Kind) Sides() Sides { return kinds[k].sides }

// New returns a zero message of the kind, ready for Decode.
func (k Kind) New() Message { return kinds[k].new() }

// Codes in place of the version in a startup packet (manual: "Message Formats").
const (
	CodeCancelRequest = 80877102
	CodeSSLRequest    = 80877103
	CodeGSSENCRequest = 80877104
	Version30         = 0x00030000
	Version32         = 0x00030002
)

// KindOf tells the kind of a framed message: its direction, the phase it was
// sent in, its type byte, and its body (without type and length). 'p' is told
// apart by the phase, 'R' by its first field. The body may be cut short; an 'R'
// without its first field is Unknown.
func KindOf(d Direction, p Phase, tag byte, body []byte) Kind {
	k := byTag[d][tag]
	switch k {
	case KindPasswordMessage:
		switch p {
		case PhaseSASLInitial:
			return KindSASLInitialResponse
		case PhaseSASLContinue:
			return KindSASLResponse
		case PhaseAuthenticatingGSS:
			return KindGSSResponse
		}
	case KindAuthenticationOk:
		return authenticationKind(body)
	}
	return k
}

func authenticationKind(body []byte) Kind {
	if len(body) < 4 {
		return KindUnknown
	}
	code := binary.BigEndian.Uint32(body)
	if code >= uint32(len(authenticationKinds)) {
		return KindUnknown
	}
	return authenticationKinds[code]
}

// authenticationKinds maps the first field of an 'R' message to its kind.
var authenticationKinds = [...]Kind{
	0:  KindAuthenticationOk,
	2:  KindAuthenticationKerberosV5,
	3:  KindAuthenticationCleartextPassword,
	5:  KindAuthenticationMD5Password,
	7:  KindAuthenticationGSS,
	8:  KindAuthenticationGSSContinue,
	9:  KindAuthenticationSSPI,
	10: KindAuthenticationSASL,
	11: KindAuthenticationSASLContinue,
	12: KindAuthenticationSASLFinal,
}

// StartupKindOf tells the kind of a startup packet (no type byte) from its body.
func StartupKindOf(body []byte) Kind {
	if len(body) < 4 {
		return KindUnknown
	}
	switch code := binary.BigEndian.Uint32(body); {
	case code == CodeSSLRequest:
		return KindSSLRequest
	case code == CodeGSSENCRequest:
		return KindGSSENCRequest
	case code == CodeCancelRequest:
		return KindCancelRequest
	case code>>16 == 3:
		return KindStartupMessage
	case code>>16 == 2:
		return KindStartupMessageV2
	}
	return KindUnknown
}

// byTag maps direction and type byte to a kind; made from the table of kinds.
// For 'p' it holds PasswordMessage and for 'R' AuthenticationOk, which KindOf refines.
var byTag = func() (t [2][256]Kind) {
	for k := KindUnknown + 1; k < numKinds; k++ {
		info := &kinds[k]
		if info.tag == 0 || k == KindErrorResponseV2 {
			continue
		}
		for _, d := range []Direction{Frontend, Backend} {
			if info.sides.Has(d) && t[d][info.tag] == KindUnknown {
				t[d][info.tag] = k
			}
		}
	}
	return t
}()
