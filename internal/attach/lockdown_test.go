//go:build linux && (amd64 || arm64)

package attach_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// What a kernel that is locked down for confidentiality takes shows all of a connection but
// who the client of a Unix socket is.
func TestLockedDown(t *testing.T) {
	attach.SetLockedDown(true)
	defer attach.SetLockedDown(false)
	s := pgtest.Start(t, pgtest.WithSSL())
	for _, w := range ways[2:] { // TLS 1.3 and a Unix socket
		t.Run(w.name, func(t *testing.T) {
			r := recordWith(t, attach.Options{Programs: []string{filepath.Join(s.BinDir, "postgres")}, Times: true})
			if why := r.source.Stats().Peerless; why == nil || !strings.Contains(why.Error(), "locked down") {
				t.Errorf("why peers are not known: %v", why)
			}
			conn, c := w.connect(t, s)
			pid := int(conn.PID())
			converse(t, conn)
			if err := conn.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.wait("the connection is over", func(c *seen) bool { return c.conn.PID == pid && c.closed })
			for _, got := range r.stop() {
				if got.conn.PID != pid {
					continue
				}
				sameBytes(t, got, c, w, s.Version)
				if got.conn.Peer != (attach.Peer{}) {
					t.Errorf("peer %+v", got.conn.Peer)
				}
				if w.tls != 0 && (got.conn.TLSVersion == "" || got.conn.Cipher == "") {
					t.Errorf("%s, cipher %s", got.conn.TLSVersion, got.conn.Cipher)
				}
				if w.unix && got.conn.Socket == "" {
					t.Error("no path of a socket")
				}
				if s.Version == 15 && (len(got.work) < 5 || got.work[0].Parse == 0 || got.work[0].Execute == 0) {
					t.Errorf("of the server's work: %+v", got.work)
				}
			}
		})
	}
	if text, err := os.ReadFile("/sys/kernel/security/lockdown"); err == nil {
		if got, want := attach.MayReadKernel(), !strings.Contains(string(text), "[confidentiality]"); got != want {
			t.Errorf("programs may read the kernel's memory: %v; lockdown: %s", got, text)
		}
	}
}
