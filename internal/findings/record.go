package findings

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/internal/units"
)

var (
	schema      = record.NewSchema("finding", "One illness: what is wrong, what it costs, and what to change.")
	fCode       = schema.Text("code", "What it is, as a word; docs/findings.md explains each.")
	fSeverity   = schema.Text("severity", "critical, warning or info.")
	fConfidence = schema.Text("confidence", "certain (the server said so), strong (all of it was seen) or likely.")
	fTitle      = schema.Text("title", "One sentence with the numbers in it.")
	fAdvice     = schema.Text("advice", "What to change.")
	fCount      = schema.Int("count", "", "How often it occurred.")
	fFirst      = schema.Time("first", "When it was seen first.")
	fLast       = schema.Time("last", "When it was seen last.")
	fCost       = schema.Object("cost", "What it costs, as far as it is known.")
	fConns      = schema.List("connections", "The connections that it is about, 64 at most.")
	fMoreConns  = schema.Int("more_connections", "", "How many further ones.")
	fQueries    = schema.List("queries", "The statements that it is about.")
	fEvidence   = schema.List("evidence", "Places to look at.")
	fUpdate     = schema.Bool("update", "It was told before, and has grown.")

	costTime  = record.NewField("time_ns", record.TypeInt, "ns", "Time lost.")
	costTrips = record.NewField("round_trips", record.TypeInt, "", "Round trips too many.")
	costBytes = record.NewField("bytes", record.TypeInt, "bytes", "Bytes too many.")
	costShare = record.NewField("share", record.TypeInt, "", "The part of the application's busy time, from 0 to 1.")

	refConn     = record.NewField("conn", record.TypeInt, "", "Number of the connection.")
	refClient   = record.NewField("client", record.TypeText, "", "The client's address.")
	refServer   = record.NewField("server", record.TypeText, "", "The server's address.")
	refUser     = record.NewField("user", record.TypeText, "", "The user.")
	refDatabase = record.NewField("database", record.TypeText, "", "The database.")
	refApp      = record.NewField("application_name", record.TypeText, "", "The application's name.")

	queryText  = record.NewField("normalized", record.TypeText, "", "The text with literals as $1, $2…")
	queryPrint = record.NewField("fingerprint", record.TypeText, "", "Equal for equal normalized texts.")
	queryCalls = record.NewField("calls", record.TypeInt, "", "Executions that it is about.")

	evidenceTS    = record.NewField("ts", record.TypeTime, "", "When.")
	evidenceConn  = record.NewField("conn", record.TypeInt, "", "Number of the connection.")
	evidenceQuery = record.NewField("query", record.TypeInt, "", "Number of the query within it.")
	evidenceFrame = record.NewField("frame", record.TypeInt, "", "Number of the packet.")
	evidenceSplit = record.NewField("split", record.TypeObject, "", "Of a slow query: where its time went.")
	splitServer   = record.NewField("server_ns", record.TypeInt, "ns", "The server's work until its first reply.")
	splitLock     = record.NewField("lock_wait_ns", record.TypeInt, "ns", "Waiting for a lock, likely.")
	splitQueue    = record.NewField("queue_ns", record.TypeInt, "ns", "Waiting in a pooler for a connection to the server.")
	splitNetwork  = record.NewField("network_ns", record.TypeInt, "ns", "Until lost segments came again.")
	splitClient   = record.NewField("client_ns", record.TypeInt, "ns", "The client's receive window was closed.")
	splitSending  = record.NewField("sending_ns", record.TypeInt, "ns", "From the first reply to the last, without the others.")
	evidenceText  = record.NewField("text", record.TypeText, "", "What is there to see.")
)

// Record is a finding as the program's outputs take it.
type Record struct {
	Finding
	// Verbose shows all of it in pretty output.
	Verbose bool
	form    form
	width   int // of the terminal, for forms that are cut
}

// Schema describes findings.
func (r *Record) Schema() *record.Schema { return schema }

// Place is where it was seen first.
func (r *Record) Place() record.Stamp { return r.First }

// Of is nil: a finding may be about many connections.
func (r *Record) Of() *record.Conn { return nil }

