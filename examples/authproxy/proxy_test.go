package main

import (
	"bytes"
	"context"
	"errors"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// syncBuffer is a log that goroutines write and the test reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// setup is a server with a proxy before it.
type setup struct {
	server *pgtest.Server
	addr   string
	log    syncBuffer
}

// method is how the proxy logs in at the server.
func start(t *testing.T, method string, options ...pgtest.Option) *setup {
	t.Helper()
	s := &setup{server: pgtest.Start(t, append(options, pgtest.WithUser("app", "pw-app", method))...)}
	s.server.Exec(t, "CREATE DATABASE bench OWNER app")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s.addr = l.Addr().String()
	p := &Proxy{
		Server: net.JoinHostPort(s.server.Host, strconv.Itoa(s.server.Port)), Role: "app", Password: "pw-app",
		Clients: map[string]string{"alice": "pw-alice"}, Log: log.New(&s.log, "", 0),
	}
	go func() { _ = p.Serve(l) }()
	return s
}

// tool runs one of PostgreSQL's programs as alice through the proxy, or as app
// at the server.
func (s *setup) tool(t *testing.T, direct bool, input, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.addr)
	user, password := "alice", "pw-alice"
	if direct {
		host, port, user, password = s.server.Host, strconv.Itoa(s.server.Port), "app", "pw-app"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, pgtest.Tool(t, name), args...)
	cmd.Env = append(os.Environ(), "PGHOST="+host, "PGPORT="+port, "PGUSER="+user, "PGPASSWORD="+password,
		"PGDATABASE=bench", "PGSSLMODE=prefer", "PGGSSENCMODE=prefer", "PGOPTIONS=", "LC_ALL=C")
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// script exercises what psql can do with the protocol.
const script = `
\set ON_ERROR_STOP 0
CREATE TABLE t (n int CHECK (n < 100), s text);
COPY t FROM STDIN;
1	one
2	\N
3	drei ü
\.
SELECT * FROM t ORDER BY n;
SELECT 1; SELECT 2 \; SELECT 3;
;
SELECT 1/0;
BEGIN; SELECT nix; ROLLBACK;
COPY (SELECT generate_series(1, 3)) TO STDOUT;
COPY t FROM STDIN;
4	four
500	too many
\.
PREPARE p AS SELECT $1::int; EXECUTE p(7);
DO $$ BEGIN RAISE NOTICE 'said'; END $$;
LISTEN c; NOTIFY c, 'payload';
SET application_name = 'renamed'; SHOW application_name;
SELECT repeat('x', 200000) AS long;
\gset
\copy t to '/dev/stdout' csv
SELECT count(*) FROM generate_series(1, 100000);
\set FETCH_COUNT 7
SELECT generate_series(1, 30);
SELECT current_user;
DROP TABLE t;
`

func TestPsql(t *testing.T) {
	t.Run("any", func(t *testing.T) { testPsql(t, start(t, "scram-sha-256")) })
	t.Run("18", func(t *testing.T) { testPsql(t, start(t, "scram-sha-256", pgtest.WithVersion(18))) })
}

func testPsql(t *testing.T, s *setup) {
	t.Helper()
	out, errs, err := s.tool(t, false, script, "psql", "-X", "-a")
	want, wantErrs, wantErr := s.tool(t, true, script, "psql", "-X", "-a")
	if out, want = processIDs(out), processIDs(want); out != want {
		t.Errorf("psql prints through the proxy\n%.4000s\nand without\n%.4000s", out, want)
	}
	if errs != wantErrs || (err == nil) != (wantErr == nil) {
		t.Errorf("psql reports through the proxy\n%s%v\nand without\n%s%v", errs, err, wantErrs, wantErr)
	}
	for _, part := range []string{"drei ü", "division by zero", "NOTICE:  said", "payload", "violates check constraint"} {
		if !strings.Contains(out+errs, part) {
			t.Errorf("psql did not come to %q", part)
		}
	}
	if s.log.String() != "" {
		t.Errorf("the proxy logged %s", s.log.String())
	}
}

// processIDs takes out what differs from session to session.
func processIDs(s string) string {
	return regexp.MustCompile(`PID \d+`).ReplaceAllString(s, "PID")
}

func TestPgbenchAndPgDump(t *testing.T) {
	s := start(t, "md5")
	if _, errs, err := s.tool(t, false, "", "pgbench", "-i", "-q", "-s", "1"); err != nil {
		t.Fatalf("pgbench -i: %v\n%s", err, errs)
	}
	for _, mode := range []string{"simple", "extended", "prepared"} {
		out, errs, err := s.tool(t, false, "", "pgbench", "-n", "-M", mode, "-c", "4", "-j", "2", "-t", "50")
		if err != nil || !strings.Contains(out, "200/200") {
			t.Errorf("pgbench -M %s: %v\n%s%s", mode, err, out, errs)
		}
	}
	// Pipelines: many Syncs and none, with an error in the middle.
	file := filepath.Join(t.TempDir(), "pipeline.sql")
	const pipeline = "\\startpipeline\nSELECT 1;\nSELECT abalance FROM pgbench_accounts WHERE aid = 1;\n" +
		"\\endpipeline\n\\startpipeline\nUPDATE pgbench_branches SET bbalance = 0;\nSELECT 2;\n\\endpipeline\n"
	if err := os.WriteFile(file, []byte(pipeline), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, err := s.tool(t, false, "", "pgbench", "-n", "-M", "prepared", "-f", file, "-c", "4", "-t", "50"); err != nil {
		t.Errorf("pgbench with pipelines: %v\n%s%s", err, out, errs)
	}
	for _, args := range [][]string{{"--no-owner"}, {"--inserts", "-t", "pgbench_branches"}} {
		args = append(args, "--schema=public")
		got, errs, err := s.tool(t, false, "", "pg_dump", args...)
		want, _, wantErr := s.tool(t, true, "", "pg_dump", args...)
		if err != nil || wantErr != nil {
			t.Errorf("pg_dump %v: %v, %v\n%s", args, err, wantErr, errs)
		}
		if got, want = restrictKey(got), restrictKey(want); got != want || len(got) < 1000 {
			t.Errorf("pg_dump %v gives %d bytes through the proxy and %d without", args, len(got), len(want))
		}
	}
	if s.log.String() != "" {
		t.Errorf("the proxy logged %s", s.log.String())
	}
}

// restrictKey takes out the random key that newer versions write.
func restrictKey(s string) string {
	return regexp.MustCompile(`(?m)^\\(un)?restrict .*$`).ReplaceAllString(s, "")
}

func (s *setup) connect(t *testing.T, user, password string) (*pgconn.PgConn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, "postgres://"+user+":"+password+"@"+s.addr+"/bench?sslmode=prefer")
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}

func TestLogin(t *testing.T) {
	s := start(t, "password", pgtest.WithHBA("host barred all all reject"))
	for _, user := range [][2]string{{"alice", "wrong"}, {"alice", ""}, {"nobody", "pw-alice"}, {"app", "pw-app"}} {
		var e *pgconn.PgError
		if _, err := s.connect(t, user[0], user[1]); !errors.As(err, &e) || e.Code != "28P01" {
			t.Errorf("%v: %v", user, err)
		}
	}
	if _, err := s.connect(t, "alice", "pw-alice"); err != nil {
		t.Error(err)
	}
	s.server.Exec(t, "ALTER ROLE app PASSWORD 'another'")
	var e *pgconn.PgError
	if _, err := s.connect(t, "alice", "pw-alice"); !errors.As(err, &e) || e.Code != "28P01" || !strings.Contains(e.Message, `"app"`) {
		t.Errorf("the server's refusal: %v", err)
	}
}

func TestCancel(t *testing.T) {
	s := start(t, "scram-sha-256")
	conn, err := s.connect(t, "alice", "pw-alice")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT pg_sleep(60)").ReadAll()
		done <- err
	}()
	deadline := time.After(30 * time.Second)
	for {
		if err := conn.CancelRequest(context.Background()); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			var e *pgconn.PgError
			if !errors.As(err, &e) || e.Code != "57014" {
				t.Errorf("the cancelled query: %v", err)
			}
			return
		case <-time.After(50 * time.Millisecond): // it came before the query
		case <-deadline:
			t.Fatal("not cancelled")
		}
	}
}

