//go:build linux && (amd64 || arm64)

package app

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// What --attach shows of a connection whose packets are captured is what its keys
// show: each message at the time and in the packet that carried it.
func TestAttachAsKeys(t *testing.T) {
	for _, version := range []int{15, 18} {
		s := pgtest.Start(t, pgtest.WithVersion(version), pgtest.WithSSL())
		needAttach(t, s)
		for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(fmt.Sprint(version, " ", tls.VersionName(v)), func(t *testing.T) {
				dir := t.TempDir()
				kept, keys := filepath.Join(dir, "kept.pcapng"), filepath.Join(dir, "keys")
				i := startInside(t, "--attach="+postmasterPID(t, s), "-i", "lo", "-w", kept, "--view", "messages,queries,connections", "--max-value-bytes", "0")
				i.stderr.waitFor(t, "capturing on lo")
				var log bytes.Buffer
				encrypted(t, s, v, &log)
				if err := os.WriteFile(keys, log.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				got := i.stop(t)
				want, stderr := sniff(t, "--port", fmt.Sprint(s.Port), "--keylog", keys, kept)
				if strings.Contains(stderr, "lost") {
					t.Skip("packets were lost: ", stderr)
				}
				sameRecords(t, got, want)
			})
		}
	}
}

// encrypted has a client work over TLS, one request at a time and pipelined.
func encrypted(t *testing.T, s *pgtest.Server, version uint16, log *bytes.Buffer) {
	t.Helper()
	c, err := pgconn.ParseConfig(s.DSN(s.SuperUser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	c.TLSConfig = &tls.Config{InsecureSkipVerify: true, KeyLogWriter: log, MinVersion: version, MaxVersion: version}
	c.Fallbacks = nil
	conn, err := pgconn.ConnectConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"select 1", "select repeat('x', 100)", "select i, repeat('y', 50) from generate_series(1, 2000) i",
		"select '" + strings.Repeat("z", 30_000) + "'", "select 1/0", "select 2",
	} {
		_, _ = conn.Exec(t.Context(), sql).ReadAll() // one fails
	}
	batch := &pgconn.Batch{}
	for range 100 {
		batch.ExecParams("select $1::text", [][]byte{[]byte("parameter")}, nil, nil, nil)
	}
	if _, err := conn.ExecBatch(t.Context(), batch).ReadAll(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// sameRecords compares what was shown live with what is read with keys.
func sameRecords(t *testing.T, got, want []jsonLine) {
	t.Helper()
	for _, typ := range []string{"message", "query", "connection"} {
		g, w := ofType(got, typ, 0), ofType(want, typ, 0)
		if len(g) != len(w) || len(w) == 0 {
			t.Fatalf("%d records of type %s, with the keys %d", len(g), typ, len(w))
		}
		for n := range w {
			if typ == "connection" {
				if g[n]["decrypted_by"] != "attach" || w[n]["decrypted_by"] != "keylog" {
					t.Errorf("%v\n%v", g[n], w[n])
				}
				for _, key := range []string{"decrypted_by", "certificate_subject", "alpn", "server_name"} {
					delete(g[n], key) // what only keys or only their absence tell
					delete(w[n], key)
				}
			}
			delete(g[n], "server_times")
			if !reflect.DeepEqual(g[n], w[n]) {
				t.Fatalf("%s %d:\n%.600v\nwith the keys:\n%.600v", typ, n+1, g[n], w[n])
			}
		}
	}
}
