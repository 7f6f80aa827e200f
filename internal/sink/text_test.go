package sink

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

type closer struct {
	io.Writer
	err    error
	closed bool
}

func (c *closer) Write(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	return c.Writer.Write(b)
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestText(t *testing.T) {
	var out bytes.Buffer
	c := &closer{Writer: &out}
	env := &Env{Create: func() (io.WriteCloser, error) { return c, nil }, Width: 80}
	w, err := env.CreateText()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte("a\x1b[2J\n"))
	if out.Len() > 0 || w.Failed() {
		t.Errorf("%q before it is flushed; failed %v", out.Bytes(), w.Failed())
	}
	if err := w.Flush(); err != nil || out.String() != `a\x1b[2J`+"\n" {
		t.Errorf("%q, %v", out.Bytes(), err)
	}
	c.err = io.ErrClosedPipe
	_, _ = w.Write([]byte("b"))
	if err := w.Flush(); err != io.ErrClosedPipe || !w.Failed() {
		t.Errorf("%v, failed %v", err, w.Failed())
	}
	c.err = errors.New("another")
	if _, err := w.Write([]byte("c")); err != io.ErrClosedPipe {
		t.Errorf("%v: not the first error", err)
	}
	if err := w.Close(); err != io.ErrClosedPipe || !c.closed {
		t.Errorf("%v, closed %v", err, c.closed)
	}
	if w, _ = env.CreateEscaped(); w == nil {
		t.Fatal("no output")
	}
	c.err = nil
	out.Reset()
	_, _ = w.Write([]byte("\x1b"))
	if _ = w.Close(); out.String() != "\x1b" {
		t.Errorf("%q", out.Bytes())
	}
}
