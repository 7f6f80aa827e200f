package connection_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// The work of a driver, a server and a proxy, each time on the same bytes, by this
// library and by pgproto3 (benchstat -col /lib puts them side by side).

// eight are the values of a row as benchmarks of databases have them.
var eight = [][]byte{
	[]byte("4711"), []byte("2024-05-01 12:34:56.789"), []byte("a name of some length"), nil,
	[]byte("t"), []byte("-123456.789"), []byte(""), []byte("the last column has a little more text in it"),
}

// rowsOf are as many rows in one chunk.
func rowsOf(n int) (wire []byte) {
	row := &messages.DataRow{Values: messages.MakeValues(eight...)}
	for range n {
		wire = row.Append(wire)
	}
	return wire
}

const rowsPerChunk = 64

// sum keeps the compiler from leaving out what was read.
var sum int

func BenchmarkDecodeRow(b *testing.B) {
	body := rowsOf(1)[5:]
	b.Run("lib=pgsniff", func(b *testing.B) {
		var m messages.DataRow
		b.ReportAllocs()
		for b.Loop() {
			if m.Decode(body) != nil {
				b.Fatal()
			}
			for _, v := range m.Values {
				sum += len(v)
			}
		}
	})
	b.Run("lib=pgproto3", func(b *testing.B) {
		var m pgproto3.DataRow
		b.ReportAllocs()
		for b.Loop() {
			if m.Decode(body) != nil {
				b.Fatal()
			}
			for _, v := range m.Values {
				sum += len(v)
			}
		}
	})
}

func BenchmarkReceiveRows(b *testing.B) {
	chunk := rowsOf(rowsPerChunk)
	b.Run("lib=pgsniff", func(b *testing.B) {
		c := connection.NewFrontend(connection.InPhase(messages.PhaseReady))
		if _, err := c.Send(&messages.Query{}); err != nil {
			b.Fatal(err)
		}
		for range c.Receive((&messages.RowDescription{}).Append(nil)) {
		}
		b.ReportAllocs()
		for b.Loop() {
			for m, err := range c.Receive(chunk) {
				row, ok := m.(*messages.DataRow)
				if !ok {
					b.Fatal(m, err)
				}
				for _, v := range row.Values {
					sum += len(v)
				}
			}
		}
	})
	b.Run("lib=pgproto3", func(b *testing.B) {
		r := bytes.NewReader(nil)
		f := pgproto3.NewFrontend(r, io.Discard)
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(chunk)
			for range rowsPerChunk {
				m, err := f.Receive()
				row, ok := m.(*pgproto3.DataRow)
				if !ok {
					b.Fatal(m, err)
				}
				for _, v := range row.Values {
					sum += len(v)
				}
			}
		}
	})
}

func BenchmarkEncodeRow(b *testing.B) {
	out := make([]byte, 0, 1024)
	b.Run("lib=pgsniff", func(b *testing.B) {
		var m messages.DataRow
		b.ReportAllocs()
		for b.Loop() {
			m.Values = messages.MakeValues(eight...)
			out = m.Append(out[:0])
		}
	})
	b.Run("lib=pgproto3", func(b *testing.B) {
		var m pgproto3.DataRow
		b.ReportAllocs()
		for b.Loop() {
			m.Values = eight
			out, _ = m.Encode(out[:0])
		}
	})
}

// The requests of a prepared statement: what a driver writes.
func BenchmarkEncodeRequests(b *testing.B) {
	out := make([]byte, 0, 1024)
	sql, name := "SELECT abalance FROM pgbench_accounts WHERE aid = $1 AND bid = $2", "P_0"
	arguments := [][]byte{[]byte("4711"), []byte("12")}
	oids, formats := []uint32{23, 23}, []int16{0}
	b.Run("lib=pgsniff", func(b *testing.B) {
		parse := messages.Parse{Statement: []byte(name), SQL: []byte(sql), ParameterOIDs: oids}
		bind := messages.Bind{Statement: []byte(name), ParameterFormats: formats, ResultFormats: formats}
		describe := messages.Describe{Target: messages.TargetPortal}
		var execute messages.Execute
		var sync messages.Sync
		b.ReportAllocs()
		for b.Loop() {
			bind.Parameters = messages.MakeValues(arguments...)
			out = parse.Append(out[:0])
			out = bind.Append(out)
			out = describe.Append(out)
			out = execute.Append(out)
			out = sync.Append(out)
		}
	})
	b.Run("lib=pgproto3", func(b *testing.B) {
		parse := pgproto3.Parse{Name: name, Query: sql, ParameterOIDs: oids}
		bind := pgproto3.Bind{PreparedStatement: name, ParameterFormatCodes: formats, ResultFormatCodes: formats}
		describe := pgproto3.Describe{ObjectType: 'P'}
		var execute pgproto3.Execute
		var sync pgproto3.Sync
		b.ReportAllocs()
		for b.Loop() {
			bind.Parameters = arguments
			out, _ = parse.Encode(out[:0])
			out, _ = bind.Encode(out)
			out, _ = describe.Encode(out)
			out, _ = execute.Encode(out)
			out, _ = sync.Encode(out)
		}
	})
}

// The same requests as a server or proxy reads them.
func BenchmarkDecodeRequests(b *testing.B) {
	name := []byte("P_0")
	var chunk []byte
	for _, m := range []messages.Message{
		&messages.Parse{Statement: name, SQL: []byte("SELECT abalance FROM pgbench_accounts WHERE aid = $1"), ParameterOIDs: []uint32{23}},
		&messages.Bind{Statement: name, Parameters: messages.MakeValues([]byte("4711")), ResultFormats: []int16{0}},
		&messages.Describe{Target: messages.TargetPortal},
		&messages.Execute{},
		&messages.Sync{},
	} {
		chunk = m.Append(chunk)
	}
	b.Run("lib=pgsniff", func(b *testing.B) {
		d := codec.NewFrontendDecoder(codec.DecoderOptions{Phase: messages.PhaseReady})
		b.ReportAllocs()
		for b.Loop() {
			d.Feed(chunk)
			for range 5 {
				if m, err := d.Next(); err != nil {
					b.Fatal(m, err)
				}
			}
		}
	})
	b.Run("lib=pgproto3", func(b *testing.B) {
		r := bytes.NewReader(nil)
		d := pgproto3.NewBackend(r, io.Discard)
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(chunk)
			for range 5 {
				if m, err := d.Receive(); err != nil {
					b.Fatal(m, err)
				}
			}
		}
	})
}
