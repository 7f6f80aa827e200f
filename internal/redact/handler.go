package redact

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Handler takes what is secret out of what sessions report, before anybody else
// sees it: whatever shows, searches, counts or stores something stands behind it and
// needs to know nothing of secrets. Bodies keep the format of their messages, and
// the length that is told of a message is that on the wire. What a message's own
// fields say is secret (passwords, salts, keys) is left to its visitors.
//
// It belongs to the goroutine of the sessions.
type Handler struct {
	session.Handler
	level Level

	rows    session.RowCounter // nil if every row is looked at
	event   session.Event
	body    []byte
	failed  []byte
	failing struct { // what an error is about, without secrets
		event    session.Event
		exchange exchange.Exchange
		sql      []byte
	}
	sql                                     []byte
	bound                                   []byte
	formats                                 []int16 // of a Bind's parameters
	errs                                    messages.ErrorFields
	shapes                                  sqlnorm.Shapes[alike] // of texts without secrets
	alike                                   *alike                // of the latest text, nil if there is none
	shape                                   *alike                // what shapes has found for the text at hand, if it was looked at,
	texts                                   bool                  // and whether there are strings in it
	looked                                  bool
	plainRows, plainSettings, plainStartups plainBodies
	// Of messages that are looked at as a whole.
	decoded [messages.NumKinds]messages.Message
	// What the latest CopyData holds, without its secrets.
	replicated *replication.Event
	rewriter   replication.Rewriter
	value      []byte
	relation   *replication.Relation // the latest, and which of its columns are hidden
	columns    []bool
	// Which columns of a result are renamed secrets by a text.
	renamedOf   *exchange.Columns
	renamedAsks bool
	renamedBy   []byte
	renamed     []bool
	newNames    [3]newNames
	// Whether the latest text that was asked about names one of so many tables.
	knownOf int
	knownBy []byte
	known   bool
	// Connections that prepared a text that takes or reads secrets with the command
	// PREPARE, or declared a cursor for it: what they EXECUTE or FETCH does so, too.
	prepared map[uint64]struct{}
	tables   tables
	all      bool // there are too many of them to tell them apart
	dealing  transactions
	copied   copiedRows
	call     messages.FunctionCall
	oldStart messages.StartupMessageV2
}

// alike is what is known of texts that differ in their constants only and have no secrets.
type alike struct {
	memo  any  // see exchange.Exchange.Alike
	plain bool // they need not be looked at closely
}

// maxPrepared is how many connections are told apart by that: few do it at all.
const maxPrepared = 1 << 14

// NewHandler returns a handler that stands before another one. With None it is that
// one.
func NewHandler(level Level, next session.Handler) session.Handler {
	if level == None {
		return next
	}
	h := &Handler{Handler: next, level: level, prepared: make(map[uint64]struct{})}
	h.rows, _ = next.(session.RowCounter)
	return h
}

// Event returns an event as it may be seen; it is e itself where nothing is hidden,
// and else borrowed until the next call. That of an error has a query cycle with the text
// as it may be seen, too, which the error's position is in.
func (h *Handler) Event(e *session.Event) *session.Event {
	if e.Kind == messages.KindErrorResponse {
		e = h.failedEvent(e)
	}
	var body []byte
	if early(e) && h.strange(e) {
		body = h.hideWhole(e)
	} else {
		rewrite := rewriters[e.Kind]
		if rewrite == nil {
			return e
		}
		var changed bool
		if body, changed = rewrite(h, e); !changed {
			return e
		}
	}
	h.event = *e
	h.event.Body = body
	if e.Replication != nil {
		h.event.Replication = h.replicated
	}
	return &h.event
}

// Counts implements [session.RowCounter]: what is only counted has no secrets.
func (h *Handler) Counts(e *session.Event) bool { return h.rows != nil && h.rows.Counts(e) }

