// Package connection coordinates a decoder and a state machine for programs that
// speak the protocol themselves: drivers, servers, proxies, poolers, test tools.
//
// FrontendConnection plays the frontend and BackendConnection the backend. Both
// are free of I/O: Send turns a message into the bytes to write, Receive turns
// bytes that were read into messages. The program owns the socket, the timeouts
// and TLS, and decides what to do with each message.
//
// # Order
//
// A connection is strict unless Lenient is given: a message out of order is
// refused with a *tracker.Anomaly that names what was expected, whether it was to
// be sent or was received, and the state stays as it was. A lenient connection
// reports the same and goes on. The phase, which decides how bytes are framed, is
// kept up to date between two messages of one chunk.
//
// # Memory
//
// Messages from Receive are borrowed until the next step of the loop, and the
// chunk given to Receive until the loop ends or is left. Bytes from Send belong
// to the caller. A connection holds one incomplete message, which MaxMessageSize
// bounds, and what its program left of the chunks that it did not read to their ends.
//
// # What it does not do
//
// It does not authenticate, encrypt, reconnect or time out, and does not check
// the contents of messages beyond their format. It is not safe for concurrent
// use; a program with a reader and a writer guards it with a mutex.
package connection
