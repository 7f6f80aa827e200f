package redact

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// rewriters make the body of a message without secrets, where it has any. It is
// borrowed until the next call.
var rewriters = [messages.NumKinds]func(*Handler, *session.Event) ([]byte, bool){
	messages.KindQuery:                (*Handler).query,
	messages.KindParse:                (*Handler).parse,
	messages.KindBind:                 (*Handler).bindEvent,
	messages.KindDataRow:              (*Handler).row,
	messages.KindRowDescription:       (*Handler).description,
	messages.KindCopyData:             (*Handler).copyData,
	messages.KindCommandComplete:      (*Handler).completed,
	messages.KindErrorResponse:        (*Handler).replyEvent,
	messages.KindNoticeResponse:       (*Handler).replyEvent,
	messages.KindNotificationResponse: (*Handler).notification,
	messages.KindParameterStatus:      (*Handler).parameterStatus,
	messages.KindStartupMessage:       (*Handler).startup,
	messages.KindFunctionCall:         (*Handler).functionCall,
	messages.KindFunctionCallResponse: (*Handler).functionResult,
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
	formats := rest[:2*n]
	rest = rest[2*n:]
	count := int(binary.BigEndian.Uint16(rest))
	if !h.anyHidden(rest[2:], count, c) {
		return body, false
	}
	dst := append(append((*into)[:0], portal...), 0)
	dst = append(append(dst, statement...), 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(count))
	v := values{rest: rest[2:], left: count}
	for i := 0; i < count; i++ {
		f := formatAt(formats, i)
		if v.next() && h.hides(v.value, c) {
			f = 0
		}
		dst = binary.BigEndian.AppendUint16(dst, f)
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

func formatAt(formats []byte, i int) uint16 {
	switch {
	case len(formats) == 2:
		return binary.BigEndian.Uint16(formats)
	case len(formats) >= 2*i+2:
		return binary.BigEndian.Uint16(formats[2*i:])
	}
	return 0
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
	if h.level != All && p != nil && !p.any && !c.Repeats() && !c.names() && (!p.texts || !mayHoldCredential(e.Body)) {
		return e.Body, false
	}
	if len(e.Body) < 2 || h.Counts(e) {
		return e.Body, false
	}
	r := rowOf{policy: p, cycle: c, asked: c.Secrecy&sqlnorm.Asks != 0}
	n := int(binary.BigEndian.Uint16(e.Body))
	if h.level != All {
		r.asked = r.asked || p.asks(e.Body[2:], n)
		if x != nil && c.deals() {
			r.renamed = h.renames(x)
		}
		r.known = x != nil && p != nil && p.computed && bytes.IndexByte(e.Body, '(') >= 0 && h.readsKnown(x)
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
	if r.policy != nil && !r.asked && !r.known && r.renamed == nil {
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

// copyData hides the data of a COPY. What replicates keeps its form: how far it has
// come is told in it.
func (h *Handler) copyData(e *session.Event) ([]byte, bool) {
	if e.Replication != nil && e.Replication.Meaning.Kind != replication.KindUnknown {
		return h.replication(e)
	}
	hide := h.level == All
	if x := e.Exchange; x != nil && !hide {
		hide = h.copied(x, e.Body)
		hide = h.cycle(e.Session, x).Data() || hide
	}
	if h.Counts(e) {
		return e.Body, false
	}
	if !hide && !Value(e.Body) {
		return e.Body, false
	}
	keep := 0
	if e.Step.Phase == messages.PhaseCopyBoth {
		if keep = replicationHead(e.Body); keep == len(e.Body) {
			return e.Body, false
		}
	}
	h.body = h.mark(append(h.body[:0], e.Body[:keep]...), e.Body[keep:])
	return h.body, true
}

// copied tells whether what a COPY copies is hidden since the header before it names a
// secret. The header itself is shown if nothing else is in its message.
func (h *Handler) copied(x *exchange.Exchange, data []byte) bool {
	if x.Mark&copyBegun == 0 {
		x.Mark |= copyBegun
		sql := x.SQL
		if x.Prepared != nil {
			sql = x.Prepared.SQL
		}
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		if sqlnorm.CopiesHeader(sql) && namesIn(line) {
			x.Mark |= copyHidden
			if name := sqlnorm.CopiesWhole(nil, sql); name != nil {
				h.tables.add(name)
			}
			return len(rest) > 0
		}
	}
	return x.Mark&copyHidden != 0
}

// namesIn tells whether one of the words of a line is the name of a secret.
func namesIn(line []byte) bool {
	for _, word := range bytes.FieldsFunc(line, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if secretName(word) {
			return true
		}
	}
	return false
}

// replication hides the values of rows that logical replication sends, and with All
// all that is data. The archives of a base backup are the files of the whole server, with
// the hashes of all passwords: of those nothing is shown but how long they are.
func (h *Handler) replication(e *session.Event) ([]byte, bool) {
	if e.Replication.Meaning.Kind == replication.KindArchiveData && len(e.Body) > 0 {
		h.replicated = e.Replication
		h.body = h.mark(append(h.body[:0], e.Body[0]), e.Body[1:])
		return h.body, true
	}
	event, body := h.rewriter.Event(e.Replication, e.Body, func(r *replication.Relation, i int, v []byte) ([]byte, bool) {
		if h.level != All && !h.hiddenColumn(r, i) && !Value(v) {
			return nil, false
		}
		h.value = h.mark(h.value[:0], v)
		return h.value, true
	})
	h.replicated = event
	return body, event != e.Replication
}

// hiddenColumn tells whether a column of a relation is hidden by its name. What is
// found is remembered for the next row.
func (h *Handler) hiddenColumn(r *replication.Relation, i int) bool {
	if r == nil {
		return false
	}
	if h.relation != r {
		h.relation, h.columns = r, h.columns[:0]
		for k := range r.Columns {
			c := &r.Columns[k]
			h.columns = append(h.columns, Cycle{}.Column(&messages.ColumnDescription{Name: c.Name, TypeOID: c.TypeOID}))
		}
	}
	return h.columns[i]
}

// replicationHead is how many bytes of a replication message are not data (manual:
// "Streaming Replication Protocol").
func replicationHead(body []byte) int {
	if len(body) == 0 || body[0] != 'w' {
		return len(body) // keepalives, status, feedback
	}
	return min(1+3*8, len(body))
}

func (h *Handler) replyEvent(e *session.Event) ([]byte, bool) {
	return h.reply(&h.body, e.Body, h.cycle(e.Session, e.Exchange))
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
	if h.level != All && !Value(payload) && !sqlnorm.NamesSecret(channel) {
		return e.Body, false
	}
	h.body = append(h.body[:0], e.Body[:pid+len(channel)+1]...)
	h.body = append(h.mark(h.body, payload), rest...)
	return h.body, true
}
