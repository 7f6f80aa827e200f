package pqtrace

import "github.com/pgsniff/pgsniff/pkg/messages"

// layouts are the fields of each message, in the order of the wire. A letter is a
// field:
//
//	s  a string
//	e  a string that depends on the server's environment
//	c  one byte
//	2  a 16-bit number, as libpq prints it without a sign
//	4  a 32-bit number
//	n  a 32-bit number that differs from run to run
//	v  a value: its length and, unless that is -1, its bytes
//	x  all bytes that are left, with what differs from run to run
//	r  all bytes that are left
//	p  names and values up to the end of the list, as in StartupMessage
//	l  strings up to and with the empty one
//	f  the fields of an error, each a byte and a string
//	*  a 16-bit count, and the field or the group in brackets that often
//	+  the same with a 32-bit count
//
// Kinds without a row have no fields.
var layouts = [messages.NumKinds]string{
	messages.KindStartupMessage:           "22p",
	messages.KindSSLRequest:               "22",
	messages.KindGSSENCRequest:            "22",
	messages.KindCancelRequest:            "22nx",
	messages.KindSSLResponse:              "c",
	messages.KindGSSENCResponse:           "c",
	messages.KindNegotiateProtocolVersion: "4+s",
	messages.KindBackendKeyData:           "nx",
	messages.KindParameterStatus:          "se",

	messages.KindAuthenticationGSSContinue:  "x",
	messages.KindAuthenticationSASL:         "l",
	messages.KindAuthenticationSASLContinue: "x",
	messages.KindAuthenticationSASLFinal:    "x",
	messages.KindPasswordMessage:            "s",
	messages.KindSASLInitialResponse:        "sv",
	messages.KindSASLResponse:               "x",
	messages.KindGSSResponse:                "x",

	messages.KindQuery:           "s",
	messages.KindRowDescription:  "*(sn2n242)",
	messages.KindDataRow:         "*v",
	messages.KindCommandComplete: "s",
	messages.KindReadyForQuery:   "c",

	messages.KindParse:                "ss*n",
	messages.KindBind:                 "ss*2*v*2",
	messages.KindDescribe:             "cs",
	messages.KindExecute:              "s4",
	messages.KindClose:                "cs",
	messages.KindParameterDescription: "*n",

	messages.KindCopyData:         "r",
	messages.KindCopyFail:         "s",
	messages.KindCopyInResponse:   "c*2",
	messages.KindCopyOutResponse:  "c*2",
	messages.KindCopyBothResponse: "c*2",

	messages.KindFunctionCall:         "n*2*v2",
	messages.KindFunctionCallResponse: "v",

	messages.KindErrorResponse:        "f",
	messages.KindNoticeResponse:       "f",
	messages.KindNotificationResponse: "nss",
}

// secret are the kinds whose data prove who somebody is. The name of a mechanism is
// none of that.
func secret(k messages.Kind) bool {
	switch k {
	case messages.KindPasswordMessage, messages.KindSASLInitialResponse, messages.KindSASLResponse, messages.KindGSSResponse,
		messages.KindAuthenticationGSSContinue, messages.KindAuthenticationSASLContinue, messages.KindAuthenticationSASLFinal,
		messages.KindBackendKeyData, messages.KindCancelRequest:
		return true
	}
	return false
}

// authenticationCode is what the kinds carry before their fields: the code of an
// authentication request, which libpq shows as part of the name.
const authenticationCode = 4

func hasCode(k messages.Kind) bool {
	return k >= messages.KindAuthenticationOk && k <= messages.KindAuthenticationSASLFinal
}
