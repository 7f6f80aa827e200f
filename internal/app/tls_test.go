package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

func address(s *pgtest.Server) string { return fmt.Sprintf("%s:%d", s.Host, s.Port) }

// asPostgres are connection options of the superuser, who is trusted.
const asPostgres = "user=postgres dbname=postgres application_name=party"

// talkTo has a client converse with a server through a relay.
func talkTo(t *testing.T, address string, config *tls.Config, direct bool) (*party, error) {
	t.Helper()
	p := &party{dsn: asPostgres, client: config, direct: direct}
	c, err := p.connect(t, p.cipher.relay(t, address))
	if err == nil {
		converse(t, c)
	}
	return p, err
}

// TestTLSServer12: PostgreSQL itself with every cipher suite of TLS 1.2 that it
// and crypto/tls have in common, with both kinds of certificates.
func TestTLSServer12(t *testing.T) {
	t.Setenv("GODEBUG", "tlsrsakex=1,tls3des=1")
	s := pgtest.Start(t, pgtest.WithSSL(), pgtest.WithConf("ssl_ciphers", "ALL:@SECLEVEL=0"))
	_, rs := testCertificates()
	seen := 0
	for _, kind := range []string{"ECDSA", "RSA"} {
		if kind == "RSA" {
			useCertificate(t, s, rs)
		}
		for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
			if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) || strings.Contains(suite.Name, "RC4") || strings.Contains(suite.Name, "_ECDSA_") != (kind == "ECDSA") {
				continue
			}
			t.Run(suite.Name, func(t *testing.T) {
				p, err := talkTo(t, address(s), &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}}, false)
				if err != nil {
					t.Skip("the server does not take it:", err)
				}
				seen++
				records := p.check(t)
				theOne(t, records, "connection", 0).expect(t, map[string]any{
					"encryption": "tls", "tls_version": "TLSv1.2", "cipher": suite.Name, "auth": "trust", "state": "terminated",
					"certificate_subject": map[string]string{"ECDSA": "CN=localhost", "RSA": "CN=rsa.example"}[kind],
				})
				if n := len(ofType(records, "notice", 0)); n > 0 {
					t.Errorf("%d notices", n)
				}
			})
		}
	}
	if seen < 14 {
		t.Errorf("the server took %d suites only", seen)
	}
}

// TestTLSServer13: TLS 1.3 after SSLRequest and, with PostgreSQL 18, without it.
func TestTLSServer13(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithSSL())
	t.Run("15", func(t *testing.T) { checkTLS13(t, s, "TLS_AES_256_GCM_SHA384", false) })
	t.Run("18", func(t *testing.T) {
		s := pgtest.Start(t, pgtest.WithSSL(), pgtest.WithVersion(18))
		for _, suite := range []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"} {
			s.Exec(t, "ALTER SYSTEM SET ssl_tls13_ciphers = '"+suite+"'")
			s.Exec(t, "SELECT pg_reload_conf()")
			waitForSuite(t, s, suite)
			t.Run(suite, func(t *testing.T) { checkTLS13(t, s, suite, false) })
			t.Run(suite+"/direct", func(t *testing.T) { checkTLS13(t, s, suite, true) })
		}
		t.Run("1.2/direct", func(t *testing.T) {
			p, err := talkTo(t, address(s), &tls.Config{MaxVersion: tls.VersionTLS12}, true)
			if err != nil {
				t.Fatal(err)
			}
			theOne(t, p.check(t), "connection", 0).expect(t, map[string]any{
				"encryption": "tls_direct", "tls_version": "TLSv1.2", "alpn": "postgresql", "certificate_subject": "CN=localhost",
			})
		})
	})
}