// Rows implements [session.RowCounter].
func (h *Handler) Rows(e *session.Event, n, bytes int) { h.rows.Rows(e, n, bytes) }

// failedEvent returns an error's event whose query cycle has no secrets in its text.
func (h *Handler) failedEvent(e *session.Event) *session.Event {
	x := e.Exchange
	if c := h.cycle(e.Session, x); x == nil || x.SQL == nil || h.level != All && c.Secrecy&sqlnorm.Hidden == 0 {
		return e
	}
	f := &h.failing
	f.exchange = *x
	f.exchange.SQL = append(f.sql[:0], h.Text(e.Session, x)...)
	if f.sql = f.exchange.SQL; x.SQLLen <= len(x.SQL) {
		f.exchange.SQLLen = len(f.sql) // it is all there
	}
	f.event = *e
	f.event.Exchange = &f.exchange
	return &f.event
}

// Message hands a message on without its secrets.
func (h *Handler) Message(e *session.Event) {
	if rewriters[e.Kind] != nil && (e.Kind != messages.KindCommandComplete || setsValue(e.Body)) || early(e) {
		e = h.Event(e)
	}
	h.Handler.Message(e)
}

// Exchange hands a query cycle on without its secrets.
func (h *Handler) Exchange(s *session.Session, x *exchange.Exchange) {
	if p := x.Prepared; p != nil && p.Mark&^pairs == known && h.level != All && x.Error == nil && x.BindBody() == nil {
		h.results(x, Cycle{}) // as most: there is nothing else in it
		if len(h.dealing.open) != 0 && x.Tx == idle {
			h.dealing.end(s.ID)
		}
		h.Handler.Exchange(s, x)
		return
	}
	if x.Prepared == nil && h.plainText(x) {
		h.results(x, Cycle{})
		if len(h.dealing.open) != 0 && x.Tx == idle {
			h.dealing.end(s.ID)
		}
		h.Handler.Exchange(s, x)
		return
	}
	h.alike = nil
	c := h.cycle(s, x)
	h.looked = false
	if h.alike != nil {
		x.Alike = &h.alike.memo
	}
	if x.SQL != nil && (h.level == All || c.Secrecy&sqlnorm.Hidden != 0) {
		h.sql = h.text(h.sql[:0], x.SQL, c, escapes(x))
		if n := len(h.sql); x.SQLLen <= len(x.SQL) {
			x.SQLLen = n // it is all there
		} else {
			x.SQLLen = max(x.SQLLen, n+1)
		}
		x.SQL = h.sql
	}
	h.parameters(x, c)
	if x.Error != nil {
		x.Error, _ = h.reply(&h.failed, x.Error, h.dealing.with(s, x, c))
	}
	switch {
	case x.Tx == idle && len(h.dealing.open) != 0:
		h.dealing.end(s.ID)
	case x.Tx != idle && (c.deals() || c.Repeats()):
		h.dealing.begin(s.ID)
	}
	h.results(x, c)
	h.Handler.Exchange(s, x)
}

// plainText tells whether there is nothing in a query that was not prepared but a text that
// differs in its constants only from one which had nothing to hide, as in most of those that
// come by the million. Nothing that was said before gives it another meaning.
func (h *Handler) plainText(x *exchange.Exchange) bool {
	if x.Mark != 0 || len(x.SQL) == 0 || x.Error != nil || x.HasParams || h.level == All ||
		len(h.tables.names) != 0 || len(h.prepared) != 0 || h.all {
		return false
	}
	h.shape, h.texts = h.shapes.Find(x.SQL)
	h.looked = true
	if h.shape == nil || h.texts || !h.shape.plain {
		return false
	}
	x.Mark, x.Alike, h.looked = known, &h.shape.memo, false
	return true
}

