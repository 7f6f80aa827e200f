// Package netfacts watches the TCP segments of connections and tells what the
// network did to them: round-trip times, repeated segments, closed receive
// windows, delayed acknowledgments, silence, refusals. It keeps a little for
// each connection and nothing of any segment's payload.
package netfacts

import "github.com/pgsniff/pgsniff/pkg/reassembly"

// Kind is what an Event tells.
type Kind uint8

// The kinds of events. Which fields of an Event they set is said with them.
const (
	// RTT: Length is the time that the way from the capture point to one side and
	// back takes, FromClient tells that it is the client's side, Handshake that the
	// handshake showed it. It is told again where a smaller one is seen.
	RTT Kind = iota + 1
	// Retransmission: a segment with data came a second time, or filled a hole.
	// FromClient is its direction, Since when it, or what came after the hole, was
	// first seen, Length the time from then to now. Needless tells that the other
	// side had acknowledged all of it before. N is its length in bytes.
	Retransmission
	// WindowClosed: the receive window of one side, the client's where FromClient,
	// opened again after Length; Since is when it had closed.
	WindowClosed
	// DelayedACK: the client sent the second part of a request only after the
	// server had acknowledged the first part, late. Since is when the first part
	// was sent, Length the time from then to the second one, N the length of the
	// first part in bytes.
	DelayedACK
	// Silence: the client sent data after Length without a packet but keep-alives.
	Silence
	// Reset and Finished: a RST, or a FIN, from the client where FromClient.
	Reset
	Finished
	// Refused: the server answered a SYN with a RST.
	Refused
	// NoAnswer: N SYNs within Length had no answer, and none came later.
	NoAnswer
	// LateReply: the server's first data after the client's came only now; Since is
	// when the client had sent. Acked tells that the server's host acknowledged the
	// request long before.
	LateReply
	// Gone: the connection is over, and nothing of it was or will be handed out.
	Gone
	// ServerSilence: no connection to this server got data between Since and now.
	ServerSilence
)

// Event is something that the network did.
type Event struct {
	Kind       Kind
	FromClient bool
	Handshake  bool
	Needless   bool
	Acked      bool
	N          int
	Conn       uint64 // number of the connection
	Client     reassembly.Endpoint
	Server     reassembly.Endpoint
	At         reassembly.Stamp // the packet that made it known
	Since      int64            // nanoseconds since the epoch
	Length     int64            // nanoseconds
}
