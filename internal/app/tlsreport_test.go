package app

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/pcapngw"
	"github.com/pgsniff/pgsniff/internal/tlsdecrypt"
)

// wrongKeys is a key log with other secrets under the right client randoms.
func wrongKeys(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(pcaps, name+".keys"))
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for line := range bytes.Lines(b) {
		if f := bytes.Fields(line); len(f) == 3 && f[0][0] != '#' {
			line = fmt.Appendf(nil, "%s %s %s\n", f[0], f[1], bytes.Map(func(r rune) rune {
				return rune("fedcba9876543210"[strings.IndexRune("0123456789abcdef", r)])
			}, f[2]))
		}
		out = append(out, line...)
	}
	path := filepath.Join(t.TempDir(), "wrong.keys")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTLSUnreadable: no key, wrong keys, a start in the middle. The connection is
// told of once, with what is visible, and nothing is made up.
func TestTLSUnreadable(t *testing.T) {
	cases := []struct {
		capture, why string
		keys         func(*testing.T, string) string
		version      string
		from         int // packet to begin with
	}{
		{capture: "tls13_aes128gcm", why: "there are no keys", version: "TLSv1.3"},
		{capture: "tls12_RSA_AES256_GCM", why: "there are no keys", version: "TLSv1.2"},
		{capture: "tls13_aes128gcm", why: "the keys are wrong", keys: wrongKeys, version: "TLSv1.3"},
		{capture: "tls13_chacha20", why: "the keys are wrong", keys: wrongKeys, version: "TLSv1.3"},
		{capture: "tls12_RSA_AES256_GCM", why: "the keys are wrong", keys: wrongKeys, version: "TLSv1.2"},
		{capture: "tls12_ECDHE_RSA_AES128_CBC_SHA", why: "the keys are wrong", keys: wrongKeys, version: "TLSv1.2"},
		{
			capture: "tls13_aes128gcm", why: "the key log has no secrets for the connection", version: "TLSv1.3",
			keys: func(*testing.T, string) string { return filepath.Join(pcaps, "tls13_chacha20.keys") },
		},
		{capture: "tls13_aes128gcm", why: "secrets for the connection are forgotten: those of the latest 65536", keys: outgrown, version: "TLSv1.3"},
		{capture: "tls12_RSA_AES256_GCM", why: "the ClientHello was not captured", from: 30},
		{capture: "tls13_aes128gcm", why: "the ClientHello was not captured", from: 30},
	}
	for _, c := range cases {
		t.Run(c.capture+"/"+c.why, func(t *testing.T) {
			d := loadPackets(t, filepath.Join(pcaps, c.capture+".pcap"))
			d.packets = d.packets[c.from:]
			var args []string
			if c.keys != nil {
				args = []string{"--keylog", c.keys(t, c.capture)}
			}
			records, _ := sniff(t, append(args, d.file(t))...)
			for _, m := range ofType(records, "message", 0) {
				if !strings.HasPrefix(m.text("msg"), "SSL") {
					t.Fatalf("a message: %v", m)
				}
			}
			notice, conn := theOne(t, records, "notice", 1), theOne(t, records, "connection", 1)
			conn.expect(t, map[string]any{"encryption": "tls", "decrypted": false, "queries": nil, "state": "closed"})
			if notice.text("code") != "encrypted" || !strings.Contains(notice.text("text"), c.why) {
				t.Errorf("notice: %v", notice)
			}
			if conn["backend_bytes"].(float64) < 10000 || len(ofType(records, "query", 0)) > 0 {
				t.Errorf("connection: %v", conn)
			}
			if c.version == "" {
				return
			}
			cipher := conn.text("cipher")
			if conn.text("tls_version") != c.version || cipher == "" || !strings.HasPrefix(notice.text("text"), c.version+", "+cipher) {
				t.Errorf("version %s, cipher %s, notice %s", conn["tls_version"], cipher, notice["text"])
			}
			if c.version == "TLSv1.2" && !strings.Contains(notice.text("text"), "certificate CN=pg.corpus.test") {
				t.Errorf("no certificate in: %s", notice["text"])
			}
		})
	}
}

