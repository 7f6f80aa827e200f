package redact

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// rewriters make the body of a message without secrets, where it has any. It is
// borrowed until the next call.
var rewriters = [messages.NumKinds]func(*Handler, *session.Event) ([]byte, bool){
	messages.KindQuery:                    (*Handler).query,
	messages.KindParse:                    (*Handler).parse,
	messages.KindBind:                     (*Handler).bindEvent,
	messages.KindDataRow:                  (*Handler).row,
	messages.KindRowDescription:           (*Handler).description,
	messages.KindCopyData:                 (*Handler).copyData,
	messages.KindCommandComplete:          (*Handler).completed,
	messages.KindErrorResponse:            (*Handler).replyEvent,
	messages.KindNoticeResponse:           (*Handler).replyEvent,
	messages.KindNotificationResponse:     (*Handler).notification,
	messages.KindParameterStatus:          (*Handler).parameterStatus,
	messages.KindStartupMessage:           (*Handler).startup,
	messages.KindFunctionCall:             (*Handler).functionCall,
	messages.KindFunctionCallResponse:     (*Handler).functionResult,
	messages.KindCopyFail:                 (*Handler).copyFail,
	messages.KindErrorResponseV2:          (*Handler).oldError,
	messages.KindStartupMessageV2:         (*Handler).oldStartup,
	messages.KindUnknown:                  (*Handler).unknown,
	messages.KindNegotiateProtocolVersion: (*Handler).negotiated,
}

// mark appends what stands in the place of a value; nil is NULL and stays so.
func (h *Handler) mark(dst, v []byte) []byte {
	switch {
	case v == nil:
		return nil
	case h.level == All:
		dst = append(dst, "<redacted, "...)
		dst = strconv.AppendInt(dst, int64(len(v)), 10)
		return append(dst, " bytes>"...)
	}
	return append(dst, Mark...)
}

// upToNUL splits a string off a body; what follows begins with its NUL, if that is
// there.
func upToNUL(b []byte) (s, rest []byte) {
	if len(b) > 0 && b[0] == 0 {
		return b[:0], b // as most names are
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}

func (h *Handler) query(e *session.Event) ([]byte, bool) {
	sql, rest := upToNUL(e.Body)
	return h.sqlBody(e, e.Body[:0], sql, rest)
}

func (h *Handler) parse(e *session.Event) ([]byte, bool) {
	name, rest := upToNUL(e.Body)
	if len(rest) == 0 {
		return e.Body, false
	}
	sql, rest := upToNUL(rest[1:])
	return h.sqlBody(e, e.Body[:len(name)+1], sql, rest)
}

func (h *Handler) sqlBody(e *session.Event, before, sql, after []byte) ([]byte, bool) {
	var c Cycle
	x := e.Exchange
	switch {
	case x != nil && len(x.SQL) == len(sql) && bytes.Equal(x.SQL, sql):
		c = h.cycle(e.Session, x)
	default:
		c = Cycle{h.secrecy(e.Session, sql, e.Session.Info().Escapes, e.Truncated)}
	}
	if h.level != All && c.Secrecy&sqlnorm.Hidden == 0 {
		return e.Body, false
	}
	h.body = append(h.body[:0], before...)
	h.body = h.text(h.body, sql, c, e.Session.Info().Escapes)
	h.body = append(h.body, after...)
	return h.body, true
}

// row rewrites a DataRow if one of its values is hidden.
func (h *Handler) row(e *session.Event) ([]byte, bool) {
	var p *policy
	c := Cycle{}
	x := e.Exchange
	if x != nil {
		c, p = h.cycle(e.Session, x), h.policy(x.Description())
	}
	if x != nil && x.Mark&boundName != 0 {
		c.bound(x)
	}
	if h.level != All && p != nil && !p.any && !c.Repeats() && !c.names() && (!p.texts || !mayHoldCredential(e.Body) && (len(e.Body) < 2 || !p.mayHaveForms(e.Body[2:], int(binary.BigEndian.Uint16(e.Body))))) &&
		markOf(x)&(namesTokens|renamesPairs) == 0 && !(p.composite && len(h.tables.names) > 0) {
		return e.Body, false
	}
	if len(e.Body) < 2 || h.Counts(e) {
		return e.Body, false
	}
	r := rowOf{policy: p, cycle: c, asked: c.Secrecy&sqlnorm.Asks != 0, parts: h.tables.parts}
	n := int(binary.BigEndian.Uint16(e.Body))
	if h.level != All {
		r.asked = r.asked || p.asks(e.Body[2:], n)
		if x != nil && (c.deals() || markOf(x)&namesTokens != 0) {
			r.renamed = h.renames(x, r.asked)
		}
		if x != nil && markOf(x)&renamesPairs != 0 && namesOne(e.Body[2:], n) {
			r.asked, r.beside = true, true
		}
		if p == nil { // what its columns are is not known
			r.beside = r.beside || n > 1 && namesOne(e.Body[2:], n)
			r.known = len(h.tables.names) > 0 && x != nil && (h.readsKnown(x) || sqlnorm.Executes(textOf(x)))
		}
		r.known = r.known || len(h.tables.names) > 0 && x != nil && p != nil && (p.computed || p.composite) && h.readsKnown(x)
	}
	if !h.rowHides(&r, e.Body[2:], n) {
		return e.Body, false
	}
	dst := append(h.body[:0], e.Body[:2]...)
	v := values{rest: e.Body[2:], left: n}
	for i := 0; v.next(); i++ {
		dst = h.appendValue(dst, &v, v.value != nil && (h.level == All || r.hides(i, v.value)))
	}
	h.body = append(dst, v.rest...)
	return h.body, true
}

// rowHides tells whether one of the n values of a row is hidden. Most rows have none,
// and are not written anew.
func (h *Handler) rowHides(r *rowOf, list []byte, n int) bool {
	if h.level == All {
		return true
	}
	var columns []columnPolicy
	if r.policy != nil && !r.asked && !r.known && !r.parts && r.renamed == nil {
		columns = r.columns
	}
	looked := !r.cycle.Repeats() && !r.cycle.names() // a computed value is hidden by what it is alone
	at := 0
	for i := 0; i < n && len(list)-at >= 4; i++ {
		size := int(int32(binary.BigEndian.Uint32(list[at:])))
		if at += 4; size < 0 {
			continue
		}
		v := list[at:min(at+size, len(list))]
		at += len(v)
		kind := columnNamed // of those whose column says nothing
		if i < len(columns) {
			kind = columns[i]
		}
		switch {
		case kind == columnShown:
		case kind == columnComputed && looked:
			if Code(v) {
				return true
			}
		case r.hides(i, v):
			return true
		}
	}
	return false
}

func (h *Handler) description(e *session.Event) ([]byte, bool) {
	var m messages.RowDescription
	if e.Exchange != nil {
		if d := e.Exchange.Description(); d != nil {
			if p := h.policy(d); !p.names {
				return e.Body, false
			}
		}
	}
	if h.plainRows.has(e.Body) {
		return e.Body, false
	}
	if m.Decode(e.Body) != nil && len(m.Fields) == 0 {
		return e.Body, false
	}
	changed := false
	for i := range m.Fields {
		if hidesName(m.Fields[i].Name) {
			m.Fields[i].Name, changed = []byte(Mark), true
		}
	}
	if !changed {
		h.plainRows.add(e.Body)
		return e.Body, false
	}
	const head = 5
	h.body = m.Append(h.body[:0])[head:]
	return h.body, true
}
