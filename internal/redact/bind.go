package redact

import (
	"bytes"
	"encoding/binary"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

func (h *Handler) bindEvent(e *session.Event) ([]byte, bool) {
	x := e.Exchange
	c := h.cycle(e.Session, x)
	if x != nil {
		bindNames(x, e.Body)
		c.bound(x)
	}
	body, changed := h.bind(&h.body, e.Body, c)
	switch {
	case x == nil:
	case changed:
		x.Mark |= boundSecret
	default:
		x.Mark |= boundPlain // it need not be looked at again with the exchange
	}
	return body, changed
}

// bind rewrites the body of a Bind if one of its values is hidden. All formats are
// written out, since what is hidden is text.
func (h *Handler) bind(into *[]byte, body []byte, c Cycle) ([]byte, bool) {
	if h.level != All && !c.Parameters() && !mayHoldValue(body) {
		return body, false
	}
	portal, rest := upToNUL(body)
	if len(rest) == 0 {
		return body, false
	}
	statement, rest := upToNUL(rest[1:])
	if len(rest) < 3 {
		return body, false
	}
	rest = rest[1:]
	n := int(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if len(rest) < 2*n+2 {
		return body, false
	}
	codes := rest[:2*n]
	rest = rest[2*n:]
	count := int(binary.BigEndian.Uint16(rest))
	if !h.anyHidden(rest[2:], count, c) {
		return body, false
	}
	h.formats = h.formats[:0]
	for ; len(codes) > 0; codes = codes[2:] {
		h.formats = append(h.formats, int16(binary.BigEndian.Uint16(codes)))
	}
	dst := append(append((*into)[:0], portal...), 0)
	dst = append(append(dst, statement...), 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(count))
	v := values{rest: rest[2:], left: count}
	for i := 0; i < count; i++ {
		f := messages.FormatOf(h.formats, i)
		if v.next() && h.hides(v.value, c) {
			f = messages.FormatText
		}
		dst = binary.BigEndian.AppendUint16(dst, uint16(f))
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(count))
	v = values{rest: rest[2:], left: count}
	for v.next() {
		dst = h.appendValue(dst, &v, h.hides(v.value, c))
	}
	*into = append(dst, v.rest...)
	return *into, true
}

// hasPairs tells whether a text has a column, or calls a function, that may have the names
// of things, whose values stand beside them or are asked for.
func hasPairs(sql []byte) bool {
	return bytes.Contains(sql, []byte("ey")) || bytes.Contains(sql, []byte("ame")) || bytes.Contains(sql, []byte("etting")) ||
		bytes.Contains(sql, []byte("ption")) || bytes.Contains(sql, []byte("aram"))
}

// bindNames takes note of the values that are bound.
func bindNames(x *exchange.Exchange, body []byte) {
	if (x.Prepared == nil || x.Prepared.Mark&pairs != 0) && bindsName(body) {
		x.Mark |= boundName
	}
}

// bound adds what is known of the values that were bound.
func (c *Cycle) bound(x *exchange.Exchange) {
	if x.Mark&boundName != 0 {
		c.Secrecy |= sqlnorm.Takes | sqlnorm.Names | sqlnorm.Asks
	}
}

// bindsName tells whether one of the values of a Bind is the name of a secret, beside
// which its value may stand, or that is asked for by it. Most are no names at all.
func bindsName(body []byte) bool {
	at := 0
	for range 2 { // the names of the portal and of the statement
		n := 0
		if at < len(body) && body[at] != 0 {
			if n = bytes.IndexByte(body[at:], 0); n < 0 {
				return false
			}
		}
		at += n + 1
	}
	if len(body)-at < 2 {
		return false
	}
	at += 2 + 2*int(binary.BigEndian.Uint16(body[at:])) + 2
	for len(body)-at > 4 {
		n := int(int32(binary.BigEndian.Uint32(body[at:])))
		at += 4
		if n <= 0 {
			continue
		}
		end := min(at+n, len(body))
		if body[at] >= 'A' && n <= longestName && secretName(body[at:end]) {
			return true
		}
		at = end
	}
	return false
}

// longestName is the length in bytes of the longest name of a secret that is looked at.
const longestName = 64

// secretName tells whether a value is the name of a secret, and nothing besides.
func secretName(v []byte) bool {
	if len(v) < 2 || len(v) > longestName || v[0] < 'A' {
		return false
	}
	for _, c := range v {
		if c != '_' && c != '.' && c != '-' && c-'0' >= 10 && (c|0x20)-'a' >= 26 {
			return false
		}
	}
	return sqlnorm.NamesSecret(v)
}

// hides tells whether a parameter is hidden.
func (h *Handler) hides(v []byte, c Cycle) bool {
	return v != nil && (h.level == All || c.Parameters() || Value(v))
}

func (h *Handler) anyHidden(list []byte, n int, c Cycle) bool {
	for v := (values{rest: list, left: n}); v.next(); {
		if h.hides(v.value, c) {
			return true
		}
	}
	return false
}

// values goes through a list of values with their lengths, as far as it is there.
type values struct {
	rest  []byte
	left  int
	size  int32
	value []byte // nil: NULL
}

func (v *values) next() bool {
	if v.left == 0 || len(v.rest) < 4 {
		return false
	}
	v.left--
	v.size = int32(binary.BigEndian.Uint32(v.rest))
	v.rest = v.rest[4:]
	if v.value = nil; v.size >= 0 {
		n := min(int(v.size), len(v.rest))
		v.value, v.rest = v.rest[:n:n], v.rest[n:]
	}
	return true
}

func (h *Handler) appendValue(dst []byte, v *values, hide bool) []byte {
	if !hide || v.value == nil {
		dst = binary.BigEndian.AppendUint32(dst, uint32(v.size))
		return append(dst, v.value...)
	}
	at := len(dst)
	dst = h.mark(append(dst, 0, 0, 0, 0), v.value)
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}
