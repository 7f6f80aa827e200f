package transactions

import (
	"strconv"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/units"
)

// Transaction is a transaction block, when it is over, or as the end of its connection
// or of the capture found it. Its strings are owned.
type Transaction struct {
	Conn  *record.Conn
	Who   *record.Who
	Start record.Stamp // of the first query in it that was seen
	End   record.Stamp // the last reply, or what ended the connection
	State State
	// MidStream tells that it had begun before the first query seen.
	MidStream bool
	Queries   uint64
	Errors    uint64
	Rows      uint64
	Idle      int64 // ns that the client said nothing, in all
	Longest   int64 // ns, at once
	After     string
	Last      string
	SQLState  string // of the first error

	asked bool // the last statement has no answer: the client waits
}

// State is how a transaction ended.
type State string

// The states of a transaction.
const (
	Committed  State = "committed"
	RolledBack State = "rolled_back"
	Prepared   State = "prepared"
	Abandoned  State = "abandoned" // its connection ended, which rolls it back
	Open       State = "open"      // at the end of the capture
	Ended      State = "ended"     // how was not seen
)

var (
	schema     = record.NewSchema("transaction", "A transaction block, from its BEGIN to its end.")
	tEnd       = schema.Time("end", "When it ended, or was seen last.")
	tUser      = schema.Text("user", "The user.")
	tDatabase  = schema.Text("database", "The database.")
	tApp       = schema.Text("application_name", "The application's name.")
	tState     = schema.Text("state", "How it ended: committed, rolled_back, prepared, abandoned, open or ended.")
	tDuration  = schema.Int("duration_ns", "ns", "How long it was open.")
	tQueries   = schema.Int("queries", "", "Number of queries in it, BEGIN and COMMIT among them.")
	tErrors    = schema.Int("errors", "", "Number of those that failed.")
	tRows      = schema.Int("rows", "", "Rows that were returned.")
	tIdle      = schema.Int("idle_ns", "ns", "How long the client said nothing, in all.")
	tLongest   = schema.Int("longest_idle_ns", "ns", "The longest time at once that the client said nothing.")
	tAfter     = schema.Text("idle_after", "The statement after which it was silent for longest, normalized.")
	tLast      = schema.Text("last", "The last statement in it, normalized.")
	tSQLState  = schema.Text("sqlstate", "SQLSTATE of the first error.")
	tMidStream = schema.Bool("started_mid_stream", "It had begun before what was captured.")
)

// Schema describes transactions.
func (t *Transaction) Schema() *record.Schema { return schema }

// Place is its first query.
func (t *Transaction) Place() record.Stamp { return t.Start }

// Of is its connection.
func (t *Transaction) Of() *record.Conn { return t.Conn }

// Clone returns a copy.
func (t *Transaction) Clone() record.Record {
	c := *t
	return &c
}

// Duration is how long it was open, in nanoseconds.
func (t *Transaction) Duration() int64 { return max(t.End.Time-t.Start.Time, 0) }

// Visit shows the transaction.
func (t *Transaction) Visit(v record.Visitor) {
	fact := func(f *record.Field, s string) {
		if s != "" {
			v.String(f, s)
		}
	}
	v.Time(tEnd, t.End.Time)
	fact(tUser, t.Who.User)
	fact(tDatabase, t.Who.Database)
	fact(tApp, t.Who.Application)
	v.String(tState, string(t.State))
	v.Int(tDuration, t.Duration())
	v.Uint(tQueries, t.Queries)
	v.Uint(tErrors, t.Errors)
	v.Uint(tRows, t.Rows)
	v.Int(tIdle, t.Idle)
	v.Int(tLongest, t.Longest)
	fact(tAfter, t.After)
	fact(tLast, t.Last)
	fact(tSQLState, t.SQLState)
	if t.MidStream {
		v.Bool(tMidStream, true)
	}
}

// Lines are for people: who, how long, how it ended; and below it, if the client kept
// it waiting for a while, after which statement.
func (t *Transaction) Lines() []record.Line {
	style := record.Good
	switch t.State {
	case RolledBack, Open, Ended:
		style = record.Warn
	case Abandoned:
		style = record.Bad
	}
	who := t.Who.User + "@" + t.Who.Database
	if t.Who.Application != "" {
		who += " " + t.Who.Application
	}
	began := ""
	if t.MidStream {
		began = ", begun before the capture"
	}
	failed := ""
	if t.Errors > 0 {
		failed = ", " + plural(t.Errors, "error") + " (" + t.SQLState + ")"
	}
	spans := []record.Span{
		{Text: "#" + strconv.FormatUint(t.Conn.ID, 10), Style: record.Name},
		{Text: " " + who + " "},
		{Text: string(t.State), Style: style},
		{Text: " after " + units.Duration(t.Duration()) + ", idle " + units.Duration(t.Idle) + ", " + plural(t.Queries, "query") + failed + began},
	}
	lines := []record.Line{{At: t.Start.Time, Hang: 8, Spans: spans}}
	if t.Longest >= worthTelling && t.After != "" {
		lines = append(lines, record.Line{Indent: 8, Hang: 2, Spans: []record.Span{
			{Text: "idle " + units.Duration(t.Longest) + " after ", Style: record.Warn}, {Text: t.After, Style: record.SQL},
		}})
	}
	return lines
}

// worthTelling is from how long on, in nanoseconds, the statement before a silence
// has a line: what a person would call waiting.
const worthTelling = int64(100 * time.Millisecond)

func plural(n uint64, what string) string {
	s := strconv.FormatUint(n, 10) + " " + what
	switch {
	case n == 1:
		return s
	case what == "query":
		return s[:len(s)-1] + "ies"
	}
	return s + "s"
}
