package tlsdecrypt

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"testing"
)

// suitesOf returns the cipher suites of crypto/tls for a version, but for those
// that are not supported here.
func suitesOf(version uint16) []*tls.CipherSuite {
	var out []*tls.CipherSuite
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if slices.Contains(s.SupportedVersions, version) && suiteByID(s.ID).protect != unsupported {
			out = append(out, s)
		}
	}
	return out
}

func configFor(version, suite uint16) *exchange {
	ec, rs := certificates()
	e := &exchange{script: dialogue()}
	e.client = &tls.Config{MinVersion: version, MaxVersion: version, NextProtos: []string{"postgresql"}}
	if version < versionTLS13 {
		e.client.CipherSuites = []uint16{suite}
	}
	e.server = &tls.Config{MinVersion: version, Certificates: []tls.Certificate{ec, rs}, NextProtos: []string{"postgresql"}}
	e.server.CipherSuites = e.client.CipherSuites
	return e
}

// TestCipherSuites: every version and suite that crypto/tls offers before TLS
// 1.3, in any chunking.
func TestCipherSuites(t *testing.T) {
	t.Setenv("GODEBUG", "tlsrsakex=1,tls3des=1,tls10server=1")
	for _, version := range []uint16{versionTLS10, versionTLS11, versionTLS12} {
		suites := suitesOf(version)
		if len(suites) < 6 {
			t.Fatalf("%s: %d suites", versionName(version), len(suites))
		}
		for _, s := range suites {
			t.Run(versionName(version)+"/"+s.Name, func(t *testing.T) {
				e := configFor(version, s.ID)
				chunks, log := e.run(t)
				info := checkAnyChunking(t, chunks, log, e.script)
				if info.CipherSuite != s.Name || info.Version != versionName(version) {
					t.Errorf("version %s, suite %s", info.Version, info.CipherSuite)
				}
				if info.ServerSubject == "" || info.ServerSubject != info.ServerIssuer {
					t.Errorf("server subject %q, issuer %q", info.ServerSubject, info.ServerIssuer)
				}
			})
		}
	}
}

// checkAnyChunking demands the script's plaintext, without gaps, whatever the
// pieces are that the bytes come in.
func checkAnyChunking(t *testing.T, chunks []chunk, log []byte, script []chunk) Info {
	t.Helper()
	var info Info
	for _, size := range []int{0, 1, 7, 1448, 100000} {
		var r *recorder
		r, info = play(keyLogOf(t, log), chunks, size)
		if got, want := r.String(), transcript(script); got != want {
			t.Fatalf("pieces of %d: got\n%swant\n%s(%s: %s)", size, got, want, info.State, info.Reason)
		}
		if info.State != Decrypting || info.ALPN != "postgresql" || info.ServerName != "db.example" {
			t.Fatalf("pieces of %d: %+v", size, info)
		}
		if info.Unauthentic != [2]uint64{} || info.Gaps != [2]uint64{} {
			t.Fatalf("pieces of %d: %+v", size, info)
		}
	}
	return info
}

// TestTLS13: crypto/tls chooses the suite by itself, so the test only sees to
// it that one is met; the others are in TestSealed13 and the captures.
func TestTLS13(t *testing.T) {
	e := configFor(versionTLS13, 0)
	chunks, log := e.run(t)
	info := checkAnyChunking(t, chunks, log, e.script)
	if info.Version != "TLSv1.3" || info.ServerSubject != "CN=ecdsa.example" || info.Resumed || info.HelloRetry {
		t.Errorf("%+v", info)
	}
}

func TestHelloRetryRequest(t *testing.T) {
	e := configFor(versionTLS13, 0)
	e.client.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}
	e.server.CurvePreferences = []tls.CurveID{tls.CurveP384}
	chunks, log := e.run(t)
	if info := checkAnyChunking(t, chunks, log, e.script); !info.HelloRetry {
		t.Errorf("%+v", info)
	}
}

func TestClientCertificate(t *testing.T) {
	ec, rs := certificates()
	for _, version := range []uint16{versionTLS12, versionTLS13} {
		e := configFor(version, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)
		e.server.ClientAuth = tls.RequestClientCert
		e.client.Certificates = []tls.Certificate{rs}
		pool := x509.NewCertPool()
		cert, err := x509.ParseCertificate(ec.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		pool.AddCert(cert)
		e.client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &rs, nil }
		chunks, log := e.run(t)
		info := checkAnyChunking(t, chunks, log, e.script)
		if !info.ClientCert || info.ClientSubject != "CN=rsa.example" {
			t.Errorf("%s: %+v", versionName(version), info)
		}
		// Asked for one, the client may answer with none.
		e = configFor(version, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)
		e.server.ClientAuth = tls.RequestClientCert
		chunks, log = e.run(t)
		if info := checkAnyChunking(t, chunks, log, e.script); info.ClientCert {
			t.Errorf("%s, no certificate: %+v", versionName(version), info)
		}
	}
}

