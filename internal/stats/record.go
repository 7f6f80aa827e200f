package stats

import (
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
)

var (
	schema        = record.NewSchema("stats", "What the capture, or a period of it, holds in all.")
	fEnd          = schema.Time("end", "With --every: the end of the period that the rest is about, which begins with ts.")
	fFirst        = schema.Time("first", "The time of the first packet that the sums are about.")
	fLast         = schema.Time("last", "The time of the last one.")
	fPackets      = schema.Int("packets", "", "Packets of the capture.")
	fBytes        = schema.Int("bytes", "bytes", "Their bytes, headers included.")
	fConnections  = schema.Int("connections", "", "Connections of PostgreSQL.")
	fEncrypted    = schema.Int("encrypted", "", "Of these, how many could not be read: nothing of their queries is in the other sums.")
	fActive       = schema.Int("active_ns", "ns", "How long connections had queries under way, added up over them; divided by the time from first to last, how many were active on average.")
	fMaxActive    = schema.Int("active_max", "", "How many connections had queries under way at once, at most; left out of merged reports.")
	fMessages     = schema.Map("messages", "Counts by name of the message.")
	fQueries      = schema.Int("queries", "", "Query records.")
	fErrors       = schema.Int("errors", "", "Errors of queries and others.")
	fLost         = schema.Int("lost_bytes", "bytes", "TCP payload that was not captured.")
	fDropped      = schema.Int("kernel_dropped", "", "Live only: packets that the kernel had no room for.")
	fDistinct     = schema.Int("distinct_queries", "", "Different normalized queries.")
	fTop          = schema.List("top", "The first queries in the order asked for.")
	fOther        = schema.Object("other", "Queries that came when too many different ones were known.")
	fAll          = schema.Object("all", "All queries together.")
	fDurations    = schema.List("durations", "A histogram of the queries' durations.")
	fSlowest      = schema.List("slowest", "The slowest calls, slowest first.")
	fSQLStates    = schema.List("sqlstates", "Errors by SQLSTATE, most first.")
	fOtherStates  = schema.Int("other_sqlstates", "", "Errors with SQLSTATEs that came when too many were known.")
	fFailures     = schema.List("error_groups", "Errors by SQLSTATE and query, most first.")
	fOtherFailed  = schema.Int("other_error_groups", "", "Errors of further kinds, that came when too many were known.")
	fUsers        = schema.List("users", "Connections by user, most first.")
	fDatabases    = schema.List("databases", "Likewise by database.")
	fApplications = schema.List("applications", "Likewise by application_name.")
	fClients      = schema.List("clients", "Likewise by the client's address.")
	fReplication  = schema.List("replication", "Replication connections that are over.")
	fOtherStreams = schema.Int("other_replication", "", "Those beyond the limit.")

	// Of a query in top, and of all queries together.
	fNormalized  = record.NewField("normalized", record.TypeText, "", "The text with literals as $1, $2…; cut where it is long.")
	fFingerprint = record.NewField("fingerprint", record.TypeText, "", "Equal for equal normalized texts.")
	fOperation   = record.NewField("operation", record.TypeText, "", "The first command's name: SELECT, INSERT…")
	fCalls       = record.NewField("calls", record.TypeInt, "", "How often it was called.")
	fRows        = record.NewField("rows", record.TypeInt, "", "Rows of all results.")
	fTimed       = record.NewField("timed", record.TypeInt, "", "Calls whose duration is known.")
	fDuration    = record.NewField("duration_ns", record.TypeObject, "", "Over the timed calls.")
	fTotal       = record.NewField("total", record.TypeInt, "ns", "Their sum.")
	fMean        = record.NewField("mean", record.TypeInt, "ns", "Their mean.")
	fMin         = record.NewField("min", record.TypeInt, "ns", "The shortest.")
	fP50         = record.NewField("p50", record.TypeInt, "ns", "Half of them took no longer.")
	fP95         = record.NewField("p95", record.TypeInt, "ns", "Of a hundred, 95 took no longer.")
	fP99         = record.NewField("p99", record.TypeInt, "ns", "Of a hundred, 99 took no longer.")
	fMax         = record.NewField("max", record.TypeInt, "ns", "The longest.")
	fHistogram   = record.NewField("histogram", record.TypeObject, "", "With --histograms: one that can be added to others.")
	fBuckets     = record.NewField("buckets", record.TypeList, "", "Numbers of its buckets.")
	fCounts      = record.NewField("counts", record.TypeList, "", "The calls in each of them.")
	fWorst       = record.NewField("worst", record.TypeObject, "", "The slowest of these calls.")
	fScript      = record.NewField("script", record.TypeText, "", "What runs it again in psql, with its parameters and their types; left out where they are not known, or it is too long.")
	fTruncated   = record.NewField("truncated", record.TypeBool, "", "The text is longer.")

	// Of the slowest calls and of groups of errors.
	fTime         = record.NewField("ts", record.TypeTime, "", "When it was asked for.")
	fQuery        = record.NewField("query", record.TypeInt, "", "Its number within the connection.")
	fCallDuration = record.NewField("duration_ns", record.TypeInt, "ns", "How long it took.")
	fSQL          = record.NewField("sql", record.TypeText, "", "The text as it was sent; cut where it is long.")
	fCount        = record.NewField("count", record.TypeInt, "", "How many there were.")
	fMessage      = record.NewField("message", record.TypeText, "", "The message of the first of them.")
	fFirstTime    = record.NewField("first", record.TypeTime, "", "When the first of them came.")

	// Of the histogram, of SQLSTATEs and of groups.
	fFrom     = record.NewField("from_ns", record.TypeInt, "ns", "Durations from this on.")
	fBelow    = record.NewField("below_ns", record.TypeInt, "ns", "Up to but not including this; left out of the last possible one.")
	fSQLState = record.NewField("sqlstate", record.TypeText, "", "The code; left out if an error came without.")
	fName     = record.NewField("name", record.TypeText, "", "Left out where it is not known.")
	fOthers   = record.NewField("others", record.TypeBool, "", "The rest, beyond so many names.")
)

