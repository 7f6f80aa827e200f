package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// party is a client that talks to a server through a relay, with all that it
// leaves behind.
type party struct {
	dsn    string // its options, but host and port
	direct bool   // TLS without SSLRequest
	client *tls.Config
	log    bytes.Buffer // key log
	cipher wire         // as the relay saw it
	plain  wire         // as the client sent and received it inside TLS
}

// connect opens a connection through the relay at address.
func (p *party) connect(t *testing.T, address string) (*pgconn.PgConn, error) {
	t.Helper()
	host, port, _ := net.SplitHostPort(address)
	mode := "sslmode=require"
	if p.direct {
		mode += " sslnegotiation=direct"
	}
	c, err := pgconn.ParseConfig(fmt.Sprintf("host=%s port=%s %s %s", host, port, mode, p.dsn))
	if err != nil {
		t.Fatal(err)
	}
	p.client.KeyLogWriter = &p.log
	p.client.InsecureSkipVerify = true
	if p.direct {
		p.client.NextProtos = []string{"postgresql"}
	}
	c.TLSConfig, c.Fallbacks = p.client, nil
	c.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		both := tee{r: r, w: w, wire: &p.plain, conn: p.plain.open()}
		return pgproto3.NewFrontend(both, both)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return pgconn.ConnectConfig(ctx, c)
}

// converse says a bit of everything that takes records of all sizes.
func converse(t *testing.T, c *pgconn.PgConn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Exec(ctx, "SELECT 1; SELECT generate_series(1, 3) AS n, 'äöü' AS t").ReadAll()
	must(err)
	if _, err = c.Exec(ctx, "SELECT 1/0").ReadAll(); err == nil {
		t.Fatal("1/0 is no error")
	}
	r := c.ExecParams(ctx, "SELECT $1::int4, $2::text", [][]byte{{0, 0, 0, 7}, nil}, nil, []int16{1, 0}, []int16{1}).Read()
	must(r.Err)
	_, err = c.Prepare(ctx, "s1", "SELECT i, repeat('x', 2000) FROM generate_series(1, $1) AS i", nil)
	must(err)
	must(c.ExecPrepared(ctx, "s1", [][]byte{[]byte("40")}, nil, nil).Read().Err)
	_, err = c.Exec(ctx, "CREATE TEMPORARY TABLE t (a int, b text)").ReadAll()
	must(err)
	rows := strings.NewReader(strings.Repeat("1\tone of many lines\n", 3000))
	_, err = c.CopyFrom(ctx, rows, "COPY t FROM STDIN")
	must(err)
	_, err = c.CopyTo(ctx, io.Discard, "COPY t TO STDOUT")
	must(err)
	must(c.Close(ctx))
}

// keyFile writes the key log to a file.
func (p *party) keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, p.log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// check wants the messages and queries of the encrypted connections to be those
// of what the client itself saw inside TLS, and returns the records.
func (p *party) check(t *testing.T) []jsonLine {
	t.Helper()
	got, stderr := sniff(t, "--keylog", p.keyFile(t), packets{}.file(t, &p.cipher))
	want, _ := sniff(t, packets{}.file(t, &p.plain))
	if strings.Contains(stderr, "warning") {
		t.Errorf("standard error: %s", stderr)
	}
	sameTraffic(t, got, want)
	for _, c := range ofType(got, "connection", 0) {
		if c["decrypted"] != true || c["lost_bytes"] != 0.0 {
			t.Errorf("connection %v", c)
		}
	}
	return got
}

// sameTraffic compares messages and queries, by connection and direction; those
// of the negotiation of encryption are left out.
func sameTraffic(t *testing.T, got, want []jsonLine) {
	t.Helper()
	for conn := 1; ; conn++ {
		n := len(ofType(want, "message", conn))
		if n == 0 {
			if conn == 1 {
				t.Fatal("nothing to compare with")
			}
			return
		}
		for _, dir := range []string{"frontend", "backend"} {
			compareLists(t, fmt.Sprintf("connection %d, %s", conn, dir), essence(got, "message", conn, dir), essence(want, "message", conn, dir))
		}
		compareLists(t, fmt.Sprintf("connection %d, queries", conn), essence(got, "query", conn, ""), essence(want, "query", conn, ""))
	}
}

