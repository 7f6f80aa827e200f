package record

import (
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Connection is a connection that is over, or that the capture's end found open.
// Its strings are owned.
type Connection struct {
	Conn   *Conn
	Who    *Who
	Info   session.Info
	Totals exchange.Totals
}

// VisitError visits the fields of the error that ended the connection. It reports
// whether there are any.
func (c *Connection) VisitError(v messages.Visitor) bool {
	var e messages.ErrorResponse
	if c.Info.Failure == nil || e.Decode(c.Info.Failure) != nil && len(e.Fields) == 0 {
		return false
	}
	e.Visit(v)
	return true
}

func alertFrom(d messages.Direction) string {
	if d == messages.Backend {
		return "server"
	}
	return "client"
}

// Place is its first packet.
func (c *Connection) Place() Stamp { return c.Info.Started }

// Of is the connection.
func (c *Connection) Of() *Conn { return c.Conn }

// Clone returns a copy.
func (c *Connection) Clone() Record {
	clone := *c
	return &clone
}

// Notice is something about a connection that is no message.
type Notice struct {
	Conn *Conn
	Who  *Who
	session.Notice
}

// Place is where it was noticed.
func (n *Notice) Place() Stamp { return n.At }

// Of is its connection.
func (n *Notice) Of() *Conn { return n.Conn }

// Clone returns a copy.
func (n *Notice) Clone() Record {
	clone := *n
	return &clone
}

// Totals is what the program counted in all, at the end.
type Totals struct {
	Packets, Bytes     uint64
	First, Last        int64  // times of the first and last packet; 0: none
	Live               bool   // KernelDropped says something
	KernelDropped      uint64 // packets
	Connections        uint64 // taken for PostgreSQL
	Messages           uint64
	Queries            uint64
	Errors             uint64 // ErrorResponse messages
	LostBytes          uint64
	RetransmittedBytes uint64
}