// Schema describes reports.
func (r *Report) Schema() *record.Schema { return schema }

// Place is the beginning of the period, the zero Stamp for a report about all of the
// capture.
func (r *Report) Place() record.Stamp { return record.Stamp{Time: r.Start} }

// Of is nil: a report is about many connections.
func (r *Report) Of() *record.Conn { return nil }

// Clone returns a copy; a report borrows nothing, and what it reaches does not change.
func (r *Report) Clone() record.Record {
	c := *r
	return &c
}

// Visit shows the report.
func (r *Report) Visit(v record.Visitor) {
	if r.End != 0 {
		v.Time(fEnd, r.End)
	}
	if r.Last > 0 {
		v.Time(fFirst, r.First)
		v.Time(fLast, r.Last)
	}
	v.Uint(fPackets, r.Packets)
	v.Uint(fBytes, r.Bytes)
	v.Uint(fConnections, r.Connections)
	v.Uint(fEncrypted, r.Encrypted)
	v.Int(fActive, r.Active)
	if r.MaxActive > 0 || r.Active == 0 {
		v.Int(fMaxActive, int64(r.MaxActive))
	}
	v.Open(fMessages)
	for _, c := range r.ByMessage {
		v.Key([]byte(c.Name))
		v.Uint(nil, c.Count)
	}
	v.Close()
	v.Uint(fQueries, r.Queries)
	v.Uint(fErrors, r.Errors)
	v.Uint(fLost, r.LostBytes)
	if r.Live {
		v.Uint(fDropped, r.KernelDropped)
	}
	v.Uint(fDistinct, uint64(r.Distinct))
	r.visitQueries(v)
	r.visitDurations(v)
	r.visitSlowest(v)
	r.visitSQLStates(v)
	r.visitFailures(v)
	visitGroups(v, fUsers, r.Users)
	visitGroups(v, fDatabases, r.Databases)
	visitGroups(v, fApplications, r.Applications)
	visitGroups(v, fClients, r.Clients)
	r.visitStreams(v)
}

func (r *Report) visitQueries(v record.Visitor) {
	v.Open(fTop)
	for i := range r.Top {
		v.Open(nil)
		r.Top[i].visit(v)
		v.Close()
	}
	v.Close()
	if r.Other != nil {
		v.Open(fOther)
		r.Other.visitTotals(v)
		v.Close()
	}
	v.Open(fAll)
	r.All.visitTotals(v)
	v.Close()
}

// visit shows a query; what is not known of its text is left out.
func (q *Query) visit(v record.Visitor) {
	if q.Fingerprint != 0 {
		visitCut(v, fNormalized, q.Normalized, q.TextLen)
		v.String(fFingerprint, string(sqlnorm.AppendFingerprint(nil, q.Fingerprint)))
		known(v, fOperation, q.Operation)
	}
	q.visitTotals(v)
	q.Worst.visit(v)
	if q.TextLen > len(q.Normalized) {
		v.Bool(fTruncated, true)
	}
}

// wholeRunes returns a text that was cut without its last character, which may not be
// whole.
func wholeRunes(s string) string {
	for i := len(s) - 1; i >= 0 && i >= len(s)-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:max(len(s)-1, 0)]
}

func (q *Query) visitTotals(v record.Visitor) {
	v.Uint(fCalls, q.Calls)
	v.Uint(fErrors, q.Errors)
	v.Uint(fRows, q.Rows)
	v.Uint(fBytes, q.Bytes)
	if q.Timed == 0 {
		return
	}
	v.Uint(fTimed, q.Timed)
	v.Open(fDuration)
	v.Int(fTotal, q.Total)
	v.Int(fMean, q.Mean)
	v.Int(fMin, q.Min)
	v.Int(fP50, q.P50)
	v.Int(fP95, q.P95)
	v.Int(fP99, q.P99)
	v.Int(fMax, q.Max)
	q.Histogram.visit(v)
	v.Close()
}