// Clone returns a copy.
func (r *Record) Clone() record.Record {
	c := *r
	c.Connections, c.Queries, c.Evidence = slices.Clone(r.Connections), slices.Clone(r.Queries), slices.Clone(r.Evidence)
	return &c
}

// Visit shows the finding.
func (r *Record) Visit(v record.Visitor) {
	v.String(fCode, r.Code)
	v.String(fSeverity, r.Severity.String())
	v.String(fConfidence, r.Confidence.String())
	v.String(fTitle, r.Title)
	v.String(fAdvice, r.Advice)
	v.Uint(fCount, r.Count)
	if r.First.Time != 0 {
		v.Time(fFirst, r.First.Time)
	}
	if r.Last.Time != 0 {
		v.Time(fLast, r.Last.Time)
	}
	r.visitCost(v)
	v.Open(fConns)
	for i := range r.Connections {
		r.Connections[i].visit(v)
	}
	v.Close()
	if r.MoreConnections > 0 {
		v.Uint(fMoreConns, r.MoreConnections)
	}
	v.Open(fQueries)
	for i := range r.Queries {
		q := &r.Queries[i]
		v.Open(nil)
		v.String(queryText, q.Normalized)
		v.String(queryPrint, string(sqlnorm.AppendFingerprint(nil, q.Fingerprint)))
		v.Uint(queryCalls, q.Calls)
		v.Close()
	}
	v.Close()
	v.Open(fEvidence)
	for i := range r.Evidence {
		r.Evidence[i].visit(v)
	}
	v.Close()
	if r.Update {
		v.Bool(fUpdate, true)
	}
}

func (r *Record) visitCost(v record.Visitor) {
	v.Open(fCost)
	if r.Cost.TimeNS > 0 {
		v.Int(costTime, r.Cost.TimeNS)
	}
	if r.Cost.RoundTrips > 0 {
		v.Uint(costTrips, r.Cost.RoundTrips)
	}
	if r.Cost.Bytes > 0 {
		v.Uint(costBytes, r.Cost.Bytes)
	}
	if f, ok := v.(record.Fractioner); ok && r.Cost.Share > 0 {
		f.Fraction(costShare, math.Round(r.Cost.Share*1e4)/1e4)
	}
	v.Close()
}

func (c *ConnRef) visit(v record.Visitor) {
	v.Open(nil)
	v.Uint(refConn, c.Conn)
	v.String(refClient, c.Client)
	v.String(refServer, c.Server)
	for _, p := range []struct {
		f *record.Field
		s string
	}{{refUser, c.User}, {refDatabase, c.Database}, {refApp, c.Application}} {
		if p.s != "" {
			v.String(p.f, p.s)
		}
	}
	v.Close()
}

func (x *Evidence) visit(v record.Visitor) {
	v.Open(nil)
	v.Time(evidenceTS, x.At.Time)
	v.Uint(evidenceConn, x.Conn)
	if x.Query != 0 {
		v.Uint(evidenceQuery, x.Query)
	}
	if x.At.Frame != 0 {
		v.Uint(evidenceFrame, x.At.Frame)
	}
	v.String(evidenceText, x.Text)
	if p := x.Split; p != nil {
		v.Open(evidenceSplit)
		v.Int(splitServer, p.ServerNS)
		v.Int(splitLock, p.LockNS)
		v.Int(splitQueue, p.QueueNS)
		v.Int(splitNetwork, p.NetworkNS)
		v.Int(splitClient, p.ClientNS)
		v.Int(splitSending, p.SendingNS)
		v.Close()
	}
	v.Close()
}

var severityStyles = [...]record.Style{Info: record.Dim, Warning: record.Warn, Critical: record.Bad}

// Lines is the finding as pretty output shows it: what it is, the statement, the
// best evidence, and what to do.
func (r *Record) Lines() []record.Line {
	switch {
	case r.form == formLine:
		return []record.Line{cut(r.line(), r.width)}
	case r.Severity == Info && !r.Verbose:
		return []record.Line{r.line()}
	case r.form == formShort, r.form == formTitle:
		lines := []record.Line{r.head(), r.title()}
		if len(r.Evidence) > 0 {
			lines = append(lines, r.Evidence[0].line())
		}
		lines = append(lines, r.advice())
		for i := range lines {
			if r.form == formShort || i != 1 { // the title
				lines[i] = cut(lines[i], r.width)
			}
		}
		return lines
	}
	return r.whole()
}