// waitForSuite waits until the server has read its configuration again.
func waitForSuite(t *testing.T, s *pgtest.Server, suite string) {
	t.Helper()
	for range 100 {
		c, err := net.Dial("tcp", address(s))
		if err != nil {
			t.Fatal(err)
		}
		inner, err := startTLS(c, &tls.Config{InsecureSkipVerify: true})
		c.Close()
		if err == nil && tls.CipherSuiteName(inner.ConnectionState().CipherSuite) == suite {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the server does not take", suite)
}

// startTLS asks for TLS on a connection and goes through its handshake.
func startTLS(c net.Conn, config *tls.Config) (*tls.Conn, error) {
	if _, err := c.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return nil, err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(c, answer); err != nil || answer[0] != 'S' {
		return nil, fmt.Errorf("answer %q: %w", answer, err)
	}
	inner := tls.Client(c, config)
	return inner, inner.Handshake()
}

func checkTLS13(t *testing.T, s *pgtest.Server, suite string, direct bool) {
	t.Helper()
	p, err := talkTo(t, address(s), &tls.Config{MinVersion: tls.VersionTLS13, ServerName: "db.example"}, direct)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"encryption": "tls", "tls_version": "TLSv1.3", "cipher": suite, "decrypted": true, "auth": "trust",
		"server_name": "db.example", "certificate_subject": "CN=localhost", "user": "postgres", "alpn": nil,
	}
	if direct {
		want["encryption"], want["alpn"] = "tls_direct", "postgresql"
	}
	theOne(t, p.check(t), "connection", 0).expect(t, want)

	// The same without a key log: what is visible is told, nothing else.
	records, _ := sniff(t, packets{}.file(t, &p.cipher))
	want["decrypted"], want["certificate_subject"], want["auth"], want["user"] = false, nil, nil, nil
	want["frontend_bytes"], want["backend_bytes"] = p.cipher.bytes()
	theOne(t, records, "connection", 0).expect(t, want)
	notice := theOne(t, records, "notice", 0)
	for _, fact := range []string{"TLSv1.3", suite, "db.example"} {
		if notice.text("code") != "encrypted" || !strings.Contains(notice.text("text"), fact) {
			t.Errorf("notice does not say %s: %v", fact, notice)
		}
	}
	if n := len(ofType(records, "query", 0)); n > 0 {
		t.Errorf("%d queries without keys", n)
	}
}

// bytes counts what each side sent.
func (w *wire) bytes() (frontend, backend float64) {
	for i := range w.pieces {
		if w.pieces[i].fromFrontend {
			frontend += float64(len(w.pieces[i].data))
		} else {
			backend += float64(len(w.pieces[i].data))
		}
	}
	return frontend, backend
}

// TestTLSTerminator: versions and suites that PostgreSQL does not offer, by a
// server in front of it.
func TestTLSTerminator(t *testing.T) {
	t.Setenv("GODEBUG", "tlsrsakex=1,tls3des=1,tls10server=1")
	s := pgtest.Start(t)
	ec, rs := testCertificates()
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12} {
		seen := 0
		for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
			if !slices.Contains(suite.SupportedVersions, version) || strings.Contains(suite.Name, "RC4") {
				continue
			}
			seen++
			t.Run(tls.VersionName(version)+"/"+suite.Name, func(t *testing.T) {
				front := terminator(t, &tls.Config{MinVersion: version, Certificates: []tls.Certificate{ec, rs}, CipherSuites: []uint16{suite.ID}}, address(s))
				p, err := talkTo(t, front, &tls.Config{MinVersion: version, MaxVersion: version, CipherSuites: []uint16{suite.ID}}, false)
				if err != nil {
					t.Fatal(err)
				}
				name := map[uint16]string{tls.VersionTLS10: "TLSv1", tls.VersionTLS11: "TLSv1.1", tls.VersionTLS12: "TLSv1.2"}[version]
				theOne(t, p.check(t), "connection", 0).expect(t, map[string]any{"tls_version": name, "cipher": suite.Name})
			})
		}
		if seen < 6 {
			t.Errorf("%s: %d suites", tls.VersionName(version), seen)
		}
	}
}

// TestTLSResumption: sessions taken up again by ticket and by PSK, which
// PostgreSQL does not do.
func TestTLSResumption(t *testing.T) {
	s := pgtest.Start(t)
	ec, _ := testCertificates()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			resumed := 0
			front := terminator(t, &tls.Config{MinVersion: version, Certificates: []tls.Certificate{ec}}, address(s))
			p := &party{dsn: asPostgres, client: &tls.Config{
				MaxVersion: version, ServerName: "ecdsa.example", ClientSessionCache: tls.NewLRUClientSessionCache(1),
				VerifyConnection: func(state tls.ConnectionState) error {
					if state.DidResume {
						resumed++
					}
					return nil
				},
			}}
			relay := p.cipher.relay(t, front)
			for range 3 {
				c, err := p.connect(t, relay)
				if err != nil {
					t.Fatal(err)
				}
				converse(t, c)
			}
			if resumed != 2 {
				t.Fatalf("%d of 2 were resumed", resumed)
			}
			if n := len(ofType(p.check(t), "connection", 0)); n != 3 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// TestTLSClientCertificate: a client that proves who it is by a certificate.
func TestTLSClientCertificate(t *testing.T) {
	ec, rs := testCertificates()
	issuer, err := x509.ParseCertificate(ec.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	s := pgtest.Start(t, pgtest.WithSSL(), pgtest.WithConf("ssl_ca_file", publicFile(t, ec)),
		pgtest.WithUser("certified", "", ""), pgtest.WithHBA("hostssl all certified 127.0.0.1/32 cert"))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mine := signed("certified", &key.PublicKey, key, issuer, ec.PrivateKey)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			p := &party{dsn: "user=certified dbname=postgres", client: &tls.Config{MaxVersion: version, Certificates: []tls.Certificate{mine}}}
			c, err := p.connect(t, p.cipher.relay(t, address(s)))
			if err != nil {
				t.Fatal(err)
			}
			converse(t, c)
			theOne(t, p.check(t), "connection", 0).expect(t, map[string]any{
				"user": "certified", "certificate_subject": "CN=localhost", "client_certificate_subject": "CN=certified",
			})
		})
	}
	t.Run("refused", func(t *testing.T) {
		p := &party{dsn: "user=certified dbname=postgres", client: &tls.Config{
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &rs, nil },
		}}
		if c, err := p.connect(t, p.cipher.relay(t, address(s))); err == nil {
			c.Close(context.Background())
			t.Fatal("a stranger's certificate was taken")
		}
		records, _ := sniff(t, "--keylog", p.keyFile(t), packets{}.file(t, &p.cipher))
		if text := theOne(t, records, "notice", 1).text("text"); !strings.Contains(text, "alert unknown_ca") {
			t.Error(text)
		}
	})
}

