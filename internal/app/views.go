package app

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// views passes on what the chosen views and the selection show, and counts.
type views struct {
	w       render.Writer
	rows    session.RowCounter // w, nil if it shows all rows
	sel     *selection
	showAll bool // the selection leaves nothing out

	showMessages, showQueries, showConns bool
	closing                              bool // the flow closes each connection with a line

	totals *totals // nil without the view stats

	counts    tally
	held      map[uint64]exchangesHeld // by connection
	heldBytes int
	_         [96]byte // see TestLines
}

// exchangesHeld are the messages of a connection that wait for the duration of their
// exchange, by its number.
type exchangesHeld map[uint64]*render.Held

// maxHeld bounds the output that waits for the duration of queries, in bytes;
// what does not fit is shown as it comes.
const maxHeld = 16 << 20

// heldCost is what holding takes beyond the output, for each exchange and its place
// in the maps.
const heldCost = 512

func newViews(o *outputSpec, sel *selection, w render.Writer) *views {
	v := &views{
		sel: sel, showAll: sel.all(),
		showMessages: o.view("messages"), showQueries: o.view("queries"), showConns: o.view("connections"),
		closing: o.format == "pretty" && o.view("messages"),
		held:    make(map[uint64]exchangesHeld),
	}
	if o.view("stats") {
		v.totals = newTotals()
	}
	v.write(w)
	return v
}

// write has a writer write what is shown.
func (v *views) write(w render.Writer) {
	v.w = w
	if v.showMessages && v.showAll {
		v.rows, _ = w.(session.RowCounter)
	}
}

// wants is what is written of records.
func (v *views) wants() (w sink.Wants) {
	if v.showMessages {
		w.Messages, w.Notices = sink.AllKinds(), true
	}
	w.Queries, w.Connections = v.showQueries, v.showConns
	return w
}

// wantsMessages reports whether messages are to be handed out. Without a
// selection their numbers are known anyway.
func (v *views) wantsMessages() bool {
	return v.showMessages || v.totals != nil && !v.showAll
}

// Counts implements [session.RowCounter].
func (v *views) Counts(e *session.Event) bool { return v.rows != nil && v.rows.Counts(e) }

// Rows implements [session.RowCounter].
func (v *views) Rows(e *session.Event, n, bytes int) {
	if v.totals != nil {
		v.totals.kinds[e.Kind] += uint64(n)
	}
	v.rows.Rows(e, n, bytes)
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
	if e.Step.Exchange == 0 {
		return // not part of a query: nothing to measure
	}
	h := v.held[e.Session.ID][e.Step.Exchange]
	if v.heldBytes >= maxHeld {
		v.sel.matched = true
		if h != nil {
			v.drop(e.Session, e.Step.Exchange, h)
			v.w.Release(e.Session, h)
		}
		v.w.Message(e)
		return
	}
	if h == nil {
		h = new(render.Held)
		if v.held[e.Session.ID] == nil {
			v.held[e.Session.ID] = make(exchangesHeld)
		}
		v.held[e.Session.ID][e.Step.Exchange] = h
		v.heldBytes += heldCost
	}
	before := h.Len()
	v.w.Hold(h)
	v.w.Message(e)
	v.w.Hold(nil)
	v.heldBytes += h.Len() - before
}

// Exchange shows a query, and the messages that were held for it.
func (v *views) Exchange(s *session.Session, x *exchange.Exchange) {
	v.counts.queries++
	if v.sel.minDuration > 0 {
		v.release(s, x)
	}
	if !v.showQueries && v.totals == nil || !v.showAll && !v.sel.exchange(s, x) {
		return
	}
	if v.totals != nil {
		v.totals.exchange(s, x)
	}
	if v.showQueries && !record.LeftOut(s) {
		v.w.Exchange(s, x)
	}
}

func (v *views) release(s *session.Session, x *exchange.Exchange) {
	h := v.held[s.ID][x.ID]
	if h == nil {
		return
	}
	v.drop(s, x.ID, h)
	if !v.sel.longEnough(x) {
		v.sel.tooShort(x)
		return
	}
	v.sel.matched = true
	v.w.Release(s, h)
}

// drop takes the messages of an exchange out of what is held.
func (v *views) drop(s *session.Session, id uint64, h *render.Held) {
	open := v.held[s.ID]
	if delete(open, id); len(open) == 0 {
		delete(v.held, s.ID)
	}
	v.heldBytes -= h.Len() + heldCost
}

// Failure counts an error that no query ended in.
func (v *views) Failure(e *session.Event) {
	if e.Step.Exchange == 0 && v.sel.minDuration == 0 && (v.showAll || v.sel.failure(e)) {
		v.totals.failure(e)
	}
}

// Notice shows what is said of a connection.
func (v *views) Notice(s *session.Session, n *session.Notice) {
	if !v.showMessages && !v.showQueries || v.sel.kinds != nil || v.sel.errors {
		return
	}
	if v.showAll || v.sel.notice(s, n) {
		v.w.Notice(s, n)
	}
}

// End shows a connection.
func (v *views) End(s *session.Session) {
	v.counts.end(s)
	if len(v.held) > 0 {
		for id, h := range v.held[s.ID] {
			v.drop(s, id, h)
		}
	}
	if v.totals != nil {
		v.totals.sum.Leave(s.ID)
	}
	if !s.PostgreSQL() || !v.showAll && !v.sel.ended(s) {
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
