//go:build linux && (amd64 || arm64)

package attach_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// What is seen is exactly what the client sent and received, whatever lies between.
func TestSameBytes(t *testing.T) {
	for _, version := range versions {
		s := pgtest.Start(t, pgtest.WithVersion(version), pgtest.WithSSL())
		for _, w := range ways {
			t.Run(fmt.Sprintf("%d/%s", version, w.name), func(t *testing.T) {
				r := record(t, s)
				conn, c := w.connect(t, s)
				pid := int(conn.PID())
				converse(t, conn)
				if err := conn.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				list := r.ended(1)
				if len(list) != 1 {
					t.Fatalf("%d connections", len(list))
				}
				sameBytes(t, list[0], c, w, version)
				described(t, &list[0].conn, c, w, pid)
				if list[0].conn.Parent != postmaster(t, s) {
					t.Errorf("a child of %d, not of %d", list[0].conn.Parent, postmaster(t, s))
				}
			})
		}
	}
}

func sameBytes(t *testing.T, got *seen, c *tap, w way, version int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	front, back := c.data[messages.Frontend].Bytes(), c.data[messages.Backend].Bytes()
	if w.tls != 0 {
		front = append(slices.Clone(sslRequest), front...)
		if version >= 17 { // before, the answer does not go through secure_write
			back = append([]byte("S"), back...)
		}
	}
	if got.missing != [2]int64{} {
		t.Errorf("%d bytes were lost", got.missing)
	}
	if !bytes.Equal(got.data[messages.Frontend], front) {
		t.Errorf("frontend: %s", difference(got.data[messages.Frontend], front))
	}
	if !bytes.Equal(got.data[messages.Backend], back) {
		t.Errorf("backend: %s", difference(got.data[messages.Backend], back))
	}
	if order := got.order.String(); !strings.HasPrefix(order, "FBFBF") || len(order) < 20 {
		t.Errorf("order %.50s", order)
	}
}

func difference(got, want []byte) string {
	n := 0
	for n < min(len(got), len(want)) && got[n] == want[n] {
		n++
	}
	return fmt.Sprintf("%d bytes, want %d, the same up to %d", len(got), len(want), n)
}

// described checks what is told of the connection beside its bytes.
func described(t *testing.T, got *attach.Conn, c *tap, w way, pid int) {
	t.Helper()
	if got.PID != pid || got.Joined {
		t.Errorf("pid %d, joined %v; the backend is %d, and was seen from its begin", got.PID, got.Joined, pid)
	}
	if got.TLS != (w.tls != 0) || got.GSS {
		t.Errorf("TLS %v, GSS %v", got.TLS, got.GSS)
	}
	inner := c.Conn
	if encrypted, ok := inner.(*tls.Conn); ok {
		state := encrypted.ConnectionState()
		if want := strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1); got.TLSVersion != want {
			t.Errorf("%s, want %s", got.TLSVersion, want)
		}
		if want := tls.CipherSuiteName(state.CipherSuite); attach.CipherName(got.Cipher) != want {
			t.Errorf("cipher %s, want %s", got.Cipher, want)
		}
		inner = encrypted.NetConn()
	} else if got.TLSVersion != "" || got.Cipher != "" {
		t.Errorf("%s %s without TLS", got.TLSVersion, got.Cipher)
	}
	if w.unix {
		me, _ := os.ReadFile("/proc/self/comm")
		want := attach.Peer{Known: true, PID: os.Getpid(), UID: os.Geteuid(), Program: strings.TrimSpace(string(me))}
		if got.Peer != want {
			t.Errorf("peer %+v, want %+v", got.Peer, want)
		}
		if path := inner.RemoteAddr().String(); got.Socket != path {
			t.Errorf("socket %s, want %s", got.Socket, path)
		}
		return
	}
	if got.Client.String() != inner.LocalAddr().String() || got.Server.String() != inner.RemoteAddr().String() {
		t.Errorf("%v to %v, want %v to %v", got.Client, got.Server, inner.LocalAddr(), inner.RemoteAddr())
	}
}

