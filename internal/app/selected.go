package app

import (
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// selected hands on what the selection shows.
type selected struct {
	session.Handler
	sel *selection
}

func newSelected(sel *selection, h session.Handler) session.Handler {
	if sel.all() {
		return h
	}
	return &selected{h, sel}
}

// Message hands a selected message on. With --min-duration, queries are what is
// selected: of errors alone, those outside of queries are not.
func (v *selected) Message(e *session.Event) {
	if v.sel.minDuration == 0 && v.sel.message(e) {
		v.Handler.Message(e)
	}
}

// Exchange hands a selected query on.
func (v *selected) Exchange(s *session.Session, x *exchange.Exchange) {
	if v.sel.exchange(s, x) {
		v.Handler.Exchange(s, x)
	}
}

// Notice hands on what is said of a selected connection.
func (v *selected) Notice(s *session.Session, n *session.Notice) {
	if v.sel.kinds == nil && !v.sel.errors && v.sel.notice(s, n) {
		v.Handler.Notice(s, n)
	}
}

// End hands a selected connection on.
func (v *selected) End(s *session.Session) {
	if v.sel.ended(s) {
		v.Handler.End(s)
	}
}
