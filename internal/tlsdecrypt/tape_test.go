package tlsdecrypt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// chunk is what one side sent at once.
type chunk struct {
	fromClient bool
	b          []byte
}

// tape records the bytes of a connection in their order.
type tape struct {
	mu     sync.Mutex
	chunks []chunk
}

func (t *tape) add(fromClient bool, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chunks = append(t.chunks, chunk{fromClient, bytes.Clone(b)})
}

// tapedConn is one end of a connection whose writes go on a tape.
type tapedConn struct {
	net.Conn
	tape     *tape
	isClient bool
}

func (c tapedConn) Write(b []byte) (int, error) {
	c.tape.add(c.isClient, b)
	return c.Conn.Write(b)
}

// event is what a sink was told.
type event struct {
	fromClient bool
	gap        bool
	n          int64
	b          []byte
	at         At
}

// recorder is a Sink that joins neighbouring plaintext of a direction.
type recorder struct{ events []event }

func (r *recorder) Plaintext(fromClient bool, b []byte, at At) {
	if n := len(r.events); n > 0 && !r.events[n-1].gap && r.events[n-1].fromClient == fromClient {
		r.events[n-1].b = append(r.events[n-1].b, b...)
		return
	}
	r.events = append(r.events, event{fromClient: fromClient, b: bytes.Clone(b), at: at})
}

func (r *recorder) Gap(fromClient bool, n int64, at At) {
	r.events = append(r.events, event{fromClient: fromClient, gap: true, n: n, at: at})
}

// String is the conversation: C for the client's bytes, S for the server's.
func (r *recorder) String() string {
	var out bytes.Buffer
	for _, e := range r.events {
		side := "S"
		if e.fromClient {
			side = "C"
		}
		switch {
		case e.gap:
			fmt.Fprintf(&out, "%s-gap %d\n", side, e.n)
		case len(e.b) > 64:
			fmt.Fprintf(&out, "%s %q… %d bytes\n", side, e.b[:32], len(e.b))
		default:
			fmt.Fprintf(&out, "%s %q\n", side, e.b)
		}
	}
	return out.String()
}

// bytesOf joins one direction's plaintext.
func (r *recorder) bytesOf(fromClient bool) []byte {
	var out []byte
	for _, e := range r.events {
		if e.fromClient == fromClient {
			out = append(out, e.b...)
		}
	}
	return out
}

// play feeds chunks to a new Conn, each in pieces of at most size bytes (0: as
// they are), and closes it.
func play(keys *KeyLog, chunks []chunk, size int) (*recorder, Info) {
	r := new(recorder)
	c := NewConn(keys, Options{})
	feed(c, chunks, size, r)
	c.Close(At{}, r)
	return r, c.Info()
}

func feed(c *Conn, chunks []chunk, size int, r *recorder) {
	for i, ch := range chunks {
		at := At{Frame: int64(i + 1)}
		for b := ch.b; len(b) > 0; {
			n := len(b)
			if size > 0 {
				n = min(n, size)
			}
			c.Feed(ch.fromClient, b[:n], at, r)
			b = b[n:]
		}
	}
}

func keyLogOf(t testing.TB, text []byte) *KeyLog {
	t.Helper()
	k := NewKeyLog(func(w Warning) { t.Error(w) })
	if err := k.Load(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return k
}

// certificates are made once, one of each kind of key.
var certificates = sync.OnceValues(func() (ecdsaCert, rsaCert tls.Certificate) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	rk, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	make := func(name string, pub, priv any) tls.Certificate {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"db.example"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, pub, priv)
		if err != nil {
			panic(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: priv}
	}
	return make("ecdsa.example", &ec.PublicKey, ec), make("rsa.example", &rk.PublicKey, rk)
})

// exchange is a conversation of crypto/tls with itself: who sends what.
type exchange struct {
	client, server *tls.Config
	script         []chunk
	closes         bool // both say at the end that they send no more
}

// run plays the conversation and returns its tape and key log.
func (e *exchange) run(t testing.TB) ([]chunk, []byte) {
	t.Helper()
	var log bytes.Buffer
	e.client.KeyLogWriter = &log
	e.client.InsecureSkipVerify = true
	if e.client.ServerName == "" {
		e.client.ServerName = "db.example"
	}
	tp := new(tape)
	cn, sn := loopback(t)
	client := tls.Client(tapedConn{cn, tp, true}, e.client)
	server := tls.Server(tapedConn{sn, tp, false}, e.server)
	done := make(chan error, 1)
	go func() { done <- e.talk(server, false) }()
	if err := e.talk(client, true); err != nil {
		t.Error("client:", err)
		cn.Close()
	}
	if err := <-done; err != nil {
		t.Fatal("server:", err)
	}
	cn.Close()
	sn.Close()
	return tp.chunks, log.Bytes()
}

// loopback returns the two ends of a TCP connection, which, unlike a pipe,
// takes what is written before it is read.
func loopback(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{client, server} {
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	return client, server
}

// talk plays one side of the script.
func (e *exchange) talk(conn *tls.Conn, isClient bool) error {
	if err := talk(conn, e.script, isClient); err != nil || !e.closes {
		return err
	}
	return conn.CloseWrite()
}

func talk(conn *tls.Conn, script []chunk, isClient bool) error {
	if err := conn.Handshake(); err != nil {
		return err
	}
	for _, line := range script {
		if line.fromClient == isClient {
			if _, err := conn.Write(line.b); err != nil {
				return err
			}
			continue
		}
		got := make([]byte, len(line.b))
		if _, err := io.ReadFull(conn, got); err != nil {
			return err
		}
		if !bytes.Equal(got, line.b) {
			return fmt.Errorf("read %q, want %q", got, line.b)
		}
	}
	return nil
}

// dialogue is a script of short and long turns; the long ones take several
// records.
func dialogue() []chunk {
	long := bytes.Repeat([]byte("0123456789abcdef"), 3000)
	return []chunk{
		{true, []byte("\x00\x00\x00\x08\x00\x03\x00\x00")},
		{false, []byte("R")},
		{true, []byte("first request")},
		{false, []byte("first answer")},
		{true, long},
		{false, long[:20000]},
		{true, []byte("second request")},
		{false, []byte("second answer")},
		{true, []byte("X")},
	}
}

// transcript is what a recorder of the script should print.
func transcript(script []chunk) string {
	r := new(recorder)
	for _, s := range script {
		r.Plaintext(s.fromClient, s.b, At{})
	}
	return r.String()
}
