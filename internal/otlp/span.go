package otlp

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/pgsniff/pgsniff/internal/metrics"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// Numbers of OTLP's enumerations.
const (
	kindClient  = 3
	statusError = 2
)

// system is db.system.name, and the name of what is not known to be more.
const system = "postgresql"

// spans writes queries as spans.
type spans struct {
	*batch
	parameters bool // db.query.parameter.N
	rows       bool // db.response.returned_rows
	link       bool // an application's span is linked, not the parent
	unsampled  bool // also those of traces that are not sampled
	unsent     uint64

	about   text
	values  values
	held    []held // in the order of their ends
	warned  warnings
	warning string // the SQLSTATE of a warning about the query
}

// add writes a query, as a child of another one if that is not nil. It is passed over if
// it has no duration, or if its trace is not sampled.
func (s *spans) add(q, by *record.Query) {
	s.warning = s.warned.take(q)
	if q.Start.Time == 0 || q.Duration < 0 || q.Skipped {
		return
	}
	parent, ok := s.parent(q)
	if ok && !parent.Sampled && !s.unsampled {
		s.unsent++
		return
	}
	s.item()
	trace, span := idsOf(q)
	switch {
	case by != nil:
		// The text is the same, and with it the application's trace.
		t, id := idsOf(by)
		if ok && !s.link {
			s.string("traceId", parent.TraceID)
		} else {
			s.hex("traceId", t[:])
		}
		s.hex("spanId", span[:])
		s.hex("parentSpanId", id[:])
	case ok && !s.link:
		s.string("traceId", parent.TraceID)
		s.hex("spanId", span[:])
		s.string("parentSpanId", parent.SpanID)
	default:
		s.hex("traceId", trace[:])
		s.hex("spanId", span[:])
	}
	s.about.describe(q)
	s.text("name", s.name(q))
	s.number("kind", kindClient)
	s.long("startTimeUnixNano", q.Start.Time)
	s.long("endTimeUnixNano", q.Start.Time+q.Duration)
	s.member("attributes", '[')
	s.attributes(q)
	s.close(']')
	if ok && s.link && by == nil {
		s.member("links", '[')
		s.element('{')
		s.string("traceId", parent.TraceID)
		s.string("spanId", parent.SpanID)
		s.close('}')
		s.close(']')
	}
	s.status(q)
	s.close('}')
}

// parent returns the application's span, if the statement's comment names one. The
// comment of a named statement is that of its first use, so it says nothing of others.
func (s *spans) parent(q *record.Query) (sqlnorm.Trace, bool) {
	if q.TraceID == "" || len(q.Statement) > 0 {
		return sqlnorm.Trace{}, false
	}
	t := sqlnorm.Trace{TraceID: q.TraceID, SpanID: q.SpanID, Sampled: true}
	for i := range q.Comment {
		if string(q.Comment[i].Name) == "traceparent" {
			t.Sampled = strings.HasSuffix(string(q.Comment[i].Value), "1")
		}
	}
	return t, true
}

// name is the summary, else the command, where that is known without the text, and what
// it was asked of, else what system that is (semantic conventions, "Database spans").
func (s *spans) name(q *record.Query) []byte {
	if len(s.about.summary) > 0 {
		return s.about.summary
	}
	target := cmp.Or(namespaceOf(q.Who.Database, q.Who.SchemaName()), q.Conn.Server)
	if op := commandOf(q); op != "" && target != "" {
		return []byte(op + " " + target)
	}
	return []byte(cmp.Or(target, system))
}

// commandOf is db.operation.name, which is not to be taken from a text.
func commandOf(q *record.Query) string {
	if len(q.SQL) > 0 || len(q.Results) != 1 {
		return ""
	}
	tag := q.Results[0].Tag // INSERT 0 1
	if end := bytes.IndexAny(tag, "0123456789"); end >= 0 {
		tag = tag[:end]
	}
	return string(bytes.TrimSpace(tag[:min(len(tag), maxCommand)]))
}

// maxCommand is longer than any of PostgreSQL's command tags.
const maxCommand = 63

