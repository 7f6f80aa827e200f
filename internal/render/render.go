package render

import (
	"io"
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Writer renders what sessions report. Errors of the underlying writer are kept
// and returned by Flush; after one, records are thrown away.
type Writer interface {
	session.Handler
	// Record writes a record that a view has derived from others, or that of a message
	// that was not written when it came.
	Record(r record.Record)
	// Flush writes what is buffered and returns the first error of the output.
	Flush() error
	// Failed reports whether the output has failed: what is written from then
	// on is thrown away. It may be called from any goroutine.
	Failed() bool
}

// Options configure a Writer.
type Options struct {
	MaxValueBytes int // longer values are cut; 0: never
	ShowSecrets   bool
	States        bool // messages come with the state of the conversation
	Micros        bool // JSON: times have six digits of a fraction, not nine
	NoConnections bool // connections are not told of when they are over
	// Slot is where the writer keeps what it knows of a connection: of several
	// writers each has its own, see record.Conn.
	Slot int
}

// flushAt is the size at which output is written: large enough that writes cost
// nothing beside the formatting, small enough for the processor's cache.
const flushAt = 64 << 10

// Output buffers records and writes them whole.
type Output struct {
	w      io.Writer
	buf    []byte
	err    error
	any    bool     // something was flushed
	failed *flag    // err != nil, for other goroutines
	_      [56]byte // see TestLines
}

// flag lies alone in the processor's cache: one goroutine asks all the time while
// another writes what would lie beside it.
type flag struct {
	_ [64]byte
	atomic.Bool
	_ [64]byte
}

// NewOutput returns a buffer before w.
func NewOutput(w io.Writer) *Output {
	return &Output{w: w, buf: make([]byte, 0, flushAt+16<<10), failed: new(flag)}
}

// wrote is called after each record.
func (o *Output) wrote() {
	if len(o.buf) >= flushAt {
		_ = o.Flush()
	}
}

// Flush writes the buffer. The first error stays.
func (o *Output) Flush() error {
	if len(o.buf) > 0 && o.err == nil {
		o.any = true
		if _, o.err = o.w.Write(o.buf); o.err != nil {
			o.failed.Store(true)
		}
	}
	if cap(o.buf) > 4<<20 {
		o.buf = make([]byte, 0, flushAt+16<<10)
	}
	o.buf = o.buf[:0]
	return o.err
}

// empty reports whether nothing has been written.
func (o *Output) empty() bool { return !o.any && len(o.buf) == 0 }

// Failed reports whether writing has failed. It may be called from any goroutine.
func (o *Output) Failed() bool { return o.failed.Load() }
