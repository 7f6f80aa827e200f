package replication

// Kind is one of the messages inside CopyData, or inside WALData.
type Kind uint8

// The messages of streaming replication and base backup (manual: "Streaming
// Replication Protocol"), then those of pgoutput (manual: "Logical Replication
// Message Formats").
const (
	KindUnknown Kind = iota
	KindWALData
	KindPrimaryKeepalive
	KindPrimaryStatusUpdate
	KindStandbyStatusUpdate
	KindHotStandbyFeedback
	KindPrimaryStatusRequest
	KindNewArchive
	KindManifest
	KindArchiveData
	KindProgress

	KindBegin
	KindMessage
	KindCommit
	KindOrigin
	KindRelation
	KindType
	KindInsert
	KindUpdate
	KindDelete
	KindTruncate
	KindStreamStart
	KindStreamStop
	KindStreamCommit
	KindStreamAbort
	KindBeginPrepare
	KindPrepare
	KindCommitPrepared
	KindRollbackPrepared
	KindStreamPrepare

	NumKinds
)

// kinds is the one table of them. streamed tells which begin with a transaction
// number inside a streamed transaction.
var kinds = [NumKinds]struct {
	name     string
	tag      byte
	streamed bool
	make     func() Message
}{
	KindWALData:              {"WALData", 'w', false, func() Message { return new(WALData) }},
	KindPrimaryKeepalive:     {"PrimaryKeepalive", 'k', false, func() Message { return new(PrimaryKeepalive) }},
	KindPrimaryStatusUpdate:  {"PrimaryStatusUpdate", 's', false, func() Message { return new(PrimaryStatusUpdate) }},
	KindStandbyStatusUpdate:  {"StandbyStatusUpdate", 'r', false, func() Message { return new(StandbyStatusUpdate) }},
	KindHotStandbyFeedback:   {"HotStandbyFeedback", 'h', false, func() Message { return new(HotStandbyFeedback) }},
	KindPrimaryStatusRequest: {"PrimaryStatusRequest", 'p', false, func() Message { return new(PrimaryStatusRequest) }},
	KindNewArchive:           {"NewArchive", 'n', false, func() Message { return new(NewArchive) }},
	KindManifest:             {"Manifest", 'm', false, func() Message { return new(Manifest) }},
	KindArchiveData:          {"ArchiveData", 'd', false, func() Message { return new(ArchiveData) }},
	KindProgress:             {"Progress", 'p', false, func() Message { return new(Progress) }},

	KindBegin:            {"Begin", 'B', false, func() Message { return new(Begin) }},
	KindMessage:          {"Message", 'M', true, func() Message { return new(LogicalMessage) }},
	KindCommit:           {"Commit", 'C', false, func() Message { return new(Commit) }},
	KindOrigin:           {"Origin", 'O', false, func() Message { return new(Origin) }},
	KindRelation:         {"Relation", 'R', true, func() Message { return new(RelationMessage) }},
	KindType:             {"Type", 'Y', true, func() Message { return new(Type) }},
	KindInsert:           {"Insert", 'I', true, func() Message { return new(Insert) }},
	KindUpdate:           {"Update", 'U', true, func() Message { return new(Update) }},
	KindDelete:           {"Delete", 'D', true, func() Message { return new(Delete) }},
	KindTruncate:         {"Truncate", 'T', true, func() Message { return new(Truncate) }},
	KindStreamStart:      {"StreamStart", 'S', false, func() Message { return new(StreamStart) }},
	KindStreamStop:       {"StreamStop", 'E', false, func() Message { return new(StreamStop) }},
	KindStreamCommit:     {"StreamCommit", 'c', false, func() Message { return new(StreamCommit) }},
	KindStreamAbort:      {"StreamAbort", 'A', false, func() Message { return new(StreamAbort) }},
	KindBeginPrepare:     {"BeginPrepare", 'b', false, func() Message { return new(BeginPrepare) }},
	KindPrepare:          {"Prepare", 'P', false, func() Message { return new(Prepare) }},
	KindCommitPrepared:   {"CommitPrepared", 'K', false, func() Message { return new(CommitPrepared) }},
	KindRollbackPrepared: {"RollbackPrepared", 'r', false, func() Message { return new(RollbackPrepared) }},
	KindStreamPrepare:    {"StreamPrepare", 'p', false, func() Message { return new(StreamPrepare) }},
}

// String returns the name of the manual; XLogData, as the manual called it before
// PostgreSQL 19, is WALData.
func (k Kind) String() string { return kinds[k].name }

// Logical reports whether k is a message of pgoutput.
func (k Kind) Logical() bool { return k >= KindBegin && k < NumKinds }

// Tag returns the byte that a message of the kind begins with.
func (k Kind) Tag() byte { return kinds[k].tag }

// Named returns the kind of that name; XLogData is another name of WALData.
func Named(name string) (Kind, bool) {
	if name == "XLogData" {
		return KindWALData, true
	}
	for k := KindUnknown + 1; k < NumKinds; k++ {
		if kinds[k].name == name {
			return k, true
		}
	}
	return KindUnknown, false
}

// logicalKinds finds the messages of pgoutput by their first byte.
var logicalKinds = func() (t [256]Kind) {
	for k := KindBegin; k < NumKinds; k++ {
		t[kinds[k].tag] = k
	}
	return t
}()

// Message is one of the messages of this package; all are pointers to structs
// that can be decoded into again.
type Message interface {
	Kind() Kind
	// Append appends the message as it stands on the wire, its first byte
	// included. What was decoded comes out as the same bytes.
	Append(dst []byte) []byte
	// Visit names each field once, in the order of the wire, with the names of
	// the JSON output. Values are borrowed for the duration of each call.
	Visit(v Visitor)
	// decode reads what follows the first byte.
	decode(c *cursor)
}

// Visitor receives the fields of a message.
type Visitor interface {
	Int(name string, v int64)
	// Uint is a number of 64 bits without sign: a full transaction number.
	Uint(name string, v uint64)
	Bool(name string, v bool)
	LSN(name string, v LSN)
	Time(name string, v Time)
	// Text is text in the encoding of the database; it may not be UTF-8.
	Text(name string, v []byte)
	// Data is a payload: text where it is UTF-8, else bytes.
	Data(name string, v []byte)
	// Size is the length of a payload that is counted and not shown.
	Size(name string, n int)
	// Relations are the tables of a Truncate: their OIDs.
	Relations(name string, v OIDs)
	// Columns are the columns of a relation.
	Columns(name string, l ColumnList)
	// Tuple is a row: "new", "old" or "key".
	Tuple(name string, t Tuple)
}
