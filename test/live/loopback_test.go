//go:build linux

package live

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

func portOf(s *pgtest.Server) string { return strconv.Itoa(s.Port) }

// exec runs commands on one connection, one Query message each.
func execAll(t *testing.T, s *pgtest.Server, sql ...string) {
	t.Helper()
	conn := s.Connect(t, s.SuperUser, "postgres")
	ctx := context.Background()
	for _, q := range sql {
		if _, err := conn.Exec(ctx, q).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func numbered(n int) (sql []string) {
	for i := range n {
		sql = append(sql, fmt.Sprintf("select %d", i))
	}
	return sql
}

// TestLoopback captures a session on lo and on any: each message once, in
// order, within a second.
func TestLoopback(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t)
	for _, name := range []string{"lo", "any"} {
		t.Run(name, func(t *testing.T) {
			p := start(t, "", "live", "-i", name, "--port", portOf(s), "--json", "--strict")
			want := numbered(50)
			execAll(t, s, want...)
			p.waitFor("the Terminate", 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), `"Terminate"`) })
			if code := p.signal(syscall.SIGINT); code != 0 {
				t.Errorf("exit code %d:\n%s", code, p.stderr)
			}
			list := records(t, strings.NewReader(p.stdout.String()))
			if got := queries(t, list); !slices.Equal(got, want) {
				t.Errorf("queries are %q", got)
			}
			ready := 0
			for _, x := range list {
				if x.Msg == "ReadyForQuery" {
					ready++
				}
			}
			if ready != len(want)+1 {
				t.Errorf("%d ReadyForQuery, want %d", ready, len(want)+1)
			}
			if !strings.Contains(p.stderr.String(), ", 0 packets dropped by the kernel") {
				t.Errorf("summary:\n%s", p.stderr)
			}
		})
	}
}

// TestSlow sees a query while it runs.
func TestSlow(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t)
	p := start(t, "", "live", "-i", "lo", "--port", portOf(s), "--json", "--view", "queries", "--slow", "200ms")
	done := make(chan struct{})
	go func() {
		defer close(done)
		execAll(t, s, "select 1", "select pg_sleep(1.5)")
	}()
	p.waitFor("the notice", 1400*time.Millisecond, func() bool { return strings.Contains(p.stdout.String(), `"slow_query"`) })
	if strings.Contains(p.stdout.String(), `"sql":"select pg_sleep(1.5)"`) {
		t.Error("the query's record came before its end")
	}
	<-done
	p.waitFor("the query", 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), `"sql":"select pg_sleep(1.5)"`) })
	p.signal(syscall.SIGINT)
	notices := 0
	for _, x := range records(t, strings.NewReader(p.stdout.String())) {
		if x.Code == "slow_query" {
			notices++
		}
	}
	if notices != 1 {
		t.Errorf("%d notices", notices)
	}
}

// TestLimits ends by -c and by --duration.
func TestLimits(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t)
	p := start(t, "", "live", "-i", "lo", "--port", portOf(s), "-c", "5")
	execAll(t, s, "select 1")
	if code := p.wait(30 * time.Second); code != 0 || !strings.Contains(p.stderr.String(), "pgsniff: 5 packets, ") {
		t.Errorf("-c 5: exit code %d\n%s", code, p.stderr)
	}
	p = start(t, "", "live", "-i", "lo", "--port", portOf(s), "--duration", "700ms")
	if code := p.wait(30 * time.Second); code != 0 {
		t.Errorf("--duration: exit code %d\n%s", code, p.stderr)
	}
}

// TestReaderGone ends when nobody reads the output any more, with and without
// traffic.
func TestReaderGone(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t)
	for _, traffic := range []bool{false, true} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := pgsniff("", "live", "-i", "lo", "--port", portOf(s))
		cmd.Stdout = w
		p := startCommand(t, cmd)
		w.Close()
		r.Close()
		if traffic {
			execAll(t, s, "select 1")
		}
		if code := p.wait(30 * time.Second); code != 0 {
			t.Errorf("traffic %v: exit code %d:\n%s", traffic, code, p.stderr)
		}
	}
}

// TestFilter narrows the ports with -f, and captures everything with --any-port.
func TestFilter(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t)
	cases := []struct {
		name string
		args []string
		want bool
	}{
		{"another port", []string{"--port", "1"}, false},
		{"range", []string{"--port", fmt.Sprintf("%d-%d,1", s.Port-1, s.Port+1)}, true},
		{"any port", []string{"--any-port"}, true},
		{"host", []string{"--port", portOf(s), "-f", "host 127.0.0.1"}, true},
		{"other host", []string{"--port", portOf(s), "-f", "host 127.0.0.2"}, false},
		{"any port and filter", []string{"--any-port", "-f", "tcp port " + portOf(s)}, true},
		{"snap length", []string{"--port", portOf(s), "--snaplen", "2000"}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, "", append([]string{"live", "-i", "lo"}, c.args...)...)
			execAll(t, s, "select 'needle'")
			if c.want {
				p.waitFor("the query", 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), "select 'needle'") })
			}
			p.signal(syscall.SIGTERM)
			if got := strings.Contains(p.stdout.String(), "select 'needle'"); got != c.want {
				t.Errorf("seen: %v\n%s", got, p.stderr)
			}
		})
	}
}

// TestWrite writes what it shows, to be read again.
func TestWrite(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t)
	dir := t.TempDir()
	for _, name := range []string{"lo", "any"} {
		path := filepath.Join(dir, name+".pcapng")
		p := start(t, "", "live", "-i", name, "--port", portOf(s), "-w", path, "--json")
		execAll(t, s, numbered(20)...)
		p.waitFor("the Terminate", 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), `"Terminate"`) })
		p.signal(syscall.SIGINT)
		out, err := pgsniff("", "read", path, "--json", "--port", portOf(s)).Output()
		if err != nil {
			t.Fatal(err)
		}
		if string(out) != p.stdout.String() {
			t.Errorf("%s: read shows something else than live:\n%s\n--- live\n%s", name, out, p.stdout)
		}
	}
}

// TestRotate keeps the last files only.
func TestRotate(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t)
	dir := t.TempDir()
	p := start(t, "", "live", "-i", "lo", "--port", portOf(s),
		"-w", filepath.Join(dir, "x.pcapng"), "--rotate-size", "4K", "--rotate-files", "2")
	execAll(t, s, numbered(100)...)
	p.waitFor("the Terminate", 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), "Terminate") })
	p.signal(syscall.SIGINT)
	files, _ := filepath.Glob(filepath.Join(dir, "x_*.pcapng"))
	if len(files) != 2 {
		t.Fatalf("files are %q", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() > 4096 {
			t.Errorf("%s has %d bytes", f, info.Size())
		}
	}
}
