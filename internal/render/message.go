package render

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// conn is a connection as writers know it. It is theirs alone: sessions go on
// while what they reported is being written.
type conn struct {
	id             uint64
	client, server string
	label          *label      // the JSON writer's
	pretty         *prettyConn // the other's
	ahead          rowRun      // of its rows, on a Pipe's side
}

// connOf returns a writer's side of a connection, made when it is first written of.
// The slot is that of the writer.
func connOf(s *session.Session, slot int) *conn { return connIn(record.ConnOf(s), slot) }

func connIn(r *record.Conn, slot int) *conn {
	c, ok := r.Slot(slot).(*conn)
	if !ok {
		c = &conn{id: r.ID, client: r.Client, server: r.Server}
		r.SetSlot(slot, c)
	}
	return c
}

// connMemo is the connection that was written of last, which most messages are of.
type connMemo struct {
	session *session.Session
	id      uint64 // sessions are used again
	conn    *conn
}

func (m *connMemo) of(s *session.Session, slot int) *conn {
	if m.session != s || m.id != s.ID {
		m.session, m.id, m.conn = s, s.ID, connOf(s, slot)
	}
	return m.conn
}

// message is what writers need to know of an event. It refers to nothing that the
// session changes, but for the memory of body and notes.
type message struct {
	conn      *conn
	at        session.Stamp
	body      []byte
	exchange  uint64
	len       int
	more      *more // nil for most
	dir       messages.Direction
	kind      messages.Kind
	tag       byte
	phase     messages.Phase
	after     messages.Phase
	tx        byte
	state     tracker.State
	truncated bool
	midStream bool // the connection was joined in the middle
}

// more is what few messages have, and those with values.
type more struct {
	notes   []session.Note
	cancels session.Cancelled
	zone    string // Formats of the session
	columns []messages.ColumnDescription
	types   []uint32
	// sql is the text that the position of an error is in, nil if it is not known, or
	// not all of it.
	sql []byte
	// replication is what a CopyData holds, nil if nothing of replication.
	replication *replication.Meaning
}

// hasValues are the kinds with values whose types other messages tell.
func hasValues(k messages.Kind) bool {
	switch k {
	case messages.KindDataRow, messages.KindBind, messages.KindFunctionCall, messages.KindFunctionCallResponse:
		return true
	}
	return false
}

// take makes m what an event tells; o is where the rest goes, if there is any.
//
// Without room for more it is a row that is only counted.
func (m *message) take(e *session.Event, c *conn, o *more) {
	m.conn, m.at, m.body = c, e.At, e.Body
	m.exchange, m.len = e.Step.Exchange, e.Len
	m.dir, m.kind, m.tag = e.Direction, e.Kind, e.Tag
	m.phase, m.after, m.tx = e.Step.Phase, e.Step.After, e.Step.Tx
	m.state, m.truncated, m.midStream = e.State, e.Truncated, e.Session.Info().MidStream
	m.more = nil
	if o == nil {
		return
	}
	if values := hasValues(e.Kind); values || len(e.Notes) > 0 || e.Cancels.Conn != 0 || e.Replication != nil {
		m.more = o
		// Field by field: a literal would be built elsewhere and copied, and wait for
		// its own small writes.
		o.notes, o.cancels = e.Notes, e.Cancels
		o.zone, o.columns, o.types, o.replication, o.sql = "", nil, nil, nil, nil
		if e.Replication != nil && e.Replication.Meaning.Kind != replication.KindUnknown {
			o.replication, o.zone = &e.Replication.Meaning, e.Session.Info().Formats
		}
		if values {
			o.takeTypes(e)
		}
	}
}

// from makes m what a record tells of a message, as take does from an event: of one that
// waited until it was known whether it is shown.
func (m *message) from(r *record.Message, c *conn, o *more) {
	m.conn, m.at, m.body = c, r.At, r.Wire()
	m.exchange, m.len = r.Query, r.Len
	m.dir, m.kind, m.tag = r.Direction, r.Kind, r.Tag
	m.phase, m.after, m.tx = r.Phase, r.After, r.Tx
	m.state, m.truncated, m.midStream = r.State, r.Truncated, r.Who.MidStream
	m.more = nil
	k := r.More
	if k == nil {
		return
	}
	values, replicated := hasValues(r.Kind), k.Replication != nil && k.Replication.Kind != replication.KindUnknown
	if !values && !replicated && len(k.Notes) == 0 && k.Cancels.Conn == 0 && k.Failed == nil {
		return
	}
	m.more = o
	*o = more{notes: k.Notes, cancels: k.Cancels, columns: k.Columns, types: k.Types, sql: k.Failed}
	if replicated {
		o.replication = k.Replication
	}
	if values || replicated {
		o.zone = r.Who.Formats
	}
}

// failedText returns the text that an error of the message flow is about, nil if it is
// not known for certain.
func failedText(e *session.Event) []byte {
	x := e.Exchange
	if e.Kind != messages.KindErrorResponse || x == nil {
		return nil
	}
	return record.CertainText(x.SQL, x.SQLLen, x.Missing)
}

// takeText adds the text that an error is about; take was called before.
func (m *message) takeText(sql []byte, o *more) {
	if m.more == nil {
		*o = more{}
		m.more = o
	}
	o.sql = sql
}

func (o *more) takeTypes(e *session.Event) {
	o.zone = e.Session.Info().Formats
	if e.Exchange == nil {
		return
	}
	switch e.Kind {
	case messages.KindDataRow:
		o.columns = e.Exchange.Columns()
	case messages.KindBind:
		o.types = e.Exchange.ParamTypes()
	}
}

func (m *message) sql() []byte {
	if m.more == nil {
		return nil
	}
	return m.more.sql
}

// notes and cancels are those of most messages: none.
func (m *message) notes() []session.Note {
	if m.more == nil {
		return nil
	}
	return m.more.notes
}

func (m *message) cancels() session.Cancelled {
	if m.more == nil {
		return session.Cancelled{}
	}
	return m.more.cancels
}

// replication returns what a CopyData holds, nil if nothing of replication.
func (m *message) replication() *replication.Meaning {
	if m.more == nil {
		return nil
	}
	return m.more.replication
}
