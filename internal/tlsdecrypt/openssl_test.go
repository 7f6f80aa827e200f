package tlsdecrypt

import (
	"bufio"
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// opensslCase is a run of s_client against s_server -rev, which answers each
// line with its reverse.
type opensslCase struct {
	name   string
	server []string
	client []string
	typed  []string // lines typed; K and R are s_client's commands
	runs   int
	suite  string
	check  func(t *testing.T, run int, info Info)
}

var opensslCases = []opensslCase{
	{
		name: "encrypt-then-MAC SHA-256", client: []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"},
		suite: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", check: wantEncryptThenMAC,
	},
	{
		name: "encrypt-then-MAC SHA-384", client: []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384"},
		suite: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", check: wantEncryptThenMAC,
	},
	{
		name: "encrypt-then-MAC SHA-1", client: []string{"-tls1_2", "-cipher", "AES256-SHA"},
		suite: "TLS_RSA_WITH_AES_256_CBC_SHA", check: wantEncryptThenMAC,
	},
	{
		name: "DHE", client: []string{"-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"},
		suite: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
	},
	{name: "RSA", client: []string{"-tls1_2", "-cipher", "AES128-GCM-SHA256"}, suite: "TLS_RSA_WITH_AES_128_GCM_SHA256"},
	{
		name: "TLS 1.2 ChaCha20", client: []string{"-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"},
		suite: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	},
	{
		name: "session id", server: []string{"-no_ticket"}, client: []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"},
		runs: 2, suite: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", check: wantResumed,
	},
	{
		name: "ticket", client: []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"},
		runs: 2, suite: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", check: wantResumed,
	},
	{
		name: "renegotiation", server: []string{"-client_renegotiation"}, typed: []string{"one", "R", "two"},
		client: []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"}, suite: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
	},
	{name: "AES-128", client: []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"}, suite: "TLS_AES_128_GCM_SHA256"},
	{name: "AES-256", client: []string{"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"}, suite: "TLS_AES_256_GCM_SHA384"},
	{name: "ChaCha20", client: []string{"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, suite: "TLS_CHACHA20_POLY1305_SHA256"},
	{name: "PSK", client: []string{"-tls1_3"}, runs: 2, suite: "TLS_AES_256_GCM_SHA384", check: wantResumed},
	{
		name: "padding", server: []string{"-record_padding", "512"}, client: []string{"-tls1_3", "-record_padding", "256"},
		suite: "TLS_AES_256_GCM_SHA384",
	},
	{
		name: "KeyUpdate", client: []string{"-tls1_3"}, typed: []string{"one", "k", "two", "K", "three", "four"},
		suite: "TLS_AES_256_GCM_SHA384", check: func(t *testing.T, _ int, info Info) {
			if info.KeyUpdates != [2]uint64{2, 1} {
				t.Errorf("key updates: %v", info.KeyUpdates)
			}
		},
	},
}

func wantEncryptThenMAC(t *testing.T, _ int, info Info) {
	t.Helper()
	if !info.EncryptThenMAC {
		t.Error("encrypt-then-MAC was not agreed on")
	}
}

func wantResumed(t *testing.T, run int, info Info) {
	t.Helper()
	if info.Resumed != (run > 0) {
		t.Errorf("run %d: resumed is %t", run, info.Resumed)
	}
}

// findOpenSSL skips the test where openssl is not installed, except in CI.
func findOpenSSL(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is needed in CI: ", err)
		}
		t.Skip("openssl is not installed: ", err)
	}
	return path
}

func TestOpenSSL(t *testing.T) {
	path := findOpenSSL(t)
	dir := t.TempDir()
	writeKeyPair(t, dir)
	for _, c := range opensslCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := startServer(t, path, dir, c.server)
			log := filepath.Join(t.TempDir(), "keys")
			session := filepath.Join(t.TempDir(), "session")
			typed := c.typed
			if typed == nil {
				typed = []string{"hello", "a longer line of text, to be reversed"}
			}
			keys := NewKeyLog(func(w Warning) { t.Error(w) })
			for run := range max(c.runs, 1) {
				args := append([]string{"-keylogfile", log, "-servername", "db.example", "-sess_out", session}, c.client...)
				if run > 0 {
					args = append(args, "-sess_in", session)
				}
				chunks := o.client(t, args, typed)
				if run == 0 {
					if err := keys.OpenFile(log); err != nil {
						t.Fatal(err)
					}
				} else if err := keys.Refresh(); err != nil {
					t.Fatal(err)
				}
				r, info := play(keys, chunks, 0)
				if got, want := r.String(), reversals(typed); got != want || info.State != Decrypting {
					t.Fatalf("run %d: %+v\ngot\n%swant\n%s", run, info, got, want)
				}
				if info.CipherSuite != c.suite || info.ServerName != "db.example" {
					t.Errorf("%+v", info)
				}
				if c.check != nil {
					c.check(t, run, info)
				}
			}
		})
	}
}

