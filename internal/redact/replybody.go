package redact

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

func (h *Handler) replyEvent(e *session.Event) ([]byte, bool) {
	return h.reply(&h.body, e.Body, h.dealing.with(e.Session, e.Exchange, h.cycle(e.Session, e.Exchange)))
}

// reply rewrites the body of an error or a notice.
func (h *Handler) reply(into *[]byte, body []byte, c Cycle) ([]byte, bool) {
	h.errs.Fields = h.errs.Fields[:0]
	rest := body
	for len(rest) > 0 && rest[0] != 0 {
		v, after := upToNUL(rest[1:])
		h.errs.Fields = append(h.errs.Fields, messages.ErrorField{Type: rest[0], Value: v})
		if rest = after; len(rest) > 0 {
			rest = rest[1:]
		}
	}
	hide, raised := ReplyField, false
	switch {
	case h.level == All || c.Reply(&h.errs):
		raised = c.Repeats() && raisedByCode(&h.errs)
	case namesWithSecret(&h.errs):
		hide = func(byte) bool { return false }
	case h.tables.failedRow(&h.errs):
		hide = func(fieldType byte) bool { return fieldType == messages.FieldDetail }
	default:
		return body, false
	}
	dst := (*into)[:0]
	for i := range h.errs.Fields {
		f := &h.errs.Fields[i]
		dst = append(dst, f.Type)
		if hide(f.Type) || fieldNames(f.Type) && (raised || Value(f.Value)) {
			dst = h.mark(dst, f.Value)
		} else {
			dst = append(dst, f.Value...)
		}
		dst = append(dst, 0)
	}
	if len(rest) > 0 {
		dst = append(dst, 0)
	}
	*into = dst
	return dst, true
}

// completed hides the value in a command tag that has one, as PgBouncer's console answers
// SET with: SET auth_query=….
func (h *Handler) completed(e *session.Event) ([]byte, bool) {
	tag, rest := upToNUL(e.Body)
	n := bytes.IndexByte(tag, '=')
	if n < 0 || !setsValue(tag) {
		return e.Body, false
	}
	c := Cycle{}
	if e.Exchange != nil {
		c = h.cycle(e.Session, e.Exchange)
	}
	if h.level != All && !c.hidesTag(tag) {
		return e.Body, false
	}
	h.body = h.mark(append(h.body[:0], tag[:n+1]...), tag[n+1:])
	h.body = append(h.body, rest...)
	return h.body, true
}

// setsValue tells whether a command tag may have a setting with its value; PostgreSQL's
// own have none.
func setsValue(tag []byte) bool { return len(tag) > 4 && string(tag[:4]) == "SET " }

// hidesTag tells whether the value in a command tag is hidden.
func (c Cycle) hidesTag(tag []byte) bool { return c.Repeats() || Value(tag) }

func (h *Handler) notification(e *session.Event) ([]byte, bool) {
	const pid = 4
	if len(e.Body) < pid {
		return e.Body, false
	}
	channel, rest := upToNUL(e.Body[pid:])
	if len(rest) == 0 {
		return e.Body, false
	}
	payload, rest := upToNUL(rest[1:])
	name := Value(channel)
	if h.level != All && !name && !Value(payload) && !sqlnorm.NamesSecret(channel) {
		return e.Body, false
	}
	h.body = append(h.body[:0], e.Body[:pid]...)
	if name {
		h.body = h.mark(h.body, channel)
	} else {
		h.body = append(h.body, channel...)
	}
	h.body = append(h.mark(append(h.body, 0), payload), rest...)
	return h.body, true
}

// copyFail hides why a client gave up a COPY, if that names a secret: it may repeat data.
func (h *Handler) copyFail(e *session.Event) ([]byte, bool) {
	text, rest := upToNUL(e.Body)
	c := h.cycle(e.Session, e.Exchange)
	if h.level != All && !c.Data() && !namesInReply(messages.FieldMessage, text) {
		return e.Body, false
	}
	h.body = append(h.mark(h.body[:0], text), rest...)
	return h.body, true
}

// oldError is reply for an error of version 2 of the protocol, which is one text.
func (h *Handler) oldError(e *session.Event) ([]byte, bool) {
	text, rest := upToNUL(e.Body)
	if h.level != All && !namesInReply(messages.FieldMessage, text) {
		return e.Body, false
	}
	h.body = append(h.mark(h.body[:0], text), rest...)
	return h.body, true
}

// unknown hides what a message that nobody knows says, if that is a secret.
func (h *Handler) unknown(e *session.Event) ([]byte, bool) {
	if h.level != All && !Value(e.Body) && !Code(e.Body) {
		return e.Body, false
	}
	h.body = h.mark(h.body[:0], e.Body)
	return h.body, true
}
