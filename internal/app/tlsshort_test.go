package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// listen runs the program on the loopback interface until the test asks for its end.
func listen(t *testing.T, args ...string) (out, stderr *sharedBuffer, ended chan int) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	if l, err := capture.OpenLive(capture.LiveOptions{Interfaces: []string{"lo"}}); err != nil {
		t.Skip("cannot capture: ", err)
	} else {
		l.Close()
	}
	out, stderr, ended = new(sharedBuffer), new(sharedBuffer), make(chan int)
	env := &Env{
		In: strings.NewReader(""), Out: out, Err: stderr,
		Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return 0 },
	}
	go func() { ended <- Run(env, append([]string{"live", "-i", "lo"}, args...)) }()
	stderr.waitFor(t, "capturing on lo")
	return out, stderr, ended
}

// newerLibpq returns the environment in which psql is linked with libpq 18, which
// writes key logs.
func newerLibpq(t *testing.T) []string {
	t.Helper()
	missing := t.Skip
	if os.Getenv("CI") == "true" {
		missing = t.Fatal
	}
	native := os.Getenv("PGSNIFF_PG18")
	libs, _ := filepath.Glob(filepath.Join(native, "lib", "libpq.so.5.*"))
	if native == "" || len(libs) == 0 {
		missing("PGSNIFF_PG18 names no installation of PostgreSQL 18 with libpq; .ci/run fetches one")
	}
	dir := t.TempDir()
	if err := os.Symlink(libs[0], filepath.Join(dir, "libpq.so.5")); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "LD_LIBRARY_PATH="+dir+":"+filepath.Join(native, "lib"))
}

// TestTLSLiveShort: connections that are over within milliseconds, whose client
// writes its keys while they last: all of them are decrypted, and so they are in the
// file of packets, for tshark, too.
func TestTLSLiveShort(t *testing.T) {
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("needs psql (postgresql-client)")
	}
	libpq := newerLibpq(t)
	const runs = 20
	s := pgtest.Start(t, pgtest.WithSSL())
	dir := t.TempDir()
	keys, kept := filepath.Join(dir, "keys"), filepath.Join(dir, "kept.pcapng")
	port := fmt.Sprint(s.Port)
	out, stderr, ended := listen(t, "--port", port, "--keylog", keys, "-w", kept, "--embed-keys",
		"--json", "--view", "queries,connections", "--duration", "8s")
	dsn := fmt.Sprintf("host=127.0.0.1 port=%s user=%s dbname=postgres sslmode=require sslkeylogfile=%s", port, s.SuperUser, keys)
	for i := range runs {
		cmd := exec.Command(psql, "-X", "-c", fmt.Sprintf("SELECT 'run %d'", i), dsn)
		cmd.Env = libpq
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("psql: %v\n%s", err, b)
		}
	}
	for i := range runs {
		out.waitFor(t, fmt.Sprintf(`SELECT 'run %d'`, i))
	}
	if code := <-ended; code != ExitOK {
		t.Fatalf("exit status %d\n%s", code, stderr.b.String())
	}
	if n := strings.Count(out.b.String(), `"decrypted":true`); n != runs {
		t.Errorf("%d of %d connections were decrypted", n, runs)
	}
	records, _ := sniff(t, "--port", port, kept)
	if conns := ofType(records, "connection", 0); len(conns) != runs {
		t.Errorf("%d connections in the file", len(conns))
	} else {
		for _, c := range conns {
			c.expect(t, map[string]any{"decrypted": true, "state": "terminated", "queries": 1.0})
		}
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Log("tshark is not installed: it was not asked")
		return
	}
	b, err := exec.Command(tshark, "-r", kept, "-d", "tcp.port=="+port+",pgsql", "-Y", "pgsql.query", "-T", "fields", "-e", "pgsql.query").Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte("SELECT 'run ")); n != runs {
		t.Errorf("tshark reads %d of %d queries:\n%s", n, runs, b)
	}
}

// TestTLSLiveLater: the keys come when the connection is over. It is held back for
// them, but not for ever.
func TestTLSLiveLater(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithSSL())
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, ended := listen(t, "--port", fmt.Sprint(s.Port), "--keylog", keys,
		"--json", "--view", "queries,connections", "--duration", "8s")
	var log, unwritten bytes.Buffer
	connect := func(text string, log *bytes.Buffer) {
		c, err := pgconn.ParseConfig(s.DSN(s.SuperUser, "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		c.TLSConfig, c.Fallbacks = &tls.Config{InsecureSkipVerify: true, KeyLogWriter: log}, nil
		ctx := context.Background()
		conn, err := pgconn.ConnectConfig(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(ctx, "SELECT '"+text+"'").ReadAll(); err != nil {
			t.Fatal(err)
		}
		conn.Close(ctx)
	}
	connect("never", &unwritten)
	connect("later", &log)
	time.Sleep(300 * time.Millisecond) // the program has seen the ends
	if err := os.WriteFile(keys, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out.waitFor(t, "SELECT 'later'")
	out.waitFor(t, `"decrypted":false`)
	if code := <-ended; code != ExitOK {
		t.Fatalf("exit status %d", code)
	}
	if text := out.b.String(); strings.Count(text, `"decrypted":true`) != 1 || strings.Contains(text, "never") {
		t.Errorf("output:\n%s", text)
	}
}
