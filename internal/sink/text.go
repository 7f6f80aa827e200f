package sink

import (
	"bufio"
	"io"
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/termsafe"
)

// Text is what a sink writes text to, buffered. A sink that embeds it is a Flusher and
// a Failer. Its first error stays; after that nothing more is written.
type Text struct {
	w      io.WriteCloser
	buf    *bufio.Writer
	err    error
	failed atomic.Bool
}

// CreateText opens To, or standard output. What is written to a terminal cannot steer
// it.
func (e *Env) CreateText() (*Text, error) {
	w, err := e.Create()
	if err != nil {
		return nil, err
	}
	if e.Width > 0 {
		return newText(w, termsafe.NewWriter(w)), nil
	}
	return newText(w, w), nil
}

// CreateEscaped is CreateText for a sink that escapes of itself what may steer a
// terminal.
func (e *Env) CreateEscaped() (*Text, error) {
	w, err := e.Create()
	if err != nil {
		return nil, err
	}
	return newText(w, w), nil
}

func newText(w io.WriteCloser, to io.Writer) *Text {
	const size = 64 << 10
	return &Text{w: w, buf: bufio.NewWriterSize(to, size)}
}

func (t *Text) keep(err error) error {
	if err != nil && t.err == nil {
		t.err = err
		t.failed.Store(true)
	}
	return t.err
}

// Write writes whole characters.
func (t *Text) Write(b []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.buf.Write(b)
	return n, t.keep(err)
}

// Flush writes what is buffered, and returns the first error.
func (t *Text) Flush() error {
	if t.err != nil {
		return t.err
	}
	return t.keep(t.buf.Flush())
}

// Failed reports whether writing has failed. Any goroutine may ask.
func (t *Text) Failed() bool { return t.failed.Load() }

// Close writes what is buffered, closes the output, and returns the first error.
func (t *Text) Close() error {
	_ = t.Flush() // the error stays
	return t.keep(t.w.Close())
}
