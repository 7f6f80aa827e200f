package app

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// madeHandler writes messages, and the changes that they make.
type madeHandler struct{ render.Writer }

func (h madeHandler) Message(e *session.Event) {
	h.Writer.Message(e)
	if e.Replication != nil && e.Replication.Change != nil {
		h.Record(&record.Change{Conn: record.ConnOf(e.Session), Who: &record.Who{}, At: e.At, Change: e.Replication.Change})
	}
}

// be joins bytes and numbers in network byte order.
func be(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, p...)
		case int: // four bytes
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		case uint64:
			b = binary.BigEndian.AppendUint64(b, p)
		}
	}
	return b
}

// madeAt is a time of 2026.
const madeAt = uint64(850_000_000_000_000)

// madeReplication is the records of messages that no capture here has.
func madeReplication(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := render.NewJSON(&out, render.Options{})
	sh := session.NewShared(session.Config{Messages: true, Exchanges: true}, exchange.Limits{}, madeHandler{w})
	frame := uint64(0)
	open := func() (*session.Session, func(messages.Direction, ...messages.Message)) {
		s := sh.New(session.Opening{ID: 1, Client: "10.0.0.1:4000", Server: "10.0.0.2:5432"})
		send := func(d messages.Direction, list ...messages.Message) {
			for _, m := range list {
				frame++
				s.Data(d, m.Append(nil), session.Stamp{Time: 1_800_000_000_000_000_000 + int64(frame), Frame: frame})
			}
		}
		send(messages.Frontend, &messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{
			{Name: []byte("user"), Value: []byte("repl")}, {Name: []byte("replication"), Value: []byte("database")},
		}})
		send(messages.Backend, &messages.AuthenticationOk{}, &messages.ReadyForQuery{Status: 'I'})
		return s, send
	}
	copied := func(data ...any) messages.Message { return &messages.CopyData{Data: be(data...)} }
	wal := func(data ...any) messages.Message {
		return &messages.CopyData{Data: append(be("w", uint64(256), uint64(256), madeAt), be(data...)...)}
	}

	s, send := open()
	send(messages.Frontend, &messages.Query{SQL: []byte("BASE_BACKUP ( LABEL 'x' )")})
	send(messages.Backend, &messages.CopyOutResponse{},
		copied("n", "base.tar\x00/ts\x00"), copied("d", "data"), copied("p", uint64(4)), copied("m"), copied("d", "{}"),
		&messages.CopyDone{}, &messages.CommandComplete{Tag: []byte("SELECT")}, &messages.ReadyForQuery{Status: 'I'})
	s.End(session.EndOfCapture, session.Stamp{}, session.Traffic{})

	s, send = open()
	send(messages.Frontend, &messages.Query{SQL: []byte(`START_REPLICATION SLOT s LOGICAL 0/0 (proto_version '4', publication_names 'p')`)})
	send(messages.Backend, &messages.CopyBothResponse{})
	send(messages.Frontend, copied("h", madeAt, 700, 1, 701, 1))
	row := be("\x00\x02", "t", 1, "1", "u")
	send(messages.Backend, wal("O", uint64(9), "node\x00"), wal("S", 50, "\x01"),
		wal("M", 50, "\x01", uint64(8), "p\x00", 2, "hi"), wal("I", 51, 99, "N", string(row)), wal("U", 50, 99, "K", string(row), "N", string(row)),
		wal("D", 50, 99, "O", string(row)), wal("E"), wal("A", 50, 51))
	s.Gap(messages.Backend, 100, session.Stamp{})
	send(messages.Backend, wal("c", 50, "\x00", uint64(1), uint64(2), madeAt), wal("T", 2, 1, "\x01", 16385), wal("B", uint64(5), madeAt, 60),
		wal("I", 50, 99, "N", string(row)))
	s.End(session.EndOfCapture, session.Stamp{}, session.Traffic{})
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
