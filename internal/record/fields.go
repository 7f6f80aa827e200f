package record

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Fields that all records about a connection begin with, which writers write of
// themselves, and those that records have in common.
var (
	CommonTS     = NewField("ts", TypeTime, "", "When: the packet that completed the record's subject; of queries and connections the first.")
	CommonConn   = NewField("conn", TypeInt, "", "Number of the TCP connection, in order of its first packet.")
	CommonClient = NewField("client", TypeText, "", "Address and port of the client.")
	CommonServer = NewField("server", TypeText, "", "Address and port of the server.")
)

var (
	messageSchema = NewSchema("message", "One message of a connection.")
	mFrame        = messageSchema.Int("frame", "", "Number of the packet that completed the message, from 1.")
	mDir          = messageSchema.Text("dir", "Who sent it: frontend or backend.")
	mMsg          = messageSchema.Text("msg", "Its name in PostgreSQL's documentation.")
	mTag          = messageSchema.Text("tag", "The type byte.")
	mLen          = messageSchema.Int("len", "bytes", "Bytes on the wire, type byte and length included.")
	mPhase        = messageSchema.Text("phase", "The connection's phase when it was sent.")
	mTx           = messageSchema.Text("tx", "Transaction status: I, T or E.")
	mQuery        = messageSchema.Int("query", "", "Number of the query that it belongs to, within the connection.")
	mCancels      = messageSchema.Object("cancels", "What a CancelRequest cancels.")
	mBody         = messageSchema.Object("body", "The message's fields.")
	mNotes        = messageSchema.List("notes", "What is odd about it.")
	mTruncated    = messageSchema.Bool("truncated", "Part of the body is missing.")

	cancelConn  = NewField("conn", TypeInt, "", "Number of the connection.")
	cancelQuery = NewField("query", TypeInt, "", "Number of the query that was running.")
	noteCode    = NewField("code", TypeText, "", "What it is, as a word.")
	noteText    = NewField("text", TypeText, "", "What it is, as a sentence.")

	columnName     = NewField("name", TypeText, "", "The column's name.")
	columnTable    = NewField("table_oid", TypeInt, "", "OID of its table; 0: none.")
	columnNumber   = NewField("column", TypeInt, "", "Its number in the table.")
	columnTypeOID  = NewField("type_oid", TypeInt, "", "OID of its type.")
	columnType     = NewField("type", TypeText, "", "Name of its type, where it is built in.")
	columnSize     = NewField("type_size", TypeInt, "bytes", "Size of the type; negative: variable.")
	columnModifier = NewField("type_modifier", TypeInt, "", "The type's modifier.")
	columnFormat   = NewField("format", TypeInt, "", "0: text, 1: binary.")
)

func typeName(oid uint32) string { return value.TypeName(oid) }

// Schema describes messages.
func (m *Message) Schema() *Schema { return messageSchema }

// Visit shows the message.
func (m *Message) Visit(v Visitor) {
	v.Uint(mFrame, m.At.Frame)
	v.String(mDir, m.Direction.String())
	v.String(mMsg, m.Kind.String())
	if m.Tag != 0 {
		v.String(mTag, string(rune(m.Tag)))
	}
	v.Int(mLen, int64(m.Len))
	v.String(mPhase, m.Phase.String())
	status(v, mTx, m.Tx)
	if m.Query != 0 {
		v.Uint(mQuery, m.Query)
	}
	visitCancels(v, mCancels, m.Cancels())
	v.Open(mBody)
	b := bridge{Visitor: v}
	if m.More != nil {
		b.types, b.columns = m.More.Types, m.More.Columns
	}
	malformed := m.VisitBody(&b)
	v.Close()
	if notes := m.Notes(); len(notes) > 0 || malformed != nil {
		v.Open(mNotes)
		for i := range notes {
			visitNote(v, notes[i].Code, notes[i].Text)
		}
		if malformed != nil {
			visitNote(v, session.NoteMalformed, malformed.Error())
		}
		v.Close()
	}
	if m.Truncated {
		v.Bool(mTruncated, true)
	}
}

func visitNote(v Visitor, code, text string) {
	v.Open(nil)
	v.String(noteCode, code)
	v.String(noteText, text)
	v.Close()
}

func visitCancels(v Visitor, f *Field, c session.Cancelled) {
	if c.Conn == 0 {
		return
	}
	v.Open(f)
	v.Uint(cancelConn, c.Conn)
	if c.Query != 0 {
		v.Uint(cancelQuery, c.Query)
	}
	v.Close()
}

var statusText = map[byte]string{'I': "I", 'T': "T", 'E': "E"}

// status shows a transaction status, unless it is not known.
func status(v Visitor, f *Field, tx byte) {
	switch s := statusText[tx]; {
	case tx == 0:
	case s != "":
		v.String(f, s)
	default: // of a broken server
		v.String(f, string(rune(tx)))
	}
}