// line is the finding in a line.
func (r *Record) line() record.Line {
	return record.Line{Hang: 6, Spans: []record.Span{
		{Text: strings.ToUpper(r.Severity.String()) + "  ", Style: severityStyles[r.Severity]}, {Text: r.Code, Style: record.Name}, {Text: "  "}, {Text: r.Title},
	}}
}

func (r *Record) head() record.Line {
	head := []record.Span{
		{Text: strings.ToUpper(r.Severity.String()), Style: severityStyles[r.Severity]},
		{Text: "  "},
		{Text: r.Code, Style: record.Name},
		{Text: "  "},
		{Text: r.costText(), Style: record.Dim},
	}
	if r.Update {
		head = append(head, record.Span{Text: "  (grown)", Style: record.Dim})
	}
	return record.Line{Hang: 2, Spans: head}
}

func (r *Record) title() record.Line {
	return record.Line{Indent: 2, Spans: []record.Span{{Text: r.Title}}}
}

func (r *Record) advice() record.Line {
	return record.Line{Indent: 2, Hang: 2, Spans: []record.Span{{Text: "→ ", Style: record.Good}, {Text: r.Advice}}}
}

func (x *Evidence) line() record.Line {
	where := fmt.Sprintf("#%d", x.Conn)
	if x.Query != 0 {
		where += fmt.Sprintf(" query %d", x.Query)
	}
	if x.At.Frame != 0 {
		where += fmt.Sprintf(", packet %d", x.At.Frame)
	}
	return record.Line{Indent: 4, Hang: 2, Spans: []record.Span{{Text: "see ", Style: record.Dim}, {Text: where, Style: record.Dim}, {Text: ": " + x.Text}}}
}

// whole is all that is shown of it.
func (r *Record) whole() []record.Line {
	lines := []record.Line{r.head(), r.title()}
	queries, evidence := 1, 1
	if r.Verbose {
		queries, evidence = len(r.Queries), len(r.Evidence)
	}
	for i := range r.Queries[:min(queries, len(r.Queries))] {
		q := &r.Queries[i]
		text := q.Normalized
		if !r.Verbose {
			text = shorten(text, 140)
		}
		lines = append(lines, record.Line{Indent: 4, Hang: 2, Spans: []record.Span{{Text: text, Style: record.SQL}, {Text: "  ×" + grouped(int64(q.Calls)), Style: record.Dim}}})
	}
	for i := range r.Evidence[:min(evidence, len(r.Evidence))] {
		lines = append(lines, r.Evidence[i].line())
	}
	if r.Verbose {
		lines = append(lines, r.moreLines()...)
	}
	return append(lines, r.advice(), record.Line{})
}

// moreLines is what -v adds: the connections, and how sure it is.
func (r *Record) moreLines() []record.Line {
	var names []string
	for i := range r.Connections {
		c := &r.Connections[i]
		name := fmt.Sprintf("#%d %s", c.Conn, c.Client)
		if c.Application != "" {
			name += " " + c.Application
		}
		names = append(names, name)
	}
	if r.MoreConnections > 0 {
		names = append(names, count(r.MoreConnections, "other"))
	}
	return []record.Line{{Indent: 4, Hang: 2, Spans: []record.Span{
		{Text: "connections ", Style: record.Dim}, {Text: strings.Join(names, ", ")}, {Text: "; " + r.Confidence.String(), Style: record.Dim},
	}}}
}

func (r *Record) costText() string {
	var parts []string
	if r.Cost.TimeNS > 0 {
		parts = append(parts, units.Duration(r.Cost.TimeNS))
	}
	if r.Cost.RoundTrips > 0 {
		parts = append(parts, count(r.Cost.RoundTrips, "round trip"))
	}
	if r.Cost.Bytes > 0 {
		parts = append(parts, units.Bytes(r.Cost.Bytes))
	}
	if r.Cost.Share >= 0.01 {
		parts = append(parts, percent(r.Cost.Share)+" of its busy time")
	}
	return strings.Join(parts, ", ")
}