// TestResumption: PSK in TLS 1.3 has secrets of its own; for a ticket in TLS
// 1.2 crypto/tls logs nothing, so that the first connection has to be known.
func TestResumption(t *testing.T) {
	for _, version := range []uint16{versionTLS12, versionTLS13} {
		t.Run(versionName(version), func(t *testing.T) {
			cache := tls.NewLRUClientSessionCache(4)
			var chunks [2][]chunk
			var logs [2][]byte
			e := configFor(version, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
			e.server.SetSessionTicketKeys([][32]byte{{1}})
			e.client.ClientSessionCache = cache
			for i := range chunks {
				chunks[i], logs[i] = e.run(t)
			}
			keys := keyLogOf(t, bytes.Join(logs[:], nil))
			embedded := NewKeyLog(func(w Warning) { t.Error(w) })
			embedded.Embedded(bytes.Join(logs[:], nil))
			for i := range chunks {
				if _, info := play(embedded, chunks[i], 0); info.KeysFrom != FromCapture {
					t.Errorf("connection %d: keys from %q", i, info.KeysFrom)
				}
				r, info := play(keys, chunks[i], 0)
				if info.KeysFrom != FromKeyLog {
					t.Errorf("connection %d: keys from %q", i, info.KeysFrom)
				}
				if r.String() != transcript(e.script) || info.State != Decrypting {
					t.Fatalf("connection %d: %s (%s)\n%s", i, info.State, info.Reason, r)
				}
				if info.Resumed != (i == 1) {
					t.Errorf("connection %d: resumed is %t", i, info.Resumed)
				}
			}
			if version == versionTLS12 {
				if len(logs[1]) != 0 {
					t.Errorf("crypto/tls logs resumed sessions now:\n%s", logs[1])
				}
				checkUsedCoversResumed(t, keys, chunks[1], e.script)
			}
		})
	}
}

// checkUsedCoversResumed: the secrets embedded in a capture have to be enough
// for the resumed connection alone.
func checkUsedCoversResumed(t *testing.T, keys *KeyLog, chunks, script []chunk) {
	t.Helper()
	r, info := play(keyLogOf(t, keys.Used()), chunks, 0)
	if r.String() != transcript(script) {
		t.Errorf("by Used alone: %s (%s)\n%s", info.State, info.Reason, r)
	}
	r, info = play(NewKeyLog(nil), chunks, 0)
	if len(r.events) != 0 || info.State != NoKeys || !info.Resumed {
		t.Errorf("without keys: %+v\n%s", info, r)
	}
}

// TestResumptionWaits: the resumed connection is read before the one whose
// master secret it uses.
func TestResumptionWaits(t *testing.T) {
	e := configFor(versionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
	e.server.SetSessionTicketKeys([][32]byte{{1}})
	e.client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	first, log := e.run(t)
	second, _ := e.run(t)
	keys := keyLogOf(t, log)
	r, c := new(recorder), NewConn(keys, Options{})
	feed(c, second, 0, r)
	if len(r.events) != 0 || c.State() != NoKeys {
		t.Fatalf("%s\n%s", c.State(), r)
	}
	play(keys, first, 0)
	c.Poll(r)
	if r.String() != transcript(e.script) || c.State() != Decrypting {
		t.Errorf("%s\n%s", c.State(), r)
	}
}

// TestLateKeys: whenever each line of the key log comes, the plaintext is the
// same, in the same order, with the places where it was captured.
func TestLateKeys(t *testing.T) {
	for _, version := range []uint16{versionTLS12, versionTLS13} {
		e := configFor(version, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)
		chunks, log := e.run(t)
		lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
		atOnce, _ := play(keyLogOf(t, log), chunks, 0)
		for gap := range len(chunks) + 1 {
			t.Run(fmt.Sprint(versionName(version), "/", gap), func(t *testing.T) {
				keys := NewKeyLog(nil)
				c, r := NewConn(keys, Options{}), new(recorder)
				next := 0
				for i, ch := range chunks {
					c.Feed(ch.fromClient, ch.b, At{Frame: int64(i + 1)}, r)
					if i+1 >= gap && next < len(lines) { // from here on a line after each chunk
						if err := keys.Add(lines[next]); err != nil {
							t.Fatal(err)
						}
						next++
					}
				}
				for ; next < len(lines); next++ {
					if err := keys.Add(lines[next]); err != nil {
						t.Fatal(err)
					}
				}
				c.Close(At{}, r)
				if !slices.EqualFunc(r.events, atOnce.events, sameEvent) {
					t.Errorf("got\n%swant\n%s", r, atOnce)
				}
				if n := keys.held.Load(); n != 0 {
					t.Errorf("%d bytes are still accounted as held", n)
				}
			})
		}
	}
}

func sameEvent(a, b event) bool {
	return a.fromClient == b.fromClient && a.gap == b.gap && a.n == b.n && a.at == b.at && bytes.Equal(a.b, b.b)
}

// TestNoKeys: what is visible is reported, nothing else.
func TestNoKeys(t *testing.T) {
	for _, version := range []uint16{versionTLS12, versionTLS13} {
		e := configFor(version, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
		chunks, _ := e.run(t)
		for _, keys := range []*KeyLog{nil, NewKeyLog(nil)} {
			r, info := play(keys, chunks, 0)
			if len(r.events) != 0 || info.State != NoKeys || info.Reason == "" {
				t.Errorf("%+v\n%s", info, r)
			}
			if info.ServerName != "db.example" || !slices.Equal(info.OfferedALPN, []string{"postgresql"}) {
				t.Errorf("%+v", info)
			}
			if (info.ServerSubject != "") != (version == versionTLS12) {
				t.Errorf("server subject %q in %s", info.ServerSubject, info.Version)
			}
			if info.Bytes[0] < 48000 || info.Records[0] < 8 {
				t.Errorf("%d bytes, %d records", info.Bytes[0], info.Records[0])
			}
		}
	}
}
