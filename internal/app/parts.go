package app

import (
	"iter"

	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// part is what sessions report to for an output: one for all that takes records, and one
// for each sink of it that takes what they report as it is.
type part struct {
	adapter  *sink.Adapter
	selected *selection.Handler // before the adapter; nil where all is shown
}

// handler is what stands first.
func (p *part) handler() session.Handler {
	if p.selected != nil {
		return p.selected
	}
	return p.adapter
}

// tell has a sink of an output told what is selected. With derived, --type selects
// nothing of what it is told.
func (r *run) tell(out *outlet, s sink.Sink, sel *selection.Selection, derived bool) {
	p := part{adapter: sink.NewAdapter(s, r.opt.ShowSecrets)}
	if r.agent.reloads || !sel.All() {
		p.selected = selection.NewHandler(sel, p.adapter, derived)
	}
	out.parts = append(out.parts, p)
}

// parts returns those of all outputs.
func (r *run) parts() iter.Seq[*part] {
	return func(yield func(*part) bool) {
		for _, out := range r.outputs {
			for i := range out.parts {
				if !yield(&out.parts[i]) {
					return
				}
			}
		}
	}
}

// handler returns what the sessions report to, and adds to their configuration
// what it wants.
func (r *run) handler(cfg *session.Config, limits *exchange.Limits) session.Handler {
	if r.agent.reloads {
		return r.reloadable(cfg, limits)
	}
	for p := range r.parts() {
		cfg.Messages = cfg.Messages || p.adapter.NeedsMessages()
	}
	for _, out := range r.outputs {
		if out.stats != nil {
			cfg.OnError = eachError(cfg.OnError, out.stats.failure)
		}
	}
	for p := range r.parts() {
		p.adapter.Configure(p.handler(), cfg, limits)
	}
	f := new(fanned)
	f.to(r.outputs)
	r.counts = &f.counts
	return f
}

// eachError calls two functions, of which the first may be nil.
func eachError(a, b func(*session.Event)) func(*session.Event) {
	if a == nil {
		return b
	}
	return func(e *session.Event) { a(e); b(e) }
}

// fanned hands what sessions report to those that want it, and counts.
type fanned struct {
	messages, exchanges, all []session.Handler
	message                  session.Handler    // the only one that takes messages, nil if there are several
	rows                     session.RowCounter // that one, nil if it shows all rows
	counts                   tally
	_                        [64]byte // see TestLines
}

// to makes it those of outputs.
func (f *fanned) to(outputs []*outlet) {
	f.messages, f.exchanges, f.all, f.message, f.rows = nil, nil, nil, nil, nil
	for _, out := range outputs {
		for i := range out.parts {
			f.add(&out.parts[i])
		}
	}
	if len(f.messages) == 1 {
		f.message = f.messages[0]
		f.rows, _ = f.message.(session.RowCounter)
	}
}

func (f *fanned) add(p *part) {
	m, x := p.adapter.TakesMessages(), p.adapter.TakesExchanges()
	if s := p.selected; s != nil {
		if x != nil || m != nil { // messages wait for the end of their exchange
			x = s
		}
		if m != nil {
			m = s
		}
	}
	if m != nil {
		f.messages = append(f.messages, m)
	}
	if x != nil {
		f.exchanges = append(f.exchanges, x)
	}
	f.all = append(f.all, p.handler())
}

// Message hands a message on.
func (f *fanned) Message(e *session.Event) {
	if f.message != nil {
		f.message.Message(e)
		return
	}
	for _, h := range f.messages {
		h.Message(e)
	}
}

// Counts implements [session.RowCounter].
func (f *fanned) Counts(e *session.Event) bool { return f.rows != nil && f.rows.Counts(e) }

// Rows implements [session.RowCounter].
func (f *fanned) Rows(e *session.Event, n, bytes int) { f.rows.Rows(e, n, bytes) }

// Exchange counts a query, and hands it on.
func (f *fanned) Exchange(s *session.Session, x *exchange.Exchange) {
	f.counts.queries++
	for _, h := range f.exchanges {
		h.Exchange(s, x)
	}
}

// Notice hands on what is said of a connection.
func (f *fanned) Notice(s *session.Session, n *session.Notice) {
	for _, h := range f.all {
		h.Notice(s, n)
	}
}

// End counts a connection that is over, and hands it on.
func (f *fanned) End(s *session.Session) {
	f.counts.end(s)
	for _, h := range f.all {
		h.End(s)
	}
}
