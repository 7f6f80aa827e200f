package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// servers runs a test on each version of PostgreSQL that is to be supported.
func servers(t *testing.T, test func(t *testing.T, s *pgtest.Server)) {
	users := []pgtest.Option{
		pgtest.WithUser("trusted", "", ""),
		pgtest.WithUser("clear", "pw-clear", "password"),
		pgtest.WithUser("old", "pw-md5", "md5"),
		pgtest.WithUser("alice", "pw-scram", "scram-sha-256"),
	}
	t.Run("any", func(t *testing.T) { test(t, pgtest.Start(t, users...)) })
	t.Run("18", func(t *testing.T) {
		test(t, pgtest.Start(t, append(users, pgtest.WithVersion(18))...))
	})
}

func connect(t *testing.T, s *pgtest.Server, user, password string) (*Client, error) {
	t.Helper()
	c, err := Connect(net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), user, "postgres", password)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// show writes results as a line: columns, rows, tag.
func show(results []Result) string {
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%v", r.Columns)
		for _, row := range r.Rows {
			b.WriteString("(")
			for i, v := range row {
				if i > 0 {
					b.WriteString(",")
				}
				if v == nil {
					b.WriteString("NULL")
				}
				b.Write(v)
			}
			b.WriteString(")")
		}
		b.WriteString(r.Tag + ";")
	}
	return b.String()
}

func TestClient(t *testing.T) {
	servers(t, func(t *testing.T, s *pgtest.Server) {
		t.Run("login", func(t *testing.T) { testLogin(t, s) })
		s.Exec(t, "CREATE TABLE t (n int CHECK (n < 1000)); GRANT ALL ON t TO alice")
		c, err := connect(t, s, "alice", "pw-scram")
		if err != nil {
			t.Fatal(err)
		}
		testQueries(t, c)
		testPipeline(t, c)
		testCopy(t, c)
		// It is as good as new after all that.
		if r, err := c.Simple("SELECT 'fine'"); err != nil || show(r) != "[?column?](fine)SELECT 1;" {
			t.Errorf("in the end: %s, %v", show(r), err)
		}
		testHangUp(t, s, c)
	})
}

func testLogin(t *testing.T, s *pgtest.Server) {
	for _, user := range [][2]string{
		{"trusted", ""}, {"clear", "pw-clear"}, {"old", "pw-md5"}, {"alice", "pw-scram"},
	} {
		c, err := connect(t, s, user[0], user[1])
		if err != nil {
			t.Errorf("%s: %v", user[0], err)
			continue
		}
		if r, err := c.Simple("SELECT current_user"); err != nil || show(r) != "[current_user]("+user[0]+")SELECT 1;" {
			t.Errorf("%s: %s, %v", user[0], show(r), err)
		}
		if user[1] == "" {
			continue
		}
		var e *ServerError
		if _, err := connect(t, s, user[0], "wrong"); !errors.As(err, &e) || e.SQLState != "28P01" {
			t.Errorf("%s with a wrong password: %v", user[0], err)
		}
	}
}

func testQueries(t *testing.T, c *Client) {
	t.Helper()
	tests := []struct {
		sql        string
		parameters []string
		extended   bool
		want, code string
	}{
		{sql: "SELECT 1 AS a, NULL AS b, '' AS c; BEGIN; COMMIT", want: "[a b c](1,NULL,)SELECT 1;[]BEGIN;[]COMMIT;"},
		{sql: "", want: "[];"},
		{sql: "SELECT 1; SELECT 1/0; SELECT 2", want: "[?column?](1)SELECT 1;", code: "22012"},
		{sql: "SELECT $1::int + $2::int AS sum", parameters: []string{"40", "2"}, extended: true, want: "[sum](42)SELECT 1;"},
		{sql: "SELECT $1::int", parameters: []string{"x"}, extended: true, code: "22P02"},
		{sql: "SELEC", extended: true, code: "42601"},
		{sql: "DO $$ BEGIN RAISE NOTICE 'between'; END $$", want: "[]DO;"},
		{sql: "LISTEN c; NOTIFY c, 'p'", want: "[]LISTEN;[]NOTIFY;"},
	}
	for _, test := range tests {
		var r []Result
		var err error
		if test.extended {
			r, err = c.Query(test.sql, test.parameters...)
		} else {
			r, err = c.Simple(test.sql)
		}
		var e *ServerError
		code := ""
		if errors.As(err, &e) {
			code = e.SQLState
		} else if err != nil {
			t.Fatalf("%s: %v", test.sql, err)
		}
		if show(r) != test.want || code != test.code {
			t.Errorf("%s: %s, %v", test.sql, show(r), err)
		}
	}
	r, err := c.Simple("SELECT repeat('x', 100000) FROM generate_series(1, 20)")
	if err != nil || len(r[0].Rows) != 20 || len(r[0].Rows[19][0]) != 100000 {
		t.Errorf("long rows: %v", err)
	}
}

