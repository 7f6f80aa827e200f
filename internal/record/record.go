package record

import (
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// Stamp is a place in the capture: time in nanoseconds since the Unix epoch, and
// number of the packet.
type Stamp = exchange.Stamp

// Record is one thing to be told of.
type Record interface {
	// Schema describes the record's fields.
	Schema() *Schema
	// Place is where the record belongs in the capture: that of JSON's ts.
	Place() Stamp
	// Of is the connection that it is about; nil for one about several.
	Of() *Conn
	// Visit hands the fields to v, in the order of the output, but for type, ts
	// and those of the connection, which all records begin with.
	Visit(v Visitor)
	// Clone returns a copy that borrows nothing.
	Clone() Record
}

// Conn is a connection, as all its records refer to it. It does not change.
type Conn struct {
	ID             uint64
	Client, Server string // address:port
	Started        Stamp  // its first packet

	slots []any
}

// Slot returns what the owner of a slot keeps for the connection, nil at first. A
// slot belongs to whoever called NewSlot for it, and is to be used by one
// goroutine, that of the sessions.
func (c *Conn) Slot(slot int) any {
	if slot < len(c.slots) {
		return c.slots[slot]
	}
	return nil
}

// SetSlot keeps v for the owner of a slot.
func (c *Conn) SetSlot(slot int, v any) {
	for slot >= len(c.slots) {
		c.slots = append(c.slots, nil)
	}
	c.slots[slot] = v
}

// Who is what was known of a connection's client when a record was made. It does
// not change: when the client says something else, further records get another.
type Who struct {
	User, Database, Application string // empty where not known
	Replication                 string // the startup parameter; empty if not sent
	Formats                     string // session.Info's; empty if not known
	ServerVersion               string
	SearchPath                  string // session.Info's; empty if not known
	MidStream                   bool   // the connection was joined in the middle
}