// The way of older kernels shows the same.
func TestOldWay(t *testing.T) {
	attach.SetOldWay(true)
	defer attach.SetOldWay(false)
	s := pgtest.Start(t)
	r := record(t, s)
	conn, c := way{}.connect(t, s)
	converse(t, conn)
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := r.ended(1)[0]
	sameBytes(t, got, c, way{}, s.Version)
	if s.Version == 15 && (len(got.work) < 5 || got.work[0].Parse == 0 || got.work[0].Execute == 0) {
		t.Errorf("of the server's work: %+v", got.work)
	}
}

// A connection that was open before is joined where it is.
func TestJoined(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithSSL())
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			conn, _ := w.connect(t, s)
			if _, err := conn.Exec(t.Context(), "select 'before'").ReadAll(); err != nil {
				t.Fatal(err)
			}
			r := record(t, s)
			if _, err := conn.Exec(t.Context(), "select 'after'").ReadAll(); err != nil {
				t.Fatal(err)
			}
			if err := conn.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			list := r.ended(1)
			if len(list) != 1 || !list[0].conn.Joined || list[0].asked("select 'before'") {
				t.Fatalf("%d connections: %+v", len(list), list[0])
			}
			// The secure_read that waited for the query had begun before.
			if !strings.Contains(string(list[0].data[messages.Backend]), "after") {
				t.Errorf("no answer: %q", list[0].data)
			}
		})
	}
}

// A server that is started later is seen from its first connection on; a backend that
// is killed is over.
func TestStartedLater(t *testing.T) {
	first := pgtest.Start(t)
	program := filepath.Join(first.BinDir, "postgres")
	r := recordProgram(t, program)
	s := pgtest.Start(t)
	conn, _ := ways[0].connect(t, s)
	if _, err := conn.Exec(t.Context(), "select 'in the later server'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	backend, err := os.FindProcess(int(conn.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if err := backend.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		for _, c := range r.conns {
			if c.conn.PID == int(conn.PID()) && c.closed {
				r.mu.Unlock()
				if !c.asked("select 'in the later server'") || c.conn.Joined {
					t.Errorf("%+v", c)
				}
				return
			}
		}
		r.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatal("the killed backend is not over")
		}
	}
}

