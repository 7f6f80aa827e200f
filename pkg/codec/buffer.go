package codec

import "sync"

const (
	// minBuffer is the least size of a buffer: most messages that span chunks
	// are small.
	minBuffer = 256
	// keepBuffer is the largest buffer that an idle connection keeps. A capture
	// has many connections of which few are in the middle of a large message.
	keepBuffer = 2 << 10
	// poolBuffer is the largest buffer that is kept for reuse at all: who takes
	// it may need a small part of it.
	poolBuffer = 256 << 10
)

// buffer wraps a slice so that putting it into the pool does not allocate.
type buffer struct{ b []byte }

// Large buffers go from connection to connection: a stream of messages that all
// span chunks needs one all the time, a hundred thousand idle connections need
// none, and a buffer of each stream's own would serve only one of the two. The
// emptied wrappers have a pool of their own.
var (
	largeBuffers sync.Pool
	wrappers     = sync.Pool{New: func() any { return new(buffer) }}
)

// takeBuffer returns an empty slice with room for size bytes.
func takeBuffer(size int) []byte {
	if size <= keepBuffer {
		return make([]byte, 0, size)
	}
	if w, ok := largeBuffers.Get().(*buffer); ok {
		b := w.b
		w.b = nil
		wrappers.Put(w)
		if cap(b) >= size {
			return b[:0]
		}
	}
	return make([]byte, 0, size)
}

// giveBuffer offers a large buffer, no longer in use, to the next that needs one.
func giveBuffer(b []byte) {
	if cap(b) > poolBuffer {
		return
	}
	w := wrappers.Get().(*buffer)
	w.b = b[:0]
	largeBuffers.Put(w)
}
