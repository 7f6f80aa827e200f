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

// String names the sides.
func (s Sides) String() string {
	switch s {
	case 0:
		return "nobody"
	case FromFrontend:
		return "frontend"
	case FromBackend:
		return "backend"
	case FromBoth:
		return "both"
	}
	return "unknown"
}

// Has reports whether d is in the set.
func (s Sides) Has(d Direction) bool { return s>>d&1 != 0 }

// String returns the manual's name of the message.
func (k Kind) String() string { return k.info().name }

// Tag returns the type byte, or 0 for messages that have none.
func (k Kind) Tag() byte { return k.info().tag }

// Sides returns the directions in which the kind is defined.
func (k Kind) Sides() Sides { return k.info().sides }

// New returns a zero message of the kind, ready for Decode.
func (k Kind) New() Message { return k.info().new() }

// BodyLen returns the least and the greatest number of bytes that the body of
// such a message can have: what follows the length field, or for the one-byte
// replies that byte. Where the format sets no bound, max is what PostgreSQL's
// own server or libpq accept, so a longer message is a sign of a lost boundary
// and not proof of one. For Unknown every length is possible.
func (k Kind) BodyLen() (min, max int) {
	info := k.info()
	return info.min, info.max
}

// FixedLen returns the length of the body for kinds where all have the same;
// ok is false for the others.
func (k Kind) FixedLen() (bodyLen int, ok bool) {
	info := k.info()
	return info.min, info.min == info.max
}

// info returns the row of the table of kinds; Unknown's for an invalid k.
func (k Kind) info() *kindInfo { return &kinds[k.index()] }

// index returns k as an index of the tables, Unknown's for an invalid k.
func (k Kind) index() Kind {
	if k >= numKinds {
		return KindUnknown
	}
	return k
}

// Codes in place of the version in a startup packet (manual: "Message Formats").
const (
	CodeCancelRequest = 80877102
	CodeSSLRequest    = 80877103
	CodeGSSENCRequest = 80877104
	Version30         = 0x00030000
	Version32         = 0x00030002 // 3.1 is reserved and never sent
)

// KindOf tells the kind of a framed message: its direction, the phase it was
// sent in, its type byte, and its body (without type and length). 'p' is told
// apart by the phase, or by its body where that does not say which authentication
// request it answers; 'R' by its first field. The body may be cut short; an 'R'
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
		return answerKind(body)
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
	codeOk:                KindAuthenticationOk,
	codeKerberosV5:        KindAuthenticationKerberosV5,
	codeCleartextPassword: KindAuthenticationCleartextPassword,
	codeMD5Password:       KindAuthenticationMD5Password,
	codeGSS:               KindAuthenticationGSS,
	codeGSSContinue:       KindAuthenticationGSSContinue,
	codeSSPI:              KindAuthenticationSSPI,
	codeSASL:              KindAuthenticationSASL,
	codeSASLContinue:      KindAuthenticationSASLContinue,
	codeSASLFinal:         KindAuthenticationSASLFinal,
}

// StartupKindOf tells the kind of a startup packet (no type byte) from its body.
// One of a version that no server has is taken for a StartupMessage if its
// parameters are whole, or if there is nothing but the version, as scanners send it:
// servers refuse it, but it is what was sent.
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
	case !isRequestCode(code):
		c := cursor{body: body, off: 4}
		if c.skipPairs(); c.ok() || len(body) == 4 {
			return KindStartupMessage
		}
	}
	return KindUnknown
}

// isRequestCode reports whether a code is one of those that stand in the place of a
// version: 1234 in its upper half, or the next number, which others have taken.
func isRequestCode(code uint32) bool { return code>>16 == 1234 || code>>16 == 1235 }

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