// Many short connections: each is one, from its begin to its end.
func TestReconnects(t *testing.T) {
	const clients, each = 4, 50
	for _, version := range versions {
		s := pgtest.Start(t, pgtest.WithVersion(version), pgtest.WithSSL())
		r := record(t, s)
		script := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(script, []byte("select 'short';\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(pgtest.Tool(t, "pgbench"), "-n", "-C", "-c", fmt.Sprint(clients), "-t", fmt.Sprint(each),
			"-f", script, "-h", s.Host, "-p", fmt.Sprint(s.Port), "-U", s.SuperUser, "postgres")
		cmd.Env = append(os.Environ(), "PGSSLMODE=require")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		asked := 0
		for _, c := range r.ended(clients * each) {
			if c.missing != [2]int64{} || c.conn.Joined || c.conn.TLSVersion == "" {
				t.Errorf("%d: %d lost, joined %v, %s", c.conn.ID, c.missing, c.conn.Joined, c.conn.TLSVersion)
			}
			if c.asked("select 'short';") {
				asked++
			}
		}
		if asked != clients*each {
			t.Errorf("%d queries of %d", asked, clients*each)
		}
	}
}

// A server is found with what it says of itself.
func TestFind(t *testing.T) {
	for _, version := range versions {
		s := pgtest.Start(t, pgtest.WithVersion(version))
		servers, err := attach.Find()
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(servers, func(f attach.Server) bool { return f.PID == postmaster(t, s) })
		if i < 0 {
			t.Fatalf("not found among %+v", servers)
		}
		got := servers[i]
		if version, _, _ := strings.Cut(s.FullName, " "); got.Version != version {
			t.Errorf("version %s, want %s", got.Version, version)
		}
		if got.Problem != "" || got.DataDir != s.DataDir || got.Elsewhere {
			t.Errorf("%+v", got)
		}
		if want := []string{fmt.Sprintf("%s:%d", s.Host, s.Port)}; !slices.Equal(got.Listens, want) {
			t.Errorf("listens on %v, want %v", got.Listens, want)
		}
		if want := []string{fmt.Sprintf("%s/.s.PGSQL.%d", s.SocketDir, s.Port)}; !slices.Equal(got.Sockets, want) {
			t.Errorf("sockets %v, want %v", got.Sockets, want)
		}
	}
}

// A server that was found and has ended since is left out, if there are others.
func TestServersThatEnd(t *testing.T) {
	s := pgtest.Start(t)
	program := filepath.Join(s.BinDir, "postgres")
	source, err := attach.Open(attach.Options{Programs: []string{"/proc/0/exe", program}, MayEnd: true})
	if err != nil {
		if os.Getenv("CI") != "true" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	_ = source.Close()
	for _, opt := range []attach.Options{{Programs: []string{"/proc/0/exe"}, MayEnd: true}, {Programs: []string{"/proc/0/exe", program}}} {
		if source, err := attach.Open(opt); err == nil {
			_ = source.Close()
			t.Errorf("%v: no error", opt)
		}
	}
}

// What is no server is refused with a word on it.
func TestNoServer(t *testing.T) {
	dir := t.TempDir()
	script, empty := filepath.Join(dir, "script"), filepath.Join(dir, "empty")
	for file, text := range map[string]string{script: "#!/bin/sh\n", empty: ""} {
		if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"/no/such/program": "no such program",
		os.Args[0]:         "is not the program of a PostgreSQL server",
		dir:                "is no program",
		script:             "pgsniff interfaces lists the servers",
		empty:              "pgsniff interfaces lists the servers",
	} {
		_, err := attach.Open(attach.Options{Programs: []string{path}})
		if err == nil {
			t.Fatalf("%s was attached to", path)
		}
		if strings.Contains(err.Error(), "missing\n") && os.Getenv("CI") != "true" {
			t.Skip(err)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// What a reader that is too slow misses is a gap of that many bytes, in its place.
func TestSlowReader(t *testing.T) {
	s := pgtest.Start(t)
	source, err := attach.Open(attach.Options{Programs: []string{filepath.Join(s.BinDir, "postgres")}, Servers: []int{postmaster(t, s)}})
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	defer source.Close()
	conn, c := way{unix: true}.connect(t, s)
	// More than the ring has room for.
	if _, err := conn.Exec(t.Context(), "select repeat('x', 1000) from generate_series(1, 40000)").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "select 'after that'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	var got seen
	got.read(t, source)
	if _, err := conn.Exec(t.Context(), "select 'heard again'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for !got.closed {
		got.read(t, source)
		_ = source.Wait(time.Second)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for d := range c.data {
		if sum := int64(len(got.data[d])) + got.missing[d]; sum != int64(c.data[d].Len()) {
			t.Errorf("direction %d: %d bytes of %d", d, sum, c.data[d].Len())
		}
	}
	if got.missing[messages.Backend] == 0 || source.Stats().Lost == 0 {
		t.Errorf("nothing was lost: %+v", source.Stats())
	}
	if !got.asked("select 'heard again'") {
		t.Error("what came after the loss was not seen")
	}
}

// read takes what is there.
func (c *seen) read(t *testing.T, source attach.Source) {
	t.Helper()
	var e attach.Event
	for source.Next(&e) == nil {
		switch e.Kind {
		case attach.Data:
			c.data[e.Dir] = append(c.data[e.Dir], e.Data...)
		case attach.Gap:
			c.missing[e.Dir] += e.N
		case attach.Closed:
			c.closed = true
		}
	}
}
