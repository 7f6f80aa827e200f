package redact

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

func (h *Handler) functionCall(e *session.Event) ([]byte, bool) {
	var m messages.FunctionCall
	if h.level != All && !mayHoldValue(e.Body) || m.Decode(e.Body) != nil {
		return e.Body, false
	}
	changed := false
	formats := make([]int16, len(m.Arguments))
	for i, v := range m.Arguments {
		switch n := len(m.ArgumentFormats); {
		case n == 1:
			formats[i] = m.ArgumentFormats[0]
		case i < n:
			formats[i] = m.ArgumentFormats[i]
		}
		if v != nil && (h.level == All || Value(v)) {
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

func (h *Handler) functionResult(e *session.Event) ([]byte, bool) {
	if len(e.Body) < 4 {
		return e.Body, false
	}
	v := values{rest: e.Body, left: 1}
	v.next()
	if h.level != All && !Value(v.value) {
		return e.Body, false
	}
	h.body = append(h.appendValue(h.body[:0], &v, true), v.rest...)
	return h.body, v.value != nil
}