// idsOf derives identifiers from where and when the query was, so that the same
// capture gives the same spans.
func idsOf(q *record.Query) (trace [16]byte, span [8]byte) {
	h := fnv.New128a()
	_, _ = h.Write([]byte(q.Conn.Client + " " + q.Conn.Server + " ")) // a hash takes all
	var b [24]byte
	binary.BigEndian.PutUint64(b[:], uint64(q.Conn.Started.Time))
	binary.BigEndian.PutUint64(b[8:], uint64(q.Start.Time))
	binary.BigEndian.PutUint64(b[16:], q.ID)
	_, _ = h.Write(b[:])
	h.Sum(trace[:0])
	_, _ = h.Write([]byte("span"))
	var sum [16]byte
	h.Sum(sum[:0])
	copy(span[:], sum[:])
	return trace, span
}

// attributes writes what the conventions have for PostgreSQL, and some of our own.
func (s *spans) attributes(q *record.Query) {
	a := attributes{&s.object}
	a.string("db.system.name", system)
	a.string("db.namespace", namespaceOf(q.Who.Database, q.Who.SchemaName()))
	a.text("db.query.text", s.about.query)
	a.text("db.query.summary", s.about.summary)
	a.text("db.stored_procedure.name", s.about.procedure)
	a.string("db.operation.name", commandOf(q))
	if state := q.SQLState(); state != nil {
		a.text("db.response.status_code", state)
		if metrics.IsFailure(state) {
			a.text("error.type", state)
		}
	} else {
		a.string("db.response.status_code", s.warning)
	}
	if s.about.batch > 0 {
		a.int("db.operation.batch.size", int64(s.about.batch))
	}
	if s.rows {
		a.int("db.response.returned_rows", int64(q.Rows))
	}
	s.endpoints(a, q)
	a.string("pgsniff.user", q.Who.User)
	a.string("pgsniff.application_name", q.Who.Application)
	a.int("pgsniff.connection", int64(q.Conn.ID))
	a.int("pgsniff.query", int64(q.ID))
	if !q.Complete {
		a.string("pgsniff.complete", "false")
	}
	if q.Pooled.Conn != 0 {
		a.int("pgsniff.pooled.connection", int64(q.Pooled.Conn))
		a.int("pgsniff.pooled.query", int64(q.Pooled.Query))
		a.int("pgsniff.pooled.wait_ns", q.Pooled.Wait)
	}
	if q.Sampled.Rate > 0 {
		a.int("pgsniff.sample_rate", int64(q.Sampled.Rate))
	}
	for i := range q.Comment {
		if k := string(q.Comment[i].Name); k != "traceparent" && k != "tracestate" {
			a.text("pgsniff.comment."+k, q.Comment[i].Value)
		}
	}
	if s.parameters {
		s.values.write(a, q)
	}
}

// endpoints writes the addresses of server and client. The server is the one that a
// pooler asked, where that is known; the peer of the connection is the pooler then.
func (s *spans) endpoints(a attributes, q *record.Query) {
	const defaultPort = "5432"
	host, port := split(s.serverOf(q))
	a.string("server.address", host)
	if n, err := strconv.Atoi(port); err == nil && port != defaultPort {
		a.int("server.port", int64(n))
	}
	host, port = split(q.Conn.Server)
	a.string("network.peer.address", host)
	if n, err := strconv.Atoi(port); err == nil {
		a.int("network.peer.port", int64(n))
	}
	host, port = split(q.Conn.Client)
	a.string("client.address", host)
	if n, err := strconv.Atoi(port); err == nil {
		a.int("client.port", int64(n))
	}
}

// split divides an address into host and port; a Unix socket has a path and no port.
func split(address string) (host, port string) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return path, ""
	}
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return address, ""
	}
	return strings.Trim(address[:i], "[]"), address[i+1:]
}

// sanitised returns the text that may be sent: with its literals replaced, unless it
// has parameters in their place.
func sanitised(q *record.Query) []byte {
	if q.Protocol == exchange.ProtocolExtended && q.HasParams && q.Params.Len() > 0 {
		return q.SQL
	}
	return q.Normalized
}

func (s *spans) status(q *record.Query) {
	if state := q.SQLState(); state == nil || !metrics.IsFailure(state) {
		return
	}
	s.member("status", '{')
	s.number("code", statusError)
	s.close('}')
}

// hexOf is what is shown of values that are no text.
func hexOf(b []byte) string { return `\x` + hex.EncodeToString(b) }
