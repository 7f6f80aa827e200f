package tlsdecrypt

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"testing"
)

// shake lets both sides do a handshake, which may fail, and returns the tape and the key
// log. The client leaves after it, without a word where rude.
func shake(t *testing.T, client, server *tls.Config, rude bool) ([]chunk, []byte) {
	t.Helper()
	var log bytes.Buffer
	client.KeyLogWriter, client.InsecureSkipVerify = &log, true
	tp := new(tape)
	cn, sn := loopback(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(tapedConn{sn, tp, false}, server)
		_ = s.Handshake()
		_, _ = io.Copy(io.Discard, s) // until the client is gone, and what it sent is read
		sn.Close()
	}()
	c := tls.Client(tapedConn{cn, tp, true}, client)
	if err := c.Handshake(); err == nil {
		if server.ClientAuth == tls.RequireAndVerifyClientCert {
			_, _ = c.Read(make([]byte, 1)) // the server's word on the certificate
		}
		if !rude {
			_ = c.CloseWrite()
		}
	}
	cn.Close()
	<-done
	return tp.chunks, log.Bytes()
}

// TestBrokenOff: whether a handshake came to its end is seen without keys, too.
func TestBrokenOff(t *testing.T) {
	ec, _ := certificates()
	refuses := func([][]byte, [][]*x509.Certificate) error { return errors.New("not this one") }
	for _, version := range []uint16{versionTLS12, versionTLS13} {
		for name, c := range map[string]struct {
			change func(client, server *tls.Config)
			rude   bool
			want   bool
		}{
			"done":                           {func(_, _ *tls.Config) {}, false, false},
			"done, and left without a word":  {func(_, _ *tls.Config) {}, true, false},
			"the client refuses":             {func(c, _ *tls.Config) { c.VerifyPeerCertificate = refuses }, false, true},
			"the server refuses":             {func(c, s *tls.Config) { s.ClientAuth, s.VerifyPeerCertificate = tls.RequireAnyClientCert, refuses }, false, true},
			"the server wants a certificate": {func(_, s *tls.Config) { s.ClientAuth = tls.RequireAndVerifyClientCert }, false, true},
			"after a hello that was repeated": {func(c, s *tls.Config) {
				c.VerifyPeerCertificate, s.CurvePreferences = refuses, []tls.CurveID{tls.CurveP521}
			}, false, true},
		} {
			t.Run(versionName(version)+"/"+name, func(t *testing.T) {
				client := &tls.Config{MinVersion: version, MaxVersion: version, ServerName: "db.example"}
				server := &tls.Config{MinVersion: version, Certificates: []tls.Certificate{ec}}
				c.change(client, server)
				if server.ClientAuth == tls.RequireAnyClientCert {
					client.Certificates = []tls.Certificate{ec}
				}
				chunks, log := shake(t, client, server, c.rude)
				for _, size := range []int{0, 1, 7} {
					for keys, k := range map[string]*KeyLog{"no keys": nil, "keys": keyLogOf(t, log)} {
						if _, info := play(k, chunks, size); info.BrokenOff != c.want {
							t.Errorf("%s, pieces of %d: %t, want %t (%s)", keys, size, info.BrokenOff, c.want, describe(chunks))
						}
					}
				}
			})
		}
	}
}

// TestBrokenOffAnywhere: of a conversation that is cut off anywhere, the handshake is over
// with the client's Finished; of one that lacks bytes nothing is said.
func TestBrokenOffAnywhere(t *testing.T) {
	for _, version := range []uint16{versionTLS12, versionTLS13} {
		e := configFor(version, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
		chunks, _ := e.run(t)
		over := false
		for n := range chunks {
			_, info := play(nil, chunks[:n+1], 0)
			if over && info.BrokenOff {
				t.Errorf("%s: broken off after %d of %d chunks, and not before", versionName(version), n+1, len(chunks))
			}
			over = over || !info.BrokenOff
			r := new(recorder)
			c := NewConn(nil, Options{})
			feed(c, chunks[:n+1], 0, r)
			c.Gap(true, 10)
			if c.Close(At{}, r); c.Info().BrokenOff {
				t.Errorf("%s: %d chunks and a loss are said to be broken off", versionName(version), n+1)
			}
		}
		if _, first := play(nil, chunks[:1], 0); !first.BrokenOff || !over {
			t.Errorf("%s: after the ClientHello %t, at the end %t", versionName(version), first.BrokenOff, !over)
		}
	}
}

func describe(chunks []chunk) string {
	var b bytes.Buffer
	for _, c := range chunks {
		fmt.Fprintf(&b, "%t %d×%d ", c.fromClient, len(c.b), c.b[0])
	}
	return b.String()
}
