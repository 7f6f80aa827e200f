package overview

import (
	"slices"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// maxStreams bounds the replication connections that are shown: a server has at most
// as many as max_wal_senders says, 10 by default.
const maxStreams = 200

// Stream is a replication connection.
type Stream struct {
	replication.Summary
	Place             *record.Conn
	User, Application string
	Over              bool // the connection has ended
}

func (c *Collector) stream(s *session.Session, sum *replication.Summary) Stream {
	i := s.Info()
	return Stream{Summary: *sum, Place: record.ConnOf(s), User: i.User, Application: i.Application}
}

// Streams returns the replication connections, those that are open first.
func (c *Collector) Streams() []Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append(slices.Clone(c.streams), c.endedStream...)
}

// copies reports whether rows of a COPY flow.
func copies(m exchange.CopyMode) bool { return m != exchange.CopyNone }
