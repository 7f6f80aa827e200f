package app

import (
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// selected hands on what the selection shows.
type selected struct {
	*sink.Adapter
	sel     *selection
	waiting *sink.Waiting // with --min-duration, else nil
}

func newSelected(sel *selection, to *sink.Adapter) session.Handler {
	if sel.all() {
		return to
	}
	v := &selected{Adapter: to, sel: sel}
	if sel.minDuration > 0 {
		v.waiting = sink.NewWaiting(to)
	}
	return v
}

// Message hands a selected message on, with --min-duration when its query has ended.
func (v *selected) Message(e *session.Event) {
	switch {
	case !v.sel.message(e):
	case v.waiting != nil:
		v.waiting.Message(e)
	default:
		v.Adapter.Message(e)
	}
}

// Exchange hands a selected query on, after its messages.
func (v *selected) Exchange(s *session.Session, x *exchange.Exchange) {
	if v.waiting != nil {
		v.waiting.End(s.ID, x.ID, v.sel.longEnough(x))
	}
	if v.sel.exchange(s, x) {
		v.Adapter.Exchange(s, x)
	}
}

// Notice hands on what is said of a selected connection.
func (v *selected) Notice(s *session.Session, n *session.Notice) {
	if v.sel.kinds == nil && !v.sel.errors && v.sel.notice(s, n) {
		v.Adapter.Notice(s, n)
	}
}

// End hands a selected connection on.
func (v *selected) End(s *session.Session) {
	if v.waiting != nil {
		v.waiting.Drop(s.ID)
	}
	if v.sel.ended(s) {
		v.Adapter.End(s)
	}
}
