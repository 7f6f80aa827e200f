package reassembly

import "time"

// Config bounds an Assembler. The zero value of a field means its default.
type Config struct {
	// MaxQueueSegments and MaxQueueBytes bound what waits in one direction of
	// one connection for a hole to be filled. Defaults 256 and 1 MiB:
	// reordering hardly spans more. Where the peer is seen not to have the
	// bytes either, so that they will be retransmitted, eight times as much
	// may wait: a whole receive window, of 6 MB at most on Linux.
	MaxQueueSegments int
	MaxQueueBytes    int
	// MaxTotalBytes bounds the memory of all queues together, bookkeeping
	// included; the longest waiting give up first. Default 64 MiB.
	MaxTotalBytes int
	// LossSegments is the number of segments that must have come after a hole,
	// in both directions of the connection together, before bytes that the
	// peer has acknowledged are called lost. Default 32: a busy host's capture
	// reorders by more than 8.
	LossSegments int
	// GapTimeout is how long, in capture time, a hole may stay open where its
	// bytes are acknowledged, or where the peer is not in the capture and
	// cannot tell. Default 2 s: acknowledged bytes are not sent again, so only
	// the capture's own disorder is waited for. Where the peer is seen not to
	// have the bytes, they will be sent again: fifteen times as long.
	GapTimeout time.Duration
	// MaxConns bounds the connections followed at once; a further one closes
	// the least recently used. Default 100,000.
	MaxConns int
}

const (
	// stallFactor is the one of MaxQueueSegments and MaxQueueBytes.
	stallFactor = 8
	// stallRounds is the number of GapTimeouts that a hole may stay open which
	// the peer is known to have as well: exponential back-off of the sender's
	// retransmission timer spans some 30 s after seven losses in a row.
	stallRounds = 15
	// maxLinger is the number of closed connections remembered, so that their
	// last acknowledgments and retransmissions begin no new ones: a second of
	// a very busy server, and some 1.6 MB.
	maxLinger = 16384
	// lingerTime (TIME-WAIT of the usual systems, in ns) is how long any data
	// between the endpoints of a closed connection are taken for its own.
	lingerTime = int64(60 * time.Second)
	// maxAhead is how far ahead of what was delivered a segment may be and
	// still belong to the stream: the largest window that RFC 7323 can express.
	maxAhead = 1 << 30
	// maxBehind is how far back a segment is still taken for a retransmission:
	// more than any sender buffers.
	maxBehind = 64 << 20
	// maxAckAhead is how far ahead an acknowledgment is believed. A capture
	// that really lost more is found out by the segments themselves.
	maxAckAhead = 64 << 20
	// resyncSegments is the number of consecutive segments outside of
	// [-maxBehind, maxAhead] that move a direction to their place.
	resyncSegments = 3
	// maxReset is how far off a RST may be: in a window's range, since the
	// scale of the window is often not in the capture.
	maxResetAhead, maxResetBehind = 1 << 20, 64 << 10
	// silentLosses is the number of losses in a row, known by acknowledgments
	// only, after which a direction counts as not captured.
	silentLosses = 8
)

func (c Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&c.MaxQueueSegments, 256)
	def(&c.MaxQueueBytes, 1<<20)
	def(&c.MaxTotalBytes, 64<<20)
	def(&c.LossSegments, 32)
	def(&c.MaxConns, 100_000)
	if c.GapTimeout <= 0 {
		c.GapTimeout = 2 * time.Second
	}
	return c
}