// publicFile writes a certificate where the server's user can read it.
func publicFile(t *testing.T, c tls.Certificate) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgsniff-tls-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "ca.crt")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTLSChannelBinding: SCRAM bound to the TLS connection.
func TestTLSChannelBinding(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithSSL(), pgtest.WithUser("bound", "secret word", "scram-sha-256"))
	for mode, want := range map[string]string{"require": "scram-sha-256-plus", "disable": "scram-sha-256"} {
		p := &party{dsn: "user=bound password='secret word' dbname=postgres channel_binding=" + mode, client: &tls.Config{}}
		c, err := p.connect(t, p.cipher.relay(t, address(s)))
		if err != nil {
			t.Fatal(err)
		}
		converse(t, c)
		theOne(t, p.check(t), "connection", 0).expect(t, map[string]any{"auth": want})
	}
}

// TestTLSCancel: a CancelRequest in a TLS connection of its own.
func TestTLSCancel(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithSSL())
	p := &party{dsn: asPostgres, client: &tls.Config{}}
	relay := p.cipher.relay(t, address(s))
	c, err := p.connect(t, relay)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	c.Frontend().Send(&pgproto3.Query{String: "SELECT pg_sleep(30)"})
	if err := c.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	canceller, err := net.Dial("tcp", relay)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := startTLS(canceller, p.client)
	if err != nil {
		t.Fatal(err)
	}
	request := append([]byte{0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e}, binary.BigEndian.AppendUint32(nil, c.PID())...)
	if _, err := inner.Write(append(request, c.SecretKey()...)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, inner)
	canceller.Close()
	for cancelled := false; !cancelled; {
		m, err := c.ReceiveMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, bad := m.(*pgproto3.ErrorResponse); bad {
			cancelled = true
		}
	}
	c.Close(ctx)
	records, _ := sniff(t, "--keylog", p.keyFile(t), packets{}.file(t, &p.cipher))
	theOne(t, records, "connection", 2).expect(t, map[string]any{"state": "cancel_request", "encryption": "tls", "decrypted": true})
	var sleep jsonLine
	for _, q := range ofType(records, "query", 1) {
		if strings.Contains(q.text("sql"), "pg_sleep") {
			sleep = q
		}
	}
	failure, _ := sleep["error"].(map[string]any)
	if failure["sqlstate"] != "57014" || fmt.Sprint(sleep["cancelled_by"]) == "<nil>" {
		t.Errorf("the cancelled query: %v", sleep)
	}
}

// TestTLSWorkers wants the same bytes from any number of goroutines and from
// segments of any size, where the time that these take does not show.
func TestTLSWorkers(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithSSL())
	p, err := talkTo(t, address(s), &tls.Config{}, false)
	if err != nil {
		t.Fatal(err)
	}
	keys := p.keyFile(t)
	want := p.check(t)
	for _, segment := range []int{1, 7, 100, 60000} {
		file := packets{segment: segment}.file(t, &p.cipher)
		var first []byte
		for _, workers := range []string{"1", "2"} {
			out := tlsOutput(t, "read", "--json", "--view", "messages,queries,connections,stats", "--workers", workers, "--keylog", keys, file)
			if first == nil {
				first = out
			}
			if !bytes.Equal(out, first) {
				t.Errorf("segments of %d bytes: other output with %s workers", segment, workers)
			}
		}
		got, _ := sniff(t, "--keylog", keys, file)
		sameTraffic(t, got, want)
	}
}

// tlsOutput runs the program and returns its standard output.
func tlsOutput(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &errs,
		Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return 0 },
	}
	if code := Run(env, args); code != ExitOK {
		t.Fatalf("pgsniff %s: exit status %d\n%s", strings.Join(args, " "), code, errs.Bytes())
	}
	return out.Bytes()
}
