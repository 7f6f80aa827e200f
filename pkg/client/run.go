package client

import (
	"errors"
	"io"
	"iter"
)

// readBuffer is what Run reads at once at most.
const readBuffer = 16 << 10

// Run is the ready loop over a transport, such as a net.Conn: it sends a request that
// a Do method returned, ranges over the events, and sends what Outgoing returns. It
// ends with the Ready event, of a pipeline the last one, where IsWaiting, after what
// DoTerminate returned, or with an error that is final and comes without an event. A
// loop that is left goes on where it was with Run(transport, nil).
//
// It does not end either where the client waits for the program: after an
// EncryptionResponse that is accepted, a CopyIn, a CopyBoth or a Suspended event the
// program leaves the loop, or writes to the transport itself; nor after Hold without
// DoSync or DoFlush.
func (c *Client) Run(transport io.ReadWriter, request []byte) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		buf := make([]byte, readBuffer)
		for {
			if len(request) > 0 {
				if _, err := transport.Write(request); err != nil {
					yield(nil, c.Lost(err))
					return
				}
			}
			event, err := c.NextEvent()
			for ; err == nil; event, err = c.NextEvent() {
				ready, ok := event.(*Ready)
				if !yield(event, nil) || ok && !ready.Queued || c.IsWaiting() {
					return
				}
			}
			if len(request) > 0 && errors.Is(err, ErrTerminated) {
				return
			}
			if !errors.Is(err, ErrNeedData) {
				yield(nil, err)
				return
			}
			if request = c.Outgoing(); request != nil {
				continue
			}
			n, err := transport.Read(buf)
			if c.Receive(buf[:n]); err != nil && n == 0 {
				yield(nil, c.Lost(err))
				return
			}
		}
	}
}
