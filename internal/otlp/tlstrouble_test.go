package otlp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates of collectors.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Unix(0, 0),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// server starts a collector whose certificate is for an address, until a time.
func (a *authority) server(t *testing.T, address net.IP, until time.Time) *httptest.Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Unix(0, 0), NotAfter: until, IPAddresses: []net.IP{address}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	s := quiet(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func quiet(h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

// TestTLSTrouble wants one text for what is wrong with a collector's TLS, which says what
// to do about it, and none where nothing is.
func TestTLSTrouble(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	here, later := net.IPv4(127, 0, 0, 1), time.Now().Add(24*time.Hour)
	good := a.server(t, here, later)
	plain := quiet(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	plain.Start()
	t.Cleanup(plain.Close)
	nginx := quiet(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<center>The plain HTTP request was sent to HTTPS port</center>")
	})
	nginx.Start()
	t.Cleanup(nginx.Close)
	other443 := quiet(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 70}) // an alert, as OpenSSL sends it
			c.Close()
		}
	})
	other443.Start()
	t.Cleanup(other443.Close)
	for name, c := range map[string]struct{ url, ca, want string }{
		"all is well":        {good.URL, a.file, ""},
		"no authority":       {good.URL, "", "OTEL_EXPORTER_OTLP_CERTIFICATE=FILE names"},
		"another authority":  {good.URL, other.file, "OTEL_EXPORTER_OTLP_CERTIFICATE does not have the authority"},
		"another name":       {a.server(t, net.IPv4(192, 0, 2, 1), later).URL, a.file, "the URL has to have a name that"},
		"expired":            {a.server(t, here, time.Now().Add(-time.Hour)).URL, a.file, "has to be renewed, or this host's clock set"},
		"TLS to plain":       {"https" + strings.TrimPrefix(plain.URL, "http"), a.file, "has to begin with http://"},
		"plain to TLS":       {"http" + strings.TrimPrefix(good.URL, "https"), "", wantsTLS},
		"plain to nginx":     {nginx.URL, "", wantsTLS},
		"answered by alerts": {other443.URL, "", wantsTLS},
	} {
		cfg, err := FromEnvironment(c.url, "pgsniff", func(k string) string {
			if k == "OTEL_EXPORTER_OTLP_CERTIFICATE" {
				return c.ca
			}
			return ""
		})
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan string, 10)
		s := NewSender(cfg, func(err error) { told <- err.Error() })
		s.Send("/v1/traces", []byte("{}"), 1)
		patience := time.Minute
		got := ""
		if c.want != "" {
			got, patience = <-told, 0
		}
		s.Close(patience)
		close(told)
		if more, ok := <-told; ok || !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q is told, and %q", name, got, more)
		}
	}
}
