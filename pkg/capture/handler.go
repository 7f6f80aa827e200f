package capture

import (
	"bytes"
	"encoding/hex"
	"slices"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// handler makes records of what sessions report.
type handler struct {
	list    []Record
	normal  record.Normalizer
	finder  secretFinder
	secrets bool // are shown
}

func at(s exchange.Stamp) time.Time {
	if s.Frame == 0 && s.Time == 0 {
		return time.Time{}
	}
	return time.Unix(0, s.Time)
}

// connOf returns the connection of a session as it is known now.
func connOf(s *session.Session) *Conn {
	i := s.Info()
	c, ok := s.Memo.(*Conn)
	if !ok {
		c = &Conn{ID: s.ID, Client: s.Client, Server: s.Server, Started: at(i.Started)}
		s.Memo = c
	}
	c.User, c.Database, c.Application = i.User, i.Database, i.Application
	return c
}

// Message makes a record of a message.
func (h *handler) Message(e *session.Event) {
	m := &Message{
		Conn: connOf(e.Session), Query: e.Step.Exchange, At: at(e.At), Packet: e.At.Frame, Direction: e.Direction, Kind: e.Kind,
		Phase: e.Step.Phase, Len: e.Len, Truncated: e.Truncated,
	}
	if a := e.Step.Anomaly; a != nil {
		m.Anomaly = a.Text()
	}
	if h.secrets || !h.finder.holds(e.Kind, e.Body) {
		m.Body = bytes.Clone(e.Body)
	}
	h.list = append(h.list, m)
}

// Exchange makes a record of a query cycle.
func (h *handler) Exchange(s *session.Session, x *exchange.Exchange) {
	q := &Query{
		Conn: connOf(s), Number: x.ID, Protocol: x.Protocol.String(), SQL: string(x.SQL), Statement: string(x.Statement),
		Portal: string(x.Portal), Rows: x.Rows, CopyBytes: x.CopyBytes, Start: at(x.Start), Packet: x.Start.Frame,
		Tx: messages.TxStatus(x.Tx), Complete: x.Complete, Duration: -1, FirstReply: -1, FirstRow: -1,
	}
	if n := h.normal.Of(x); n != nil {
		q.Normalized, q.Fingerprint, q.Operation = string(n.Text), n.Hash, n.Operation
	}
	if ns, ok := x.Duration(); ok {
		q.Duration = time.Duration(ns)
	}
	if ns, ok := x.Since(x.FirstReply); ok {
		q.FirstReply = time.Duration(ns)
	}
	if ns, ok := x.Since(x.FirstRow); ok {
		q.FirstRow = time.Duration(ns)
	}
	if x.HasParams {
		values, formats := x.Parameters()
		types := x.ParamTypes()
		for i, v := range values {
			var oid uint32
			if i < len(types) {
				oid = types[i]
			}
			q.Params = append(q.Params, valueOf(v, oid, messages.FormatOf(formats, i)))
		}
	}
	for i := range x.Results {
		r := &x.Results[i]
		columns := (&messages.RowDescription{Fields: slices.Clip(r.Columns.Fields())})
		q.Results = append(q.Results, Result{
			Tag: string(r.Tag), Rows: r.Rows, Columns: messages.Clone(columns).(*messages.RowDescription).Fields,
		})
	}
	var failed messages.ErrorResponse
	if x.ErrorFields(&failed) {
		q.Err = messages.Clone(&failed).(*messages.ErrorResponse)
	}
	h.list = append(h.list, q)
}

// valueOf makes text of a value.
func valueOf(v []byte, oid uint32, format int16) Value {
	switch {
	case v == nil:
		return Value{Null: true, OID: oid}
	case format == messages.FormatText:
		return Value{Text: string(v), OID: oid}
	}
	if out, ok := value.Append(nil, oid, v, nil); ok {
		return Value{Text: string(out), OID: oid}
	}
	return Value{Text: `\x` + hex.EncodeToString(v), OID: oid}
}

// Notice makes a record of a notice.
func (h *handler) Notice(s *session.Session, n *session.Notice) {
	h.list = append(h.list, &Notice{Conn: connOf(s), At: at(n.At), Code: n.Code, Text: n.Text})
}

// End makes a record of a connection.
func (h *handler) End(s *session.Session) {
	i := s.Info()
	c := &Connection{
		Conn: connOf(s), End: at(i.Ended), State: i.State.String(), Auth: i.Auth, Encryption: i.Encryption.String(),
		ServerVersion: i.ServerVersion, MidStream: i.MidStream, Bytes: i.Traffic.Bytes, Lost: i.Traffic.Lost, Errors: i.Errors,
		ReplicationOf: i.Replication, BackendProcess: i.ProcessID,
	}
	if i.TLS != nil {
		c.TLSVersion = i.TLS.Version
	}
	h.list = append(h.list, c)
}

// secretFinder is the Visitor that finds out whether a message holds a secret by what
// its fields are.
type secretFinder struct {
	reused [messages.NumKinds]messages.Message
	found  bool
}

// holds reports whether a body holds a secret.
func (f *secretFinder) holds(k messages.Kind, body []byte) bool {
	switch k {
	case messages.KindDataRow, messages.KindCopyData, messages.KindUnknown:
		return false // they have no such fields, and there are many of them
	}
	m := f.reused[k]
	if m == nil {
		m = k.New()
		f.reused[k] = m
	}
	_ = m.Decode(body)
	f.found = false
	m.Visit(f)
	return f.found
}

func (f *secretFinder) SecretText(_ string, v []byte) { f.found = f.found || len(v) > 0 }
func (f *secretFinder) SecretHex(_ string, v []byte)  { f.found = f.found || len(v) > 0 }

func (*secretFinder) Int(string, int64)                            {}
func (*secretFinder) Bool(string, bool)                            {}
func (*secretFinder) Text(string, []byte)                          {}
func (*secretFinder) Data(string, []byte)                          {}
func (*secretFinder) Hex(string, []byte)                           {}
func (*secretFinder) Texts(string, [][]byte)                       {}
func (*secretFinder) Pairs(string, []messages.Pair)                {}
func (*secretFinder) OIDs(string, []uint32)                        {}
func (*secretFinder) Formats(string, []int16)                      {}
func (*secretFinder) Values(string, messages.Values, []int16)      {}
func (*secretFinder) Value(string, []byte)                         {}
func (*secretFinder) Columns(string, []messages.ColumnDescription) {}
