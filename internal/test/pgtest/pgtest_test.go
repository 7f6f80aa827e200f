//go:build unix

package pgtest

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// column runs a query on conn and returns the text of its first column.
func column(t *testing.T, conn *pgconn.PgConn, sql string) []string {
	t.Helper()
	r := conn.ExecParams(context.Background(), sql, nil, nil, nil, nil).Read()
	if r.Err != nil {
		t.Fatalf("%s: %v", sql, r.Err)
	}
	var out []string
	for _, row := range r.Rows {
		out = append(out, string(row[0]))
	}
	return out
}

func TestStart(t *testing.T) {
	s := Start(t, WithConf("application_name", "it's set"))
	conn := s.Connect(t, s.SuperUser, "postgres")
	if got := column(t, conn, "SHOW application_name"); got[0] != "it's set" {
		t.Errorf("application_name = %q", got)
	}
	num, err := strconv.Atoi(column(t, conn, "SHOW server_version_num")[0])
	if err != nil || num/10000 != s.Version {
		t.Errorf("Version = %d, server says %d", s.Version, num)
	}
	if got := column(t, conn, "SHOW port"); got[0] != strconv.Itoa(s.Port) {
		t.Errorf("Port = %d, server says %s", s.Port, got[0])
	}
	log, err := os.ReadFile(s.LogFile)
	if err != nil || !strings.Contains(string(log), "ready to accept connections") {
		t.Errorf("LogFile: %v, %q", err, log)
	}
}

func TestStartVersion18(t *testing.T) {
	s := Start(t, WithVersion(18))
	if s.Version != 18 {
		t.Errorf("Version = %d", s.Version)
	}
	if got := column(t, s.Connect(t, s.SuperUser, "postgres"), "SELECT uuidv7() IS NOT NULL"); got[0] != "t" {
		t.Errorf("uuidv7() IS NOT NULL = %q", got)
	}
}

func TestUsersAndHBA(t *testing.T) {
	s := Start(t,
		WithUser("scram", "pw 1'", "scram-sha-256"),
		WithUser("old", "pw2", "md5"),
		WithUser("clear", "pw3", "password"),
		WithUser("free", "", ""),
		WithUser("barred", "pw5", "md5"),
		WithHBA("host all barred all reject"))
	for _, user := range []string{"scram", "old", "clear", "free"} {
		if got := column(t, s.Connect(t, user, "postgres"), "SELECT current_user"); got[0] != user {
			t.Errorf("current_user = %q, want %q", got[0], user)
		}
	}
	for dsn, code := range map[string]string{
		strings.Replace(s.DSN("old", "postgres"), "pw2", "wrong", 1): "28P01",
		s.DSN("barred", "postgres"):                                  "28000",
	} {
		_, err := pgconn.Connect(context.Background(), dsn)
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) || pgErr.Code != code {
			t.Errorf("%s: %v, want SQLSTATE %s", dsn, err, code)
		}
	}
	admin := s.Connect(t, s.SuperUser, "postgres")
	got := column(t, admin, "SELECT left(rolpassword, 3) FROM pg_authid WHERE rolname IN ('scram', 'old') ORDER BY rolname")
	if strings.Join(got, " ") != "md5 SCR" {
		t.Errorf("stored passwords begin with %q", got)
	}
}

func TestSSL(t *testing.T) {
	s := Start(t, WithSSL())
	pem, err := os.ReadFile(s.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("CertFile holds no certificate")
	}
	cfg, err := pgconn.ParseConfig(s.DSN(s.SuperUser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSConfig.InsecureSkipVerify = false
	cfg.TLSConfig.VerifyPeerCertificate = nil
	cfg.TLSConfig.RootCAs = roots
	cfg.TLSConfig.ServerName = "localhost"
	conn, err := pgconn.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if got := column(t, conn, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"); got[0] != "t" {
		t.Errorf("ssl = %q", got)
	}
}

func TestStopEndsServer(t *testing.T) {
	s := Start(t)
	pid := postmasterPID(t, s)
	s.Stop()
	s.Stop()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d after Stop: %v", pid, err)
	}
}

func postmasterPID(t *testing.T, s *Server) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.DataDir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestKilledTestLeavesNoServer runs a test process that starts a server and dies
// without any cleanup.
func TestKilledTestLeavesNoServer(t *testing.T) {
	if os.Getenv("PGTEST_DIE") != "" {
		s := Start(t)
		os.Stdout.WriteString("pid=" + strconv.Itoa(postmasterPID(t, s)) + " dir=" + s.SocketDir + "\n")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	if _, err := findBinDir(0); err != nil {
		missing(t, "%v", err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledTestLeavesNoServer$")
	cmd.Env = append(os.Environ(), "PGTEST_DIE=1")
	out, err := cmd.Output()
	if err == nil {
		t.Fatalf("the process was not killed: %s", out)
	}
	_, after, _ := strings.Cut(string(out), "pid=")
	number, after, _ := strings.Cut(after, " dir=")
	dir, _, _ := strings.Cut(after, "\n")
	pid, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("no process id in %q", out)
	}
	defer os.RemoveAll(dir)
	for deadline := time.Now().Add(stopTimeout); ; time.Sleep(20 * time.Millisecond) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs", pid)
		}
	}
}

func TestTool(t *testing.T) {
	out, err := exec.Command(Tool(t, "psql"), "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "psql (PostgreSQL)") {
		t.Errorf("psql --version: %v, %q", err, out)
	}
}

// verdict records how a helper ended a test.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Helper()                   {}
func (v *verdict) Skipf(f string, _ ...any)  { v.said = "skip " + f; panic(v) }
func (v *verdict) Fatalf(f string, _ ...any) { v.said = "fatal " + f; panic(v) }

func TestMissing(t *testing.T) {
	for ci, want := range map[string]string{"": "skip ", "true": "fatal "} {
		t.Setenv("CI", ci)
		for name, f := range map[string]func(testing.TB){
			"Tool":  func(tb testing.TB) { Tool(tb, "no-such-tool") },
			"Start": func(tb testing.TB) { Start(tb, WithVersion(7)) },
		} {
			v := &verdict{TB: t}
			func() {
				defer func() { _ = recover() }()
				f(v)
			}()
			if !strings.HasPrefix(v.said, want) {
				t.Errorf("%s with CI=%q: %q, want %q", name, ci, v.said, want)
			}
		}
	}
}
