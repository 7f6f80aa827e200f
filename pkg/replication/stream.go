package replication

import (
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Mode is what flows over a connection.
type Mode uint8

// The modes. ModeUnknown is that of a connection whose command was not seen.
const (
	ModeUnknown Mode = iota
	ModeNone         // nothing of replication, as rows of a COPY
	ModePhysical
	ModeLogical
	ModeBackup    // BASE_BACKUP of PostgreSQL 15 and later
	ModeBackupOld // of an older server: a CopyOut for each archive
)

var modeNames = [...]string{"", "none", "physical", "logical", "base_backup", "base_backup"}

func (m Mode) String() string { return modeNames[m] }

// The output plugins whose messages are known. Others are named as the server
// names them.
const (
	PluginPgoutput     = "pgoutput"
	PluginTestDecoding = "test_decoding"
	PluginWal2json     = "wal2json"
	PluginDecoderbufs  = "decoderbufs"
)

// Flags tell how sure a Meaning is.
type Flags uint8

const (
	// InferredPlugin: no command named the output plugin, the bytes did.
	InferredPlugin Flags = 1 << iota
	// InferredRelation: the description is another connection's, or from before a
	// loss.
	InferredRelation
	// InferredStream: whether there is a transaction number was concluded from the
	// message, since bytes were lost before it.
	InferredStream
	// UnknownRelation: no description of the relation is known.
	UnknownRelation
	// Ambiguous: the message reads with and without a transaction number.
	Ambiguous
	// OutOfStream: the message has not the form that the messages before it called
	// for.
	OutOfStream
	// Cut: bytes at the end were not captured.
	Cut
)

// Meaning is what a CopyData is, as far as the messages before it tell. It is a
// value, and what it refers to never changes: it may be kept, and used in another
// goroutine.
type Meaning struct {
	Kind    Kind // KindUnknown where it is nothing of replication, or malformed
	Logical Kind // the message of pgoutput inside WALData
	Flags   Flags
	// Streamed tells that the message has a transaction number.
	Streamed bool
	// raw tells that ArchiveData has no first byte.
	raw bool
	// Mode is ModeUnknown while nothing tells.
	Mode Mode
	// Size is the true length of the data of a WALData or ArchiveData, in bytes.
	Size int
	// XID is the transaction that the logical message belongs to, with streamed ones
	// that of the outermost; 0 if not known.
	XID uint32
	// Plugin is the output plugin of logical replication, "" if not known.
	Plugin string
	// Relation describes the rows of Insert, Update, Delete; nil if not known.
	Relation *Relation
	// Truncated are the relations of a Truncate, nil for those not known.
	Truncated []*Relation
	// Fault tells why Kind or Logical is KindUnknown although it should not be.
	Fault *Fault
}

// Stream follows the replication messages of one connection. It belongs to one
// goroutine.
type Stream struct {
	catalog  *Catalog
	server   string
	database *database // that of server where its name is not known
	all      *database // of the server
	mode     Mode
	command  Command
	plugin   string
	// told tells that a command named the plugin; since, that its messages were
	// recognised.
	told bool

	stream streamState
	xid    uint32 // of the transaction, 0 if not known
	known  known
	tables []*Relation // of the latest Truncate
	next   LSN         // where the next WALData goes on, physically; 0 not known
	backup backupState

	decoder  Decoder
	oldStart bool // the next CopyData is the first of a base backup
	outer    Message
	inner    Message
}

// streamState is whether messages are between StreamStart and StreamStop.
type streamState uint8

const (
	streamUnknown streamState = iota
	streamOut
	streamIn
)

// NewStream returns the Stream of a connection to a server (its address), of
// whose commands nothing has been seen.
func NewStream(c *Catalog, server string) *Stream {
	all := c.database(server, "")
	return &Stream{catalog: c, server: server, database: all, all: all, known: known{catalog: c, holes: 1}}
}

// Startup tells that the connection was seen from its beginning, and for which
// database.
func (s *Stream) Startup(database string) {
	s.mode, s.stream = ModeNone, streamOut
	s.database = s.catalog.database(s.server, database)
}

// Mode returns what flows over the connection.
func (s *Stream) Mode() Mode { return s.mode }

// Plugin returns the output plugin and whether a command named it.
func (s *Stream) Plugin() (name string, told bool) { return s.plugin, s.told }

// Command returns the latest command.
func (s *Stream) Command() *Command { return &s.command }

// Begin takes the text of a Query. What is no command of a walsender is SQL, whose
// COPY has nothing to do with replication.
func (s *Stream) Begin(sql string) *Command {
	s.command, _ = ParseCommand(sql)
	c := &s.command
	s.mode, s.stream, s.xid, s.next = ModeNone, streamOut, 0, 0
	// pgoutput describes relations anew to each START_REPLICATION, and nothing was
	// lost since.
	s.known.close()
	s.known.holes = 0
	switch c.Kind {
	case CommandCreateReplicationSlot:
		s.catalog.setPlugin(s.server, c.Slot, strings.ToLower(c.Plugin))
	case CommandDropReplicationSlot:
		s.catalog.dropSlot(s.server, c.Slot)
	case CommandBaseBackup:
		s.mode, s.oldStart = ModeBackup, true
		s.backup.begin()
	case CommandStartReplication:
		s.start(c)
	}
	return c
}

func (s *Stream) start(c *Command) {
	s.plugin, s.told = "", false
	if !c.Logical {
		s.mode = ModePhysical
		return
	}
	s.mode = ModeLogical
	if c.pgoutput() {
		s.plugin = PluginPgoutput
	} else {
		s.plugin = s.catalog.plugin(s.server, c.Slot)
	}
	s.told = s.plugin != ""
}

// Lost tells that bytes of a direction are missing, of which messages may have
// been.
func (s *Stream) Lost(d messages.Direction) {
	if d == messages.Frontend {
		return
	}
	s.known.holes++
	s.stream, s.xid, s.next = streamUnknown, 0, 0
	s.backup.lost()
}

// Close gives back what the connection held of the catalog.
func (s *Stream) Close() { s.known.close() }

// Backup returns what is known of the base backup, its archives in order. It is
// valid until the next call of Observe or Begin.
func (s *Stream) Backup() *Backup { return &s.backup.Backup }

// CopyOut tells that a CopyOutResponse was seen.
func (s *Stream) CopyOut() {
	if s.mode == ModeBackupOld {
		s.backup.nextOld()
	}
}

// Latest returns the messages of the latest Observe, nil where there are none.
// They are valid until the next one.
func (s *Stream) Latest() (outer, inner Message) { return s.outer, s.inner }

// Observe takes the body of a CopyData, borrowed for the call; size is its true
// length, more than len(data) where its end was not captured.
func (s *Stream) Observe(d messages.Direction, data []byte, size int) Meaning {
	m := Meaning{Mode: s.mode}
	s.outer, s.inner = nil, nil
	if size > len(data) {
		m.Flags |= Cut
	}
	switch s.mode {
	case ModeNone:
		return m
	case ModeBackup, ModeBackupOld:
		if d == messages.Backend {
			s.observeBackup(&m, data, size)
		}
		return m
	}
	m.Kind = outerKind(d, data)
	if s.outer, m.Fault = s.decoder.outer(&m, data); m.Fault != nil {
		m.Kind = KindUnknown
		m.forgive()
		return m
	}
	if w, ok := s.outer.(*WALData); ok {
		m.Size = size - walHeader
		s.observeWAL(&m, w)
	}
	return m
}

// forgive takes back the fault of a message whose end was not captured.
func (m *Meaning) forgive() {
	if m.Flags&Cut != 0 {
		m.Fault = nil
	}
}

// walHeader is what stands in a WALData before its data.
const walHeader = 1 + 3*8

// outerKind is the kind of a message of streaming replication.
func outerKind(d messages.Direction, data []byte) Kind {
	if len(data) == 0 {
		return KindUnknown
	}
	if d == messages.Frontend {
		switch data[0] {
		case 'r':
			return KindStandbyStatusUpdate
		case 'h':
			return KindHotStandbyFeedback
		case 'p':
			return KindPrimaryStatusRequest
		}
		return KindUnknown
	}
	switch data[0] {
	case 'w':
		return KindWALData
	case 'k':
		return KindPrimaryKeepalive
	case 's':
		return KindPrimaryStatusUpdate
	}
	return KindUnknown
}

func (s *Stream) observeWAL(m *Meaning, w *WALData) {
	if s.mode == ModeUnknown {
		s.recognise(w, m.Size, m.Flags&Cut != 0)
		m.Mode = s.mode
	}
	if s.mode == ModeLogical {
		s.observeLogical(m, w.Data)
		return
	}
	s.next = w.Start + LSN(m.Size)
}

// recognise concludes what flows over a connection that was joined inside a
// stream: pgoutput is known by the form of its messages, physical WAL by data that
// goes on where the data before it ended.
func (s *Stream) recognise(w *WALData, size int, cut bool) {
	switch {
	case !cut && s.decoder.strong(w.Data):
		s.mode, s.plugin = ModeLogical, PluginPgoutput
	case size > 0 && s.next != 0 && s.next == w.Start:
		s.mode = ModePhysical
	}
}
