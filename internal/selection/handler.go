package selection

import (
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Handler hands on to a sink, by its Adapter, what is selected of what sessions report.
// The selection may change between two calls. It belongs to the goroutine of the sessions.
type Handler struct {
	to   *sink.Adapter
	sel  *Selection
	held held
	// derived tells that views make something else of the messages, for which --type
	// does not select them; what is shown of messages themselves, Typed does.
	derived bool
	waits   bool // messages wait for the duration of their query
	queries bool
	_       [8]byte // see TestLines
}

// NewHandler returns a Handler before an adapter. With derived, Kinds select nothing.
func NewHandler(sel *Selection, to *sink.Adapter, derived bool) *Handler {
	w := to.Wants()
	h := &Handler{to: to, sel: sel, derived: derived, waits: !w.AtOnce, queries: w.Queries}
	h.held.init(to)
	return h
}

// Message hands a selected message on, where the duration of queries counts when its
// query has ended.
func (h *Handler) Message(e *session.Event) {
	sel := h.sel
	if sel.Kinds != nil && !h.derived && !sel.named(e) || !sel.anyType(e) {
		return
	}
	if sel.MinDuration > 0 && h.waits {
		if h.held.add(e) {
			sel.Matched = true
		}
		return
	}
	h.to.Message(e)
}

// Exchange hands a selected query on, after its messages.
func (h *Handler) Exchange(s *session.Session, x *exchange.Exchange) {
	if len(h.held.open) > 0 {
		h.release(s.ID, x)
	}
	if h.queries && h.sel.Exchange(s, x) {
		h.to.Exchange(s, x)
	}
}

// release hands on what waited for a query, or forgets it.
func (h *Handler) release(conn uint64, x *exchange.Exchange) {
	w := h.held.take(conn, x.ID)
	if w == nil {
		return
	}
	if h.sel.longEnough(x) {
		h.sel.Matched = true
		h.held.tell(w)
	} else {
		h.sel.tooShort(x)
	}
	h.held.reuse(w)
}

// Notice hands on what is said of a selected connection.
func (h *Handler) Notice(s *session.Session, n *session.Notice) {
	if (h.sel.Kinds == nil || h.derived) && !h.sel.Errors && h.sel.Notice(s, n) {
		h.to.Notice(s, n)
	}
}

// End hands a selected connection on.
func (h *Handler) End(s *session.Session) {
	h.held.drop(s.ID)
	if s.PostgreSQL() && h.sel.Ended(s) {
		h.to.End(s)
	} else {
		h.to.Leave(s)
	}
}
