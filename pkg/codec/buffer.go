package codec

import "sync"

const (
	// minBuffer is the least size of a buffer: most messages that span chunks
	// are small.
	minBuffer = 256
	// keepBuffer is the largest buffer that an idle connection keeps. A capture
	// has many connections of which few are in the middle of a large message.
	keepBuffer = 2 << 10
	// poolBuffer is the largest buffer that is kept for reuse at all.
	poolBuffer = 256 << 10
)

// buffer wraps a slice so that putting it into a pool does not allocate.
type buffer struct{ b []byte }

// Larger buffers go from connection to connection: a stream of messages that all
// span chunks needs one all the time, a hundred thousand idle connections need
// none, and a buffer of each stream's own would serve only one of the two. Of
// each of the two sizes there is a pool; the emptied wrappers have their own.
var (
	pools = [...]struct {
		size int
		sync.Pool
	}{{size: 16 << 10}, {size: poolBuffer}}
	wrappers = sync.Pool{New: func() any { return new(buffer) }}
)

// takeBuffer returns an empty slice with room for at least size bytes.
func takeBuffer(size int) []byte {
	if size <= keepBuffer {
		return make([]byte, 0, size)
	}
	for i := range pools {
		p := &pools[i]
		if size > p.size {
			continue
		}
		w, ok := p.Get().(*buffer)
		if !ok {
			return make([]byte, 0, p.size)
		}
		b := w.b
		w.b = nil
		wrappers.Put(w)
		return b
	}
	return make([]byte, 0, size)
}

// giveBuffer offers a buffer of takeBuffer, no longer in use, to the next that
// needs one.
func giveBuffer(b []byte) {
	for i := range pools {
		if p := &pools[i]; cap(b) == p.size {
			w := wrappers.Get().(*buffer)
			w.b = b[:0]
			p.Put(w)
			return
		}
	}
}
