package record

import (
	"slices"
	"unsafe"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Parts says what is made of records beyond what costs nothing.
type Parts struct {
	Normalized bool // what is derived from the text of queries
	// Later leaves it to Query.Derive where the text was not prepared, so that
	// another goroutine can do it.
	Later      bool
	Parameters bool // the values of their parameters
	Columns    bool // the columns of their results
	States     bool // the steps of conversations
	Failed     bool // the texts that errors of the message flow are about
}

// Maker makes records of what sessions report. Each record is borrowed until the
// next of its kind is made. A Maker belongs to the goroutine of the sessions.
type Maker struct {
	Parts   Parts
	Privacy Privacy
	Normal  Normalizer

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
	// The latest query, with the transaction status before and after it.
	query      uint64
	before, tx byte
	sampled    Sampled
	pooled     Pooled
	pooledID   uint64 // the query that it is about
	behindID   uint64
}

func knownOf(s *session.Session) *known {
	k, ok := s.Memo.(*known)
	if !ok {
		k = &known{Conn: Conn{ID: s.ID, Client: s.Client, Server: s.Server, Started: s.Info().Started}}
		s.Memo = k
	}
	return k
}

// Sampled is how a query was chosen where not all are told one by one: the zero Sampled
// where all are. Rate is how many queries it stands for; LeftOut tells that it is
// only counted.
type Sampled struct {
	Rate    uint32
	LeftOut bool
}

// SetSampled says how the query cycle was chosen that a session reports next. It holds
// for all Makers.
func SetSampled(s *session.Session, how Sampled) { knownOf(s).sampled = how }

// Pooled is what a pooler made of a client's query: the connection to the server and the
// query's number there, and how long the pooler kept it before. The zero Pooled where
// that is not known.
type Pooled struct {
	Conn, Query uint64
	Wait        int64 // nanoseconds from the client's request to the pooler's
}

// SetPooled says what a pooler made of the query cycle that a session reports next, with
// its number. It holds for all Makers.
func SetPooled(s *session.Session, query uint64, p Pooled) {
	k := knownOf(s)
	k.pooled, k.pooledID = p, query
}

// SetBehind says that the query cycle of this number, which a session reports next, may
// be what a pooler made of a client's, which has not been reported.
func SetBehind(s *session.Session, query uint64) { knownOf(s).behindID = query }

// LeftOut reports whether the query cycle that a session reports now is only counted.
func LeftOut(s *session.Session) bool {
	k, ok := s.Memo.(*known)
	return ok && k.sampled.LeftOut
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
			Formats: i.Formats, ServerVersion: i.ServerVersion, SearchPath: i.SearchPath, MidStream: i.MidStream,
		}
	}
	c.who = k.latest
	return c.who
}

func (w *Who) is(i *session.Info) bool {
	return w != nil && same(w.Application, i.Application) && same(w.User, i.User) && same(w.Database, i.Database) &&
		same(w.Formats, i.Formats) && same(w.Replication, i.Replication) && same(w.ServerVersion, i.ServerVersion) &&
		same(w.SearchPath, i.SearchPath) && w.MidStream == i.MidStream
}

// same compares texts that mostly are one and the same.
func same(a, b string) bool {
	return len(a) == len(b) && (unsafe.StringData(a) == unsafe.StringData(b) || a == b)
}

