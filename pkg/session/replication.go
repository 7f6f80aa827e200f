package session

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// startReplication begins to follow what a replication connection carries. whole
// tells that it was seen from its startup on.
func (s *Session) startReplication(whole bool) {
	if s.shared.catalog == nil {
		s.shared.catalog = replication.NewCatalog()
	}
	s.replication = replication.NewConnection(s.shared.catalog, s.Server)
	if whole {
		s.replication.Startup(s.info.Database)
	}
}

// endReplication gives back what it holds of the catalog; what is known of it
// stays for the record of the connection.
func (s *Session) endReplication() {
	if s.replication != nil {
		s.info.Stream = s.replication.Summary()
		s.replication.Close()
	}
}

// Replication returns what is known of a replication connection, nil for others.
func (s *Session) Replication() *replication.Connection { return s.replication }

// replicate follows the messages that replication consists of. A connection that
// was joined in its middle is known by data that flows both ways.
func (s *Session) replicate(e *Event) {
	if s.replication == nil {
		if e.Step.After != messages.PhaseCopyBoth {
			return
		}
		s.startReplication(false)
		s.noteReplicates(e)
	}
	switch e.Kind {
	case messages.KindQuery:
		var m messages.Query
		_ = m.Decode(e.Body) // of a cut one, what is there
		s.replication.Begin(string(m.SQL[:min(len(m.SQL), maxCommand)]))
	case messages.KindCopyOutResponse:
		s.replication.CopyOut()
	case messages.KindCopyData:
		size := max(e.Len-messageHead, len(e.Body))
		e.Replication = s.replication.CopyData(e.Direction, e.Body, size, e.At.Time)
		s.noteReplication(e)
	}
}

const (
	// messageHead is the type byte and length field of a message.
	messageHead = 5
	// maxCommand is more than a command of replication has: the names of some
	// hundred publications.
	maxCommand = 16 << 10
)

// noteReplication says what is odd about a replication message.
func (s *Session) noteReplication(e *Event) {
	m := &e.Replication.Meaning
	switch {
	case m.Fault != nil:
		e.Notes = append(e.Notes, Note{NoteMalformed, m.Fault.Error()})
	case m.Flags&replication.Ambiguous != 0:
		e.Notes = append(e.Notes, Note{NoteAmbiguous, "it reads with and without a transaction number, and bytes before it were not captured"})
	case m.Flags&replication.OutOfStream != 0:
		e.Notes = append(e.Notes, Note{NoteStream, "it has not the form that the messages before it call for: a StreamStart or StreamStop is missing"})
	default:
		return
	}
	s.shared.notes = e.Notes[:0]
}
