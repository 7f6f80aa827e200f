package redact

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// early tells whether a message was sent before the server had said who the client
// is: until then, what nobody knows may be a password.
func early(e *session.Event) bool {
	if earlyPhases>>e.Step.Phase&1 != 0 {
		return true
	}
	// After a loss, which may be that of the startup's end.
	return e.Kind == messages.KindUnknown && e.Step.Phase == messages.PhaseUnknown
}

const earlyPhases = uint64(1)<<messages.PhaseStartup | 1<<messages.PhaseSSLNegotiation | 1<<messages.PhaseGSSNegotiation |
	1<<messages.PhaseAuthenticating | 1<<messages.PhaseAuthenticatingGSS | 1<<messages.PhaseSASLInitial | 1<<messages.PhaseSASLContinue

// strange tells whether a message is unknown, out of place or has not the form of
// its kind.
func (h *Handler) strange(e *session.Event) bool {
	switch e.Kind {
	case messages.KindUnknown:
		return true
	case messages.KindStartupMessage, messages.KindStartupMessageV2, messages.KindCancelRequest, messages.KindErrorResponse,
		messages.KindErrorResponseV2, messages.KindNoticeResponse, messages.KindParameterStatus:
		return false // what there is of them is known by name
	}
	// What these have is known by name wherever they stand, as they do when the server's
	// AuthenticationOk was lost.
	known := e.Kind == messages.KindBackendKeyData || e.Kind == messages.KindReadyForQuery
	if e.Step.Anomaly != nil && !known {
		return true
	}
	m := h.decoded[e.Kind]
	if m == nil {
		m = e.Kind.New()
		h.decoded[e.Kind] = m
	}
	return m.Decode(e.Body) != nil
}

// hideWhole hides a message as a whole. What is left has the fault that the message
// had: the code of a request, and where a text comes first, the mark.
func (h *Handler) hideWhole(e *session.Event) []byte {
	const code = 4
	h.body = h.body[:0]
	switch e.Kind {
	case messages.KindUnknown, messages.KindCopyData, messages.KindPasswordMessage, messages.KindSASLInitialResponse,
		messages.KindSASLResponse, messages.KindGSSResponse:
		h.body = append(h.body, Mark...)
	default:
		if e.Tag == messages.KindAuthenticationOk.Tag() || e.Tag == 0 {
			h.body = append(h.body, e.Body[:min(code, len(e.Body))]...)
		}
	}
	return h.body
}
