package overview

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Secrets takes out what is secret: it is internal/redact's handler.
type Secrets interface {
	Event(e *session.Event) *session.Event
	Text(s *session.Session, x *exchange.Exchange) []byte
}

// front is the handler before all others. It counts query cycles, which takes their
// normalised text only, and lets those through of which something is kept: on a busy
// server a few of thousands. So the others cost no more than a count.
type front struct {
	session.Handler
	c      *Collector
	normal record.Normalizer
	passed func() // is told of each query cycle that goes no further
	fast   bool   // all is counted here
}

// Front returns the handler that is put before next, which takes secrets out and makes
// the Collector's records. all tells that nothing is deselected; passed is told of each
// query cycle that next is not. The messages that next is told of by the configuration
// go through it, too.
func (c *Collector) Front(next session.Handler, secrets Secrets, all bool, passed func(), cfg *session.Config) session.Handler {
	c.secrets = secrets
	f := &front{Handler: next, c: c, passed: passed, fast: all}
	if before := cfg.Some; before != nil {
		some := *before
		some.Tell = func(e *session.Event) { f.some(e, before.Tell) }
		cfg.Some = &some
		c.rows = &some.Kinds[messages.KindDataRow]
	}
	return f
}

// some passes a message on: errors without their secrets, others where findings are
// looked for.
func (f *front) some(e *session.Event, tell func(*session.Event)) {
	f.c.within = e.Exchange != nil
	switch {
	case e.Kind == messages.KindErrorResponse && f.c.secrets != nil:
		tell(f.c.secrets.Event(e))
	case e.Kind == messages.KindErrorResponse || f.c.looks(f.c.seenOf(record.ConnOf(e.Session)), e.Session.ID, false):
		tell(e)
	}
}

// Exchange counts a query cycle.
func (f *front) Exchange(s *session.Session, x *exchange.Exchange) {
	c := f.c
	seen := c.seenOf(record.ConnOf(s))
	if open := x.Unanswered || x.Missing&exchange.MissingReply != 0; open || seen.left != nil {
		c.unfinished(s, seen, x, open)
	}
	if !f.fast {
		f.Handler.Exchange(s, x)
		return
	}
	f.sample(&c.sample, seen, x)
	c.mu.Lock()
	k := c.count(&c.sample)
	wanted := c.sample.failed || k.arms || k != c.other && k.worthKeeping(c.sample.duration, c.sample.end, c.opt.Live)
	c.mu.Unlock()
	c.looked = c.looks(seen, s.ID, true)
	if !wanted && !c.looked {
		f.passed()
		return
	}
	c.countLook(c.looked)
	c.counted = k
	f.Handler.Exchange(s, x)
	c.counted = nil
}

// sample takes what is counted of a query cycle.
func (f *front) sample(q *sample, seen *seen, x *exchange.Exchange) {
	q.seen, q.rows, q.failed = seen, x.Rows, x.Error != nil
	if q.at = x.Start.Time; q.at == 0 {
		q.at = x.FirstReply.Time
	}
	q.end = max(x.End.Time, x.Start.Time)
	ns, ok := x.Duration()
	if !ok {
		ns = record.Unknown
	}
	q.duration = ns
	q.text, q.print = f.normal.Of(x), 0
	if q.text != nil {
		q.print = q.text.Hash
	}
}

// End takes the end of a session.
func (f *front) End(s *session.Session) {
	f.Handler.End(s)
	f.c.Closed(s)
}

// Text is what a notice about a slow query shows of it.
func (f *front) Text(s *session.Session, x *exchange.Exchange) []byte {
	if f.c.secrets == nil {
		return x.SQL
	}
	return f.c.secrets.Text(s, x)
}
