package stats

import (
	"fmt"
	"strings"
	"time"

	"github.com/pgsniff/pgsniff/internal/units"
)

// summary says what the report is about: the period, what there was in it, and how
// much of it at a time.
func (p *tables) summary(r *Report) {
	var facts []string
	if r.Last > 0 {
		facts = append(facts, p.period(r.First, r.Last))
	}
	facts = append(facts, plural(r.Packets, "packet"), units.Bytes(r.Bytes), plural(r.Connections, "connection"))
	if r.Encrypted > 0 {
		facts = append(facts, formatCount(r.Encrypted)+" encrypted and not read")
	}
	facts = append(facts, plural(r.Messages, "message"), plural2(r.Queries, "query", "queries"), plural(r.Errors, "error"))
	if r.LostBytes > 0 {
		facts = append(facts, units.Bytes(r.LostBytes)+" not in the capture")
	}
	if r.KernelDropped > 0 {
		facts = append(facts, plural(r.KernelDropped, "packet")+" dropped by the kernel")
	}
	p.wrapped(facts)
	p.wrapped(rates(r))
}

// period writes from when to when, and how long that is.
func (p *tables) period(from, to int64) string {
	zone := p.opt.Zone
	if zone == nil {
		zone = time.UTC
	}
	const day, clock = "2006-01-02 ", "15:04:05.000"
	a, b := time.Unix(0, from).In(zone), time.Unix(0, to).In(zone)
	end := b.Format(clock)
	if a.Format(day) != b.Format(day) {
		end = b.Format(day + clock)
	}
	return fmt.Sprintf("%s to %s (%s)", a.Format(day+clock), end, units.Duration(to-from))
}

// rates are per second of the period, and how many connections had queries
// under way at a time; they mean
// nothing where it is shorter than what they are about.
func rates(r *Report) []string {
	took := r.Last - r.First
	if took <= 0 || r.Queries == 0 {
		return nil
	}
	per := func(n uint64) float64 { return float64(n) / (float64(took) / 1e9) }
	list := []string{
		formatRate(per(r.Queries)) + " queries/s", formatRate(per(r.Messages)) + " messages/s",
		units.Bytes(uint64(per(r.Bytes))) + "/s",
	}
	if r.All.Timed > 0 {
		active := "active connections: " + formatRate(float64(r.Active)/float64(took)) + " on average"
		if r.MaxActive > 0 {
			active += ", " + formatCount(uint64(r.MaxActive)) + " at most"
		}
		list = append(list, active)
	}
	return list
}

// formatRate writes a number with three digits, and no more than that.
func formatRate(f float64) string {
	switch {
	case f >= 99.95:
		return formatCount(uint64(f + 0.5))
	case f >= 9.995:
		return fmt.Sprintf("%.1f", f)
	case f > 0 && f < 0.005:
		return "less than 0.01"
	}
	return fmt.Sprintf("%.2f", f)
}

// wrapped writes facts with commas, in as many lines as it takes.
func (p *tables) wrapped(facts []string) {
	line := ""
	for i, f := range facts {
		switch {
		case i == 0:
			line = f
			continue
		case p.opt.Width > 0 && widths.StringWidth(line)+2+widths.StringWidth(f)+1 > p.opt.Width:
			fmt.Fprintln(p.w, line+",")
			line = f
			continue
		}
		line += ", " + f
	}
	if line != "" {
		fmt.Fprintln(p.w, line)
	}
}

// minQuery is how many columns the text of a query is to have before more numbers are
// shown.
const minQuery = 24

// queryColumns are the columns of the queries' table; those that are not for narrow
// terminals are marked.
var queryColumns = []struct {
	column
	wide bool
	cell func(q *Query, all *Query) string
}{
	{column{head: "share"}, false, func(q, all *Query) string { return formatPercent(uint64(q.Total), uint64(all.Total)) }},
	{column{head: "calls"}, false, func(q, _ *Query) string { return formatCount(q.Calls) }},
	{column{head: "errors"}, true, func(q, _ *Query) string { return formatCount(q.Errors) }},
	{column{head: "rows"}, true, func(q, _ *Query) string { return formatCount(q.Rows) }},
	{column{head: "bytes"}, true, func(q, _ *Query) string { return units.Bytes(q.Bytes) }},
	{column{head: "total"}, false, func(q, _ *Query) string { return q.duration(q.Total) }},
	{column{head: "mean"}, false, func(q, _ *Query) string { return q.duration(q.Mean) }},
	{column{head: "p50"}, true, func(q, _ *Query) string { return q.duration(q.P50) }},
	{column{head: "p95"}, false, func(q, _ *Query) string { return q.duration(q.P95) }},
	{column{head: "p99"}, true, func(q, _ *Query) string { return q.duration(q.P99) }},
	{column{head: "max"}, true, func(q, _ *Query) string { return q.duration(q.Max) }},
}