func testPipeline(t *testing.T, c *Client) {
	t.Helper()
	r, err := c.Pipeline("SELECT 1", "SELECT 1/0", "SELECT 2", "SELEC", "SELECT 3")
	var e *ServerError
	if !errors.As(err, &e) || e.SQLState != "22012" {
		t.Errorf("the first error is %v", err)
	}
	if got := show(r); got != "[?column?](1)SELECT 1;[?column?](2)SELECT 1;[?column?](3)SELECT 1;" {
		t.Errorf("a pipeline returned %s", got)
	}
}

func testCopy(t *testing.T, c *Client) {
	t.Helper()
	lines := func(n int) *strings.Reader {
		var b strings.Builder
		for i := range n {
			fmt.Fprintln(&b, i)
		}
		return strings.NewReader(b.String())
	}
	both := map[string]func(string) ([]Result, error){
		"simple":   c.Simple,
		"extended": func(sql string) ([]Result, error) { return c.Query(sql) },
	}
	for name, run := range both {
		var out bytes.Buffer
		c.CopyOut = &out
		c.CopyIn = lines(900)
		if r, err := run("COPY t FROM STDIN"); err != nil || r[0].Tag != "COPY 900" {
			t.Errorf("%s: %s, %v", name, show(r), err)
		}
		if r, err := run("COPY (SELECT n FROM t ORDER BY n LIMIT 3) TO STDOUT"); err != nil || r[0].Tag != "COPY 3" || out.String() != "0\n1\n2\n" {
			t.Errorf("%s: %s, %v, %q", name, show(r), err, out.String())
		}
		// It fails in the middle, while the client still sends.
		c.CopyIn = lines(50000)
		var e *ServerError
		if _, err := run("COPY t FROM STDIN"); !errors.As(err, &e) || e.SQLState != "23514" {
			t.Errorf("%s, with a row too large: %v", name, err)
		}
		// The client gives up.
		c.CopyIn = iotest.TimeoutReader(iotest.OneByteReader(lines(10)))
		if _, err := run("COPY t FROM STDIN"); !errors.As(err, &e) || e.SQLState != "57014" {
			t.Errorf("%s, given up: %v", name, err)
		}
		if r, err := run("SELECT count(*) FROM t"); err != nil || show(r) != "[count](900)SELECT 1;" {
			t.Errorf("%s: %s, %v", name, show(r), err)
		}
		if _, err := c.Simple("DELETE FROM t"); err != nil {
			t.Error(err)
		}
	}
}

func testHangUp(t *testing.T, s *pgtest.Server, c *Client) {
	t.Helper()
	r, err := c.Simple("SELECT pg_backend_pid()")
	if err != nil {
		t.Fatal(err)
	}
	s.Exec(t, "SELECT pg_terminate_backend("+string(r[0].Rows[0][0])+")")
	var e *ServerError
	if _, err := c.Simple("SELECT 1"); !errors.As(err, &e) || e.SQLState != "57P01" {
		t.Errorf("after the administrator ended the session: %v", err)
	}
}