// essence is what does not depend on packets: records without time, place and
// addresses.
func essence(records []jsonLine, typ string, conn int, dir string) []string {
	var out []string
	for _, r := range ofType(records, typ, conn) {
		switch r.text("msg") {
		case "SSLRequest", "SSLResponse":
			continue
		}
		if r.text("dir") != dir {
			continue
		}
		c := make(jsonLine)
		for k, v := range r {
			switch k {
			case "ts", "frame", "client", "server", "duration_ns", "first_reply_ns", "first_row_ns", "pause_ns":
			case "phase":
				// The client does not wait for CopyInResponse before it sends data.
				if m := r.text("msg"); m != "CopyData" && m != "CopyDone" {
					c[k] = v
				}
			default:
				c[k] = v
			}
		}
		line, _ := json.Marshal(c)
		out = append(out, string(line))
	}
	return out
}

func compareLists(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("%s: %d instead of %d; missing %.300s", what, len(got), len(want), want[i])
		case i >= len(want):
			t.Fatalf("%s: %d instead of %d; too many %.300s", what, len(got), len(want), got[i])
		case got[i] != want[i]:
			at := 0
			for at < min(len(got[i]), len(want[i])) && got[i][at] == want[i][at] {
				at++
			}
			t.Fatalf("%s, number %d:\n got %.300s\n  … %.300s\nwant … %.300s", what, i, got[i], got[i][at:], want[i][at:])
		}
	}
}

// certificates, made once: one of each kind of key.
var testCertificates = sync.OnceValues(func() (ec, rs tls.Certificate) {
	ek, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	rk, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return signed("ecdsa.example", &ek.PublicKey, ek, nil, ek), signed("rsa.example", &rk.PublicKey, rk, nil, rk)
})

// signed makes a certificate of a public key, by an issuer or itself.
func signed(name string, public, private any, issuer *x509.Certificate, issuerKey any) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: issuer == nil,
	}
	if issuer == nil {
		issuer = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, issuerKey)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// useCertificate gives a running server another certificate.
func useCertificate(t *testing.T, s *pgtest.Server, c tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) {
		text := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		path := filepath.Join(s.DataDir, name)
		// The server writes the file, so that it is its own.
		s.Exec(t, fmt.Sprintf(`COPY (SELECT string_to_table('%s', E'\n')) TO PROGRAM 'umask 077; cat > "%s"'`, strings.TrimSpace(text), path))
		s.Exec(t, fmt.Sprintf("ALTER SYSTEM SET ssl_%s_file = '%s'", map[string]string{"CERTIFICATE": "cert", "PRIVATE KEY": "key"}[kind], path))
	}
	write("other.crt", "CERTIFICATE", c.Certificate[0])
	write("other.key", "PRIVATE KEY", key)
	s.Exec(t, "SELECT pg_reload_conf()")
}

// terminator is a server that takes TLS off and passes the rest on to a real
// server without: for ciphers and versions which that does not offer.
func terminator(t *testing.T, config *tls.Config, server string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { terminate(c, config, server) })
		}
	}()
	return l.Addr().String()
}

func terminate(c net.Conn, config *tls.Config, server string) {
	defer c.Close()
	request := make([]byte, 8)
	if _, err := io.ReadFull(c, request); err != nil {
		return
	}
	if _, err := c.Write([]byte{'S'}); err != nil {
		return
	}
	inner := tls.Server(c, config)
	defer inner.Close()
	if inner.Handshake() != nil {
		return
	}
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	go func() {
		_, _ = io.Copy(upstream, inner)
		upstream.Close()
	}()
	_, _ = io.Copy(inner, upstream)
}
