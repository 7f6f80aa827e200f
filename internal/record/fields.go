package record

import (
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Fields that all records about a connection begin with, which writers write of
// themselves, and those that records have in common.
var (
	CommonType   = NewField("type", TypeText, "", "What the record is: the name of its schema.")
	CommonTS     = NewField("ts", TypeTime, "", "When: the packet that completed the record's subject; of queries and connections the first.")
	CommonConn   = NewField("conn", TypeInt, "", "Number of the TCP connection, in order of its first packet.")
	CommonClient = NewField("client", TypeText, "", "Address and port of the client.")
	CommonServer = NewField("server", TypeText, "", "Address and port of the server.")
	// These come last, where --max-value-bytes or the capture cut something.
	CommonTruncated = NewField("truncated", TypeBool, "", "Not all of it is there.")
	CommonCut       = NewField("cut", TypeList, "", "The values that --max-value-bytes shortened: field and length in bytes.")
)

var (
	// What is told of a column, be it of a result or of a table that is replicated.
	ColumnName     = NewField("name", TypeText, "", "The column's name.")
	ColumnTable    = NewField("table_oid", TypeInt, "", "OID of its table; 0: none.")
	ColumnNumber   = NewField("column", TypeInt, "", "Its number in the table.")
	ColumnTypeOID  = NewField("type_oid", TypeInt, "", "OID of its type.")
	ColumnType     = NewField("type", TypeText, "", "Name of its type, where it is built in.")
	ColumnSize     = NewField("type_size", TypeInt, "bytes", "Size of the type; negative: variable.")
	ColumnModifier = NewField("type_modifier", TypeInt, "", "The type's modifier.")
	ColumnFormat   = NewField("format", TypeInt, "", "0: text, 1: binary.")
	ColumnKey      = NewField("key", TypeBool, "", "Of a replicated table: it is part of the row's identity.")
)

func typeName(oid uint32) string { return value.TypeName(oid) }

// statusWords are the transaction statuses of a field.
type statusWords struct {
	field              *Field
	idle, open, failed *Word
}

func newStatusWords(f *Field) statusWords {
	return statusWords{f, NewWord(f, "I"), NewWord(f, "T"), NewWord(f, "E")}
}

// visit shows a transaction status, unless it is not known.
func (w *statusWords) visit(v Visitor, tx byte) {
	switch tx {
	case 0:
	case 'I':
		v.Word(w.idle)
	case 'T':
		v.Word(w.open)
	case 'E':
		v.Word(w.failed)
	default: // of a broken server
		v.String(w.field, string(rune(tx)))
	}
}

var (
	mStatus, qStatus = newStatusWords(MessageTx), newStatusWords(qTx)
	protocolWords    = func() (list [exchange.ProtocolReplication + 1]*Word) {
		for p := range list {
			list[p] = NewWord(qProtocol, exchange.Protocol(p).String())
		}
		return list
	}()
	// The numbers of a query that stand together, where nothing comes between.
	resultNumbers = []*Field{qRows, qBytes}
	queryNumbers  = []*Field{qRows, qBytes, qNotices, qDuration, qPrepare, qFirstReply, qFirstRow, qNetwork, qPause}
)

var (
	querySchema = NewSchema("query", "One query cycle: a query, with what came of it.")
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
	qCommand    = querySchema.Object("command", "What a command of a replication connection asks for.")
	qBackup     = querySchema.Object("base_backup", "What a BASE_BACKUP sent.")
	qError      = querySchema.Object("error", "Fields of the ErrorResponse.")
	qFailedAt   = querySchema.Text("failed_at", "Name of the message that the error answered.")
	qNotices    = querySchema.Int("notices", "", "Number of NoticeResponses.")
	qDuration   = querySchema.Int("duration_ns", "ns", "From the first request byte to the last reply byte.")
	qPrepare    = querySchema.Int("prepare_ns", "ns", "Of a Parse and Describe that were answered on their own before it.")
	qFirstReply = querySchema.Int("first_reply_ns", "ns", "To the first reply.")
	qFirstRow   = querySchema.Int("first_row_ns", "ns", "To the first row.")
	qNetwork    = querySchema.Int("network_ns", "ns", "Of duration_ns: nothing was seen until a lost segment came again.")
	qPause      = querySchema.Int("pause_ns", "ns", "From the last reply before it to its first request.")
	qPaused     = querySchema.Bool("paused_in_transaction", "A transaction was open during that pause.")
	qServer     = querySchema.Object("server_times", "What the server's work took, as it sees that itself (--attach).")
	qTx         = querySchema.Text("tx", "Transaction status after it: I, T or E.")
	qCancelled  = querySchema.Int("cancelled_by", "", "Number of the connection whose CancelRequest ended it.")
	qComplete   = querySchema.Bool("complete", "Request and replies were seen whole.")
	qInferred   = querySchema.List("inferred", "What was not seen but concluded.")
	qLost       = querySchema.Int("lost_bytes", "bytes", "Bytes of it that were not captured.")
	qSkipped    = querySchema.Bool("skipped", "The server passed over it after an error.")
	qComment    = querySchema.Map("comment", "Keys and values of the text's sqlcommenter comment.")
	qTrace      = querySchema.Text("trace_id", "The trace that the comment names.")
	qSpan       = querySchema.Text("span_id", "The span that the comment names.")
	qSampled    = querySchema.Int("sample_rate", "", "With --sample: how many queries it stands for; 1: those that failed or were slow, all of which are told.")
	qUnanswered = querySchema.Bool("unanswered", "Nothing was lost, and the server did not answer.")
	qPooled     = querySchema.Object("pooled", "What a pooler made of it, where both of its sides are in the capture and there is no doubt.")

	resultTag       = NewField("command_tag", TypeText, "", "The command tag; left out where the command did not complete.")
	resultSuspended = NewField("suspended", TypeBool, "", "The row limit was reached.")
	resultColumns   = NewField("columns", TypeList, "", "Name and type of each column.")
	copyDirection   = NewField("direction", TypeText, "", "in, out or both, as the server sees it.")
	copyMessages    = NewField("messages", TypeInt, "", "Number of CopyData messages.")

	pooledConn  = NewField("conn", TypeInt, "", "Number of the pooler's connection to the server.")
	pooledQuery = NewField("query", TypeInt, "", "The query's number there.")
	pooledWait  = NewField("wait_ns", TypeInt, "ns", "From the client's request to the pooler's.")
)

// Schema describes queries.
func (q *Query) Schema() *Schema { return querySchema }

// Visit shows the query.
func (q *Query) Visit(v Visitor) {
	v.Uint(qID, q.ID)
	if q.Protocol != exchange.ProtocolUnknown {
		v.Word(protocolWords[q.Protocol])
	}
	q.Who.visit(v, qUser, qDatabase, qApp)
	q.visitText(v)
	if q.Protocol == exchange.ProtocolFunctionCall {
		v.Uint(qFunction, uint64(q.Function))
	}
	if q.HasParams {
		q.visitParams(v)
	}
	q.visitResults(v)
	q.visitNumbers(v)
	qStatus.visit(v, q.Tx)
	number(v, qCancelled, q.CancelledBy)
	v.Bool(qComplete, q.Complete)
	q.visitDoubts(v)
}

// visit shows what is known of the client.
func (w *Who) visit(v Visitor, user, database, application *Field) {
	if v.Known(w) {
		return
	}
	fact(v, user, w.User)
	fact(v, database, w.Database)
	fact(v, application, w.Application)
	v.Remember(w)
}

func (q *Query) visitText(v Visitor) {
	switch {
	case q.SQL == nil:
	case q.statement != nil && q.named:
		t := (*StatementText)(q.statement)
		if v.Known(t) {
			return
		}
		v.Long(qSQL, q.SQL, q.SQLLen)
		q.visitDerived(v)
		q.visitNames(v)
		v.Remember(t)
		return
	case q.derived != nil:
		v.Long(qSQL, q.SQL, q.SQLLen)
		t := (*DerivedText)(q.derived)
		if v.Known(t) {
			break
		}
		q.visitDerived(v)
		v.Remember(t)
	default:
		v.Long(qSQL, q.SQL, q.SQLLen)
		if q.Normalized != nil {
			q.visitDerived(v)
		}
	}
	q.visitNames(v)
}

func (q *Query) visitNames(v Visitor) {
	if q.Protocol == exchange.ProtocolExtended {
		long(v, qStatement, q.Statement)
		long(v, qPortal, q.Portal)
	}
}

func (q *Query) visitDerived(v Visitor) {
	v.Long(qNormalized, q.Normalized, len(q.Normalized))
	v.Text(qPrint, sqlnorm.AppendFingerprint(q.word[:0], q.Fingerprint))
	fact(v, qOperation, q.Operation)
}

func (q *Query) visitParams(v Visitor) {
	v.Open(qParams)
	for i, value := range q.Params {
		v.Value(nil, value, q.TypeOf(i), q.FormatOf(i))
	}
	if q.CutParameter > 0 {
		v.Cut(q.CutParameter)
	}
	v.Close()
	if len(q.Types) == 0 {
		return
	}
	v.Open(qTypes)
	for _, oid := range q.Types {
		if t := typeName(oid); t != "" {
			v.String(nil, t)
		} else {
			v.Text(nil, appendDecimal(q.word[:0], uint64(oid)))
		}
	}
	v.Close()
}

func (q *Query) visitResults(v Visitor) {
	v.Open(qResults)
	for i := range q.Results {
		q.visitResult(v, &q.Results[i])
	}
	v.Close()
}

// visitNumbers shows the numbers of a query, and between them what few have.
func (q *Query) visitNumbers(v Visitor) {
	n, rest := &q.numbers, 0
	n[0], n[1], n[2], n[3], n[4] = int64(q.Rows), int64(q.Bytes), int64(q.Notices), q.Duration, q.Prepare
	n[5], n[6], n[7], n[8] = Unknown, Unknown, q.Network, Unknown
	if q.Start.Time != 0 {
		n[5], n[6], n[8] = q.FirstReplyTime(), q.FirstRowTime(), q.Pause
	}
	if q.Copy != exchange.CopyNone || q.Command != nil || q.Error != nil {
		const before = 2
		v.Ints(queryNumbers[:before], n[:before])
		q.visitRare(v)
		rest = before
	}
	v.Ints(queryNumbers[rest:], n[rest:])
	if q.Server != nil {
		visitServer(v, q.Server)
	}
	yes(v, qPaused, q.Pause >= 0 && (q.PauseTx == 'T' || q.PauseTx == 'E'))
}

func (q *Query) visitRare(v Visitor) {
	if q.Copy != exchange.CopyNone && !q.MixedCopies {
		visitCopy(v, exchange.Copied{Mode: q.Copy, Bytes: q.CopyBytes, Messages: q.CopyMessages})
	}
	if q.Command != nil {
		q.visitCommand(v)
	}
	if q.Error != nil {
		q.visitFailure(v)
	}
}

func (q *Query) visitResult(v Visitor, r *Result) {
	if v.Known(r) {
		return
	}
	v.Open(nil)
	long(v, resultTag, r.Tag)
	q.numbers[0], q.numbers[1] = int64(r.Rows), int64(r.Bytes)
	v.Ints(resultNumbers, q.numbers[:len(resultNumbers)])
	if (r.Columns != nil || r.described != nil) && (r.described == nil || !v.Known(r.described)) {
		v.Open(resultColumns)
		for i := range r.Columns {
			c := &r.Columns[i]
			v.Open(nil)
			v.Text(ColumnName, c.Name)
			v.Uint(ColumnTypeOID, uint64(c.TypeOID))
			fact(v, ColumnType, typeName(c.TypeOID))
			v.Close()
		}
		v.Close()
		if r.described != nil {
			v.Remember(r.described)
		}
	}
	yes(v, resultSuspended, r.Suspended)
	if r.Copied.Mode != exchange.CopyNone {
		visitCopy(v, r.Copied)
	}
	v.Close()
	v.Remember(r)
}

// visitCopy visits what a COPY carried, or all those of a string of commands.
func visitCopy(v Visitor, c exchange.Copied) {
	v.Open(qCopy)
	v.String(copyDirection, c.Mode.String())
	v.Uint(qBytes, c.Bytes)
	v.Uint(copyMessages, c.Messages)
	v.Close()
}

func (q *Query) visitCommand(v Visitor) {
	visitCommand(v, q.Command)
	if q.Backup != nil {
		visitBackup(v, qBackup, q.Backup)
	}
}

func (q *Query) visitFailure(v Visitor) {
	e := &q.privacy.failure
	if !q.ErrorFields(e) {
		return
	}
	v.Open(qError)
	e.Visit(bodyOf(v))
	v.Close()
	if q.FailedAt != messages.KindUnknown {
		v.String(qFailedAt, q.FailedAt.String())
	}
}

// visitDoubts shows what was not seen, and what few have.
func (q *Query) visitDoubts(v Visitor) {
	if q.Missing != 0 {
		visitNames(v, qInferred, q.Missing.Names())
	}
	number(v, qLost, q.LostBytes)
	yes(v, qSkipped, q.Skipped)
	if len(q.Comment) > 0 {
		v.Open(qComment)
		for i := range q.Comment {
			v.Key(q.Comment[i].Name)
			v.Text(nil, q.Comment[i].Value)
		}
		v.Close()
		fact(v, qTrace, q.TraceID)
		fact(v, qSpan, q.SpanID)
	}
	number(v, qSampled, uint64(q.Sampled.Rate))
	yes(v, qUnanswered, q.Unanswered)
	if q.Pooled.Conn != 0 {
		v.Open(qPooled)
		v.Uint(pooledConn, q.Pooled.Conn)
		v.Uint(pooledQuery, q.Pooled.Query)
		v.Int(pooledWait, q.Pooled.Wait)
		v.Close()
	}
}

func long(v Visitor, f *Field, b []byte) {
	if b != nil {
		v.Long(f, b, len(b))
	}
}

func fact(v Visitor, f *Field, s string) {
	if s != "" {
		v.String(f, s)
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
