package sink

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Adapter makes records of what sessions report and hands them to a sink. It is
// the handler of the sessions, and belongs to their goroutine.
type Adapter struct {
	sink  Sink
	wants Wants
	maker record.Maker
}

// NewAdapter returns an adapter before a sink. Secrets are shown if the user asked
// for them.
func NewAdapter(s Sink, showSecrets bool) *Adapter {
	a := &Adapter{sink: s, wants: s.Wants()}
	a.maker.Privacy.Show = showSecrets
	a.maker.Parts = record.Parts{
		Normalized: a.wants.Normalized, Parameters: a.wants.Parameters, Columns: a.wants.Columns, States: a.wants.States,
	}
	return a
}

// failures are the kinds that sessions can tell of by themselves, at no cost to all
// other messages.
var failures = KindsOf(messages.KindErrorResponse, messages.KindErrorResponseV2)

// NeedsMessages reports whether the sessions have to hand out all messages for the
// sink.
func (a *Adapter) NeedsMessages() bool {
	return a.wants.Messages.Any() && a.wants.Messages != failures && a.wants.Rows == 0
}

// Configure adds to the configuration of sessions what the sink wants, and to the
// limits of exchanges what it does not. Messages are asked for already if anybody
// needs them; h is the adapter, or what stands before it.
func (a *Adapter) Configure(h session.Handler, c *session.Config, l *exchange.Limits) {
	w := &a.wants
	c.Exchanges = c.Exchanges || w.Queries || w.Connections || w.Messages.Any()
	c.States = c.States || w.States
	if w.Rows > 0 && w.Messages.Any() && !c.Messages {
		before := c.Some
		some := &session.Some{Kinds: w.Messages, Rows: w.Rows, Tell: h.Message}
		if before != nil {
			some.Rows = max(some.Rows, before.Rows)
			for k, wanted := range before.Kinds {
				some.Kinds[k] = some.Kinds[k] || wanted
			}
			some.Tell = func(e *session.Event) { before.Tell(e); h.Message(e) }
		}
		c.Some = some
	} else if before := c.OnError; w.Messages.Any() && !c.Messages {
		c.OnError = func(e *session.Event) {
			if before != nil {
				before(e)
			}
			h.Message(e)
		}
	}
	l.NoParameters = l.NoParameters && !w.Parameters
	l.NoColumns = l.NoColumns && !w.Columns
}

// message makes the record of a message, nil if it is not wanted.
func (a *Adapter) message(e *session.Event) *record.Message {
	if !a.wants.Messages[e.Kind] && (a.wants.Rows == 0 || e.Step.Anomaly == nil) {
		return nil
	}
	return a.maker.Message(e)
}

// Message hands a message on.
func (a *Adapter) Message(e *session.Event) {
	if m := a.message(e); m != nil {
		a.sink.Record(m)
	}
}

// Exchange hands a query cycle on.
func (a *Adapter) Exchange(s *session.Session, x *exchange.Exchange) {
	if !a.wants.Queries || !a.wants.LeftOut && record.LeftOut(s) {
		return
	}
	a.sink.Record(a.maker.Query(s, x))
}

// Notice hands a notice on.
func (a *Adapter) Notice(s *session.Session, n *session.Notice) {
	if a.wants.Notices {
		a.sink.Record(a.maker.Notice(s, n))
	}
}

// End hands a connection on, if it is PostgreSQL.
func (a *Adapter) End(s *session.Session) {
	if a.wants.Connections && s.PostgreSQL() {
		a.sink.Record(a.maker.Connection(s))
	}
}

// WantsPooled reports whether the sink is to be told what poolers made of queries.
func (a *Adapter) WantsPooled() bool { return a.wants.Queries && a.wants.Pooled }

// WantsNetwork reports whether the sink is to be told what the network did.
func (a *Adapter) WantsNetwork() bool { return a.wants.Network }

// Network hands on what the network did, a NetworkFact.
func (a *Adapter) Network(r record.Record) {
	if a.wants.Network {
		a.sink.Record(r)
	}
}
