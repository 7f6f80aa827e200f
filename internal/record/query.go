package record

import (
	"bytes"
	"slices"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Unknown is the value of durations that are not known.
const Unknown = -1

// Query is one query cycle: a simple Query with all its commands, an Execute with
// what led to it, a function call, a replication command. Durations are
// nanoseconds, Unknown where an end was not seen.
type Query struct {
	Conn     *Conn
	Who      *Who
	ID       uint64 // number within the connection
	Protocol exchange.Protocol

	// SQL is the text without secrets; nil if it is not known, cut where it was
	// too long to keep. SQLLen is the bytes of the whole text.
	SQL    []byte
	SQLLen int
	// What is derived from the text, where Wants.Normalized: with literals as $1,
	// $2…; nil and 0 where the text is not known.
	Normalized  []byte
	Fingerprint uint64
	Operation   string
	// The comment's sqlcommenter keys, and the trace that they name.
	Comment         []messages.Pair
	TraceID, SpanID string

	Statement []byte // name; nil where there is none, empty for the unnamed
	Portal    []byte
	Function  uint32 // OID of the function called

	// HasParams tells that a Bind or FunctionCall was seen. Params is what it
	// carried, without secrets, in the formats of Formats (none: text; one: for all;
	// else one each), where Wants.Parameters; Types their types as far as known.
	HasParams bool
	Params    messages.Values
	Formats   []int16
	Types     []uint32
	// CutParameter is the length in bytes of the last of them if only its beginning is
	// there, else 0.
	CutParameter int

	Results []Result // one for each command
	Rows    uint64   // sums of Results
	Bytes   uint64

	Copy         exchange.CopyMode
	CopyBytes    uint64
	CopyMessages uint64
	// MixedCopies tells that there were COPY commands in both directions, which the
	// results tell of; Copy is that of the latest.
	MixedCopies bool

	// Command is what a command of a replication connection asks for, nil for
	// others; Backup what its BASE_BACKUP sent.
	Command *replication.Command
	Backup  *replication.Backup

	Error    []byte        // body of the ErrorResponse, without secrets; nil if none
	FailedAt messages.Kind // what the error answered
	Notices  int

	Start Stamp // first byte of the first request
	// Asked is the first request byte of the stretch that the replies answer, which
	// durations begin with.
	Asked      Stamp
	FirstReply Stamp
	FirstRow   Stamp
	End        Stamp // last reply
	Duration   int64
	Pause      int64 // from the last reply before it to its first request
	Prepare    int64 // of a Parse and Describe that were answered on their own
	Network    int64 // of Duration, what waiting for lost packets to come again took
	// Server is what the server itself says its work took; nil where it does not.
	Server *exchange.ServerTimes

	TxBefore byte // transaction status before it, 0 if not known
	PauseTx  byte // during Pause
	Tx       byte // after it

	Missing     exchange.Missing // what was concluded, not seen
	Complete    bool
	Skipped     bool // the server passed over it after an error
	Unanswered  bool // nothing was lost, and no answer came
	LostBytes   uint64
	Sampled     Sampled
	CancelledBy uint64 // connection whose CancelRequest ended it; 0: none
	// Pooled is what a pooler made of it; Behind tells that it may be what a pooler made
	// of another one, which is told later.
	Pooled Pooled
	Behind bool

	privacy *Privacy
	// Where the text is that of a prepared statement: what is kept with that, nil if
	// nothing. Else, what was derived from the text.
	statement, derived *Normalized
	named              bool // by the statement's own name, and by the unnamed portal
	owned              bool // SQL is the text that the statement keeps
	later              bool // the text is for Derive
	escapes            bool // backslashes in its constants are escapes

	params  messages.Values // memory for Keep
	formats []int16
	word    [16]byte // memory for Visit
	numbers [9]int64
}

// Derive fills in what is derived from the text of a query that was not prepared, where
// the Maker has left that to the goroutine that writes (Parts.Later). What it fills in
// is borrowed until the next call with the same Normalizer.
func (q *Query) Derive(n *Normalizer) {
	if !q.later {
		return
	}
	q.later = false
	if q.derived == nil {
		q.derived = n.OfText(q.SQL, q.escapes)
	}
	q.Normalized, q.Fingerprint, q.Operation = q.derived.Text, q.derived.Hash, q.derived.Operation
	n.comment(q)
}

// Escapes reports whether backslashes in plain constants of the SQL are escapes.
func (q *Query) Escapes() bool { return q.escapes }

// Result is what one command returned.
type Result struct {
	Tag       []byte // nil if the command did not complete
	Rows      uint64
	Bytes     uint64
	Suspended bool
	Copied    exchange.Copied // of one of several COPY commands
	// Columns are its columns, where Wants.Columns; nil if not known.
	Columns []messages.ColumnDescription

	described *exchange.Columns // where they come from
}

// Described is where its columns come from, nil if they are not known. Two that have the
// same description are told alike.
func (r *Result) Described() *exchange.Columns { return r.described }

// TypeOf is the type of a parameter, 0 where it is not known.
func (q *Query) TypeOf(i int) uint32 {
	if i < len(q.Types) {
		return q.Types[i]
	}
	return 0
}

// FormatOf is the format code of a parameter.
func (q *Query) FormatOf(i int) int16 { return messages.FormatOf(q.Formats, i) }

// Place is the first packet of the request, or of the reply if that was not seen.
func (q *Query) Place() Stamp {
	if q.Start.Frame == 0 {
		return q.FirstReply
	}
	return q.Start
}

// Of is its connection.
func (q *Query) Of() *Conn { return q.Conn }

// SQLState returns the five characters of the error's code, nil if there is none.
func (q *Query) SQLState() []byte {
	x := exchange.Exchange{Error: q.Error}
	return x.SQLState()
}

// VisitError visits the fields of the error, without secrets. It reports whether
// there is one.
func (q *Query) VisitError(v messages.Visitor) bool { return q.privacy.visitError(q, v) }

// ErrorFields decodes the error into e, whose memory is the record's. It reports
// whether there is one.
func (q *Query) ErrorFields(e *messages.ErrorResponse) bool {
	return q.Error != nil && (e.Decode(q.Error) == nil || len(e.Fields) > 0)
}

// FirstReplyTime and FirstRowTime return the nanoseconds from the first request that
// is answered to these, Unknown where an end was not seen.
func (q *Query) FirstReplyTime() int64 { return q.since(q.FirstReply) }

// FirstRowTime is the time to the first row.
func (q *Query) FirstRowTime() int64 { return q.since(q.FirstRow) }

func (q *Query) since(at Stamp) int64 {
	ns := at.Time - q.Asked.Time
	if q.Asked.Time == 0 || at.Time == 0 || ns < 0 || q.Skipped {
		return Unknown
	}
	return ns
}

// Keep moves what is borrowed into mem, so that q may be read later; it returns mem
// with what was added, and false, with q as it was, where q is too long for that. What
// belongs to prepared statements and to descriptions of columns is not copied: it does
// not change.
func (q *Query) Keep(mem []byte) ([]byte, bool) {
	const maxText, maxResults, maxParams = 16 << 10, 16, 256
	if len(q.SQL)+len(q.Error) > maxText || len(q.Results) > maxResults || len(q.Params) > maxParams {
		return mem, false
	}
	keep := func(b []byte) []byte {
		if len(b) == 0 {
			return b
		}
		mem = append(mem, b...)
		return slices.Clip(mem[len(mem)-len(b):])
	}
	if !q.owned {
		q.SQL = keep(q.SQL)
	}
	if q.statement == nil && !q.later {
		q.Normalized, q.derived = keep(q.Normalized), nil
	}
	q.Portal, q.Error = keep(q.Portal), keep(q.Error)
	for i := range q.Results {
		q.Results[i].Tag = keep(q.Results[i].Tag)
	}
	q.params = append(q.params[:0], q.Params...)
	q.formats = append(q.formats[:0], q.Formats...)
	for i, v := range q.params {
		q.params[i] = keep(v)
	}
	q.Params, q.Formats = q.params, q.formats
	return mem, true
}

// Clone returns a copy that borrows nothing.
func (q *Query) Clone() Record {
	c := *q
	c.privacy = &Privacy{Show: q.privacy.Show}
	c.SQL, c.Normalized = bytes.Clone(q.SQL), bytes.Clone(q.Normalized)
	c.Statement, c.Portal, c.Error = bytes.Clone(q.Statement), bytes.Clone(q.Portal), bytes.Clone(q.Error)
	c.Params, c.Formats, c.Types = q.Params.Clone(), slices.Clone(q.Formats), slices.Clone(q.Types)
	c.Comment = slices.Clone(q.Comment)
	for i := range c.Comment {
		c.Comment[i].Name, c.Comment[i].Value = bytes.Clone(c.Comment[i].Name), bytes.Clone(c.Comment[i].Value)
	}
	c.Results = slices.Clone(q.Results)
	for i := range c.Results {
		r := &c.Results[i]
		r.Tag, r.Columns, r.described = bytes.Clone(r.Tag), slices.Clone(r.Columns), nil
		for k := range r.Columns {
			r.Columns[k].Name = bytes.Clone(r.Columns[k].Name)
		}
	}
	c.statement, c.derived, c.later, c.params, c.formats = nil, nil, false, nil, nil
	return &c
}

// CommandOf returns what the command of a replication connection asks for, and
// what its BASE_BACKUP has sent; nil for all others. It is for the end of a query.
func CommandOf(s *session.Session, x *exchange.Exchange) (*replication.Command, *replication.Backup) {
	if x.Protocol != exchange.ProtocolReplication || x.SQL == nil {
		return nil, nil
	}
	c, _ := replication.ParseCommand(string(x.SQL)) // of one that is cut, what is there
	r := s.Replication()
	switch {
	case c.Kind == replication.CommandNone:
		return nil, nil
	case c.Kind != replication.CommandBaseBackup || r == nil || len(r.Backup().Archives) == 0:
		return &c, nil
	}
	return &c, r.Backup().Clone()
}
