package app

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// rotated writes a capture into several files and returns their names.
func rotated(t *testing.T, args ...string) []string {
	t.Helper()
	dir := t.TempDir()
	sniff(t, append(args, "-w", filepath.Join(dir, "part.pcapng"))...)
	parts, err := filepath.Glob(filepath.Join(dir, "part_*.pcapng"))
	if err != nil || len(parts) < 2 {
		t.Fatalf("files %q, %v", parts, err)
	}
	return parts
}

// TestRotatedAlone: each file that rotation makes, read by itself, gives the records
// that the whole capture gives, but for the queries that were under way between two
// files.
func TestRotatedAlone(t *testing.T) {
	for _, c := range []struct{ capture, size string }{
		{"pgx_modes", "12K"},
		{"client_jdbc", "12K"},
		{"libpq_extended", "8K"},
		{"tls13_aes128gcm", "12K"},
		{"tls13_chacha20", "12K"},
		{"tls12_RSA_AES256_GCM", "12K"},
		{"tls12_ECDHE_RSA_AES128_CBC_SHA", "12K"},
	} {
		t.Run(c.capture, func(t *testing.T) {
			path := filepath.Join(pcaps, c.capture+".pcap")
			args := []string{path, "--rotate-size", c.size}
			var keys []string
			if k := filepath.Join(pcaps, c.capture+".keys"); strings.HasPrefix(c.capture, "tls") {
				keys = []string{"--keylog", k}
				args = append(args, "--embed-keys", "--keylog", k)
			}
			whole, _ := sniff(t, append(keys, path)...)
			all := ofType(whole, "query", 0)
			told := make(map[string]bool)
			for _, q := range all {
				told[alone(q)] = true
			}
			conn := theOne(t, whole, "connection", 1)
			parts := rotated(t, args...)
			same, packets := 0, 0
			for _, part := range parts {
				records, _ := sniff(t, part)
				for _, k := range []string{"user", "database", "application_name", "server_version", "auth", "encryption", "tls_version", "cipher"} {
					if got := theOne(t, records, "connection", 0); got[k] != conn[k] {
						t.Errorf("%s: %s is %v, want %v", filepath.Base(part), k, got[k], conn[k])
					}
				}
				for i, q := range ofType(records, "query", 0) {
					if told[alone(q)] {
						same++
					} else if q["complete"] == true && q["sql"] != nil && i > 1 { // the first may have been prepared or begun before
						t.Errorf("%s: %.600s is not told so in the whole", filepath.Base(part), alone(q))
					}
				}
				packets += countPackets(t, part)
			}
			if n := len(all) - 2*(len(parts)-1); same < n {
				t.Errorf("%d of %d queries are told as in the whole, want at least %d", same, len(all), n)
			}
			if want := len(loadPackets(t, path).packets); packets != want {
				t.Errorf("%d packets in %d files, want %d", packets, len(parts), want)
			}
		})
	}
}

// alone is a record of a query without its numbers, and what came before it.
func alone(q jsonLine) string {
	for _, k := range []string{"id", "conn", "pause_ns", "paused_in_transaction"} {
		delete(q, k) // after a query of two files nothing is told of pauses
	}
	return fmt.Sprint(map[string]any(q))
}

// countPackets counts a file's packets as other programs do, where they are there.
func countPackets(t *testing.T, path string) int {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs tshark")
		}
		t.Skip("needs tshark")
	}
	out, err := exec.Command(tshark, "-r", path, "-T", "fields", "-e", "frame.number", "-e", "_ws.malformed").Output()
	if err != nil {
		t.Fatalf("tshark cannot read %s: %v", path, err)
	}
	return bytes.Count(out, []byte("\n"))
}

// TestRotatedSecrets: what a file says of the connections before it holds no secret of
// a statement, and nothing of what was encrypted unless its keys are there, too.
func TestRotatedSecrets(t *testing.T) {
	var w wire
	c := w.open()
	say := func(fromFrontend bool, m ...interface{ Append([]byte) []byte }) {
		var b []byte
		for _, m := range m {
			b = m.Append(b)
		}
		w.add(c, fromFrontend, b)
	}
	ready := &messages.ReadyForQuery{Status: 'I'}
	say(true, &messages.StartupMessage{Parameters: []messages.Pair{{Name: []byte("user"), Value: []byte("alice")}}})
	say(false, &messages.AuthenticationOk{}, ready)
	say(true, &messages.Parse{Statement: []byte("s1"), SQL: []byte("ALTER ROLE bob PASSWORD 'hunter2'")}, &messages.Sync{})
	say(false, &messages.ParseComplete{}, ready)
	for range 40 {
		say(true, &messages.Query{SQL: []byte("SELECT 1 -- " + strings.Repeat("x", 200))})
		say(false, &messages.CommandComplete{Tag: []byte("SELECT 0")}, ready)
	}
	parts := rotated(t, packets{}.file(t, &w), "--rotate-size", "6K")
	last := read(t, parts[len(parts)-1])
	if bytes.Contains(last, []byte("hunter2")) {
		t.Error("a password is in the last file")
	}
	if !bytes.Contains(last, []byte("ALTER ROLE bob PASSWORD")) || !bytes.Contains(last, []byte("alice")) {
		t.Errorf("the last file does not say what is known:\n%q", last[:400])
	}

	name := filepath.Join(pcaps, "tls13_aes128gcm")
	for _, part := range rotated(t, name+".pcap", "--keylog", name+".keys", "--rotate-size", "12K")[1:] {
		b := read(t, part)
		for _, hidden := range []string{"appdb", "pg.corpus.test", "SECRET", "SELECT"} {
			if bytes.Contains(b, []byte(hidden)) {
				t.Errorf("%s: %s was encrypted", filepath.Base(part), hidden)
			}
		}
		records, _ := sniff(t, part)
		theOne(t, records, "connection", 0).expect(t, map[string]any{"encryption": "tls", "decrypted": false, "tls_version": "TLSv1.3"})
		records, _ = sniff(t, "--keylog", name+".keys", part)
		theOne(t, records, "connection", 0).expect(t, map[string]any{"encryption": "tls"})
	}
}

// TestRotatedHostile: what a capture says of connections before it is believed as far
// as it makes sense, and harms nobody.
func TestRotatedHostile(t *testing.T) {
	parts := rotated(t, filepath.Join(pcaps, "client_jdbc.pcap"), "--rotate-size", "12K")
	good := read(t, parts[len(parts)-1])
	at := bytes.Index(good, []byte("pgsniff connection 1 {"))
	if at < 0 {
		t.Fatal("nothing is said of the connection")
	}
	size := int(uint32(good[at-4]) | uint32(good[at-3])<<8)
	for i := at; i < at+size-12; i += 7 {
		bad := bytes.Clone(good)
		bad[i] ^= byte(1 + i%255)
		path := filepath.Join(t.TempDir(), "bad.pcapng")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		records, _ := sniff(t, path)
		if len(ofType(records, "connection", 0)) == 0 {
			t.Errorf("byte %d: no connection", i)
		}
	}
}
