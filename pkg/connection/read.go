package connection

import (
	"io"
	"iter"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// readBuffer is what Read reads at once at most.
const readBuffer = 16 << 10

// Read ranges over the messages that come from r, such as a net.Conn, until it ends:
// Receive with the reading done, for programs that have nothing else to wait for. The
// errors are those of Receive, which a loop may go on after where a message stands
// beside them, and that of r, which is the last; io.EOF is none. When the loop is
// left, what was read already is kept for the next one.
func (c *connection) Read(r io.Reader) iter.Seq2[messages.Message, error] {
	return func(yield func(messages.Message, error) bool) {
		buf := make([]byte, readBuffer)
		var end error
		for n := 0; ; {
			for m, err := range c.Receive(buf[:n]) {
				if !yield(m, err) || m == nil {
					return
				}
			}
			if end != nil {
				if end != io.EOF {
					yield(nil, end)
				}
				return
			}
			n, end = r.Read(buf)
		}
	}
}