// visit shows a histogram, if there is one.
func (h *Mergeable) visit(v record.Visitor) {
	if h == nil {
		return
	}
	v.Open(fHistogram)
	v.Open(fBuckets)
	for _, i := range h.Buckets {
		v.Int(nil, int64(i))
	}
	v.Close()
	v.Open(fCounts)
	for _, n := range h.Counts {
		v.Uint(nil, n)
	}
	v.Close()
	v.Close()
}

// visit shows the slowest call of a query, if it was kept.
func (e *Example) visit(v record.Visitor) {
	if e == nil {
		return
	}
	v.Open(fWorst)
	v.Time(fTime, e.At)
	if e.Conn != 0 { // merged reports have none
		v.Uint(record.CommonConn, e.Conn)
		v.Uint(fQuery, e.ID)
	}
	v.Int(fCallDuration, e.Duration)
	known(v, fScript, e.Script)
	v.Close()
}

func (r *Report) visitDurations(v record.Visitor) {
	v.Open(fDurations)
	for _, b := range r.Durations {
		v.Open(nil)
		v.Int(fFrom, b.From)
		if b.To > 0 {
			v.Int(fBelow, b.To)
		}
		v.Uint(fQueries, b.Count)
		v.Close()
	}
	v.Close()
}

func (r *Report) visitSlowest(v record.Visitor) {
	v.Open(fSlowest)
	for i := range r.Slowest {
		c := &r.Slowest[i]
		v.Open(nil)
		v.Time(fTime, c.At)
		if c.Conn != 0 { // merged reports have none
			v.Uint(record.CommonConn, c.Conn)
			v.Uint(fQuery, c.ID)
		}
		v.Int(fCallDuration, c.Duration)
		if c.TextLen > 0 {
			visitCut(v, fSQL, c.SQL, c.TextLen)
			if c.TextLen > len(c.SQL) {
				v.Bool(fTruncated, true)
			}
		}
		v.Close()
	}
	v.Close()
}

// visitCut shows a text of which the beginning is kept.
func visitCut(v record.Visitor, f *record.Field, text string, length int) {
	if length > len(text) && text != "" {
		text = wholeRunes(text)
	}
	v.String(f, text)
}

func (r *Report) visitFailures(v record.Visitor) {
	v.Open(fFailures)
	for i := range r.Failures {
		f := &r.Failures[i]
		v.Open(nil)
		known(v, fSQLState, f.SQLState)
		v.Uint(fCount, f.Count)
		if f.Fingerprint != 0 {
			v.String(fNormalized, f.Normalized)
			v.String(fFingerprint, string(sqlnorm.AppendFingerprint(nil, f.Fingerprint)))
		}
		known(v, fMessage, f.Message)
		v.Time(fFirstTime, f.At)
		if f.Conn != 0 {
			v.Uint(record.CommonConn, f.Conn)
		}
		if f.ID != 0 {
			v.Uint(fQuery, f.ID)
		}
		v.Close()
	}
	v.Close()
	if r.OtherFailures > 0 {
		v.Uint(fOtherFailed, r.OtherFailures)
	}
}

// known shows a text unless it is empty.
func known(v record.Visitor, f *record.Field, s string) {
	if s != "" {
		v.String(f, s)
	}
}

// visitSQLStates shows the errors by SQLSTATE. It is a list, since the codes of a
// broken server are any bytes, and keys are to be unique.
func (r *Report) visitSQLStates(v record.Visitor) {
	v.Open(fSQLStates)
	for _, c := range r.SQLStates {
		v.Open(nil)
		known(v, fSQLState, c.Name)
		v.Uint(fErrors, c.Count)
		v.Close()
	}
	v.Close()
	if r.OtherSQLStates > 0 {
		v.Uint(fOtherStates, r.OtherSQLStates)
	}
}

func visitGroups(v record.Visitor, f *record.Field, g Groups) {
	v.Open(f)
	for i := range g.Groups {
		g.Groups[i].visit(v, false)
	}
	if g.Other != nil {
		g.Other.visit(v, true)
	}
	v.Close()
}

func (g *Group) visit(v record.Visitor, others bool) {
	v.Open(nil)
	switch {
	case others:
		v.Bool(fOthers, true)
	case g.Name != "":
		v.String(fName, g.Name)
	}
	v.Uint(fConnections, g.Connections)
	v.Uint(fQueries, g.Queries)
	v.Uint(fErrors, g.Errors)
	v.Uint(fBytes, g.Bytes)
	v.Close()
}

func (r *Report) visitStreams(v record.Visitor) {
	if len(r.Streams) > 0 {
		v.Open(fReplication)
		for i := range r.Streams {
			s := &r.Streams[i]
			v.Open(nil)
			record.VisitStreamStats(v, s.Conn, s.Client, s.Server, s.Summary)
			v.Close()
		}
		v.Close()
	}
	if r.OtherStreams > 0 {
		v.Uint(fOtherStreams, r.OtherStreams)
	}
}

var _ record.Record = (*Report)(nil)
