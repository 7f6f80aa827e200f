package app

import (
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// views passes on what the chosen views and the selection show, and counts.
type views struct {
	w       render.Writer
	sel     *selection
	showAll bool // the selection leaves nothing out

	showMessages, showQueries, showConns bool
	closing                              bool // the flow closes each connection with a line

	totals *totals // nil without the view stats

	queries, violations uint64
	held                map[heldKey]*render.Held
	heldBytes           int
}

// heldKey names a unit of work whose messages wait for its duration.
type heldKey struct{ conn, unit uint64 }

// maxHeld bounds the output that waits for the duration of queries, in bytes;
// what does not fit is shown as it comes.
const maxHeld = 16 << 20

func newViews(o *Options, sel *selection, w render.Writer) *views {
	v := &views{
		w: w, sel: sel, showAll: sel.all(),
		showMessages: o.view("messages"), showQueries: o.view("queries"), showConns: o.view("connections"),
		closing: o.Output == "pretty" && o.view("messages"),
		held:    make(map[heldKey]*render.Held),
	}
	if o.view("stats") {
		v.totals = newTotals()
	}
	return v
}

// wantsMessages reports whether messages are to be handed out. Without a
// selection their numbers are known anyway.
func (v *views) wantsMessages() bool {
	return v.showMessages || v.totals != nil && !v.showAll
}

// Message shows a message, or holds it until the duration of its query is known.
func (v *views) Message(e *session.Event) {
	if !v.showAll && !v.sel.message(e) {
		return
	}
	if v.totals != nil {
		v.totals.kinds[e.Kind]++
	}
	if !v.showMessages {
		return
	}
	if v.sel.minDuration == 0 {
		v.w.Message(e)
		return
	}
	if e.Step.Unit == 0 {
		return // not part of a query: nothing to measure
	}
	key := heldKey{e.Session.ID, e.Step.Unit}
	h := v.held[key]
	if h == nil {
		if v.heldBytes >= maxHeld {
			v.w.Message(e)
			return
		}
		h = new(render.Held)
		v.held[key] = h
	}
	before := h.Len()
	v.w.Hold(h)
	v.w.Message(e)
	v.w.Hold(nil)
	v.heldBytes += h.Len() - before
}

// Exchange shows a query, and the messages that were held for it.
func (v *views) Exchange(s *session.Session, x *exchange.Exchange) {
	v.queries++
	if v.sel.minDuration > 0 {
		v.release(s, x)
	}
	if !v.showQueries && v.totals == nil || !v.showAll && !v.sel.exchange(s, x) {
		return
	}
	if v.totals != nil {
		v.totals.query(x)
	}
	if v.showQueries {
		v.w.Exchange(s, x)
	}
}

func (v *views) release(s *session.Session, x *exchange.Exchange) {
	key := heldKey{s.ID, x.ID}
	h := v.held[key]
	if h == nil {
		return
	}
	delete(v.held, key)
	v.heldBytes -= h.Len()
	if v.sel.longEnough(x) {
		v.w.Release(s, h)
	}
}

// Failure counts an error that no query ended in.
func (v *views) Failure(e *session.Event) {
	if e.Step.Unit == 0 && v.sel.minDuration == 0 && (v.showAll || v.sel.failure(e)) {
		v.totals.failure(e)
	}
}

// Notice shows what is said of a connection.
func (v *views) Notice(s *session.Session, n *session.Notice) {
	if !v.showMessages && !v.showQueries || v.sel.kinds != nil || v.sel.errors {
		return
	}
	if v.showAll || v.sel.conn(s) {
		v.w.Notice(s, n)
	}
}

// End shows a connection.
func (v *views) End(s *session.Session) {
	v.violations += s.Violations
	if len(v.held) > 0 {
		for key, h := range v.held {
			if key.conn == s.ID {
				v.heldBytes -= h.Len()
				delete(v.held, key)
			}
		}
	}
	if !s.PostgreSQL() || !v.showAll && !v.sel.conn(s) {
		return
	}
	if v.totals != nil {
		v.totals.connection(s)
	}
	if v.showConns || v.closing && v.sel.kinds == nil {
		v.w.End(s)
	} else if v.showMessages {
		v.w.Leave(s)
	}
}