// duration writes one of the query's durations.
func (q *Query) duration(ns int64) string {
	if q.Timed == 0 {
		return "-"
	}
	return units.Duration(ns)
}

func (p *tables) queries(r *Report) {
	if r.Queries == 0 {
		return
	}
	p.heading("Queries by %s: %s of %s", r.Sort, formatCount(uint64(len(r.Top))), formatCount(uint64(r.Distinct)))
	columns, rows := queryTable(r, true)
	if p.opt.Width > 0 && tableWidth(columns, rows)+minQuery > p.opt.Width {
		columns, rows = queryTable(r, false)
	}
	p.table(columns, rows)
}

// queryTable makes the table with all columns, or without those that narrow terminals
// have no room for, but with that which it is ordered by.
func queryTable(r *Report, wide bool) (columns []column, rows [][]string) {
	shown := queryColumns[:0:0]
	for _, c := range queryColumns {
		if wide || !c.wide || c.head == r.Sort.String() {
			shown = append(shown, c)
			columns = append(columns, c.column)
		}
	}
	columns = append(columns, column{head: "query", left: true})
	add := func(q *Query, text string) {
		row := make([]string, 0, len(columns))
		for _, c := range shown {
			row = append(row, c.cell(q, &r.All))
		}
		rows = append(rows, append(row, text))
	}
	for i := range r.Top {
		add(&r.Top[i], queryText(&r.Top[i]))
	}
	if r.Other != nil {
		add(r.Other, "(others: too many distinct queries to tell them apart)")
	}
	add(&r.All, "(all)")
	return columns, rows
}

// tableWidth is the width of a table without the text of its last column.
func tableWidth(columns []column, rows [][]string) (n int) {
	for _, size := range sizes(columns, rows)[:len(columns)-1] {
		n += 2 + size
	}
	return n + 2
}

func queryText(q *Query) string {
	switch text := printable(q.Normalized); {
	case q.Fingerprint == 0:
		return "(not in the capture)"
	case q.TextLen == 0:
		return "(empty)"
	case q.TextLen > len(q.Normalized):
		return text + "…"
	default:
		return text
	}
}

// shownCalls is how many of the slowest calls are shown.
const shownCalls = 5

// slowest lists single calls, which an analysis begins with: where they are in the
// capture, and their texts as they were sent.
func (p *tables) slowest(r *Report) {
	if len(r.Slowest) == 0 {
		return
	}
	p.heading("Slowest calls")
	var rows [][]string
	for _, c := range r.Slowest[:min(len(r.Slowest), shownCalls)] {
		text := printable(oneLine(c.SQL))
		switch {
		case c.TextLen == 0:
			text = "(not in the capture)"
		case c.TextLen > len(c.SQL):
			text += "…"
		}
		rows = append(rows, []string{p.moment(c.At), connection(c.Conn), units.Duration(c.Duration), text})
	}
	p.table([]column{{"asked at", true}, {"conn", true}, {head: "took"}, {"query", true}}, rows)
}

// failures lists the errors by what failed how, each with an example.
func (p *tables) failures(r *Report) {
	if len(r.Failures) == 0 {
		return
	}
	shown := limited(r.Failures, p.opt.Groups)
	p.heading("Errors%s", outOf(len(shown), len(r.Failures)))
	var rows [][]string
	for _, f := range shown {
		state := f.SQLState
		if state == "" {
			state = "(none)"
		}
		text := printable(oneLine(f.Message))
		rows = append(rows,
			[]string{formatCount(f.Count), printable(state), connection(f.Conn), text})
		if f.Fingerprint != 0 {
			rows = append(rows, []string{"", "", p.moment(f.At), printable(f.Normalized)})
		} else {
			rows = append(rows, []string{"", "", p.moment(f.At), "(no query)"})
		}
	}
	if r.OtherFailures > 0 {
		rows = append(rows, []string{formatCount(r.OtherFailures), otherRow, "", "(too many kinds to tell them apart)"})
	}
	p.table([]column{{head: "count"}, {"SQLSTATE", true}, {"first", true}, {"message, query", true}}, rows)
}

// connection writes the number of a connection, which merged reports do not have.
func connection(id uint64) string {
	if id == 0 {
		return "-"
	}
	return fmt.Sprintf("#%d", id)
}

// moment writes a time of day.
func (p *tables) moment(ns int64) string {
	zone := p.opt.Zone
	if zone == nil {
		zone = time.UTC
	}
	if ns == 0 {
		return "-"
	}
	return time.Unix(0, ns).In(zone).Format("15:04:05.000")
}

// oneLine makes marks of the ends of lines, so that a comment does not seem to swallow
// what follows it, and one blank of several: the room is for words.
func oneLine(s string) string {
	s = strings.NewReplacer("\r\n", "⏎", "\n", "⏎", "\r", "⏎", "\t", " ").Replace(s)
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}