var (
	querySchema = NewSchema("query", "One unit of work: a query, with what came of it.")
	qID         = querySchema.Int("id", "", "Number within the connection; message records refer to it.")
	qProtocol   = querySchema.Text("protocol", "How it was asked: simple, extended, function_call or replication.")
	qUser       = querySchema.Text("user", "The user.")
	qDatabase   = querySchema.Text("database", "The database.")
	qApp        = querySchema.Text("application_name", "The application's name at the time.")
	qSQL        = querySchema.Text("sql", "The text.")
	qNormalized = querySchema.Text("normalized", "The text with literals as $1, $2…")
	qPrint      = querySchema.Text("fingerprint", "Equal for equal normalized texts.")
	qOperation  = querySchema.Text("operation", "The first command's name: SELECT, INSERT…")
	qStatement  = querySchema.Text("statement", "Name of the prepared statement; empty for the unnamed one.")
	qPortal     = querySchema.Text("portal", "Name of the portal.")
	qFunction   = querySchema.Int("function_oid", "", "OID of the function called.")
	qParams     = querySchema.List("params", "The parameters' values.")
	qTypes      = querySchema.List("param_types", "Their types.")
	qResults    = querySchema.List("results", "One for each command.")
	qRows       = querySchema.Int("rows", "", "Rows of all results.")
	qBytes      = querySchema.Int("bytes", "bytes", "Bytes of their messages.")
	qCopy       = querySchema.Object("copy", "The COPY that it began.")
	qError      = querySchema.Object("error", "Fields of the ErrorResponse.")
	qFailedAt   = querySchema.Text("failed_at", "Name of the message that the error answered.")
	qNotices    = querySchema.Int("notices", "", "Number of NoticeResponses.")
	qDuration   = querySchema.Int("duration_ns", "ns", "From the first request byte to the last reply byte.")
	qFirstReply = querySchema.Int("first_reply_ns", "ns", "To the first reply.")
	qFirstRow   = querySchema.Int("first_row_ns", "ns", "To the first row.")
	qPause      = querySchema.Int("pause_ns", "ns", "From the last reply before it to its first request.")
	qPaused     = querySchema.Bool("paused_in_transaction", "A transaction was open during that pause.")
	qPrepare    = querySchema.Int("prepare_ns", "ns", "Of a Parse and Describe that were answered on their own before it.")
	qNetwork    = querySchema.Int("network_ns", "ns", "What retransmission and zero windows explain of the duration.")
	qCommand    = querySchema.Object("command", "What a command of a replication connection asks for.")
	qBackup     = querySchema.Object("base_backup", "What a BASE_BACKUP sent.")
	qServer     = querySchema.Object("server", "How the server spent its time.")
	qTx         = querySchema.Text("tx", "Transaction status after it: I, T or E.")
	qCancelled  = querySchema.Int("cancelled_by", "", "Number of the connection whose CancelRequest ended it.")
	qComplete   = querySchema.Bool("complete", "Request and replies were seen whole.")
	qSkipped    = querySchema.Bool("skipped", "The server passed over it after an error.")
	qUnanswered = querySchema.Bool("unanswered", "Nothing was lost, and the server did not answer.")
	qInferred   = querySchema.List("inferred", "What was not seen but concluded.")
	qLost       = querySchema.Int("lost_bytes", "bytes", "Bytes of it that were not captured.")
	qComment    = querySchema.Map("comment", "Keys and values of the text's sqlcommenter comment.")
	qTrace      = querySchema.Text("trace_id", "The trace that the comment names.")
	qSpan       = querySchema.Text("span_id", "The span that the comment names.")

	resultTag       = NewField("command_tag", TypeText, "", "The command tag; left out where the command did not complete.")
	resultSuspended = NewField("suspended", TypeBool, "", "The row limit was reached.")
	resultColumns   = NewField("columns", TypeList, "", "Name and type of each column.")
	copyDirection   = NewField("direction", TypeText, "", "in, out or both, as the server sees it.")
	copyMessages    = NewField("messages", TypeInt, "", "Number of CopyData messages.")
	serverParse     = NewField("parse_ns", TypeInt, "ns", "Parsing and rewriting.")
	serverPlan      = NewField("plan_ns", TypeInt, "ns", "Planning.")
	serverExecute   = NewField("execute_ns", TypeInt, "ns", "Executing.")
	serverLock      = NewField("lock_wait_ns", TypeInt, "ns", "Waiting for locks.")
)

// Schema describes queries.
func (q *Query) Schema() *Schema { return querySchema }

