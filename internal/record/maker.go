package record

import (
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Parts says what is made of records beyond what costs nothing.
type Parts struct {
	Normalized bool // what is derived from the text of queries
	Parameters bool // the values of their parameters
	Columns    bool // the columns of their results
}

// Maker makes records of what sessions report. Each record is borrowed until the
// next of its kind is made. A Maker belongs to the goroutine of the sessions.
type Maker struct {
	Parts   Parts
	Privacy Privacy
	Normal  Normalizer

	tags    []sqlnorm.Tag
	message Message
	more    More
	query   Query
	end     Connection
	notice  Notice
	latest  *Who
}

// known is what a Maker keeps with a session.
type known struct {
	Conn
	who *Who
	tx  byte // after the latest query
}

func knownOf(s *session.Session) *known {
	k, ok := s.Memo.(*known)
	if !ok {
		k = &known{Conn: Conn{ID: s.ID, Client: s.Client, Server: s.Server, Started: s.Info().Started}}
		s.Memo = k
	}
	return k
}

// ConnOf returns the records' side of a session, made when it is first asked for.
func ConnOf(s *session.Session) *Conn { return &knownOf(s).Conn }

// who returns what is known of a client now: the same as before where nothing has
// changed, and the same for connections of the same client.
func (k *Maker) who(c *known, s *session.Session) *Who {
	i := s.Info()
	if c.who.is(i) {
		return c.who
	}
	if !k.latest.is(i) {
		k.latest = &Who{
			User: i.User, Database: i.Database, Application: i.Application, Replication: i.Replication,
			Formats: i.Formats, ServerVersion: i.ServerVersion, MidStream: i.MidStream,
		}
	}
	c.who = k.latest
	return c.who
}

func (w *Who) is(i *session.Info) bool {
	return w != nil && w.Application == i.Application && w.User == i.User && w.Database == i.Database &&
		w.Formats == i.Formats && w.Replication == i.Replication && w.ServerVersion == i.ServerVersion && w.MidStream == i.MidStream
}

// Message makes a record of a message.
func (k *Maker) Message(e *session.Event) *Message {
	m, c := &k.message, knownOf(e.Session)
	m.Conn, m.Who, m.At, m.body, m.privacy = &c.Conn, k.who(c, e.Session), e.At, e.Body, &k.Privacy
	m.Query, m.Len = e.Step.Unit, e.Len
	m.Direction, m.Kind, m.Tag = e.Direction, e.Kind, e.Tag
	m.Phase, m.After, m.Tx = e.Step.Phase, e.Step.After, e.Step.Tx
	m.State, m.Truncated, m.More = e.State, e.Truncated, nil
	if values := HasValues(e.Kind); values || len(e.Notes) > 0 || e.Cancels.Conn != 0 || e.First != e.At || e.Replication != nil {
		// Field by field: a literal would be built elsewhere and copied, and wait for
		// its own small writes.
		o := &k.more
		m.More = o
		o.Notes, o.Cancels, o.First, o.Known = e.Notes, e.Cancels, e.First, e.Exchange != nil
		o.Columns, o.Types, o.Replication, o.Change = nil, nil, nil, nil
		if r := e.Replication; r != nil {
			o.Replication, o.Change = &r.Meaning, r.Change
		}
		if values && e.Exchange != nil {
			switch e.Kind {
			case messages.KindDataRow:
				o.Columns = e.Exchange.Columns()
			case messages.KindBind:
				o.Types = e.Exchange.ParamTypes()
			}
		}
	}
	return m
}

// Query makes a record of a query cycle.
func (k *Maker) Query(s *session.Session, x *exchange.Exchange) *Query {
	q, c := &k.query, knownOf(s)
	results := q.Results[:0]
	*q = Query{} // one run over the memory
	q.Conn, q.Who, q.privacy = &c.Conn, k.who(c, s), &k.Privacy
	q.ID, q.Protocol = x.ID, x.Protocol
	q.SQLLen, q.Statement, q.Portal, q.Function = x.SQLLen, x.Statement, x.Portal, x.Function
	q.Command, q.Backup = CommandOf(s, x)
	if x.SQL != nil {
		q.SQL = x.SQL
	}
	if k.Parts.Normalized {
		if n := k.Normal.Of(x); n != nil {
			q.Normalized, q.Fingerprint, q.Operation = n.Text, n.Hash, n.Operation
		}
		k.comment(q)
	}
	if q.HasParams = x.HasParams; x.HasParams && k.Parts.Parameters {
		values, formats := x.Parameters()
		q.Params, q.Formats, q.Types = values, formats, x.ParamTypes()
	}
	q.Results = results
	for i := range x.Results {
		r := &x.Results[i]
		q.Results = append(q.Results, Result{Tag: r.Tag, Rows: r.Rows, Bytes: r.Bytes, Suspended: r.Suspended})
		if k.Parts.Columns {
			q.Results[i].Columns = r.Columns.Fields()
		}
	}
	q.Rows, q.Bytes, q.Copy, q.CopyBytes, q.CopyMessages = x.Rows, x.Bytes, x.Copy, x.CopyBytes, x.CopyMessages
	q.Error, q.FailedAt, q.Notices = x.Error, x.FailedAt, x.Notices
	q.Start, q.FirstReply, q.FirstRow, q.End = x.Start, x.FirstReply, x.FirstRow, x.End
	q.Duration, q.Pause, q.Prepare, q.Network = Unknown, x.Pause, Unknown, Unknown
	if ns, ok := x.Duration(); ok {
		q.Duration = ns
	}
	q.PauseTx, q.Tx = x.PauseTx, x.Tx
	if q.TxBefore = c.tx; x.Pause >= 0 {
		q.TxBefore = x.PauseTx
	}
	c.tx = x.Tx
	if q.Skipped, q.Unanswered = x.Skipped, x.Unanswered; x.Prepare > 0 {
		q.Prepare = x.Prepare
	}
	q.Missing, q.Complete, q.LostBytes, q.CancelledBy = x.Missing, x.Complete, x.LostBytes, x.CancelledBy
	return q
}

// Connection makes a record of a connection that is over.
func (k *Maker) Connection(s *session.Session) *Connection {
	c := knownOf(s)
	k.end = Connection{Conn: &c.Conn, Who: k.who(c, s), Info: *s.Info(), Totals: s.Totals()}
	return &k.end
}

// Notice makes a record of a notice.
func (k *Maker) Notice(s *session.Session, n *session.Notice) *Notice {
	c := knownOf(s)
	k.notice = Notice{Conn: &c.Conn, Who: k.who(c, s), Notice: *n}
	return &k.notice
}
