package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// ask runs what a program may ask, and writes down all that it is told.
func ask(t *testing.T, dsn string) string {
	t.Helper()
	ctx := context.Background()
	c, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	var out strings.Builder
	write := func(results []*pgconn.Result, err error) {
		for _, r := range results {
			for _, f := range r.FieldDescriptions {
				fmt.Fprint(&out, f.Name, " ")
			}
			fmt.Fprintf(&out, "%q %v\n", r.Rows, r.CommandTag)
		}
		if err != nil {
			fmt.Fprintln(&out, "failed")
		}
	}
	for range 2 { // the second time after a failure
		write(c.Exec(ctx, "SELECT name, born::text FROM people ORDER BY name").ReadAll())
		r := c.ExecParams(ctx, "SELECT name FROM people WHERE born = $1", [][]byte{[]byte("1912")}, nil, nil, nil).Read()
		write([]*pgconn.Result{r}, r.Err)
		write(c.Exec(ctx, "DELETE FROM people").ReadAll())
		prepared(t, c, &out, "SELECT name FROM people WHERE born = $1", "1912")
		prepared(t, c, &out, "DELETE FROM people")
		batch(t, c, &out)
		write(c.Exec(ctx, "SELECT nonsense FROM nowhere").ReadAll())
	}
	return out.String()
}

// prepared runs a statement as drivers do that have it described first.
func prepared(t *testing.T, c *pgconn.PgConn, out io.Writer, sql string, parameters ...string) {
	t.Helper()
	ctx := context.Background()
	d, err := c.Prepare(ctx, "s", sql, nil)
	if err != nil {
		t.Fatal(err)
	}
	var values [][]byte
	for _, p := range parameters {
		values = append(values, []byte(p))
	}
	r := c.ExecPrepared(ctx, "s", values, nil, nil).Read()
	_, _ = fmt.Fprintf(out, "%d %d %q %v %v\n", d.ParamOIDs, len(d.Fields), r.Rows, r.CommandTag, r.Err)
	if err := c.Deallocate(ctx, "s"); err != nil {
		t.Fatal(err)
	}
}

// batch sends several requests with one Sync, of which one in the middle fails.
func batch(t *testing.T, c *pgconn.PgConn, out io.Writer) {
	t.Helper()
	var b pgconn.Batch
	for _, sql := range []string{"DELETE FROM people", "SELECT nonsense FROM nowhere", "DELETE FROM people"} {
		b.ExecParams(sql, nil, nil, nil, nil)
	}
	results, err := c.ExecBatch(context.Background(), &b).ReadAll()
	var refused *pgconn.PgError
	_, _ = fmt.Fprintln(out, len(results), errors.As(err, &refused))
}

// A client cannot tell the fake server from a real one that has the same answers.
func TestLikeTheRealOne(t *testing.T) {
	var answers map[string]answer
	if err := json.Unmarshal([]byte(`{
		"SELECT name, born::text FROM people ORDER BY name":
			{"columns": ["name", "born"], "rows": [["Ada", "1815"], ["Alan", "1912"]], "tag": "SELECT 2"},
		"SELECT name FROM people WHERE born = $1": {"parameters": [23], "columns": ["name"], "rows": [["Alan"]], "tag": "SELECT 1"},
		"DELETE FROM people": {"tag": "DELETE 0"}
	}`), &answers); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for { // pgx comes again without TLS
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				if err := serve(conn, answers); err != nil {
					t.Error(err)
				}
			}()
		}
	}()
	fake := ask(t, fmt.Sprintf("host=127.0.0.1 port=%d user=anybody sslmode=prefer", l.Addr().(*net.TCPAddr).Port))
	s := pgtest.Start(t)
	s.Exec(t, `CREATE TABLE people (name text, born int); INSERT INTO people VALUES ('Ada', 1815), ('Alan', 1912);
		CREATE RULE keep AS ON DELETE TO people DO INSTEAD NOTHING`)
	if real := ask(t, s.DSN(s.SuperUser, "postgres")); fake != real {
		t.Errorf("the fake server:\n%s\nthe real one:\n%s", fake, real)
	}
}

// Who does not speak the protocol is told so.
func TestNonsense(t *testing.T) {
	here, there := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- serve(there, nil) }()
	go func() { _, _ = here.Write([]byte("GET / HTTP/1.1\r\n\r\n")) }()
	b := make([]byte, 1000)
	n, _ := here.Read(b)
	if err := <-done; err == nil || !strings.Contains(string(b[:n]), "08P01") {
		t.Errorf("%q, %v", b[:n], err)
	}
}
