//go:build linux && (amd64 || arm64)

package attach_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// tap keeps the bytes that a client sends and receives in clear.
type tap struct {
	net.Conn
	mu   sync.Mutex
	data [2]bytes.Buffer
}

func (c *tap) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data[messages.Frontend].Write(b[:n])
	return n, err
}

func (c *tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data[messages.Backend].Write(b[:n])
	return n, err
}

// way is how a client reaches the server.
type way struct {
	name string
	tls  uint16 // version; 0: none
	unix bool
}

var ways = []way{
	{name: "TCP"},
	{name: "TLSv1.2", tls: tls.VersionTLS12},
	{name: "TLSv1.3", tls: tls.VersionTLS13},
	{name: "Unix", unix: true},
}

// sslRequest is what a client asks for TLS with.
var sslRequest = []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}

// dial opens a connection, with TLS done beneath the tap.
func (w way) dial(s *pgtest.Server) (*tap, error) {
	if w.unix {
		c, err := net.Dial("unix", fmt.Sprintf("%s/.s.PGSQL.%d", s.SocketDir, s.Port))
		return &tap{Conn: c}, err
	}
	c, err := net.Dial("tcp", net.JoinHostPort(s.Host, fmt.Sprint(s.Port)))
	if err != nil || w.tls == 0 {
		return &tap{Conn: c}, err
	}
	if _, err := c.Write(sslRequest); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		return nil, err
	}
	return &tap{Conn: tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: w.tls, MaxVersion: w.tls})}, nil
}

// connect logs in through a tap.
func (w way) connect(t *testing.T, s *pgtest.Server) (*pgconn.PgConn, *tap) {
	t.Helper()
	cfg, err := pgconn.ParseConfig(fmt.Sprintf("host=%s port=%d user=postgres dbname=postgres sslmode=disable", s.Host, s.Port))
	if err != nil {
		t.Fatal(err)
	}
	var c *tap
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		c, err = w.dial(s)
		return c, err
	}
	conn, err := pgconn.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return conn, c
}

// converse has a client do a little of everything: pipelines, large rows, COPY both
// ways, errors, notices.
func converse(t *testing.T, conn *pgconn.PgConn) {
	t.Helper()
	ctx := t.Context()
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
			t.Fatalf("%.50s: %v", sql, err)
		}
	}
	exec("create temp table t (id int, v text)")
	exec("insert into t select i, repeat('x', 100) from generate_series(1, 5000) i; select * from t")
	exec("select repeat('y', 3000000)") // far more than a record takes, and than a socket's buffer
	exec("select '" + strings.Repeat("z", 100_000) + "'")
	if _, err := conn.Exec(ctx, "select 1/0").ReadAll(); err == nil {
		t.Error("1/0 is something")
	}
	var rows strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&rows, "%d\tcopied\n", i)
	}
	if _, err := conn.CopyFrom(ctx, strings.NewReader(rows.String()), "copy t from stdin"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.CopyTo(ctx, io.Discard, "copy t to stdout"); err != nil {
		t.Fatal(err)
	}
	batch := &pgconn.Batch{}
	for range 500 {
		batch.ExecParams("select $1::text", [][]byte{[]byte("parameter")}, nil, nil, nil)
	}
	if _, err := conn.ExecBatch(ctx, batch).ReadAll(); err != nil {
		t.Fatal(err)
	}
	exec("do $$ begin raise notice 'that much'; end $$")
}
