package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"net"
	"sync"
	"time"

	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// loginTime is how long a client may take to log in; how much it may send until
// then is bounded by the connection.
const loginTime = time.Minute

// bufferSize is that of a read buffer: one for each direction of each session.
const bufferSize = 32 << 10

// Proxy lets clients in and passes on what they and the server say.
type Proxy struct {
	Server         string            // address
	Role, Password string            // at the server
	Clients        map[string]string // names and passwords at the proxy
	Log            *log.Logger       // why connections failed

	unknown []byte // for the salts of clients that do not exist
}

// Serve accepts clients until the listener is closed.
func (p *Proxy) Serve(l net.Listener) error {
	p.unknown = []byte(rand.Text())
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		go func() {
			if err := p.serve(conn); err != nil {
				p.Log.Printf("%v: %v", conn.RemoteAddr(), err)
			}
		}()
	}
}

// peer is one of the proxy's two connections.
type peer struct {
	net net.Conn
	pg  interface {
		Append(dst []byte, m messages.Message) ([]byte, error)
		Receive(data []byte) iter.Seq2[messages.Message, error]
	}
	in, out []byte
}

// send queues messages.
func (p *peer) send(list ...messages.Message) (err error) {
	for _, m := range list {
		if p.out, err = p.pg.Append(p.out, m); err != nil {
			return err
		}
	}
	return nil
}

// flush writes what is queued.
func (p *peer) flush() error {
	_, err := p.net.Write(p.out)
	p.out = p.out[:0]
	return err
}

// reply sends messages at once.
func (p *peer) reply(list ...messages.Message) error {
	if err := p.send(list...); err != nil {
		return err
	}
	return p.flush()
}

// next waits for a message, which is borrowed until the next call.
func (p *peer) next() (messages.Message, error) {
	var data []byte
	for {
		for m, err := range p.pg.Receive(data) {
			return m, err
		}
		n, err := p.net.Read(p.in)
		if n == 0 && err != nil {
			return nil, err
		}
		data = p.in[:n]
	}
}

// session is one client's connection through the proxy.
type session struct {
	*Proxy
	client, server peer
	backend        *connection.BackendConnection // client.pg
	mu             sync.Mutex                    // guards both connections once each direction has its goroutine
}

func (p *Proxy) serve(conn net.Conn) error {
	s := &session{Proxy: p, backend: connection.NewBackend()}
	s.client = peer{net: conn, pg: s.backend, in: make([]byte, bufferSize)}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(loginTime))
	admitted, err := s.admit()
	if s.server.net != nil {
		defer func() { _ = s.server.net.Close() }()
	}
	if admitted && err == nil {
		_ = conn.SetDeadline(time.Time{})
		err = s.relay()
	}
	if errors.Is(err, io.EOF) {
		return nil // one of them hung up
	}
	if err != nil {
		s.refuse(err)
	}
	return err
}

// refuse tells the client why its connection ends, if it can still be told.
func (s *session) refuse(err error) {
	var e *fatalError
	if !errors.As(err, &e) {
		e = &fatalError{"08P01", "proxy: " + err.Error()}
	}
	s.client.out = s.client.out[:0]
	if s.client.send(e.response()) == nil {
		_ = s.client.net.SetWriteDeadline(time.Now().Add(time.Second))
		_ = s.client.flush()
	}
}

// fatalError is an error that the client is told with its code.
type fatalError struct{ sqlState, message string }

func (e *fatalError) Error() string { return e.message }

func (e *fatalError) response() *messages.ErrorResponse {
	return messages.NewError("FATAL", e.sqlState, e.message)
}

func errorf(sqlState, format string, args ...any) error {
	return &fatalError{sqlState, fmt.Sprintf(format, args...)}
}
