package csvlog

import (
	"fmt"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
	"github.com/spf13/pflag"
)

// Output is the row of the registry.
var Output = sink.Output{
	Name: "csvlog", Help: "what the server would have logged, for pgbadger and pgreplay",
	Setup: func(f *pflag.FlagSet) sink.OpenOutput {
		log := f.String("csvlog-log", "durations", "csvlog: `WHAT` to log: durations (for pgbadger) or statements (for pgreplay)")
		params := f.String("csvlog-params", "lower", "csvlog: `CASE` of the word before parameters: lower (to version 16) or upper (from 17)")
		return func(env *sink.Env) (sink.Sink, error) {
			return open(env, *log, *params)
		}
	},
}

// words are what stands before the parameters of a statement.
var words = map[string]string{"lower": "parameters: ", "upper": "Parameters: "}

func open(env *sink.Env, log, params string) (sink.Sink, error) {
	if log != "durations" && log != "statements" {
		return nil, fmt.Errorf("--csvlog-log %s: must be durations or statements", log)
	}
	word, ok := words[params]
	if !ok {
		return nil, fmt.Errorf("--csvlog-params %s: must be lower or upper", params)
	}
	w, err := env.CreateText()
	if err != nil {
		return nil, err
	}
	o := &output{Text: w, env: env, word: word}
	if log == "statements" {
		o.order = newOrder(o.put)
	}
	return o, nil
}

// output writes the log.
type output struct {
	*sink.Text
	env   *sink.Env
	word  string
	order *order // nil where lines come as they are

	line    []byte
	both    []byte
	message []byte
	detail  []byte
	fields  errorFields
	values  values
}

// conn is what the log keeps of a connection.
type conn struct {
	pid      uint32
	lines    uint64
	session  string
	received bool
	portals  portals
}

var begins = sink.KindsOf(messages.KindQuery, messages.KindExecute, messages.KindFunctionCall)

func (o *output) Wants() sink.Wants {
	w := sink.Wants{
		Messages: sink.KindsOf(messages.KindBackendKeyData, messages.KindErrorResponse, messages.KindNoticeResponse, messages.KindBind),
		Queries:  true, Connections: true, Normalized: true, Parameters: true,
	}
	if o.order != nil {
		for k, begin := range begins {
			w.Messages[k] = w.Messages[k] || begin
		}
	}
	return w
}

func (o *output) Record(r record.Record) {
	if o.Failed() {
		return
	}
	switch r := r.(type) {
	case *record.Message:
		o.Message(r)
	case *record.Query:
		o.query(r)
	case *record.Connection:
		o.end(r)
	}
}

func (o *output) Tick(int64) {}

// of returns what the log keeps of a connection.
func (o *output) of(c *record.Conn) *conn {
	k, _ := c.Slot(o.env.Slot).(*conn)
	if k == nil {
		k = new(conn)
		c.SetSlot(o.env.Slot, k)
	}
	return k
}

// sessionID is the server's: begin and process in hexadecimal digits. Where the
// process is not known, the connection's number makes it unique.
func (o *output) sessionID(k *conn, c *record.Conn) string {
	if k.session == "" {
		id := uint64(k.pid)
		if k.pid == 0 {
			id = c.ID
		}
		k.session = strconv.FormatInt(c.Started.Time/1_000_000_000, 16) + "." + strconv.FormatUint(id, 16)
	}
	return k.session
}

// row begins a line of a connection.
func (o *output) row(c *record.Conn, who *record.Who, at int64) row {
	k := o.of(c)
	k.lines++
	return row{
		time: at, user: who.User, database: who.Database, pid: k.pid, from: c.Client,
		session: o.sessionID(k, c), line: k.lines, start: c.Started.Time,
		severity: logSeverity, state: successful, application: who.Application, clientBackend: who.Replication == "",
	}
}

var logSeverity, successful = []byte("LOG"), []byte("00000")

