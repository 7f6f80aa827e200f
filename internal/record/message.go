package record

import (
	"bytes"
	"slices"
	"unsafe"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Message is one message of a connection, with what it meant there.
type Message struct {
	Conn  *Conn
	Who   *Who
	At    Stamp  // the packet that completed it
	Query uint64 // number of its query cycle within the connection; 0: none
	Len   int    // bytes on the wire, type byte and length field included
	More  *More  // nil for most

	Direction messages.Direction
	Kind      messages.Kind
	Tag       byte           // 0 where the message has no type byte
	Phase     messages.Phase // when it was sent
	After     messages.Phase
	Tx        byte          // transaction status, 0 if not known
	State     tracker.State // if Stated
	Stated    bool          // the step of the conversation was asked for
	Truncated bool          // the body is shorter than the message was

	body    []byte
	privacy *Privacy
}

// More is what few messages have, and those with values.
type More struct {
	Notes   []session.Note
	Cancels session.Cancelled
	First   Stamp                        // the packet of its first byte
	Columns []messages.ColumnDescription // of a DataRow; nil if not known
	Types   []uint32                     // of the parameters of a Bind
	// Failed is the text that the position of an ErrorResponse is in, nil if it is not
	// known for certain; with Parts.Failed.
	Failed []byte
	// Replication is what a CopyData holds, nil if nothing of replication; Change
	// the change to data that it makes, nil for most.
	Replication *replication.Meaning
	Change      *replication.Change
}

// Wire returns the body as it was captured, secrets and all. It is for comparing,
// counting and decoding what holds none; what is shown comes from Decode or
// VisitBody.
func (m *Message) Wire() []byte { return m.body }

// VisitBody decodes the body and visits its fields, without secrets. It returns
// the fault of a body that has not the message's format, of which the fields before
// the fault were visited.
func (m *Message) VisitBody(v messages.Visitor) error { return m.privacy.visitBody(m, v) }

// Notes returns what is odd about the message.
func (m *Message) Notes() []session.Note {
	if m.More == nil {
		return nil
	}
	return m.More.Notes
}

// Cancels returns what a CancelRequest cancels.
func (m *Message) Cancels() session.Cancelled {
	if m.More == nil {
		return session.Cancelled{}
	}
	return m.More.Cancels
}

// Place is the packet that completed the message.
func (m *Message) Place() Stamp { return m.At }

// Of is its connection.
func (m *Message) Of() *Conn { return m.Conn }

// Clone returns a copy that borrows nothing. A copy is to be used by one goroutine.
func (m *Message) Clone() Record {
	c := *m
	c.privacy = &Privacy{Show: m.privacy.Show}
	c.body = bytes.Clone(m.body)
	if m.More != nil {
		more := *m.More
		more.Notes = slices.Clone(more.Notes)
		more.Types = slices.Clone(more.Types)
		more.Failed = bytes.Clone(more.Failed)
		more.Columns = slices.Clone(more.Columns)
		for i := range more.Columns {
			more.Columns[i].Name = bytes.Clone(more.Columns[i].Name)
		}
		if more.Replication != nil {
			meaning := *more.Replication
			more.Replication = &meaning
		}
		if more.Change != nil {
			more.Change = more.Change.Clone()
		}
		c.More = &more
	}
	return &c
}

// Keep returns what the message borrows and does not own in a copy, so that only its body
// and More have to be copied beside it: a copy of m is good as long as these are, and
// belongs to the goroutine that m does. What statements and descriptions of columns have
// is not copied: it does not change. size is what the copies take, in bytes.
func (m *More) Keep() (kept More, size int) {
	kept = *m
	kept.Notes, kept.Failed = slices.Clone(m.Notes), bytes.Clone(m.Failed)
	size = len(m.Failed)
	for i := range m.Notes {
		size += noteSize + len(m.Notes[i].Text)
	}
	if m.Replication != nil {
		meaning := *m.Replication
		kept.Replication = &meaning
		size += int(unsafe.Sizeof(meaning))
	}
	if m.Change != nil {
		kept.Change = m.Change.Clone()
		size += changeSize
		if s := m.Change.Sum; s != nil {
			size += len(s.Counts) * int(unsafe.Sizeof(s.Counts[0]))
		}
	}
	return kept, size
}

// noteSize and changeSize are what a note and a change take beside their texts and rows;
// those of a change are no longer than the message that it is in, which is counted.
const (
	noteSize   = int(unsafe.Sizeof(session.Note{}))
	changeSize = int(unsafe.Sizeof(replication.Change{}) + unsafe.Sizeof(replication.Meaning{}) + unsafe.Sizeof(replication.Sum{}))
)

// SetWire gives a copy of the message its own body.
func (m *Message) SetWire(body []byte) { m.body = body }

// HasValues are the kinds with values whose types other messages tell.
func HasValues(k messages.Kind) bool {
	switch k {
	case messages.KindDataRow, messages.KindBind, messages.KindFunctionCall, messages.KindFunctionCallResponse:
		return true
	}
	return false
}
