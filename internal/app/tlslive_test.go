package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// sharedBuffer is written to by the program while a test looks at it.
type sharedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sharedBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

// waitFor waits until the text is there.
func (s *sharedBuffer) waitFor(t *testing.T, text string) {
	t.Helper()
	for range 1500 { // half a minute: the machine may be busy
		s.mu.Lock()
		found := strings.Contains(s.b.String(), text)
		s.mu.Unlock()
		if found {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Fatalf("no %q in:\n%s", text, s.b.String())
}

// TestTLSLive: a client writes its keys some time after it has used them, into a
// file that was not there when the capture began. What it did is shown then,
// though it does nothing more.
func TestTLSLive(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	if l, err := capture.OpenLive(capture.LiveOptions{Interfaces: []string{"lo"}}); err != nil {
		t.Skip("cannot capture: ", err)
	} else {
		l.Close()
	}
	s := pgtest.Start(t, pgtest.WithSSL())
	dir := t.TempDir()
	keys, kept := filepath.Join(dir, "keys"), filepath.Join(dir, "kept.pcapng")
	var out, stderr sharedBuffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &stderr,
		Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return 0 },
	}
	port := fmt.Sprint(s.Port)
	ended := make(chan int)
	go func() {
		ended <- Run(env, []string{
			"live", "-i", "lo", "--port", port, "--keylog", keys, "-w", kept, "--embed-keys",
			"--json", "--view", "queries,connections", "--duration", "5s",
		})
	}()
	stderr.waitFor(t, "capturing on lo")

	c, err := pgconn.ParseConfig(s.DSN(s.SuperUser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c.TLSConfig, c.Fallbacks = &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &log}, nil
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	ask("SELECT 'before the keys'")
	if err := os.WriteFile(keys, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out.waitFor(t, "before the keys")
	ask("SELECT 'after the keys'")
	out.waitFor(t, "after the keys")
	conn.Close(ctx)
	if code := <-ended; code != ExitOK {
		t.Fatalf("exit status %d\n%s", code, stderr.b.String())
	}
	records, _ := sniff(t, "--port", port, kept)
	theOne(t, records, "connection", 0).expect(t, map[string]any{"decrypted": true, "state": "terminated", "queries": 2.0})
	if n := len(ofType(records, "notice", 0)); n > 0 {
		t.Errorf("%d notices", n)
	}
}