// write hands a line on.
func (o *output) write(r *row) {
	o.line = appendRow(o.line[:0], r)
	if o.order != nil {
		o.order.now(o.line)
	} else {
		o.put(o.line)
	}
}

func (o *output) put(line []byte) {
	_, _ = o.Write(line) // the error stays
}

// Message takes logins, errors outside of queries, and where statements are logged
// their beginnings.
func (o *output) Message(m *record.Message) {
	switch m.Kind {
	case messages.KindBackendKeyData:
		o.login(m)
	case messages.KindErrorResponse:
		if m.Query == 0 {
			o.failure(m)
		}
	case messages.KindNoticeResponse:
		o.warning(m)
	case messages.KindBind:
		o.of(m.Conn).portals.bind(m)
	default:
		if m.Query != 0 {
			o.order.begin(queryID{m.Conn.ID, m.Query})
		}
	}
}

// login writes the lines of a new session. They come when its process is known, which
// is after the server would have written them.
func (o *output) login(m *record.Message) {
	k := o.of(m.Conn)
	var key messages.BackendKeyData
	if err := key.Decode(m.Wire()); err != nil || k.pid != 0 {
		return
	}
	k.pid = key.ProcessID
	o.received(k, m.Conn, m.Who)
	if m.Who.User == "" {
		return // its startup was not captured
	}
	r := o.row(m.Conn, m.Who, m.At.Time)
	b := append(o.message[:0], "connection authorized: user="...)
	b = append(b, m.Who.User...)
	if m.Who.Replication == "" || m.Who.Replication == "database" {
		b = append(append(b, " database="...), m.Who.Database...)
	}
	if m.Who.Replication != "" {
		b = append([]byte("replication "), b...)
	}
	if m.Who.Application != "" {
		b = append(append(b, " application_name="...), m.Who.Application...)
	}
	o.message, r.message, r.tag = b, b, "authentication"
	o.write(&r)
}

// received writes that a connection came.
func (o *output) received(k *conn, c *record.Conn, who *record.Who) {
	if k.received || who.MidStream {
		return
	}
	k.received = true
	r := o.row(c, &record.Who{Replication: who.Replication}, c.Started.Time)
	r.clientBackend = false
	host, port := hostPort(c.Client)
	b := append(append(o.message[:0], "connection received: host="...), host...)
	if port != "" {
		b = append(append(b, " port="...), port...)
	}
	o.message, r.message = b, b
	o.write(&r)
}

// failure writes an error that no query ended in: a login refused, a session ended.
func (o *output) failure(m *record.Message) {
	k := o.of(m.Conn)
	o.received(k, m.Conn, m.Who)
	o.fields = errorFields{}
	_ = m.VisitBody(&o.fields) // of a body at fault, what there is
	r := o.row(m.Conn, m.Who, m.At.Time)
	o.fields.fill(&r)
	o.write(&r)
}

// warning writes a warning; the server logs no lesser notices.
func (o *output) warning(m *record.Message) {
	o.fields = errorFields{}
	_ = m.VisitBody(&o.fields) // of a body at fault, what there is
	if string(o.fields.severity) != "WARNING" {
		return
	}
	r := o.row(m.Conn, m.Who, m.At.Time)
	o.fields.fill(&r)
	o.write(&r)
}

// end writes the end of a session.
func (o *output) end(c *record.Connection) {
	// A login that was refused is no session.
	if c.Info.State == session.StateOpen || c.Who.User == "" || o.of(c.Conn).pid == 0 && !c.Who.MidStream {
		return
	}
	r := o.row(c.Conn, c.Who, c.Info.Ended.Time)
	b := append(o.message[:0], "disconnection: session time: "...)
	b = appendLifetime(b, c.Info.Ended.Time-c.Info.Started.Time)
	b = append(append(b, " user="...), c.Who.User...)
	b = append(append(b, " database="...), c.Who.Database...)
	host, port := hostPort(c.Conn.Client)
	b = append(append(b, " host="...), host...)
	if port != "" {
		b = append(append(b, " port="...), port...)
	}
	o.message, r.message, r.tag = b, b, "idle"
	o.write(&r)
}

