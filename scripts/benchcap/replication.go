package main

import (
	"encoding/binary"
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// walsender opens a replication connection and begins to stream.
func walsender(c *capture, port uint16, application, replication, start string) *conn {
	k := c.connect(port)
	k.client(wire(&messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{
		{Name: []byte("user"), Value: []byte("postgres")},
		{Name: []byte("database"), Value: []byte("bench")},
		{Name: []byte("application_name"), Value: []byte(application)},
		{Name: []byte("replication"), Value: []byte(replication)},
	}}))
	k.server(wire(&messages.AuthenticationOk{}, &messages.BackendKeyData{ProcessID: 7, SecretKey: []byte("abcd")}, idle))
	k.client(wire(&messages.Query{SQL: []byte(start)}))
	k.server(wire(&messages.CopyBothResponse{}))
	return k
}

// stream is what a walsender sends, and what was confirmed.
type stream struct {
	k    *conn
	lsn  uint64
	sent int // since the latest status
	b    []byte
}

// sinceEpoch is the capture's clock in microseconds since 2000.
func (s *stream) sinceEpoch() uint64 { return uint64(s.k.c.now) - 946_684_800_000_000 }

// wal adds a WALData (manual: "Streaming Replication Protocol").
func (s *stream) wal(size uint64, payload []byte) {
	d := binary.BigEndian.AppendUint64([]byte{'w'}, s.lsn)
	d = binary.BigEndian.AppendUint64(d, s.lsn+size)
	d = binary.BigEndian.AppendUint64(d, s.sinceEpoch())
	s.lsn += size
	s.b = (&messages.CopyData{Data: append(d, payload...)}).Append(s.b)
}

// flush sends what was added and, after each megabyte, has the client tell where it is.
func (s *stream) flush() {
	s.k.server(s.b)
	s.sent += len(s.b)
	s.b = s.b[:0]
	if s.sent < 1<<20 {
		return
	}
	s.sent = 0
	d := []byte{'r'}
	for _, v := range []uint64{s.lsn, s.lsn, s.lsn, s.sinceEpoch()} {
		d = binary.BigEndian.AppendUint64(d, v)
	}
	s.k.client(wire(&messages.CopyData{Data: append(d, 0)}))
}

// wal is a standby of physical replication that catches up: pieces of the greatest size
// that a server sends.
func wal(c *capture) {
	s := &stream{k: walsender(c, 44000, "walreceiver", "true", `START_REPLICATION SLOT "standby" 0/3000000 TIMELINE 1`), lsn: 3 << 24}
	piece := make([]byte, 128<<10)
	for i := range piece {
		piece[i] = byte(i * 7919 >> 5)
	}
	for !c.full() {
		s.wal(uint64(len(piece)), piece)
		s.flush()
	}
}

// logical is a subscription that catches up: transactions of 20 rows of some 150 bytes,
// inserted, changed and deleted.
func logical(c *capture) {
	s := &stream{k: walsender(c, 45000, "sub", "database",
		`START_REPLICATION SLOT "sub" LOGICAL 0/3000000 (proto_version '4', streaming 'parallel', origin 'any', publication_names '"pub"')`), lsn: 3 << 24}
	const oid = 16385
	be := binary.BigEndian
	relation := append(be.AppendUint32([]byte{'R'}, oid), "public\x00accounts\x00d\x00\x04"...)
	for i, f := range []struct {
		name string
		oid  uint32
	}{{"id", 20}, {"name", 25}, {"at", 1184}, {"payload", 25}} {
		key := byte(0)
		if i == 0 {
			key = 1
		}
		relation = append(append(append(relation, key), f.name...), 0)
		relation = be.AppendUint32(be.AppendUint32(relation, f.oid), 1<<32-1)
	}
	s.wal(0, relation)
	row := func(b []byte, values ...string) []byte {
		b = be.AppendUint16(b, uint16(len(values)))
		for _, v := range values {
			b = append(be.AppendUint32(append(b, 't'), uint32(len(v))), v...)
		}
		return b
	}
	for xid := uint32(700); !c.full(); xid++ {
		at := s.sinceEpoch()
		begin := be.AppendUint64([]byte{'B'}, s.lsn+4000)
		s.wal(0, be.AppendUint32(be.AppendUint64(begin, at), xid))
		for i := range 20 {
			id := fmt.Sprint(int(xid)*20 + i)
			values := []string{id, "customer " + id, "2026-11-28 11:00:00.123456+00", fmt.Sprintf("%080x", int(xid)*7919+i)}
			var b []byte
			switch i % 10 {
			case 8:
				b = row(append(be.AppendUint32([]byte{'U'}, oid), 'N'), values...)
			case 9:
				b = append(be.AppendUint32([]byte{'D'}, oid), 'K', 0, 4, 't')
				b = append(be.AppendUint32(b, uint32(len(id))), id...)
				b = append(b, "nnn"...)
			default:
				b = row(append(be.AppendUint32([]byte{'I'}, oid), 'N'), values...)
			}
			s.wal(200, b)
		}
		commit := be.AppendUint64([]byte{'C', 0}, s.lsn)
		s.wal(48, be.AppendUint64(be.AppendUint64(commit, s.lsn+48), at))
		if len(s.b) > 8192 {
			s.flush()
		}
	}
	s.flush()
}
