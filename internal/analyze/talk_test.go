package analyze_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// talker is a client of a real server that sends what it is told to, and writes down all
// that goes both ways as the packets that a capture beside it would have.
type talker struct {
	t         testing.TB
	conn      net.Conn
	capture   *hostile.Packets
	tcp       *hostile.Conn
	buf       []byte
	pid       int
	ready     int // ReadyForQuery messages so far
	described int // answers to Describe
	rest      []byte
	dead      bool // the server has closed
	reset     bool // it did so with something unread, and what it had said last may be gone
	copying   bool // it has asked for data, and not said since that it had them
}

// talkTo opens a connection and waits until the server is ready.
func talkTo(t testing.TB, s *pgtest.Server, capture *hostile.Packets, n uint32) *talker {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		t.Fatal(err)
	}
	c := &talker{t: t, conn: conn, capture: capture, tcp: hostile.NewConn(n), buf: make([]byte, 64<<10)}
	capture.Now = time.Now().UnixNano()
	capture.Open(c.tcp)
	c.send(hostile.Startup("user", s.SuperUser, "database", "postgres"))
	c.await(1, 10*time.Second)
	return c
}

func (c *talker) send(b []byte) {
	c.capture.Now = time.Now().UnixNano()
	c.capture.Send(c.tcp, hostile.Client, b)
	if _, err := c.conn.Write(b); err != nil {
		c.dead, c.reset = true, true
	}
}

// await reads until the server has been ready n times in all, or nothing came for a while.
func (c *talker) await(n int, patience time.Duration) {
	c.t.Helper()
	c.awaitAll(&c.ready, n, patience)
}

// awaitAll is await for what heard counts.
func (c *talker) awaitAll(count *int, n int, patience time.Duration) {
	for *count < n && !c.dead {
		_ = c.conn.SetReadDeadline(time.Now().Add(patience))
		k, err := c.conn.Read(c.buf)
		if k > 0 {
			c.capture.Now = time.Now().UnixNano()
			c.capture.Send(c.tcp, hostile.Server, c.buf[:k])
			c.heard(c.buf[:k])
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil: // closed, or reset since it had more to read
			c.dead, c.reset = true, !errors.Is(err, io.EOF)
		}
	}
}

// heard counts what came.
func (c *talker) heard(b []byte) {
	c.rest = append(c.rest, b...)
	for len(c.rest) >= 5 {
		size := 1 + int(binary.BigEndian.Uint32(c.rest[1:]))
		if len(c.rest) < size {
			return
		}
		switch c.rest[0] {
		case 'G':
			c.copying = true
		case 'C', 'E':
			c.copying = false
		case 'T', 'n':
			c.described++
		case 'Z':
			c.ready++
		case 'K':
			c.pid = int(binary.BigEndian.Uint32(c.rest[5:]))
		}
		c.rest = c.rest[size:]
	}
}

// close says goodbye and waits until the server has gone, so that its log is written.
func (c *talker) close() {
	if !c.dead {
		c.send(hostile.Message('X'))
		c.await(1<<30, 10*time.Second)
	}
	_ = c.conn.Close()
	c.capture.Close(c.tcp)
}
