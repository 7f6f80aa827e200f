package app

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// selected hands on what the selection shows.
type selected struct {
	*sink.Adapter
	sel     *selection
	waiting *sink.Waiting // with --min-duration, else nil
	// derived tells that views make something else of the messages, for which --type
	// does not select them; what is shown of messages themselves, a typedSink does.
	derived bool
}

func newSelected(sel *selection, to *sink.Adapter, derived bool) session.Handler {
	if sel.all() {
		return to
	}
	return selectedBy(sel, to, derived)
}

// selectedBy is newSelected for a selection that may become another.
func selectedBy(sel *selection, to *sink.Adapter, derived bool) *selected {
	v := &selected{Adapter: to, sel: sel, derived: derived}
	if sel.minDuration > 0 {
		v.waiting = sink.NewWaiting(to)
	}
	return v
}

// Message hands a selected message on, with --min-duration when its query has ended.
func (v *selected) Message(e *session.Event) {
	switch {
	case v.derived && !v.sel.anyType(e), !v.derived && !v.sel.message(e):
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
	if (v.sel.kinds == nil || v.derived) && !v.sel.errors && v.sel.notice(s, n) {
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

// typedSink hands on the messages that --type names, and no notices of others.
type typedSink struct {
	sink.Sink
	sel *selection
}

func newTypedSink(sel *selection, to sink.Sink) sink.Sink {
	if sel.kinds == nil {
		return to
	}
	return &typedSink{to, sel}
}

func (t *typedSink) Record(r record.Record) {
	switch r := r.(type) {
	case *record.Message:
		if !t.sel.typed(r) {
			return
		}
	case *record.Notice:
		return
	}
	t.Sink.Record(r)
}

func (t *typedSink) Failed() bool { return sink.Failed(t.Sink) }

func (t *typedSink) Flush() error { return sink.Flush(t.Sink) }
