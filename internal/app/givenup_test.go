package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// manyConnections is a capture with some more connections than are followed, of which
// the first ten go on after they were given up.
func manyConnections(t *testing.T, port uint16) (file string, connections int) {
	t.Helper()
	const over = 100
	var p hostile.Packets
	conns := make([]*hostile.Conn, analyze.MaxOpen+over)
	for i := range conns {
		c := hostile.NewConn(uint32(i))
		c.Port = port
		conns[i] = c
		p.Open(c)
		p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d"))
		p.Send(c, hostile.Server, hostile.Authenticated(i))
	}
	for _, c := range conns[:10] {
		p.Send(c, hostile.Client, hostile.Query("select 1"))
		p.Send(c, hostile.Server, append(hostile.Complete("SELECT 1"), hostile.Ready()...))
	}
	file = filepath.Join(t.TempDir(), "many.pcap")
	if err := os.WriteFile(file, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, len(conns)
}

// TestMoreConnectionsThanAreFollowed: their number is right, each that was given up
// is told, and what goes on is told to be more of it, with the same server, also on
// a port that nobody named.
func TestMoreConnectionsThanAreFollowed(t *testing.T) {
	const over = 100
	for _, port := range []uint16{5432, 7777} {
		file, n := manyConnections(t, port)
		out, errs, code := command("read", file, "-o", "json", "--view", "connections,stats")
		if code != ExitOK || !strings.Contains(errs, fmt.Sprintf(" %d connections,", n)) || !strings.Contains(errs, "given up 110 times, and followed again when it went on 10 times") {
			t.Errorf("exit %d, %s", code, errs)
		}
		for what, want := range map[string]int{
			`"given_up":true`: over + 10, `"continues":`: 10, `"started_mid_stream":true`: 0, `"server":"10.255.0.1:`: n + 10,
		} {
			if n := strings.Count(out, what); n != want {
				t.Errorf("port %d: %s %d times, not %d", port, what, n, want)
			}
		}
		out, _, _ = command("read", file)
		if n := strings.Count(out, "! given_up: "); n != over+10 {
			t.Errorf("%d notices", n)
		}
	}
}

// givenUp are the records that tell of it.
func givenUp(t *testing.T) []byte {
	t.Helper()
	file, _ := manyConnections(t, 5432)
	out, _, _ := command("read", file, "-o", "json", "--view", "messages,connections")
	var list []byte
	for line := range strings.Lines(out) {
		if strings.Contains(line, `"given_up`) || strings.Contains(line, `"continues":`) {
			list = append(list, line...)
		}
	}
	return list
}
