package render

import (
	"bytes"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/record"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// query is what the JSON writer needs to know of an exchange. It refers to nothing
// that the session changes, but for the memory of x and sql.
type query struct {
	conn                              *conn
	x                                 *exchange.Exchange
	user, database, application, zone string
	// The members that come from the text of a prepared statement, and cuts among
	// them; text tells that they are to be derived from that of x.
	sql  []byte
	cuts []cut
	text bool
	// Of a replication connection, nil for others.
	command *replication.Command
	backup  *replication.Backup
}

// Exchange writes a query record.
func (j *JSON) Exchange(s *session.Session, x *exchange.Exchange) {
	q := &j.asked
	j.scratchSQL = j.prepare(q, s, x, j.scratchSQL[:0])
	q.x = x
	j.query(q)
}

func (j *JSON) query(q *query) {
	x := q.x
	at := x.Start
	if at.Frame == 0 {
		at = x.FirstReply
	}
	b := &j.body
	b.buf = j.begin(j.out.buf, "query", q.conn, at.Time)
	b.comma, b.cuts = true, append(b.cuts[:0], q.cuts...)
	b.buf = appendNumber(b.buf, `,"id":`, int64(x.ID))
	b.buf = append(b.buf, protocolParts[x.Protocol]...)
	b.buf = append(b.buf, j.who(q.conn, q.user, q.database, q.application)...)
	if q.text {
		j.textOf(x)
	} else {
		b.buf = append(b.buf, q.sql...)
	}
	if x.Protocol == exchange.ProtocolExtended {
		j.names(x)
	}
	if x.Protocol == exchange.ProtocolFunctionCall {
		b.Int("function_oid", int64(x.Function))
	}
	if x.HasParams {
		b.types, b.columns, b.unknown = x.ParamTypes(), nil, false
		b.zone = j.labelOf(q.conn).settings(q.zone)
		values, formats := x.Parameters()
		b.Values("params", values, formats)
		if n := x.CutParameter(); n > 0 {
			b.cutOff(cutOff{"params", values.Len() - 1, n})
		}
		if len(b.types) > 0 {
			b.typeNames("param_types", b.types)
		}
	}
	j.results(x)
	if x.Copy != exchange.CopyNone {
		b.key("copy")
		b.buf = append(b.buf, `{"direction":"`...)
		b.buf = append(b.buf, x.Copy.String()...)
		b.buf = append(b.buf, `","bytes":`...)
		b.buf = appendUint(b.buf, x.CopyBytes)
		b.buf = append(b.buf, `,"messages":`...)
		b.buf = appendUint(b.buf, x.CopyMessages)
		b.buf = append(b.buf, '}')
	}
	if q.command != nil {
		record.VisitCommand(j.visitor(), q.command)
		if q.backup != nil {
			record.VisitQueryBackup(j.visitor(), q.backup)
		}
	}
	j.failure(x)
	b.buf = appendNumber(b.buf, `,"notices":`, int64(x.Notices))
	j.times(x)
	if x.Tx != 0 {
		b.buf = append(append(b.buf, `,"tx":"`...), x.Tx, '"')
	}
	if x.CancelledBy != 0 {
		b.Int("cancelled_by", int64(x.CancelledBy))
	}
	if x.Complete {
		b.buf = append(b.buf, `,"complete":true`...)
	} else {
		b.buf = append(b.buf, `,"complete":false`...)
	}
	if x.Missing != 0 {
		b.strs("inferred", x.Missing.Names())
	}
	if x.LostBytes > 0 {
		b.Int("lost_bytes", int64(x.LostBytes))
	}
	if x.Skipped {
		b.Bool("skipped", true)
	}
	j.comment(x)
	if x.Unanswered {
		b.Bool("unanswered", true)
	}
	if len(b.cuts) > 0 || x.SQLLen > len(x.SQL) && x.SQL != nil {
		b.Bool("truncated", true)
		b.buf = j.appendCuts(b.buf)
	}
	j.out.buf = append(b.buf, '}', '\n')
	j.out.wrote()
}

// protocolParts are the members that tell how a query was asked.
var protocolParts = func() (t [exchange.ProtocolReplication + 1]string) {
	for p := exchange.ProtocolUnknown + 1; p <= exchange.ProtocolReplication; p++ {
		t[p] = `,"protocol":"` + p.String() + `"`
	}
	return t
}()

// names writes the names of statement and portal, as far as they are known.
func (j *JSON) names(x *exchange.Exchange) {
	b := &j.body
	if x.Statement != nil {
		b.buf = append(b.buf, `,"statement":`...)
		b.buf = appendQuoted(b.buf, b.limit("statement", -1, x.Statement))
	}
	switch {
	case x.Portal == nil:
	case len(x.Portal) == 0:
		b.buf = append(b.buf, `,"portal":""`...)
	default:
		b.Text("portal", x.Portal)
	}
}

func (b *body) str(name, v string) {
	b.key(name)
	b.buf = appendQuoted(b.buf, []byte(v))
}

func (b *body) strs(name string, list []string) {
	b.key(name)
	b.buf = append(b.buf, '[')
	for i, v := range list {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.buf = appendQuoted(b.buf, []byte(v))
	}
	b.buf = append(b.buf, ']')
}

// typeNames writes types by name, by number where they are not built in.
func (b *body) typeNames(name string, oids []uint32) {
	b.key(name)
	b.buf = append(b.buf, '[')
	for i, oid := range oids {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.buf = append(b.buf, '"')
		if t := value.TypeName(oid); t != "" {
			b.buf = append(b.buf, t...)
		} else {
			b.buf = appendUint(b.buf, uint64(oid))
		}
		b.buf = append(b.buf, '"')
	}
	b.buf = append(b.buf, ']')
}

// maxWho is the longest text of that kind that is kept for a connection.
const maxWho = 512

// who returns the facts of the connection that each query record repeats.
func (j *JSON) who(c *conn, user, database, application string) []byte {
	l := j.labelOf(c)
	if l.who == nil {
		l.who = new(who)
	} else if m := l.who; m.user == user && m.database == database && m.application == application {
		return m.json
	}
	l.who.user, l.who.database, l.who.application = user, database, application
	w := body{buf: j.scratch[:0], comma: true}
	w.known("user", user)
	w.known("database", database)
	w.known("application_name", application)
	j.scratch = w.buf
	if len(w.buf) > maxWho {
		l.who = nil
		return w.buf
	}
	l.who.json = append(l.who.json[:0], w.buf...)
	return l.who.json
}

// prepare makes q what the session tells of an exchange now. What comes from the
// text of a prepared statement is derived once and remembered with it; else it is
// appended to dst, which is returned. It may be called while another goroutine
// writes.
func (j *JSON) prepare(q *query, s *session.Session, x *exchange.Exchange, dst []byte) []byte {
	i := s.Info()
	q.conn, q.user, q.database, q.application, q.zone = connOf(s, j.opt.Slot), i.User, i.Database, i.Application, i.Formats
	q.command, q.backup = record.CommandOf(s, x)
	q.sql, q.cuts, q.text = nil, q.cuts[:0], x.SQL != nil && x.Prepared == nil
	if x.Prepared == nil || x.SQL == nil {
		return dst
	}
	n := j.normal.Of(x)
	if len(n.Written) > 0 {
		q.sql = n.Written
		return dst
	}
	b := &j.text
	b.buf, b.comma, b.cuts = dst, true, b.cuts[:0]
	at := len(dst)
	b.sql("sql", x.SQL, x.SQLLen)
	b.derived(n)
	q.sql, q.cuts = b.buf[at:], append(q.cuts, b.cuts...)
	if x.Prepared.Memo == any(n) && len(b.cuts) == 0 && x.Prepared.Remember(len(q.sql)) {
		n.Written = bytes.Clone(q.sql)
	}
	return b.buf
}

// textOf writes what comes from a text that was not prepared, which is derived once
// for each shape.
func (j *JSON) textOf(x *exchange.Exchange) {
	b, n := &j.body, j.texts.OfText(x)
	b.sql("sql", x.SQL, x.SQLLen)
	if len(n.WrittenRest) > 0 {
		b.buf = append(b.buf, n.WrittenRest...)
		return
	}
	cuts, from := len(b.cuts), len(b.buf)
	b.derived(n)
	if len(b.cuts) == cuts && len(b.buf)-from <= maxRest {
		n.WrittenRest = append(n.WrittenRest, b.buf[from:]...)
	}
}

// maxRest is the longest text of that kind that is kept for a shape.
const maxRest = 2 << 10

// derived writes what is derived from a text.
func (b *body) derived(n *record.Normalized) {
	b.Text("normalized", n.Text)
	b.key("fingerprint")
	b.buf = append(b.buf, '"')
	b.buf = sqlnorm.AppendFingerprint(b.buf, n.Hash)
	b.buf = append(b.buf, '"')
	if n.Operation != "" {
		b.str("operation", n.Operation)
	}
}

func (j *JSON) results(x *exchange.Exchange) {
	b := &j.body
	buf := append(b.buf, `,"results":[`...)
	for i := range x.Results {
		if i > 0 {
			buf = append(buf, ',')
		}
		r := &x.Results[i]
		if r.Tag != nil {
			buf = append(buf, `{"command_tag":`...)
			buf = appendQuoted(buf, b.limit("command_tag", -1, r.Tag))
			buf = append(buf, `,"rows":`...)
		} else {
			buf = append(buf, `{"rows":`...)
		}
		buf = appendUint(buf, r.Rows)
		buf = append(buf, `,"bytes":`...)
		buf = appendUint(buf, r.Bytes)
		if r.Columns != nil {
			b.buf = buf
			buf = append(b.buf, j.columnsOf(r.Columns)...)
		}
		if r.Suspended {
			buf = append(buf, `,"suspended":true`...)
		}
		buf = append(buf, '}')
	}
	buf = append(buf, `],"rows":`...)
	buf = appendUint(buf, x.Rows)
	buf = append(buf, `,"bytes":`...)
	b.buf = appendUint(buf, x.Bytes)
}

// columnsOf returns the member with the columns of a result. Those of the latest
// are remembered by what the server said of them: connections ask for the same.
func (j *JSON) columnsOf(c *exchange.Columns) []byte {
	if d := c.Description(); j.columnsText == nil || !bytes.Equal(d, j.columns) {
		w := body{buf: j.columnsText[:0], comma: true}
		w.resultColumns(c.Fields())
		j.columns, j.columnsText = append(j.columns[:0], d...), w.buf
	}
	return j.columnsText
}

// resultColumns writes the columns of a result: name and type of each.
func (b *body) resultColumns(fields []messages.ColumnDescription) {
	b.key("columns")
	b.buf = append(b.buf, '[')
	for i := range fields {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.buf = append(b.buf, `{"name":`...)
		b.buf = appendQuoted(b.buf, fields[i].Name)
		b.buf = append(b.buf, `,"type_oid":`...)
		b.buf = appendUint(b.buf, uint64(fields[i].TypeOID))
		if t := value.TypeName(fields[i].TypeOID); t != "" {
			b.buf = append(b.buf, `,"type":"`...)
			b.buf = append(b.buf, t...)
			b.buf = append(b.buf, '"')
		}
		b.buf = append(b.buf, '}')
	}
	b.buf = append(b.buf, ']')
}

// comment writes the tags in the comments of the text, and the trace that they name.
// The comment of a named statement is that of the query that prepared it, so it names
// no trace of others.
func (j *JSON) comment(x *exchange.Exchange) {
	if len(x.SQL) < x.SQLLen {
		return
	}
	j.tags = sqlnorm.AppendTags(j.tags[:0], x.SQL)
	if len(j.tags) == 0 {
		return
	}
	b := &j.body
	b.key("comment")
	b.buf, b.comma = append(b.buf, '{'), false
	for i := range j.tags {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.buf = append(appendQuoted(b.buf, j.tags[i].Key), ':')
		b.buf = appendQuoted(b.buf, j.tags[i].Value)
	}
	b.buf, b.comma = append(b.buf, '}'), true
	if t, ok := sqlnorm.TraceOf(j.tags); ok && len(x.Statement) == 0 {
		b.str("trace_id", t.TraceID)
		b.str("span_id", t.SpanID)
	}
}

func (j *JSON) failure(x *exchange.Exchange) {
	if !x.ErrorFields(&j.errs) {
		return
	}
	b := &j.body
	b.key("error")
	b.buf = append(b.buf, '{')
	b.comma = false
	j.errs.Visit(b)
	b.buf = append(b.buf, '}')
	b.comma = true
	if x.FailedAt != messages.KindUnknown {
		b.str("failed_at", x.FailedAt.String())
	}
}

// times writes the durations that both ends of were seen.
func (j *JSON) times(x *exchange.Exchange) {
	buf := j.body.buf
	if ns, ok := x.Duration(); ok {
		buf = appendNumber(buf, `,"duration_ns":`, ns)
	}
	if x.Prepare > 0 {
		buf = appendNumber(buf, `,"prepare_ns":`, x.Prepare)
	}
	if x.Start.Time != 0 {
		if ns, ok := x.Since(x.FirstReply); ok {
			buf = appendNumber(buf, `,"first_reply_ns":`, ns)
		}
		if ns, ok := x.Since(x.FirstRow); ok {
			buf = appendNumber(buf, `,"first_row_ns":`, ns)
		}
		if x.Pause >= 0 {
			buf = appendNumber(buf, `,"pause_ns":`, x.Pause)
		}
	}
	if x.Pause >= 0 && (x.PauseTx == 'T' || x.PauseTx == 'E') {
		buf = append(buf, `,"paused_in_transaction":true`...)
	}
	j.body.buf = buf
}

func appendNumber(dst []byte, name string, n int64) []byte {
	dst = append(dst, name...)
	if n < 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	return appendUint(dst, uint64(n))
}
