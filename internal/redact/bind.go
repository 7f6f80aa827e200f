package redact

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode"

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
	b := binding{Cycle: c}
	if x != nil && markOf(x)&namesTokens != 0 {
		b.of(x)
	}
	body, changed := h.bind(&h.body, e.Body, &b)
	switch {
	case x == nil:
	case changed:
		x.Mark |= boundSecret
	default:
		x.Mark |= boundPlain // it need not be looked at again with the exchange
	}
	return body, changed
}

// binding is what is known of the values of a Bind.
type binding struct {
	Cycle
	tokens uint64   // which of the first 64 are for tokens
	types  []uint32 // as far as they are known
}

// of adds what is known of an exchange's text, which names tokens, and of its parameters.
func (b *binding) of(x *exchange.Exchange) {
	b.tokens, b.types = sqlnorm.TokenParameters(textOf(x)), x.ParamTypes()
}

// forTokens tells whether a value is given to what is called tokens, and is no number.
func (b *binding) forTokens(i int, v []byte) bool {
	if i >= 64 || b.tokens>>i&1 == 0 {
		return false
	}
	if i < len(b.types) && b.types[i] != 0 {
		return tokensPolicy(b.types[i]) == columnHidden || tokensPolicy(b.types[i]) == columnTokens && hasText(v)
	}
	return bytes.ContainsFunc(v, unicode.IsLetter)
}

// bind rewrites the body of a Bind if one of its values is hidden. All formats are
// written out, since what is hidden is text.
func (h *Handler) bind(into *[]byte, body []byte, c *binding) ([]byte, bool) {
	if h.level != All && !c.Parameters() && c.tokens == 0 && !mayHoldValue(body) && !mayBindForm(body) {
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
		if v.next() && h.hides(i, v.value, c) {
			f = messages.FormatText
		}
		dst = binary.BigEndian.AppendUint16(dst, uint16(f))
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(count))
	v = values{rest: rest[2:], left: count}
	for i := 0; v.next(); i++ {
		dst = h.appendValue(dst, &v, h.hides(i, v.value, c))
	}
	*into = append(dst, v.rest...)
	return *into, true
}

// hasPairs tells whether a text has a column, or calls a function, that may have the names
// of things, whose values stand beside them or are asked for.
func hasPairs(sql []byte) bool {
	for _, sign := range pairSigns {
		if bytes.Contains(sql, sign) {
			return true
		}
	}
	return false
}

// pairSigns are parts of what such columns and functions are called.
var pairSigns = [][]byte{
	[]byte("ey"), []byte("ame"), []byte("etting"), []byte("ption"), []byte("aram"), []byte("json"), []byte(" k "),
	[]byte("hstore"), []byte("notify"), []byte("config"), []byte("unnest"),
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
	at := bindValues(body)
	if at < 0 {
		return false
	}
	for len(body)-at > 4 {
		n := int(int32(binary.BigEndian.Uint32(body[at:])))
		at += 4
		if n <= 0 {
			continue
		}
		end := min(at+n, len(body))
		if body[at] >= 'A' && n <= longestName && secretName(body[at:end]) || body[at] == '{' && namesInArray(body[at:end]) {
			return true
		}
		at = end
	}
	return false
}

// bindValues returns where the values of a Bind begin, -1 if that is not there.
func bindValues(body []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	at := 0
	for range 2 { // the names of the portal and of the statement, most of which are short
		if at < len(body) && body[at] == 0 {
			at++
			continue
		}
		if len(body)-at >= 8 {
			w := binary.LittleEndian.Uint64(body[at:])
			if nul := (w - ones) &^ w & highs; nul != 0 { // its lowest bit is that of the first
				at += bits.TrailingZeros64(nul)>>3 + 1
				continue
			}
		}
		n := bytes.IndexByte(body[min(at, len(body)):], 0)
		if n < 0 {
			return -1
		}
		at += n + 1
	}
	if len(body)-at < 2 {
		return -1
	}
	return at + 2 + 2*int(binary.BigEndian.Uint16(body[at:])) + 2
}

// mayBindForm tells whether a value of a Bind may be one that is known by its form, though it
// has none of the signs that mayHoldValue looks for. It is quick.
func mayBindForm(body []byte) bool {
	const least = 1 + 1 + 2 + 2 + 4 + sqlnorm.ShortestToken + 2 // without names and formats
	if len(body) < least || len(body) == least && body[1] != 0 {
		return false
	}
	at := bindValues(body)
	for at >= 0 && len(body)-at > 4 {
		n := int(int32(binary.BigEndian.Uint32(body[at:])))
		at += 4
		if n <= 0 {
			continue
		}
		end := min(at+n, len(body))
		if n >= sqlnorm.ShortestToken && mayHaveForm(body[at:end]) {
			return true
		}
		at = end
	}
	return false
}

// namesInArray tells whether an array has the name of a secret as an element.
func namesInArray(v []byte) bool {
	const most = 4096
	for rest := v[1:min(len(v), most)]; len(rest) > 0; {
		var name []byte
		name, rest, _ = bytes.Cut(rest, []byte(","))
		if secretName(bytes.Trim(name, `"{}`)) {
			return true
		}
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

// hides tells whether parameter i is hidden.
func (h *Handler) hides(i int, v []byte, c *binding) bool {
	return v != nil && (h.level == All || c.Parameters() || Value(v) || c.forTokens(i, v))
}

func (h *Handler) anyHidden(list []byte, n int, c *binding) bool {
	v := values{rest: list, left: n}
	for i := 0; v.next(); i++ {
		if h.hides(i, v.value, c) {
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
