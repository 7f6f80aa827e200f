package replication

import "github.com/pgsniff/pgsniff/pkg/messages"

// Connection is a Stream with what is derived of it: changes, and lag. It belongs
// to one goroutine.
type Connection struct {
	Stream
	Lag     Lag
	changes Transactions
	event   Event
	slot    Slot
	series  series
	// streamed is what flowed over the connection last; messages and walBytes count
	// WALData.
	streamed           Mode
	messages, walBytes uint64
}

// Slot is what commands said of the replication slot that a connection streams
// from.
type Slot struct {
	Name         string
	Plugin       string // "" for physical replication, or if not known
	Logical      bool
	Known        bool // a START_REPLICATION was seen
	Publications []string
	Start        LSN    // as asked for
	Timeline     uint32 // likewise, 0 if not named
}

// Event is what one CopyData of a replication connection holds. All of it is
// valid until the next, but Meaning may be copied and kept.
type Event struct {
	Meaning Meaning
	// Outer is the message, Inner that of pgoutput inside; nil where there is none.
	Outer, Inner Message
	// Change is the change to data that it makes; nil for most.
	Change *Change
	// Report is what a status update tells of the lag; nil for others.
	Report *Report
	report Report
}

// NewConnection returns the Connection of one to a server (its address), of whose
// commands nothing has been seen.
func NewConnection(c *Catalog, server string) *Connection {
	return &Connection{Stream: *NewStream(c, server)}
}

// Begin takes the text of a Query.
func (c *Connection) Begin(sql string) {
	cmd := c.Stream.Begin(sql)
	if cmd.Kind != CommandStartReplication {
		return
	}
	c.Lag.Restart()
	c.changes.Lost()
	c.slot = Slot{
		Name: cmd.Slot, Logical: cmd.Logical, Known: true, Publications: cmd.Publications(), Start: cmd.Start, Timeline: cmd.Timeline,
	}
}

// Slot returns what is known of the slot that was streamed from last.
func (c *Connection) Slot() Slot {
	if c.slot.Plugin == "" {
		c.slot.Plugin = c.plugin
	}
	return c.slot
}

// Lost tells that bytes of a direction are missing, of which messages may have
// been.
func (c *Connection) Lost(d messages.Direction) {
	c.Stream.Lost(d)
	c.Lag.Lost(d)
	if d == messages.Backend {
		c.changes.Lost()
	}
}

// CopyData takes the body of a CopyData, borrowed until the next; size is its true
// length in bytes, at its time in nanoseconds.
func (c *Connection) CopyData(d messages.Direction, body []byte, size int, at int64) *Event {
	e := &c.event
	e.Change, e.Report = nil, nil
	e.Meaning = c.Observe(d, body, size)
	e.Outer, e.Inner = c.Latest()
	m := &e.Meaning
	if m.Kind == KindUnknown {
		e.Outer = nil
	}
	if m.Logical == KindUnknown {
		e.Inner = nil
	}
	if m.Kind != KindUnknown {
		c.streamed = m.Mode
	}
	if m.Kind == KindWALData {
		c.messages++
		c.walBytes += uint64(max(m.Size, 0))
	}
	if e.Outer == nil || m.Mode == ModeBackup || m.Mode == ModeBackupOld {
		return e
	}
	var ok bool
	if e.report, ok = c.Lag.Observe(m, e.Outer, at); ok {
		e.Report = &e.report
		c.series.add(e.Report, at)
	}
	if e.Inner != nil {
		if change, ok := c.changes.Observe(m, e.Outer.(*WALData), e.Inner, size, at); ok {
			e.Change = change
		}
	} else if w, ok := e.Outer.(*WALData); ok && m.Plugin == PluginPgoutput {
		c.changes.missed(w.Data, size)
	}
	return e
}
