package render

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Leave has nothing to say: JSON has all rows.
func (j *JSON) Leave(*session.Session) {}

func (j *JSON) leave(*conn) {}

// Stats writes the stats record.
func (j *JSON) Stats(r *stats.Report) {
	b := &j.body
	b.buf = append(j.out.buf, `{"type":"stats"`...)
	if r.End != 0 {
		b.buf = append(j.clock.appendTime(append(b.buf, `,"ts":"`...), r.Start), `","end":"`...)
		b.buf = append(j.clock.appendTime(b.buf, r.End), '"')
	}
	b.comma, b.cuts = true, b.cuts[:0]
	if r.Last > 0 {
		b.time("first", r.First, &j.clock)
		b.time("last", r.Last, &j.clock)
	}
	b.count("packets", r.Packets)
	b.count("bytes", r.Bytes)
	b.count("connections", r.Connections)
	b.count("encrypted", r.Encrypted)
	b.key("messages")
	b.open('{')
	for _, c := range r.ByMessage {
		b.count(c.Name, c.Count)
	}
	b.close('}')
	b.count("queries", r.Queries)
	b.count("errors", r.Errors)
	b.count("lost_bytes", r.LostBytes)
	if r.Live {
		b.count("kernel_dropped", r.KernelDropped)
	}
	b.count("distinct_queries", uint64(r.Distinct))
	b.list("top", len(r.Top), func(i int) { b.topQuery(&r.Top[i]) })
	if r.Other != nil {
		b.key("other")
		b.open('{')
		b.totals(r.Other)
		b.close('}')
	}
	b.key("all")
	b.open('{')
	b.totals(&r.All)
	b.close('}')
	b.durations(r.Durations)
	b.list("slowest", len(r.Slowest), func(i int) { b.call(&r.Slowest[i], &j.clock) })
	b.sqlStates(r)
	b.list("error_groups", len(r.Failures), func(i int) { b.failure(&r.Failures[i], &j.clock) })
	if r.OtherFailures > 0 {
		b.count("other_error_groups", r.OtherFailures)
	}
	b.groups("users", r.Users)
	b.groups("databases", r.Databases)
	b.groups("applications", r.Applications)
	b.groups("clients", r.Clients)
	if len(r.Streams) > 0 {
		b.list("replication", len(r.Streams), func(i int) {
			s := &r.Streams[i]
			record.VisitStreamStats(j.visitor(), s.Conn, s.Client, s.Server, s.Summary)
		})
	}
	if r.OtherStreams > 0 {
		b.count("other_replication", r.OtherStreams)
	}
	j.out.buf = append(b.buf, '}', '\n')
	j.out.wrote()
}

// time writes a time.
func (b *body) time(name string, ns int64, at *clock) {
	b.key(name)
	b.buf = append(at.appendTime(append(b.buf, '"'), ns), '"')
}

// call writes one of the slowest calls.
func (b *body) call(c *stats.Call, at *clock) {
	b.time("ts", c.At, at)
	b.count("conn", c.Conn)
	b.count("query", c.ID)
	b.Int("duration_ns", c.Duration)
	if c.TextLen == 0 {
		return
	}
	text := []byte(c.SQL)
	if c.TextLen > len(text) && len(text) > 0 {
		text = cutText(text, len(text)-1) // not within a character
	}
	b.key("sql")
	b.buf = appendQuoted(b.buf, text)
	if c.TextLen > len(c.SQL) {
		b.Bool("truncated", true)
	}
}

// failure writes errors of one kind.
func (b *body) failure(f *stats.Failure, at *clock) {
	b.known("sqlstate", f.SQLState)
	b.count("count", f.Count)
	if f.Fingerprint != 0 {
		b.key("normalized")
		b.buf = appendQuoted(b.buf, []byte(f.Normalized))
		b.key("fingerprint")
		b.buf = append(b.buf, '"')
		b.buf = sqlnorm.AppendFingerprint(b.buf, f.Fingerprint)
		b.buf = append(b.buf, '"')
	}
	b.known("message", f.Message)
	b.time("first", f.At, at)
	b.count("conn", f.Conn)
	if f.ID != 0 {
		b.count("query", f.ID)
	}
}

func (b *body) count(name string, n uint64) { b.Int(name, int64(min(n, 1<<63-1))) }

// open begins an object or an array, close ends it.
func (b *body) open(bracket byte) {
	b.buf = append(b.buf, bracket)
	b.comma = false
}

func (b *body) close(bracket byte) {
	b.buf = append(b.buf, bracket)
	b.comma = true
}

// list writes an array of objects, whose fields write writes.
func (b *body) list(name string, n int, write func(i int)) {
	b.key(name)
	b.open('[')
	for i := range n {
		if i > 0 {
			b.buf = append(b.buf, ',')
		}
		b.open('{')
		write(i)
		b.close('}')
	}
	b.close(']')
}

// topQuery writes a query; what is not known of its text is left out.
func (b *body) topQuery(q *stats.Query) {
	if q.Fingerprint != 0 {
		text := []byte(q.Normalized)
		if q.TextLen > len(text) {
			text = cutText(text, len(text)-1) // not within a character
		}
		b.key("normalized")
		b.buf = appendQuoted(b.buf, text)
		b.key("fingerprint")
		b.buf = append(b.buf, '"')
		b.buf = sqlnorm.AppendFingerprint(b.buf, q.Fingerprint)
		b.buf = append(b.buf, '"')
		if q.Operation != "" {
			b.str("operation", q.Operation)
		}
	}
	b.totals(q)
	if q.TextLen > len(q.Normalized) {
		b.Bool("truncated", true)
	}
}

func (b *body) totals(q *stats.Query) {
	b.count("calls", q.Calls)
	b.count("errors", q.Errors)
	b.count("rows", q.Rows)
	b.count("bytes", q.Bytes)
	if q.Timed == 0 {
		return
	}
	b.count("timed", q.Timed)
	b.key("duration_ns")
	b.open('{')
	b.Int("total", q.Total)
	b.Int("mean", q.Mean)
	b.Int("min", q.Min)
	b.Int("p50", q.P50)
	b.Int("p95", q.P95)
	b.Int("p99", q.P99)
	b.Int("max", q.Max)
	b.close('}')
}

func (b *body) durations(list []stats.Bucket) {
	b.list("durations", len(list), func(i int) {
		b.Int("from_ns", list[i].From)
		if list[i].To > 0 {
			b.Int("below_ns", list[i].To)
		}
		b.count("queries", list[i].Count)
	})
}

// sqlStates writes the errors by SQLSTATE. It is an array, since the codes of a
// broken server are any bytes, and keys are to be unique.
func (b *body) sqlStates(r *stats.Report) {
	b.list("sqlstates", len(r.SQLStates), func(i int) {
		b.known("sqlstate", r.SQLStates[i].Name)
		b.count("errors", r.SQLStates[i].Count)
	})
	if r.OtherSQLStates > 0 {
		b.count("other_sqlstates", r.OtherSQLStates)
	}
}

func (b *body) groups(name string, g stats.Groups) {
	list := g.Groups
	if g.Other != nil {
		list = append(list[:len(list):len(list)], *g.Other)
	}
	b.list(name, len(list), func(i int) {
		group := &list[i]
		if i < len(g.Groups) {
			b.known("name", group.Name)
		} else {
			b.Bool("others", true)
		}
		b.count("connections", group.Connections)
		b.count("queries", group.Queries)
		b.count("errors", group.Errors)
		b.count("bytes", group.Bytes)
	})
}
