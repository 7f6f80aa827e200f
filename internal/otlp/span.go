package otlp

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// Numbers of OTLP's enumerations.
const (
	kindClient  = 3
	statusError = 2
)

// spans writes queries as spans.
type spans struct {
	*batch
	parameters bool // db.query.parameter.N
	rows       bool // db.response.returned_rows
	link       bool // an application's span is linked, not the parent
	unsampled  bool // also those of traces that are not sampled
	unsent     uint64

	summary []byte
	values  values
	held    []held // in the order of their ends
}

// add writes a query, as a child of another one if that is not nil. It is passed over if
// it has no duration, or if its trace is not sampled.
func (s *spans) add(q, by *record.Query) {
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
	s.summary = sqlnorm.AppendSummary(s.summary[:0], q.SQL)
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

// name is the summary, else what kind of command it was.
func (s *spans) name(q *record.Query) []byte {
	switch {
	case len(s.summary) > 0:
		return s.summary
	case q.Operation != "":
		return []byte(q.Operation)
	}
	return []byte("postgresql")
}

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
	a.string("db.system.name", "postgresql")
	a.string("db.namespace", q.Who.Database)
	a.text("db.query.text", sanitised(q))
	a.text("db.query.summary", s.summary)
	if state := q.SQLState(); state != nil {
		a.text("db.response.status_code", state)
		a.text("error.type", state)
	}
	if n := len(q.Results); n > 1 {
		a.int("db.operation.batch.size", int64(n))
	}
	if s.rows {
		a.int("db.response.returned_rows", int64(q.Rows))
	}
	s.endpoints(a, q.Conn)
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

// endpoints writes the addresses of server and client.
func (s *spans) endpoints(a attributes, c *record.Conn) {
	const defaultPort = "5432"
	host, port := split(c.Server)
	a.string("server.address", host)
	a.string("network.peer.address", host)
	if n, err := strconv.Atoi(port); err == nil {
		if port != defaultPort {
			a.int("server.port", int64(n))
		}
		a.int("network.peer.port", int64(n))
	}
	host, port = split(c.Client)
	a.string("client.address", host)
	if n, err := strconv.Atoi(port); err == nil {
		a.int("client.port", int64(n))
	}
}

// split divides an address into host and port; a Unix socket has no port.
func split(address string) (host, port string) {
	i := strings.LastIndexByte(address, ':')
	if i < 0 || strings.HasPrefix(address, "unix:") {
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
	state := q.SQLState()
	// Classes 00 and 01 are success and warnings.
	if state == nil || len(state) > 1 && state[0] == '0' && (state[1] == '0' || state[1] == '1') {
		return
	}
	s.member("status", '{')
	s.number("code", statusError)
	s.close('}')
}

// hexOf is what is shown of values that are no text.
func hexOf(b []byte) string { return `\x` + hex.EncodeToString(b) }
