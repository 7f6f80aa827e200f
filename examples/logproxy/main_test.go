package main

import (
	"bytes"
	"context"
	"log"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// buffer is written by one goroutine and read by another.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A client of pgx's through the proxy sees what the server says, and the log holds
// it, with the request of each reply and no secret.
func TestThroughTheProxy(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithUser("alice", "pw-scram", "scram-sha-256"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var out buffer
	go func() { _ = serve(l, net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), log.New(&out, "", 0)) }()
	ctx := context.Background()
	c, err := pgconn.Connect(ctx, "host=127.0.0.1 port="+strconv.Itoa(l.Addr().(*net.TCPAddr).Port)+
		" user=alice password=pw-scram dbname=postgres sslmode=prefer")
	if err != nil {
		t.Fatal(err)
	}
	r := c.ExecParams(ctx, "SELECT $1::text", [][]byte{[]byte("it is me")}, nil, nil, nil).Read()
	if r.Err != nil || string(r.Rows[0][0]) != "it is me" {
		t.Fatal(r)
	}
	results, err := c.Exec(ctx, "CREATE TEMP TABLE t (a int); INSERT INTO t SELECT generate_series(1, 3)").ReadAll()
	if err != nil || len(results) != 2 {
		t.Fatal(results, err)
	}
	if tag, err := c.CopyFrom(ctx, strings.NewReader("4\n5\n"), "COPY t FROM STDIN"); err != nil || tag.RowsAffected() != 2 {
		t.Fatal(tag, err)
	}
	var copied bytes.Buffer
	if _, err := c.CopyTo(ctx, &copied, "COPY t TO STDOUT"); err != nil || copied.String() != "1\n2\n3\n4\n5\n" {
		t.Fatalf("%q, %v", copied.String(), err)
	}
	if _, err := c.Exec(ctx, "SELECT 1/0").ReadAll(); err == nil {
		t.Error("no error came through")
	}
	_ = c.Close(ctx)
	text := out.String()
	for _, want := range []string{
		`> StartupMessage protocol_version="3.0"`, `> Parse statement="" query="SELECT $1::text"`, `(to Execute, unit 1)`,
		`< DataRow values=["it is me"]`, `< CopyInResponse format=0`, `(to Query, unit 3)`, `sqlstate="22012"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not hold %q", want)
		}
	}
	if regexp.MustCompile(`(?m)^!`).MatchString(text) || strings.Contains(text, "pw-scram") {
		t.Errorf("the log:\n%s", text)
	}
}