// outgrown makes a key log that has those of so many other connections behind the
// right keys that they are forgotten.
func outgrown(t *testing.T, capture string) string {
	t.Helper()
	keys, err := os.ReadFile(filepath.Join(pcaps, capture+".keys"))
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Repeat("ab", 48)
	for i := range tlsdecrypt.MaxConnections {
		keys = fmt.Appendf(keys, "CLIENT_RANDOM %064x %s\n", i, secret)
	}
	file := filepath.Join(t.TempDir(), "outgrown.keys")
	if err := os.WriteFile(file, keys, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, _ := command("read", filepath.Join(pcaps, capture+".pcap"), "--keylog", file); strings.Count(errs, "secrets for more than 65536 connections") != 1 {
		t.Errorf("standard error: %s", errs)
	}
	return file
}

// TestTLSDamagedFirst: a first record that was damaged is no sign of wrong keys.
func TestTLSDamagedFirst(t *testing.T) {
	d := loadPackets(t, filepath.Join(pcaps, "tls13_aes128gcm.pcap"))
	for _, p := range d.packets {
		if b := payload(p); len(b) > 100 && b[0] == 20 { // the client's ChangeCipherSpec and Finished
			b[40] ^= 1
			break
		}
	}
	records, _ := sniff(t, "--keylog", filepath.Join(pcaps, "tls13_aes128gcm.keys"), d.file(t))
	theOne(t, records, "connection", 1).expect(t, map[string]any{"decrypted": true, "queries": 4.0})
	for _, n := range ofType(records, "notice", 0) {
		if n.text("code") == "encrypted" {
			t.Error(n)
		}
	}
}

// rewrite makes a pcapng of a capture, with secrets before the packet of the given
// number; every is added to the time between packets.
func rewrite(t *testing.T, path string, secrets []byte, before int, every time.Duration) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "rewritten.pcapng")
	w, err := pcapngw.New(pcapngw.Options{Path: out})
	if err != nil {
		t.Fatal(err)
	}
	src, err := capture.OpenFiles([]string{path}, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var p capture.Packet
	for n := 0; ; n++ {
		err := src.Next(&p)
		if n == before || err == io.EOF && before < 0 {
			if err := w.Secrets(pcapngw.SecretsTLS, secrets); err != nil {
				t.Fatal(err)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			if _, err := w.AddInterface(pcapngw.Interface{LinkType: p.LinkType}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Write(0, p.Time+int64(n)*int64(every), p.Data, p.OrigLen); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTLSKeysLate: secrets that stand in the capture behind the packets that they
// are for; the number of goroutines makes no difference.
func TestTLSKeysLate(t *testing.T) {
	for _, name := range tlsCaptures {
		path := filepath.Join(pcaps, name+".pcap")
		keys, err := os.ReadFile(filepath.Join(pcaps, name+".keys"))
		if err != nil {
			t.Fatal(err)
		}
		want, _ := sniff(t, "--keylog", filepath.Join(pcaps, name+".keys"), path)
		for _, before := range []int{0, 5, 11, 30, 80, -1} {
			for _, every := range []time.Duration{0, time.Second} {
				t.Run(fmt.Sprintf("%s/%d/%v", name, before, every), func(t *testing.T) {
					file := rewrite(t, path, keys, before, every)
					got, _ := sniff(t, file)
					if before < 0 { // the connection has ended: it is what it was
						theOne(t, got, "connection", 0).expect(t, map[string]any{"decrypted": false, "state": "closed"})
						checkNotices(t, got, "encrypted")
						return
					}
					sameTraffic(t, got, want)
					theOne(t, got, "connection", 0).expect(t, map[string]any{"decrypted": true, "state": "terminated"})
					if every > 0 && before > 11 {
						checkNotices(t, got, "encrypted tls")
					} else {
						checkNotices(t, got, "")
					}
					args := []string{"read", "--json", "--view", "messages,queries,connections", file, "--workers"}
					if !bytes.Equal(tlsOutput(t, append(args, "1")...), tlsOutput(t, append(args, "2")...)) {
						t.Error("the output depends on the number of goroutines")
					}
				})
			}
		}
	}
}

// checkNotices wants notices of these codes, and of no other.
func checkNotices(t *testing.T, records []jsonLine, want string) {
	t.Helper()
	var codes []string
	for _, n := range ofType(records, "notice", 0) {
		codes = append(codes, n.text("code"))
	}
	if got := strings.Join(codes, " "); got != want {
		t.Errorf("notices %q, want %q", got, want)
	}
}

// TestTLSKeyLogWarnings: malformed lines are told with their numbers, but not a
// thousand of them.
func TestTLSKeyLogWarnings(t *testing.T) {
	keys, err := os.ReadFile(filepath.Join(pcaps, "tls13_aes128gcm.keys"))
	if err != nil {
		t.Fatal(err)
	}
	text := "# a comment\n\nCLIENT_RANDOM 12 34\nSOME_LABEL_OF_LATER ab cd\n" + string(keys) + strings.Repeat("nonsense\n", 24)
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	records, stderr := sniff(t, "--keylog", path, filepath.Join(pcaps, "tls13_aes128gcm.pcap"))
	theOne(t, records, "connection", 0).expect(t, map[string]any{"decrypted": true})
	if n := strings.Count(stderr, path+":"); n != 10 {
		t.Errorf("%d lines are told one by one, want 10:\n%s", n, stderr)
	}
	for _, part := range []string{path + ":3: ", "15 malformed lines of key logs more"} {
		if !strings.Contains(stderr, part) {
			t.Errorf("standard error lacks %q:\n%s", part, stderr)
		}
	}
	if strings.Contains(stderr, path+":4: ") {
		t.Errorf("a label of a kind not known is no error:\n%s", stderr)
	}
}

// TestTLSEmbedKeys: -w writes secrets when asked, those that were used, before
// the packets that they decrypt; and never plaintext.
func TestTLSEmbedKeys(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(pcaps, "tls13_aes128gcm")
	both := filepath.Join(dir, "both.keys")
	var text []byte
	for _, n := range []string{"tls13_aes128gcm", "tls13_chacha20"} {
		b, err := os.ReadFile(filepath.Join(pcaps, n+".keys"))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	if err := os.WriteFile(both, text, 0o600); err != nil {
		t.Fatal(err)
	}
	want, _ := sniff(t, "--keylog", both, name+".pcap")
	with, without, again := filepath.Join(dir, "with.pcapng"), filepath.Join(dir, "without.pcapng"), filepath.Join(dir, "again.pcapng")

	sniff(t, "--keylog", both, "-w", without, name+".pcap")
	sniff(t, "--keylog", both, "-w", with, "--embed-keys", "--workers", "2", name+".pcap")
	plain, embedded := read(t, without), read(t, with)
	if bytes.Contains(plain, []byte("TRAFFIC_SECRET")) {
		t.Error("secrets were written without being asked for")
	}
	for _, b := range [][]byte{plain, embedded} {
		if bytes.Contains(b, []byte("SELECT")) {
			t.Error("plaintext was written")
		}
	}
	mine, other := clientRandoms(t, name), clientRandoms(t, filepath.Join(pcaps, "tls13_chacha20"))
	if !bytes.Contains(embedded, mine[0]) || bytes.Contains(embedded, other[0]) {
		t.Error("the secrets embedded are not those that were used")
	}
	got, _ := sniff(t, with)
	sameTraffic(t, got, want)

	_, stderr := sniff(t, "-w", again, with)
	if bytes.Contains(read(t, again), []byte("TRAFFIC_SECRET")) || !strings.Contains(stderr, "--embed-keys") {
		t.Errorf("secrets of a capture were passed on without being asked for; standard error: %s", stderr)
	}
	sniff(t, "-w", again, "--embed-keys", with)
	got, _ = sniff(t, again)
	sameTraffic(t, got, want)

	env := &Env{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: os.Getenv, Now: time.Now, Width: func() int { return 0 }}
	if code := Run(env, []string{"read", "--embed-keys", name + ".pcap"}); code != ExitUsage {
		t.Errorf("--embed-keys without -w: exit status %d", code)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// clientRandoms are the second fields of a key log.
func clientRandoms(t *testing.T, name string) (out [][]byte) {
	t.Helper()
	for line := range bytes.Lines(read(t, name+".keys")) {
		if f := bytes.Fields(line); len(f) == 3 && f[0][0] != '#' {
			out = append(out, bytes.ToLower(f[1]))
		}
	}
	return out
}

// TestTLSNotPostgreSQL: TLS without SSLRequest that is not PostgreSQL's.
func TestTLSNotPostgreSQL(t *testing.T) {
	ec, _ := testCertificates()
	cases := []struct {
		name   string
		alpn   []string
		keys   bool
		code   string
		expect map[string]any
	}{
		{"no ALPN", nil, false, "not_postgresql", map[string]any{"decrypted": false, "state": "not_postgresql", "alpn": nil}},
		{"another ALPN", []string{"h2", "http/1.1"}, false, "not_postgresql", map[string]any{"decrypted": false, "state": "not_postgresql", "alpn": "h2"}},
		{"decrypted", nil, true, "not_postgresql", map[string]any{"decrypted": true, "state": "not_postgresql"}},
		{"decrypted, in spite of ALPN", []string{"postgresql"}, true, "not_postgresql", map[string]any{"decrypted": true, "state": "not_postgresql", "alpn": "postgresql"}},
		{"it claims to be", []string{"postgresql"}, false, "encrypted", map[string]any{"decrypted": false, "state": "closed", "alpn": "postgresql"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var w wire
			var log bytes.Buffer
			server := &tls.Config{Certificates: []tls.Certificate{ec}, NextProtos: c.alpn}
			client := &tls.Config{InsecureSkipVerify: true, ServerName: "web.example", NextProtos: c.alpn, KeyLogWriter: &log}
			speakHTTP(t, &w, server, client)
			var args []string
			if c.keys {
				path := filepath.Join(t.TempDir(), "keys")
				if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				args = []string{"--keylog", path}
			}
			file := packets{}.file(t, &w)
			records, _ := sniff(t, append(args, file)...)
			if n := len(ofType(records, "message", 0)); n > 0 {
				t.Errorf("%d messages", n)
			}
			conn := theOne(t, records, "connection", 1)
			queries := any(nil) // of what could not be read, nothing is known
			if c.keys {
				queries = 0.0
			}
			conn.expect(t, map[string]any{"encryption": "tls_direct", "tls_version": "TLSv1.3", "server_name": "web.example", "queries": queries})
			conn.expect(t, c.expect)
			if n := theOne(t, records, "notice", 1); n.text("code") != c.code {
				t.Error(n)
			}
			// On a port that nobody named it is nothing at all, unless it claims to be.
			records, _ = sniff(t, append(args, packets{port: 8443}.file(t, &w))...)
			if claims := len(c.alpn) > 0 && c.alpn[0] == "postgresql"; len(records) > 0 != claims {
				t.Errorf("on port 8443: %v", records)
			}
		})
	}
}

// speakHTTP has a client and a server of TLS exchange something else.
func speakHTTP(t *testing.T, w *wire, server, client *tls.Config) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			b := make([]byte, 1000)
			_, _ = c.Read(b)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			c.Close()
		}
	}()
	c, err := tls.Dial("tcp", w.relay(t, l.Addr().String()), client)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: web.example\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(c); err != nil && err != net.ErrClosed {
		t.Fatal(err)
	}
	c.Close()
	<-done
}

// TestGSSEncryption: what follows 'G' is counted, and told once.
func TestGSSEncryption(t *testing.T) {
	w := wire{conns: 1}
	w.add(0, true, []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30})
	w.add(0, false, []byte("G"))
	for i := range 50 {
		// It may look like messages as much as it likes.
		w.add(0, i%2 == 0, append([]byte{0, 0, 0, 13}, "Q\x00\x00\x00\x0cSELECT\x00"...))
	}
	records, _ := sniff(t, packets{}.file(t, &w))
	if n := len(ofType(records, "message", 0)); n != 2 {
		t.Errorf("%d messages", n)
	}
	f, b := w.bytes()
	theOne(t, records, "connection", 1).expect(t, map[string]any{
		"encryption": "gss", "state": "closed", "frontend_bytes": f, "backend_bytes": b, "decrypted": nil,
	})
	if n := theOne(t, records, "notice", 1); n.text("code") != "encrypted" {
		t.Error(n)
	}
}

// TestTLSRefused: the server has no TLS, the client goes on without.
func TestTLSRefused(t *testing.T) {
	w := wire{conns: 1}
	w.add(0, true, []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f})
	w.add(0, false, []byte("N"))
	w.add(0, true, []byte("\x00\x00\x00\x10\x00\x03\x00\x00user\x00u\x00\x00"))
	records, _ := sniff(t, packets{}.file(t, &w))
	theOne(t, records, "connection", 1).expect(t, map[string]any{"encryption": "refused", "user": "u", "tls_version": nil, "decrypted": nil})
}