// Visit shows the query.
func (q *Query) Visit(v Visitor) {
	v.Uint(qID, q.ID)
	fact(v, qProtocol, q.Protocol.String())
	fact(v, qUser, q.Who.User)
	fact(v, qDatabase, q.Who.Database)
	fact(v, qApp, q.Who.Application)
	q.visitText(v)
	if q.Protocol == exchange.ProtocolExtended {
		text(v, qStatement, q.Statement)
		text(v, qPortal, q.Portal)
	}
	if q.Protocol == exchange.ProtocolFunctionCall {
		v.Uint(qFunction, uint64(q.Function))
	}
	if q.HasParams {
		q.visitParams(v)
	}
	q.visitResults(v)
	if q.Command != nil {
		VisitCommand(v, q.Command)
	}
	if q.Backup != nil {
		visitBackup(v, qBackup, q.Backup)
	}
	if q.Error != nil {
		v.Open(qError)
		q.VisitError(&bridge{Visitor: v})
		v.Close()
		if q.FailedAt != messages.KindUnknown {
			v.String(qFailedAt, q.FailedAt.String())
		}
	}
	v.Int(qNotices, int64(q.Notices))
	q.visitTimes(v)
	status(v, qTx, q.Tx)
	number(v, qCancelled, q.CancelledBy)
	v.Bool(qComplete, q.Complete)
	yes(v, qSkipped, q.Skipped)
	yes(v, qUnanswered, q.Unanswered)
	if q.Missing != 0 {
		v.Open(qInferred)
		for _, name := range q.Missing.Names() {
			v.String(nil, name)
		}
		v.Close()
	}
	number(v, qLost, q.LostBytes)
	q.visitComment(v)
}

func (q *Query) visitText(v Visitor) {
	if q.SQL == nil {
		return
	}
	v.Text(qSQL, q.SQL)
	if q.Normalized != nil {
		v.Text(qNormalized, q.Normalized)
		v.String(qPrint, string(sqlnorm.AppendFingerprint(nil, q.Fingerprint)))
		fact(v, qOperation, q.Operation)
	}
}

func (q *Query) visitParams(v Visitor) {
	v.Open(qParams)
	for i, value := range q.Params {
		oid := uint32(0)
		if i < len(q.Types) {
			oid = q.Types[i]
		}
		v.Value(nil, value, oid, FormatOf(q.Formats, i))
	}
	v.Close()
	if len(q.Types) == 0 {
		return
	}
	v.Open(qTypes)
	for _, oid := range q.Types {
		v.String(nil, NameOfType(oid))
	}
	v.Close()
}

func (q *Query) visitResults(v Visitor) {
	v.Open(qResults)
	for i := range q.Results {
		r := &q.Results[i]
		v.Open(nil)
		text(v, resultTag, r.Tag)
		v.Uint(qRows, r.Rows)
		v.Uint(qBytes, r.Bytes)
		if r.Columns != nil {
			v.Open(resultColumns)
			for k := range r.Columns {
				v.Open(nil)
				v.Text(columnName, r.Columns[k].Name)
				v.Uint(columnTypeOID, uint64(r.Columns[k].TypeOID))
				fact(v, columnType, typeName(r.Columns[k].TypeOID))
				v.Close()
			}
			v.Close()
		}
		yes(v, resultSuspended, r.Suspended)
		v.Close()
	}
	v.Close()
	v.Uint(qRows, q.Rows)
	v.Uint(qBytes, q.Bytes)
	if q.Copy != exchange.CopyNone {
		v.Open(qCopy)
		v.String(copyDirection, q.Copy.String())
		v.Uint(qBytes, q.CopyBytes)
		v.Uint(copyMessages, q.CopyMessages)
		v.Close()
	}
}

func (q *Query) visitTimes(v Visitor) {
	duration(v, qDuration, q.Duration)
	duration(v, qFirstReply, q.FirstReplyTime())
	duration(v, qFirstRow, q.FirstRowTime())
	if q.Start.Time != 0 {
		duration(v, qPause, q.Pause)
	}
	yes(v, qPaused, q.Pause >= 0 && (q.PauseTx == 'T' || q.PauseTx == 'E'))
	duration(v, qPrepare, q.Prepare)
	duration(v, qNetwork, q.Network)
	if s := q.Server; s != nil {
		v.Open(qServer)
		duration(v, serverParse, s.Parse)
		duration(v, serverPlan, s.Plan)
		duration(v, serverExecute, s.Execute)
		duration(v, serverLock, s.LockWait)
		v.Close()
	}
}

func (q *Query) visitComment(v Visitor) {
	if len(q.Comment) > 0 {
		v.Open(qComment)
		for i := range q.Comment {
			v.Key(q.Comment[i].Name)
			v.Text(nil, q.Comment[i].Value)
		}
		v.Close()
	}
	fact(v, qTrace, q.TraceID)
	fact(v, qSpan, q.SpanID)
}

func fact(v Visitor, f *Field, s string) {
	if s != "" {
		v.String(f, s)
	}
}

func text(v Visitor, f *Field, b []byte) {
	if b != nil {
		v.Text(f, b)
	}
}

func yes(v Visitor, f *Field, b bool) {
	if b {
		v.Bool(f, true)
	}
}

func number(v Visitor, f *Field, n uint64) {
	if n > 0 {
		v.Uint(f, n)
	}
}

func duration(v Visitor, f *Field, ns int64) {
	if ns != Unknown {
		v.Int(f, ns)
	}
}

// NameOfType returns a type's name, its number where it is not built in.
func NameOfType(oid uint32) string {
	if t := value.TypeName(oid); t != "" {
		return t
	}
	return strconv.FormatUint(uint64(oid), 10)
}
