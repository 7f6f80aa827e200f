package sink

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Adapter stands between the sessions and a sink: it makes records of what they report,
// or hands it on as it is ([Direct]), as far as the sink wants it. It is a handler of the
// sessions, and belongs to their goroutine.
type Adapter struct {
	sink   Sink
	direct session.Handler // nil for a sink that takes records alone
	leaver Leaver          // nil for most
	wants  Wants
	maker  record.Maker
}

// NewAdapter returns an adapter before a sink. Secrets are shown if the user asked
// for them.
func NewAdapter(s Sink, showSecrets bool) *Adapter {
	a := &Adapter{sink: s, wants: s.Wants()}
	a.leaver, _ = s.(Leaver)
	if d, ok := s.(Direct); ok {
		a.direct = d.Events()
	}
	a.maker.Privacy.Show = showSecrets
	a.maker.Parts = record.Parts{
		Normalized: a.wants.Normalized, Parameters: a.wants.Parameters, Columns: a.wants.Columns, States: a.wants.States,
		Failed: a.direct != nil,
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

// Sink is the sink that it stands before.
func (a *Adapter) Sink() Sink { return a.sink }

// Wants is what the sink wants.
func (a *Adapter) Wants() *Wants { return &a.wants }

// TakesMessages returns what messages are handed to where none is selected: the adapter,
// or the sink itself where it takes all of them as they are; nil if it wants none.
func (a *Adapter) TakesMessages() session.Handler {
	switch {
	case !a.wants.Messages.Any():
		return nil
	case a.direct != nil && a.wants.Messages == AllKinds():
		return a.direct
	}
	return a
}

// TakesExchanges is TakesMessages for query cycles.
func (a *Adapter) TakesExchanges() session.Handler {
	switch {
	case !a.wants.Queries:
		return nil
	case a.direct != nil && a.wants.LeftOut:
		return a.direct
	}
	return a
}

// MessageRecord makes the record of a message, nil if it is not wanted.
func (a *Adapter) MessageRecord(e *session.Event) *record.Message {
	if !a.wants.Messages[e.Kind] && (!a.wants.Anomalies || e.Step.Anomaly == nil) {
		return nil
	}
	return a.maker.Message(e)
}

// Message hands a message on.
func (a *Adapter) Message(e *session.Event) {
	if a.direct != nil {
		if a.wants.Messages[e.Kind] {
			a.direct.Message(e)
		}
		return
	}
	if m := a.MessageRecord(e); m != nil {
		a.sink.Record(m)
	}
}

// Exchange hands a query cycle on.
func (a *Adapter) Exchange(s *session.Session, x *exchange.Exchange) {
	if !a.wants.Queries || !a.wants.LeftOut && record.LeftOut(s) {
		return
	}
	if a.direct != nil {
		a.direct.Exchange(s, x)
		return
	}
	a.sink.Record(a.maker.Query(s, x))
}

// Notice hands a notice on.
func (a *Adapter) Notice(s *session.Session, n *session.Notice) {
	switch {
	case !a.wants.Notices:
	case a.direct != nil:
		a.direct.Notice(s, n)
	default:
		a.sink.Record(a.maker.Notice(s, n))
	}
}

// End hands a connection on, if it is PostgreSQL.
func (a *Adapter) End(s *session.Session) {
	a.Leave(s)
	switch {
	case !a.wants.Connections || !s.PostgreSQL():
	case a.direct != nil:
		a.direct.End(s)
	default:
		a.sink.Record(a.maker.Connection(s))
	}
}

// Leave tells of a connection that is over and not to be shown.
func (a *Adapter) Leave(s *session.Session) {
	if a.leaver != nil {
		a.leaver.Gone(s.ID)
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
