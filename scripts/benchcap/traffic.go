package main

import (
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// wire encodes messages one after the other.
func wire(list ...messages.Message) (b []byte) {
	for _, m := range list {
		b = m.Append(b)
	}
	return b
}

var (
	idle = &messages.ReadyForQuery{Status: 'I'}
	sync = &messages.Sync{}
)

// login opens a connection as psql and pgbench do, trusted.
func login(c *capture, port uint16, application string) *conn {
	k := c.connect(port)
	k.client(wire(&messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{
		{Name: []byte("user"), Value: []byte("postgres")},
		{Name: []byte("database"), Value: []byte("bench")},
		{Name: []byte("application_name"), Value: []byte(application)},
	}}))
	answer := wire(&messages.AuthenticationOk{})
	for _, p := range [][2]string{
		{"application_name", application},
		{"client_encoding", "UTF8"},
		{"DateStyle", "ISO, MDY"},
		{"default_transaction_read_only", "off"},
		{"in_hot_standby", "off"},
		{"integer_datetimes", "on"},
		{"IntervalStyle", "postgres"},
		{"is_superuser", "on"},
		{"server_encoding", "UTF8"},
		{"server_version", "15.18"},
		{"session_authorization", "postgres"},
		{"standard_conforming_strings", "on"},
		{"TimeZone", "Etc/UTC"},
	} {
		answer = (&messages.ParameterStatus{Name: []byte(p[0]), Value: []byte(p[1])}).Append(answer)
	}
	answer = (&messages.BackendKeyData{ProcessID: uint32(port), SecretKey: []byte{1, 2, 3, byte(port)}}).Append(answer)
	k.server(idle.Append(answer))
	return k
}

func column(name string, oid uint32) messages.ColumnDescription {
	return messages.ColumnDescription{Name: []byte(name), TypeOID: oid, TypeSize: 4, TypeModifier: -1}
}

func row(values ...string) *messages.DataRow {
	r := &messages.DataRow{}
	for _, v := range values {
		r.Values.Add([]byte(v))
	}
	return r
}

func tag(s string) *messages.CommandComplete { return &messages.CommandComplete{Tag: []byte(s)} }

const clients = 4

// prepared is pgbench -S -M prepared.
func prepared(c *capture) {
	var conns [clients]*conn
	for i := range conns {
		conns[i] = login(c, uint16(40000+i), "pgbench")
		conns[i].client(wire(&messages.Parse{
			Statement: []byte("P0_1"), SQL: []byte("SELECT abalance FROM pgbench_accounts WHERE aid = $1;"),
		}, sync))
		conns[i].server(wire(&messages.ParseComplete{}, idle))
	}
	balance := &messages.RowDescription{Fields: []messages.ColumnDescription{column("abalance", 23)}}
	for n := 0; !c.full(); n++ {
		k := conns[n%clients]
		k.client(wire(&messages.Bind{
			Statement:        []byte("P0_1"),
			ParameterFormats: []int16{0},
			Parameters:       messages.MakeValues(fmt.Appendf(nil, "%d", n*7919%500000+1)),
			ResultFormats:    []int16{0},
		}, &messages.Describe{Target: messages.TargetPortal}, &messages.Execute{}, sync))
		k.server(wire(&messages.BindComplete{}, balance, row(fmt.Sprint(n%1000)), tag("SELECT 1"), idle))
	}
}

// simple is pgbench -S -M simple.
func simple(c *capture) {
	var conns [clients]*conn
	for i := range conns {
		conns[i] = login(c, uint16(41000+i), "pgbench")
	}
	balance := &messages.RowDescription{Fields: []messages.ColumnDescription{column("abalance", 23)}}
	for n := 0; !c.full(); n++ {
		k := conns[n%clients]
		k.client(wire(&messages.Query{
			SQL: fmt.Appendf(nil, "SELECT abalance FROM pgbench_accounts WHERE aid = %d;", n*7919%500000+1),
		}))
		k.server(wire(balance, row(fmt.Sprint(n%1000)), tag("SELECT 1"), idle))
	}
}

// wide is a large result of rows of five columns.
func wide(c *capture) {
	k := login(c, 42000, "psql")
	k.client(wire(&messages.Query{SQL: []byte("select i, md5(i::text), now(), i * 1.5, repeat('y', 60) from generate_series(1, 900000) i")}))
	b := wire(&messages.RowDescription{Fields: []messages.ColumnDescription{
		column("i", 23), column("md5", 25), column("now", 1184), column("?column?", 1700), column("repeat", 25),
	}})
	n := 0
	for ; !c.full(); n++ {
		b = row(fmt.Sprint(n), fmt.Sprintf("%032x", n*2654435761), "2026-11-21 02:27:00.123456+00",
			fmt.Sprintf("%d.5", n), "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy").Append(b)
		if len(b) > 8192 { // as the server's buffer fills
			k.server(b)
			b = b[:0]
		}
	}
	k.server(append(b, wire(tag(fmt.Sprintf("SELECT %d", n)), idle)...))
	k.close()
}

// copyOut is COPY TO STDOUT.
func copyOut(c *capture) {
	k := login(c, 43000, "psql")
	k.client(wire(&messages.Query{SQL: []byte("copy (select i, md5(i::text), repeat('x', 60) from generate_series(1, 1200000) i) to stdout")}))
	b := wire(&messages.CopyOutResponse{CopyFormats: messages.CopyFormats{ColumnFormats: []int16{0, 0, 0}}})
	n := 0
	for ; !c.full(); n++ {
		b = (&messages.CopyData{Data: fmt.Appendf(nil, "%d\t%032x\txxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", n, n*2654435761)}).Append(b)
		if len(b) > 8192 {
			k.server(b)
			b = b[:0]
		}
	}
	k.server(append(b, wire(&messages.CopyDone{}, tag(fmt.Sprintf("COPY %d", n)), idle)...))
	k.close()
}

// short is a connection for each query, as pgbench -C makes them.
func short(c *capture) {
	balance := &messages.RowDescription{Fields: []messages.ColumnDescription{column("abalance", 23)}}
	for n := 0; !c.full(); n++ {
		k := login(c, uint16(20000+n%40000), "pgbench")
		k.client(wire(&messages.Query{
			SQL: fmt.Appendf(nil, "SELECT abalance FROM pgbench_accounts WHERE aid = %d;", n+1),
		}))
		k.server(wire(balance, row(fmt.Sprint(n%1000)), tag("SELECT 1"), idle))
		k.client(wire(&messages.Terminate{}))
		k.close()
	}
}