// results sees to it that the names of all columns, and the command tags, have been looked
// at.
func (h *Handler) results(x *exchange.Exchange, c Cycle) {
	for i := range x.Results {
		r := &x.Results[i]
		if d := r.Columns; d != nil && d.Memo == nil {
			h.policy(d)
		}
		if !setsValue(r.Tag) {
			continue
		}
		if n := bytes.IndexByte(r.Tag, '='); n >= 0 && (h.level == All || c.hidesTag(r.Tag)) {
			r.Tag = h.mark(bytes.Clone(r.Tag[:n+1]), r.Tag[n+1:])
		}
	}
}

// End hands the end of a connection on, without what its last error may repeat.
func (h *Handler) End(s *session.Session) {
	if i := s.Info(); i.Failure != nil {
		var own []byte // the record keeps it
		i.Failure, _ = h.reply(&own, i.Failure, Cycle{})
	}
	delete(h.prepared, s.ID)
	h.dealing.end(s.ID)
	h.Handler.End(s)
}

// Bits of an exchange's or a statement's mark, beside those of [sqlnorm.Secrecy].
const (
	known = 0x80 // its text was looked at
	// Of exchanges: a Bind was looked at as a message, and nothing in it is hidden; or
	// something is.
	boundPlain  = 0x100
	boundSecret = 0x200
	// Of statements: there may be names and values in what is bound.
	pairs = 0x2000
	// Of exchanges: a value that was bound is the name of a secret.
	boundName = 0x400
	// Its COPY has begun; and the header of what it copies names a secret.
	copyBegun  = 0x800
	copyHidden = 0x1000
	// Of both: something in the text is called tokens; names, and the values beside them, are
	// called otherwise in the result.
	namesTokens  = 0x4000
	renamesPairs = 0x8000
)

// text appends a text without its secrets.
func (h *Handler) text(dst, sql []byte, c Cycle, escapes bool) []byte {
	r := sqlnorm.Redactor{Escapes: escapes}
	switch {
	case h.level == All:
		return r.All(dst, sql)
	case c.Secrecy&forced != 0:
		return r.Taking(dst, sql)
	}
	dst, _ = r.Text(dst, sql, false)
	return dst
}

// escapes tells whether backslashes in plain constants of an exchange's text are
// escapes: they were when the text was sent.
func escapes(x *exchange.Exchange) bool {
	if x.Prepared != nil {
		return x.Prepared.Escapes
	}
	return x.Escapes
}

// Text returns the text of a query cycle that has not ended as it may be seen,
// borrowed until the next call.
func (h *Handler) Text(s *session.Session, x *exchange.Exchange) []byte {
	c := h.cycle(s, x)
	if x.SQL == nil || h.level != All && c.Secrecy&sqlnorm.Hidden == 0 {
		return x.SQL
	}
	h.sql = h.text(h.sql[:0], x.SQL, c, escapes(x))
	return h.sql
}

// parameters hides what was bound.
func (h *Handler) parameters(x *exchange.Exchange, c Cycle) {
	if body := x.BindBody(); body != nil {
		if x.Mark&(boundPlain|boundSecret) == 0 {
			bindNames(x, body)
		}
		c.bound(x)
		if h.level != All && x.Mark&(boundPlain|boundSecret) == boundPlain {
			return
		}
		b := binding{Cycle: c}
		if markOf(x)&namesTokens != 0 {
			b.of(x)
		}
		if out, changed := h.bind(&h.bound, body, &b); changed {
			x.SetBindBody(out)
		}
		return
	}
	if !x.HasParams {
		return
	}
	values, formats := x.Parameters()
	if h.level != All && (x.Protocol != exchange.ProtocolFunctionCall || !argumentsHold(values)) {
		return
	}
	var hidden messages.Values
	plain := make([]int16, len(values))
	for i, v := range values {
		if !h.hidesArgument(values, v) {
			plain[i] = messages.FormatOf(formats, i)
			hidden.Add(v)
			continue
		}
		hidden.Add(h.mark(nil, v))
	}
	x.SetParameters(hidden, plain)
}
