package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/app"
)

// pgsniff runs the program in this process.
func pgsniff(t testing.TB, out io.Writer, args ...string) {
	t.Helper()
	var stderr bytes.Buffer
	env := &app.Env{
		In: strings.NewReader(""), Out: out, Err: &stderr, Now: time.Now,
		Getenv: func(string) string { return "" }, Width: func() int { return 0 },
	}
	if code := app.Run(env, args); code != app.ExitOK {
		t.Fatalf("pgsniff %v: %d: %s", args, code, &stderr)
	}
}

// made writes a capture to a file.
func made(t testing.TB, write func(*capture), megabytes int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriterSize(f, 1<<20)
	c := newCapture(out, megabytes<<20)
	write(c)
	if c.err != nil || out.Flush() != nil || f.Close() != nil {
		t.Fatal("the capture was not written: ", c.err)
	}
	return path
}

// walBytes is what the record of the connection says of WAL.
func walBytes(t testing.TB, path string) int64 {
	t.Helper()
	var out bytes.Buffer
	pgsniff(t, &out, "read", path, "-q", "--json", "--view", "connections")
	var r struct {
		WALBytes int64 `json:"wal_bytes"`
		Slot     string
		Lag      map[string]any
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.WALBytes == 0 || r.Slot == "" || r.Lag["flush"] == nil {
		t.Fatalf("%v: %s", err, &out)
	}
	return r.WALBytes
}

// What is made is replication that the program takes for good: no notice, and each
// change under its relation.
func TestReplicationIsReal(t *testing.T) {
	walBytes(t, made(t, wal, 3))
	path := made(t, logical, 3)
	walBytes(t, path)
	var out bytes.Buffer
	pgsniff(t, &out, "read", path, "--strict", "--json", "--view", "changes")
	kinds := map[string]int{}
	for line := range strings.Lines(out.String()) {
		var c struct {
			Kind, Relation string
			New, Key       map[string]string
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		if c.Kind != "commit" && (c.Relation != "public.accounts" || c.Key["id"] == "" || c.Kind != "delete" && len(c.New) != 4) {
			t.Fatalf("%s", line)
		}
		kinds[c.Kind]++
	}
	if n := kinds["commit"]; n < 100 || kinds["insert"] != 16*n || kinds["update"] != 2*n || kinds["delete"] != 2*n {
		t.Errorf("%v", kinds)
	}
}

// BenchmarkReplication is the whole program on one core, over the bytes of WAL, or of
// what the output plugin sent: the file is read, decoded, and records are written to
// nowhere. go test ./scripts/benchcap -run '^$' -bench . -cpu 1
func BenchmarkReplication(b *testing.B) {
	for _, bench := range []struct {
		name  string
		write func(*capture)
		args  []string
	}{
		{"physical, positions", wal, []string{"--view", "connections"}},
		{"physical, each piece as JSON", wal, []string{"--view", "messages"}},
		{"logical, positions", logical, []string{"--view", "connections"}},
		{"logical, changes as JSON", logical, []string{"--view", "changes"}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			path := made(b, bench.write, 64)
			b.SetBytes(walBytes(b, path))
			args := append([]string{"read", path, "-q", "--json", "--workers", "1"}, bench.args...)
			for b.Loop() {
				pgsniff(b, io.Discard, args...)
			}
		})
	}
}
