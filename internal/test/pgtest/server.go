package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	superUser    = "postgres"
	startTimeout = 60 * time.Second
	stopTimeout  = 20 * time.Second
)

// Server is a running PostgreSQL. Its fields are set by Start and not changed
// afterwards.
type Server struct {
	Host      string // 127.0.0.1
	Port      int
	SuperUser string // may connect without a password
	SocketDir string // directory of the Unix socket
	DataDir   string
	LogFile   string // the server's standard error
	BinDir    string
	Version   int    // major version
	FullName  string // parameter server_version, such as "15.13 (Debian 15.13-0+deb12u1)"
	CertFile  string // PEM, also usable as root certificate; empty without WithSSL

	passwords map[string]string
	ssl       bool
	install   *installation
	cmd       *exec.Cmd
	lifeline  io.Closer
	exited    chan struct{} // closed after cmd has been waited for
	stop      sync.Once
}

// Start runs a server until the test and its subtests end. It skips the test
// where PostgreSQL is not installed (fails it if CI=true) and fails it where the
// server does not come up.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	c := &config{}
	for _, o := range opts {
		o(c)
	}
	binDir, err := findBinDir(c.version)
	if err != nil {
		missing(t, "%v", err)
	}
	s, err := start(t, c, binDir)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return s
}

func start(t testing.TB, c *config, binDir string) (*Server, error) {
	// Not t.TempDir: its parent is closed to the user that the server runs as.
	dir, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	install, err := newInstallation(binDir, dir)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Host:      "127.0.0.1",
		SuperUser: superUser,
		SocketDir: dir,
		DataDir:   filepath.Join(dir, "data"),
		LogFile:   filepath.Join(dir, "log"),
		BinDir:    binDir,
		passwords: map[string]string{},
		ssl:       c.ssl,
		install:   install,
	}
	if err := install.makeDataDir(s.DataDir); err != nil {
		return nil, err
	}
	if err := s.configure(c); err != nil {
		return nil, err
	}
	t.Cleanup(s.Stop)
	if err := s.runOnFreePort(c); err != nil {
		return nil, err
	}
	return s, s.createUsers(c)
}

// configure writes everything but the port into the data directory.
func (s *Server) configure(c *config) error {
	if c.ssl {
		if err := writeCertificate(s.DataDir); err != nil {
			return err
		}
		s.CertFile = filepath.Join(s.DataDir, certName)
	}
	if err := os.WriteFile(filepath.Join(s.DataDir, "pg_hba.conf"), []byte(c.hbaFile()), 0o600); err != nil {
		return err
	}
	return s.install.owner.chown(s.DataDir)
}

// runOnFreePort starts the server. A port that was free a moment ago may be taken
// by the time the server binds it, so it is tried with several.
func (s *Server) runOnFreePort(c *config) error {
	base, err := os.ReadFile(filepath.Join(s.DataDir, "postgresql.conf"))
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		if s.Port, err = freePort(); err != nil {
			return err
		}
		conf := string(base) + "\n" + c.confFile(s.SocketDir, s.Port)
		if err := os.WriteFile(filepath.Join(s.DataDir, "postgresql.conf"), []byte(conf), 0o600); err != nil {
			return err
		}
		err = s.run()
		if err == nil {
			return nil
		}
		log, _ := os.ReadFile(s.LogFile)
		if try == 5 || !strings.Contains(string(log), "could not bind") {
			return fmt.Errorf("server did not start: %w\n%s", err, log)
		}
	}
}

// guard runs the server as its child and stops it when descriptor 3 ends: a
// test process that is killed or panics leaves no server behind.
const guard = `"$@" </dev/null 3<&- & server=$!
(read -r _; kill -INT $server) <&3 & watcher=$!
wait $server
kill $watcher 2>/dev/null`

// run starts the process and waits until it accepts connections.
func (s *Server) run() error {
	log, err := os.Create(s.LogFile)
	if err != nil {
		return err
	}
	defer log.Close()
	lifelineEnd, lifeline, err := os.Pipe()
	if err != nil {
		return err
	}
	defer lifelineEnd.Close()
	cmd := s.install.command("/bin/sh", "-c", guard, "pgtest", filepath.Join(s.BinDir, "postgres"), "-D", s.DataDir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lifelineEnd}
	if err := cmd.Start(); err != nil {
		lifeline.Close()
		return fmt.Errorf("%s as user %s: %w", s.BinDir, s.install.owner, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	s.cmd, s.lifeline, s.exited = cmd, lifeline, exited
	return s.waitReady()
}

func (s *Server) waitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		conn, err := pgconn.Connect(ctx, s.socketDSN())
		if err == nil {
			s.FullName = conn.ParameterStatus("server_version")
			s.Version, _ = strconv.Atoi(strings.FieldsFunc(s.FullName, func(r rune) bool { return r < '0' || r > '9' })[0])
			return conn.Close(ctx)
		}
		select {
		case <-s.exited:
			s.lifeline.Close()
			return errors.New("it exited")
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) createUsers(c *config) error {
	if len(c.users) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgconn.Connect(ctx, s.socketDSN())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, u := range c.users {
		s.passwords[u.name] = u.password
		if _, err := conn.Exec(ctx, u.createSQL()).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends the server at once, disconnecting everybody (a fast shutdown). Start
// arranges for it; a test calls it to see what clients are told.
func (s *Server) Stop() {
	s.stop.Do(func() {
		if s.cmd == nil {
			return
		}
		s.lifeline.Close()
		select {
		case <-s.exited:
		case <-time.After(stopTimeout):
			s.killPostmaster()
			<-s.exited
		}
	})
}

// killPostmaster kills a server that would not stop, by the process id that it
// noted in its own data directory.
func (s *Server) killPostmaster() {
	b, err := os.ReadFile(filepath.Join(s.DataDir, "postmaster.pid"))
	if err == nil {
		first, _, _ := strings.Cut(string(b), "\n")
		if pid, err := strconv.Atoi(first); err == nil && pid > 1 {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
	}
	_ = s.cmd.Process.Kill()
}

// DSN returns a connection URL over TCP, with the password where WithUser gave
// one. sslmode is require with WithSSL and disable without.
func (s *Server) DSN(user, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		Host:     net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
		User:     url.User(user),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	if p := s.passwords[user]; p != "" {
		u.User = url.UserPassword(user, p)
	}
	if s.ssl {
		u.RawQuery = "sslmode=require"
	}
	return u.String()
}

// socketDSN is the superuser's way in that no WithHBA line can close.
func (s *Server) socketDSN() string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", s.SocketDir, s.Port, superUser)
}

// Connect opens a connection over TCP, which is closed at the test's end.
func (s *Server) Connect(t testing.TB, user, database string) *pgconn.PgConn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgconn.Connect(ctx, s.DSN(user, database))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	})
	return conn
}

// Exec runs commands as the superuser in database postgres, through the Unix
// socket, and fails the test at the first error.
func (s *Server) Exec(t testing.TB, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgconn.Connect(ctx, s.socketDSN())
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
		t.Fatalf("pgtest: %s: %v", sql, err)
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