// Message makes a record of a message.
func (k *Maker) Message(e *session.Event) *Message {
	m, c := &k.message, knownOf(e.Session)
	m.Conn, m.Who, m.At, m.body, m.privacy = &c.Conn, k.who(c, e.Session), e.At, e.Body, &k.Privacy
	m.Query, m.Len = e.Step.Exchange, e.Len
	m.Direction, m.Kind, m.Tag = e.Direction, e.Kind, e.Tag
	m.Phase, m.After, m.Tx = e.Step.Phase, e.Step.After, e.Step.Tx
	m.State, m.Stated, m.Truncated, m.More = e.State, k.Parts.States, e.Truncated, nil
	if values := HasValues(e.Kind); values || len(e.Notes) > 0 || e.Cancels.Conn != 0 || e.First != e.At || e.Replication != nil {
		// Field by field: a literal would be built elsewhere and copied, and wait for
		// its own small writes.
		o := &k.more
		m.More = o
		o.Notes, o.Cancels, o.First = e.Notes, e.Cancels, e.First
		o.Columns, o.Types, o.Replication, o.Change, o.Failed = nil, nil, nil, nil, nil
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
	if k.Parts.Failed && e.Kind == messages.KindErrorResponse {
		k.failed(m, e)
	}
	return m
}

// failed adds the text that an error is about.
func (k *Maker) failed(m *Message, e *session.Event) {
	x := e.Exchange
	if x == nil {
		return
	}
	if m.More == nil {
		k.more = More{First: e.First}
		m.More = &k.more
	}
	m.More.Failed = CertainText(x.SQL, x.SQLLen, x.Missing)
}

// CertainText returns a text of which all is known for certain, else nil.
func CertainText(sql []byte, length int, missing exchange.Missing) []byte {
	if len(sql) < length || missing&exchange.InferredSQL != 0 {
		return nil
	}
	return sql
}

// Query makes a record of a query cycle.
func (k *Maker) Query(s *session.Session, x *exchange.Exchange) *Query {
	k.QueryTo(&k.query, s, x)
	return &k.query
}

// QueryTo makes a record of a query cycle in q, whose memory is used again. It sets each
// field: emptying all of them first takes as long as the rest.
func (k *Maker) QueryTo(q *Query, s *session.Session, x *exchange.Exchange) {
	c := knownOf(s)
	q.Conn, q.Who, q.privacy = &c.Conn, k.who(c, s), &k.Privacy
	q.ID, q.Protocol, q.Sampled = x.ID, x.Protocol, c.sampled
	q.SQL, q.SQLLen, q.owned, q.escapes = x.SQL, x.SQLLen, ownText(x), x.Escapes
	q.Statement, q.Portal, q.Function = x.Statement, x.Portal, x.Function
	q.Command, q.Backup = nil, nil
	if x.Protocol == exchange.ProtocolReplication {
		q.Command, q.Backup = CommandOf(s, x)
	}
	k.text(q, x)
	k.params(q, x)
	q.Results = k.results(q.Results, x)
	q.Rows, q.Bytes, q.Copy, q.CopyBytes, q.CopyMessages = x.Rows, x.Bytes, x.Copy, x.CopyBytes, x.CopyMessages
	q.MixedCopies = x.Copy != exchange.CopyNone && x.MixedCopies()
	q.Error, q.FailedAt, q.Notices = x.Error, x.FailedAt, x.Notices
	k.times(q, x)
	if q.Network = Unknown; q.Duration >= 0 && x.LostBytes == 0 && x.Asked.Time != 0 {
		if ns := s.StalledWithin(x.Asked.Time, x.End.Time); ns > 0 {
			q.Network = ns
		}
	}
	if c.query != x.ID { // else another Maker was here
		c.query, c.before, c.tx = x.ID, c.tx, x.Tx
	}
	if q.PauseTx, q.Tx, q.TxBefore = x.PauseTx, x.Tx, c.before; x.Pause >= 0 {
		q.TxBefore = x.PauseTx
	}
	q.Missing, q.Complete, q.Skipped, q.Unanswered = x.Missing, x.Complete, x.Skipped, x.Unanswered
	q.LostBytes, q.CancelledBy = x.LostBytes, x.CancelledBy
	if q.Pooled, q.Behind = (Pooled{}), c.behindID == x.ID; c.pooledID == x.ID {
		q.Pooled = c.pooled
	}
}

// ownText reports whether the text of a query is the one that its prepared statement
// keeps: where there were secrets in it, it is one without them, which is borrowed.
func ownText(x *exchange.Exchange) bool {
	s := x.Prepared
	return s != nil && len(s.SQL) == len(x.SQL) && unsafe.SliceData(s.SQL) == unsafe.SliceData(x.SQL)
}

func (k *Maker) params(q *Query, x *exchange.Exchange) {
	q.Params, q.Formats, q.Types, q.CutParameter = nil, nil, nil, 0
	if q.HasParams = x.HasParams; x.HasParams && k.Parts.Parameters {
		q.Params, q.Formats = x.Parameters()
		q.Types, q.CutParameter = x.ParamTypes(), x.CutParameter()
	}
}

func (k *Maker) times(q *Query, x *exchange.Exchange) {
	q.Start, q.Asked, q.FirstReply, q.FirstRow, q.End = x.Start, x.Asked, x.FirstReply, x.FirstRow, x.End
	q.Duration, q.Pause, q.Prepare = Unknown, x.Pause, Unknown
	if ns, ok := x.Duration(); ok {
		q.Duration = ns
	}
	q.Server = x.Server
	if x.Prepare > 0 {
		q.Prepare = x.Prepare
	}
}

// text fills in what is derived from the text of a query.
func (k *Maker) text(q *Query, x *exchange.Exchange) {
	q.Normalized, q.Fingerprint, q.Operation = nil, 0, ""
	q.Comment, q.TraceID, q.SpanID = nil, "", ""
	q.statement, q.named, q.derived, q.later = nil, false, nil, false
	if x.SQL == nil || !k.Parts.Normalized {
		return
	}
	if x.Prepared == nil && k.Parts.Later {
		q.later, q.derived = true, k.Normal.ofAlike(x)
		return
	}
	n := k.Normal.Of(x)
	q.Normalized, q.Fingerprint, q.Operation = n.Text, n.Hash, n.Operation
	switch {
	case x.Prepared == nil:
		q.derived = n
	case n != &k.Normal.latest:
		q.statement = n
		q.named = x.Portal != nil && len(x.Portal) == 0 && len(x.Statement) == len(n.name) && unsafe.SliceData(x.Statement) == unsafe.SliceData(n.name)
		n.reserve(x)
	}
	k.Normal.comment(q)
}

func (k *Maker) results(list []Result, x *exchange.Exchange) []Result {
	list = slices.Grow(list, len(x.Results))[:len(x.Results)]
	for i := range x.Results {
		from, to := &x.Results[i], &list[i]
		to.Tag, to.Rows, to.Bytes, to.Suspended = from.Tag, from.Rows, from.Bytes, from.Suspended
		to.Copied = exchange.Copied{}
		if c := x.CopyOf(from); c != nil {
			to.Copied = *c
		}
		if to.Columns, to.described = nil, nil; k.Parts.Columns && from.Columns != nil {
			to.Columns, to.described = from.Columns.Fields(), from.Columns
		}
	}
	return list
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