// Clients that break the protocol are told so, and what they sent does not reach
// the server.
func TestUnrulyClients(t *testing.T) {
	s := start(t, "")
	startup := (&messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{
		{Name: []byte("user"), Value: []byte("alice")},
	}}).Append(nil)
	query := (&messages.Query{SQL: []byte("CREATE TABLE smuggled ()")}).Append(nil)
	tests := []struct {
		name string
		sent [][]byte
		want string
	}{
		{"a query instead of a password", [][]byte{startup, query}, "Query is out of order in phase authenticating_sasl_initial"},
		{"not PostgreSQL", [][]byte{[]byte("GET / HTTP/1.1\r\n\r\n")}, "larger than the limit"},
		{"version 2", [][]byte{(&messages.StartupMessageV2{Version: 2 << 16}).Append(nil)}, "StartupMessageV2 is not supported"},
	}
	for _, test := range tests {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		var got bytes.Buffer
		for _, b := range test.sent {
			if _, err := conn.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = got.ReadFrom(conn)
		if !strings.Contains(got.String(), test.want) || !strings.Contains(got.String(), "FATAL") {
			t.Errorf("%s: the proxy answers %q", test.name, got.String())
		}
		_ = conn.Close()
	}
	if r := s.server.Connect(t, s.server.SuperUser, "bench").ExecParams(context.Background(),
		"SELECT count(*) FROM pg_class WHERE relname = 'smuggled'", nil, nil, nil, nil).Read(); r.Err != nil || string(r.Rows[0][0]) != "0" {
		t.Errorf("the query has reached the server: %v", r.Err)
	}
}

func TestReadPasswords(t *testing.T) {
	got, err := readPasswords(strings.NewReader("alice:pw:with:colons\n\nbob:\n"))
	if err != nil || len(got) != 2 || got["alice"] != "pw:with:colons" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := readPasswords(strings.NewReader("alice\n")); err == nil {
		t.Error("a line without a colon was accepted")
	}
}