// query writes a statement and its error.
func (o *output) query(q *record.Query) {
	if o.order != nil {
		o.both = o.both[:0]
		if began(q) {
			o.add(o.statementRow(q, q.Start.Time))
		}
		o.add(o.errorRow(q))
		o.order.end(queryID{q.Conn.ID, q.ID}, o.both)
		return
	}
	if q.Duration >= 0 && q.Error == nil && !q.Skipped {
		if r, ok := o.statementRow(q, q.End.Time); ok {
			o.write(&r)
		}
	}
	if r, ok := o.errorRow(q); ok {
		o.write(&r)
	}
}

// add adds a line to those of a query that are ordered by its begin.
func (o *output) add(r row, ok bool) {
	if ok {
		o.both = appendRow(o.both, &r)
	}
}

// began reports whether the server is known to have come to a query.
func began(q *record.Query) bool {
	return q.Start.Time != 0 && !q.Skipped && q.FirstReply.Frame != 0 && (q.Error == nil || q.FailedAt != messages.KindParse && q.FailedAt != messages.KindBind)
}

// errorRow makes the line of the error that a query ended in.
func (o *output) errorRow(q *record.Query) (r row, ok bool) {
	if q.Error == nil {
		return r, false
	}
	r = o.row(q.Conn, q.Who, q.End.Time)
	o.fields = errorFields{}
	q.VisitError(&o.fields)
	o.fields.fill(&r)
	r.tag, r.query = q.Operation, q.SQL
	return r, true
}

// statementRow makes the line of a statement; ok is false where its text is not known
// or the server has other words for it.
func (o *output) statementRow(q *record.Query, at int64) (r row, ok bool) {
	if q.SQL == nil && q.Protocol != exchange.ProtocolFunctionCall || q.Protocol == exchange.ProtocolReplication || q.Protocol == exchange.ProtocolUnknown {
		return r, false
	}
	if q.Protocol == exchange.ProtocolExtended && len(q.Normalized) == 0 {
		return r, false // an empty text, which the server does not log there
	}
	r = o.row(q.Conn, q.Who, at)
	r.tag = q.Operation
	b := o.message[:0]
	if o.order == nil {
		b = append(appendDuration(append(b, "duration: "...), q.Duration), " ms  "...)
	}
	switch q.Protocol {
	case exchange.ProtocolExtended:
		b = append(b, "execute "...)
		if o.of(q.Conn).portals.fetches(q) {
			b = append(b, "fetch from "...)
		}
		if len(q.Statement) == 0 {
			b = append(b, "<unnamed>"...)
		}
		b = append(b, q.Statement...)
		if len(q.Portal) > 0 {
			b = append(append(b, '/'), q.Portal...)
		}
		b = append(append(b, ": "...), q.SQL...)
		r.detail = o.parameters(q)
	case exchange.ProtocolFunctionCall:
		b = append(b, "fastpath function call: (OID "...)
		b = append(strconv.AppendUint(b, uint64(q.Function), 10), ')')
		r.detail = o.parameters(q)
	default:
		b = append(append(b, "statement: "...), q.SQL...)
	}
	o.message, r.message = b, b
	return r, true
}

// parameters returns the text with the values of the parameters.
func (o *output) parameters(q *record.Query) []byte {
	o.detail = o.values.append(append(o.detail[:0], o.word...), q)
	if len(o.detail) == len(o.word) {
		return nil
	}
	return o.detail
}

func (o *output) End(*record.Totals) error {
	if o.order != nil {
		o.order.finish()
		if o.order.late > 0 {
			o.env.Warn(fmt.Errorf("csvlog: %d statements that ran for long, or whose begin was not captured, stand where they ended", o.order.late))
		}
	}
	return o.Close()
}
