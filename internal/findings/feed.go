package findings

import (
	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/internal/tlsdecrypt"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// wanted are the messages that are more than a part of a query cycle.
var wanted = sink.KindsOf(
	messages.KindDataRow, messages.KindParse, messages.KindClose, messages.KindCopyData, messages.KindErrorResponse, messages.KindNoticeResponse, messages.KindTerminate,
	messages.KindBackendKeyData, messages.KindSSLRequest, messages.KindGSSENCRequest, messages.KindSSLResponse,
	messages.KindGSSENCResponse, messages.KindStartupMessage, messages.KindCancelRequest,
	messages.KindAuthenticationCleartextPassword, messages.KindAuthenticationMD5Password, messages.KindPasswordMessage,
	messages.KindUnknown,
)

// Wants is what an Engine has to be told.
func Wants() sink.Wants {
	return sink.Wants{
		Messages: wanted, Rows: maxSourceRows, Anomalies: true, Queries: true, LeftOut: true, Connections: true, Notices: true, Network: true,
		Normalized: true, Parameters: true, Columns: true,
	}
}

// Feed tells an Engine what records say.
type Feed struct {
	*Engine
	conn     Conn
	exchange Exchange
	message  Message
	who      *record.Who
	of       *record.Conn

	editions uint64
	rejoined map[uint64]struct{} // connections that were left; what comes of them is as if joined in the middle
}

// NewFeed returns a Feed with an Engine.
func NewFeed() *Feed { return &Feed{Engine: New(Options{})} }

// place makes conn what is known of the connection of a record.
func (f *Feed) place(c *record.Conn, w *record.Who) *Conn {
	if f.of == c && f.who == w {
		return &f.conn
	}
	f.of, f.who = c, w
	f.editions++
	f.conn = Conn{ID: c.ID, Client: c.Client, Server: c.Server, Started: c.Started, edition: f.editions}
	if w != nil {
		f.conn.User, f.conn.Database, f.conn.Application = w.User, w.Database, w.Application
		f.conn.MidStream = w.MidStream
		f.conn.Replication = w.Replication != "" && w.Replication != "false" && w.Replication != "off" && w.Replication != "0"
	}
	if _, ok := f.rejoined[c.ID]; ok {
		f.conn.MidStream = true
	}
	return &f.conn
}

// Leave tells that what comes of a connection is not told for a while, as if the capture
// had ended for it with its latest replies, and begun again later.
func (f *Feed) Leave(id uint64) {
	c := f.conns[id]
	if c == nil {
		return // nothing was told of it
	}
	f.End(&c.Conn, &Ending{At: c.lastEnd, Open: true})
	if f.rejoined == nil {
		f.rejoined = make(map[uint64]struct{})
	}
	f.rejoined[id] = struct{}{}
	f.of, f.who = nil, nil
}

// Forget lets go of a connection that was left and has ended since.
func (f *Feed) Forget(id uint64) { delete(f.rejoined, id) }

// Record takes a record.
func (f *Feed) Record(r record.Record) {
	switch r := r.(type) {
	case *record.Message:
		f.take(r)
	case *record.Query:
		f.query(r)
	case *record.Connection:
		f.connection(r)
	case *record.Notice:
		f.notice(r)
	case *netfacts.Record:
		f.Network(&r.Event)
	}
}

func (f *Feed) take(r *record.Message) {
	m := &f.message
	m.Direction, m.Kind, m.Body, m.Len, m.Query = r.Direction, r.Kind, r.Wire(), r.Len, r.Query
	m.At, m.First, m.Phase, m.Truncated = r.At, r.At, r.Phase, r.Truncated
	m.Columns, m.Anomaly, m.AnomalyText, m.Cancels = nil, "", "", 0
	if o := r.More; o != nil {
		m.Columns, m.Cancels = o.Columns, o.Cancels.Conn
		if o.First.Frame != 0 {
			m.First = o.First
		}
		for i := range o.Notes {
			if sections[o.Notes[i].Code] != "" {
				m.Anomaly, m.AnomalyText = o.Notes[i].Code, o.Notes[i].Text
			}
		}
	}
	f.Message(f.place(r.Conn, r.Who), m)
}

func (f *Feed) query(r *record.Query) {
	q := &f.exchange
	results := q.Results[:0]
	*q = Exchange{
		ID: r.ID, Protocol: r.Protocol, SQL: r.SQL, Escapes: r.Escapes(), Normalized: r.Normalized, Fingerprint: r.Fingerprint, Operation: r.Operation,
		Statement: r.Statement, Portal: r.Portal, HasParams: r.HasParams, Params: r.Params, Formats: r.Formats,
		Rows: r.Rows, Bytes: r.Bytes, CopyBytes: r.CopyBytes, Copy: r.Copy, Error: r.Error, FailedAt: r.FailedAt,
		Start: r.Start, FirstReply: r.FirstReply, FirstRow: r.FirstRow, End: r.End, Pause: r.Pause, PauseTx: r.PauseTx, Tx: r.Tx,
		CancelledBy: r.CancelledBy, Answered: r.Missing&exchange.MissingReply == 0 && !r.Unanswered && !cutShort(r), Complete: r.Complete, Skipped: r.Skipped,
	}
	for i := range r.Results {
		o := &r.Results[i]
		results = append(results, Result{Tag: o.Tag, Rows: o.Rows, Suspended: o.Suspended, Columns: o.Columns})
	}
	q.Results = results
	k := f.place(r.Conn, r.Who)
	if r.LostBytes > 0 {
		f.Lost(k)
	}
	f.Exchange(k, q)
}

// cutShort reports whether the replies ended in the middle.
func cutShort(r *record.Query) bool {
	n := len(r.Results)
	return n > 0 && r.Results[n-1].Tag == nil && !r.Results[n-1].Suspended && r.Error == nil
}

func (f *Feed) connection(r *record.Connection) {
	i := &r.Info
	end := Ending{At: i.Ended, Open: i.State == session.StateOpen, Lost: i.Traffic.Lost[0] + i.Traffic.Lost[1]}
	if i.TLS != nil {
		end.TLSVersion, end.Cipher = i.TLS.Version, i.TLS.Cipher
		// An alert that could be read without keys is one of the handshake.
		end.TLSFailed = !i.TLS.Decrypted && (i.TLS.Alert != "" || i.TLS.Version == "" || i.TLS.Failed == tlsdecrypt.BrokenOff) && end.Lost == 0
	}
	f.End(f.place(r.Conn, r.Who), &end)
	f.Forget(r.Conn.ID)
	f.of, f.who = nil, nil
}

func (f *Feed) notice(r *record.Notice) {
	k := f.place(r.Conn, r.Who)
	switch r.Code {
	case session.NoticeLost, session.NoticeSkipped:
		f.Lost(k)
	case session.NotePlaintext:
		f.Violation(k, r.Code, r.Text, "bytes", r.At, 0)
	}
}
