//go:build linux && (amd64 || arm64)

package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// builtProgram is the program, built once: attaching ends with the process.
var builtProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pgsniff-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "pgsniff")
	out, err := exec.Command("go", "build", "-pgo=off", "-o", path, "../../cmd/pgsniff").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// insider is the program while it looks into a server.
type insider struct {
	cmd         *exec.Cmd
	out, stderr sharedBuffer
}

// needAttach skips the test where this system cannot attach, or fails it if CI=true.
func needAttach(t *testing.T, s *pgtest.Server) {
	t.Helper()
	src, err := attach.Open(attach.Options{Programs: []string{filepath.Join(s.BinDir, "postgres")}})
	if err == nil {
		_ = src.Close()
		return
	}
	var own *attach.Error
	if os.Getenv("CI") == "true" || !errors.As(err, &own) {
		t.Fatal(err)
	}
	t.Skipf("this test attaches to a server: %v", err)
}

// startInside starts the program and waits until it is attached.
func startInside(t *testing.T, args ...string) *insider {
	t.Helper()
	path, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	i := &insider{}
	i.cmd = exec.Command(path, append([]string{"live", "--json"}, args...)...)
	i.cmd.Stdout, i.cmd.Stderr = &i.out, &i.stderr
	if err := i.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.cmd.Process.Kill() })
	i.stderr.waitFor(t, "attached to")
	return i
}

// stop ends it as Ctrl-C does, and returns its records.
func (i *insider) stop(t *testing.T) []jsonLine {
	t.Helper()
	time.Sleep(300 * time.Millisecond) // what the servers did last is in the ring
	if err := i.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := i.cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, i.stderr.b.Bytes())
	}
	if s := i.stderr.b.String(); strings.Contains(s, "lost") {
		t.Error(s)
	}
	c := newRecordChecker(t)
	c.lines(t, "live", i.out.b.Bytes())
	var records []jsonLine
	for line := range bytes.Lines(i.out.b.Bytes()) {
		var r jsonLine
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		records = append(records, r)
	}
	return records
}

func postmasterPID(t *testing.T, s *pgtest.Server) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.DataDir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	return first
}

// loggedText is what the server logs of a statement.
var loggedText = regexp.MustCompile(`(?s)^(?:statement|execute [^:]*): (.*)$`)

// logged returns the statements that the server logged, sorted.
func logged(t *testing.T, s *pgtest.Server) (list []string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(s.DataDir, "log", "*.json"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(b) {
			var r struct{ Message string }
			if json.Unmarshal(line, &r) != nil {
				continue // it is being written
			}
			if m := loggedText.FindStringSubmatch(r.Message); m != nil {
				list = append(list, m[1])
			}
		}
	}
	slices.Sort(list)
	return list
}

// loggedAll is logged once there are n statements, for another process writes the log, and
// later than clients have their answers.
func loggedAll(t *testing.T, s *pgtest.Server, n int) []string {
	t.Helper()
	list := logged(t, s)
	for range 1500 { // half a minute: the machine may be busy
		if len(list) >= n {
			break
		}
		time.Sleep(20 * time.Millisecond)
		list = logged(t, s)
	}
	return list
}

// attachServer starts a server that logs every statement.
func attachServer(t *testing.T, version int) *pgtest.Server {
	t.Helper()
	return pgtest.Start(t, pgtest.WithVersion(version), pgtest.WithSSL(), pgtest.WithUser("app", "secret", "scram-sha-256"),
		pgtest.WithConf("logging_collector", "on"), pgtest.WithConf("log_destination", "jsonlog"),
		pgtest.WithConf("log_statement", "all"))
}

