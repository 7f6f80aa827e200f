package redact

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

func (h *Handler) functionCall(e *session.Event) ([]byte, bool) {
	m := &h.call
	if m.Decode(e.Body) != nil || h.level != All && !argumentsHold(m.Arguments) {
		return e.Body, false
	}
	named := argumentsName(m.Arguments)
	if x := e.Exchange; x != nil && named {
		x.Mark |= boundName // what it returns may be the value
	}
	changed := false
	formats := make([]int16, len(m.Arguments))
	for i, v := range m.Arguments {
		formats[i] = messages.FormatOf(m.ArgumentFormats, i)
		if v != nil && h.hidesArgument(m.Arguments, v) {
			m.Arguments[i], formats[i], changed = h.mark(nil, v), 0, true
		}
	}
	if !changed {
		return e.Body, false
	}
	m.ArgumentFormats = formats
	const head = 5
	h.body = m.Append(h.body[:0])[head:]
	return h.body, true
}

// hidesArgument tells whether one of a function's arguments is hidden: what is a secret by
// itself, and what stands beside the name of one.
func (h *Handler) hidesArgument(list messages.Values, v []byte) bool {
	return v != nil && (h.level == All || Value(v) || argumentsName(list) && !secretName(v))
}

// argumentsHold tells whether one of them may be hidden.
func argumentsHold(list messages.Values) bool {
	for _, v := range list {
		if Value(v) || secretName(v) {
			return true
		}
	}
	return false
}

// argumentsName tells whether one of them is the name of a secret.
func argumentsName(list messages.Values) bool {
	for _, v := range list {
		if secretName(v) {
			return true
		}
	}
	return false
}

func (h *Handler) functionResult(e *session.Event) ([]byte, bool) {
	if len(e.Body) < 4 {
		return e.Body, false
	}
	v := values{rest: e.Body, left: 1}
	v.next()
	asked := e.Exchange != nil && e.Exchange.Mark&boundName != 0
	if h.level != All && !asked && !Code(v.value) {
		return e.Body, false
	}
	h.body = append(h.appendValue(h.body[:0], &v, true), v.rest...)
	return h.body, v.value != nil
}