// reversals is the transcript of lines typed and their answers.
func reversals(typed []string) string {
	r := new(recorder)
	for _, line := range typed {
		if len(line) > 1 {
			r.Plaintext(true, []byte(line+"\n"), At{})
			r.Plaintext(false, []byte(reverse(line)+"\n"), At{})
		}
	}
	return r.String()
}

func reverse(s string) string {
	b := []byte(s)
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	return string(b)
}

func writeKeyPair(t *testing.T, dir string) {
	t.Helper()
	_, cert := certificates()
	write := func(name, kind string, der []byte) {
		b := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("cert.pem", "CERTIFICATE", cert.Certificate[0])
	write("key.pem", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(cert.PrivateKey.(*rsa.PrivateKey)))
}

// opensslServer is a running s_server.
type opensslServer struct {
	path string
	addr string
}

func startServer(t *testing.T, path, dir string, args []string) *opensslServer {
	t.Helper()
	args = append([]string{
		"s_server", "-accept", "127.0.0.1:0", "-rev", "-cipher", "ALL:@SECLEVEL=0",
		"-cert", filepath.Join(dir, "cert.pem"), "-key", filepath.Join(dir, "key.pem"),
	}, args...)
	cmd := exec.Command(path, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var diagnosis bytes.Buffer
	cmd.Stderr = &diagnosis
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	o := &opensslServer{path: path}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "ACCEPT "); ok {
			o.addr = addr
			go func() { // or it may wait for someone to read
				for lines.Scan() {
				}
			}()
			return o
		}
	}
	t.Fatalf("s_server did not start: %s", diagnosis.String())
	return nil
}

// client runs s_client through a recording proxy and types the lines, each when
// the answer to the one before has come.
func (o *opensslServer) client(t *testing.T, args, typed []string) []chunk {
	t.Helper()
	tp := new(tape)
	addr, done := tp.proxy(t, o.addr)
	cmd := exec.Command(o.path, append([]string{"s_client", "-connect", addr}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	answers := bufio.NewScanner(out)
	for _, line := range typed {
		if _, err := io.WriteString(in, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if len(line) == 1 {
			time.Sleep(100 * time.Millisecond) // a command: no answer, but a line of its own to read
			continue
		}
		for answers.Scan() && answers.Text() != reverse(line) {
		}
	}
	if _, err := io.WriteString(in, "Q\n"); err != nil {
		t.Error(err)
	}
	for answers.Scan() {
	}
	_ = cmd.Wait()
	<-done
	return tp.chunks
}

// proxy records one connection to addr.
func (t *tape) proxy(tb testing.TB, addr string) (string, <-chan struct{}) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer l.Close()
		client, err := l.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		server, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		defer server.Close()
		answers := make(chan struct{})
		go func() {
			defer close(answers)
			_, _ = io.Copy(tapedConn{client, t, false}, onlyReader{server})
		}()
		_, _ = io.Copy(tapedConn{server, t, true}, onlyReader{client})
		_ = server.(*net.TCPConn).CloseWrite()
		<-answers
	}()
	return l.Addr().String(), done
}

// onlyReader keeps io.Copy from going past Write.
type onlyReader struct{ io.Reader }