// work has clients do what they do: scripts, pgbench with reconnects, COPY both ways,
// large rows, pg_dump, a cancel. where is a list of connection parameters.
func work(t *testing.T, s *pgtest.Server, where string) {
	t.Helper()
	run := func(name, input string, args ...string) {
		t.Helper()
		cmd := exec.Command(pgtest.Tool(t, name), args...)
		cmd.Stdin = strings.NewReader(input)
		cmd.Env = append(os.Environ(), "PGPASSWORD=secret")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	app := where + " dbname=postgres user=app"
	super := where + " dbname=postgres user=" + s.SuperUser
	run("psql", `select 'begin';
create table if not exists t (id int, v text);
insert into t select i, repeat('x', 200) from generate_series(1, 3000) i;
copy t to stdout;
copy t from stdin;
1	copied
2	likewise
\.
select repeat('y', 2000000);
select 1/0;
begin; update t set v = 'z' where id = 1; rollback;
`, super, "-X", "-q")
	run("psql", "select current_user;\n", app, "-X", "-q")
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("select 1 as short;\nselect :client_id;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []string{"simple", "extended", "prepared"} {
		run("pgbench", "", "-n", "-C", "-c", "3", "-t", "10", "-M", protocol, "-f", script, app)
	}
	if s.Version <= 15 { // the version of the distribution's pg_dump
		run("pg_dump", "", "-f", os.DevNull, super)
	}
	cancelled(t, where)
}

// cancelled cancels a query.
func cancelled(t *testing.T, where string) {
	t.Helper()
	where, _, _ = strings.Cut(where, " ssl_m") // which pgconn does not know
	conn, err := pgconn.Connect(t.Context(), where+" dbname=postgres user=app password=secret")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	r := conn.Exec(t.Context(), "select pg_sleep(60)")
	time.Sleep(50 * time.Millisecond)
	if err := conn.CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadAll(); err == nil {
		t.Error("it was not cancelled")
	}
}

// Every statement that the server logged is a record, complete, whatever encrypts the
// connection.
func TestAttachOnly(t *testing.T) {
	for _, version := range []int{15, 18} {
		s := attachServer(t, version)
		needAttach(t, s)
		host := fmt.Sprintf("host=%s port=%d ", s.Host, s.Port)
		ways := map[string]string{
			"TLSv1.2": host + "sslmode=require ssl_max_protocol_version=TLSv1.2",
			"TLSv1.3": host + "sslmode=require ssl_min_protocol_version=TLSv1.3",
			"none":    host + "sslmode=disable",
			"":        fmt.Sprintf("host=%s port=%d", s.SocketDir, s.Port),
		}
		before := len(logged(t, s))
		i := startInside(t, "--attach-only", "--attach="+postmasterPID(t, s), "--view", "queries,connections")
		for _, where := range ways {
			work(t, s, where)
		}
		records := i.stop(t)
		everyStatement(t, records, logged(t, s), before)
		for _, c := range ofType(records, "connection", 0) {
			if c["started_mid_stream"] != false || c["lost_bytes"] != 0.0 {
				t.Errorf("%v", c)
			}
			if c["state"] == "cancel_request" {
				continue
			}
			secured(t, c, s)
		}
	}
}

// everyStatement compares the records of queries with the log, less its first entries.
func everyStatement(t *testing.T, records []jsonLine, log []string, before int) {
	t.Helper()
	var got []string
	for _, q := range ofType(records, "query", 0) {
		sql, _ := q["sql"].(string)
		if q["complete"] != true {
			t.Errorf("not complete: %.300v", q)
		}
		got = append(got, strings.TrimSpace(sql))
	}
	slices.Sort(got)
	if len(got) < 100 {
		t.Errorf("%d records only", len(got))
	}
	if len(got) != len(log)-before {
		t.Errorf("%d records, %d statements in the log", len(got), len(log)-before)
	}
	missing := make(map[string]int)
	for _, l := range log {
		missing[strings.TrimSpace(l)]++
	}
	for _, g := range got {
		missing[g]--
		if missing[g] < 0 {
			t.Errorf("not in the log: %.200s", g)
		}
	}
}

// secured checks what a connection's record says of its encryption.
func secured(t *testing.T, c jsonLine, s *pgtest.Server) {
	t.Helper()
	client, _ := c["client"].(string)
	switch {
	case strings.HasPrefix(client, "unix:"):
		if want := fmt.Sprintf("unix:%s/.s.PGSQL.%d", s.SocketDir, s.Port); client != want || c["peer_uid"] != float64(os.Geteuid()) || c["peer_program"] == nil {
			t.Errorf("%v", c)
		}
	case c["encryption"] == "tls":
		version, _ := c["tls_version"].(string)
		cipher, _ := c["cipher"].(string)
		if c["decrypted"] != true || c["decrypted_by"] != "attach" || !strings.HasPrefix(version, "TLSv1.") || !strings.HasPrefix(cipher, "TLS_") {
			t.Errorf("%v", c)
		}
		if c["user"] == "app" && c["application_name"] == "psql" && c["auth"] != "scram-sha-256-plus" {
			t.Errorf("auth %v", c["auth"])
		}
	case c["encryption"] != "none":
		t.Errorf("%v", c)
	}
}
