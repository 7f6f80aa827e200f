package stats

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pgsniff/pgsniff/internal/units"
)

// TableOptions is how WriteTables writes.
type TableOptions struct {
	// Width is that of the terminal, in columns; 0 means no limit. Tables are
	// not made narrower than their numbers.
	Width int
	// Groups is how many users, databases, applications, clients, SQLSTATEs and
	// messages are listed at most, each; 0 means all.
	Groups int
	// Bold writes the headings in bold.
	Bold bool
	// Zone is that of times; nil is UTC.
	Zone *time.Location
}

const (
	minText  = 20 // columns of a table's last column, however narrow the terminal is
	maxName  = 40 // columns of a name
	maxBar   = 40 // columns of a bar
	otherRow = "(others)"
)

// WriteTables writes a report as tables for people to read in a terminal. What
// came from the capture is written without control characters. It returns the
// first error of w.
func WriteTables(w io.Writer, r *Report, o TableOptions) error {
	p := &tables{w: bufio.NewWriter(w), opt: o}
	p.summary(r)
	p.queries(r)
	p.slowest(r)
	p.failures(r)
	p.durations(r)
	p.replication(r)
	p.groups("Users", r.Users)
	p.groups("Databases", r.Databases)
	p.groups("Applications", r.Applications)
	p.groups("Clients", r.Clients)
	p.counts("Messages", "message", r.ByMessage, 0)
	return p.w.Flush()
}

type tables struct {
	w   *bufio.Writer // keeps the first error
	opt TableOptions
}

// column is a column of a table.
type column struct {
	head string
	left bool // aligned; numbers are not
}

func (p *tables) heading(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if p.opt.Bold {
		s = "\x1b[1m" + s + "\x1b[0m"
	}
	fmt.Fprintf(p.w, "\n%s\n", s)
}

// sizes are the widths of columns.
func sizes(columns []column, rows [][]string) []int {
	size := make([]int, len(columns))
	for i, c := range columns {
		size[i] = widths.StringWidth(c.head)
		for _, row := range rows {
			size[i] = max(size[i], widths.StringWidth(row[i]))
		}
	}
	return size
}

// table writes rows, each column as wide as its widest cell; the last one, if it
// is left aligned, is cut to what is left of the terminal.
func (p *tables) table(columns []column, rows [][]string) {
	size := sizes(columns, rows)
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.head
	}
	for _, row := range append([][]string{head}, rows...) {
		var line strings.Builder
		used := 0
		for i, cell := range row {
			line.WriteString("  ")
			used += 2
			if i == len(row)-1 && columns[i].left {
				if p.opt.Width > 0 {
					cell = cut(cell, max(p.opt.Width-used, minText))
				}
				line.WriteString(cell)
				break
			}
			line.WriteString(pad(cell, size[i], !columns[i].left))
			used += size[i]
		}
		p.w.WriteString(strings.TrimRight(line.String(), " "))
		p.w.WriteByte('\n')
	}
}

func plural(n uint64, name string) string { return plural2(n, name, name+"s") }

func plural2(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return formatCount(n) + " " + many
}

func (p *tables) durations(r *Report) {
	if len(r.Durations) == 0 {
		return
	}
	p.heading("Durations of queries")
	var most, all uint64
	for _, b := range r.Durations {
		most, all = max(most, b.Count), all+b.Count
	}
	var rows [][]string
	for _, b := range r.Durations {
		rows = append(rows, []string{
			formatBound(b.From), formatBound(b.To), formatCount(b.Count), formatPercent(b.Count, all),
			bar(b.Count, most, p.barWidth(40)),
		})
	}
	p.table([]column{{head: "from"}, {head: "below"}, {head: "queries"}, {}, {left: true}}, rows)
}

// formatBound writes the end of a bucket, without decimals: they are round.
func formatBound(ns int64) string {
	if ns == 0 {
		return ""
	}
	s := units.Duration(ns)
	number, name, _ := strings.Cut(s, " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number + " " + name
}

// barWidth returns how long bars may get beside so many columns of text.
func (p *tables) barWidth(beside int) int {
	if p.opt.Width == 0 {
		return maxBar
	}
	return min(max(p.opt.Width-beside, minText), maxBar)
}

func (p *tables) groups(title string, g Groups) {
	shown := limited(g.Groups, p.opt.Groups)
	if len(shown) == 0 || len(g.Groups) == 1 && g.Groups[0].Name == "" {
		return
	}
	p.heading("%s%s", title, outOf(len(shown), len(g.Groups)))
	var rows [][]string
	for _, group := range shown {
		name := printable(group.Name)
		if name == "" {
			name = "(not known)"
		}
		rows = append(rows, groupRow(&group, cut(name, maxName)))
	}
	if g.Other != nil {
		rows = append(rows, groupRow(g.Other, otherRow))
	}
	name := strings.ToLower(strings.TrimSuffix(title, "s"))
	p.table([]column{
		{name, true}, {head: "connections"}, {head: "queries"}, {head: "errors"}, {head: "bytes"},
	}, rows)
}

func groupRow(g *Group, name string) []string {
	return []string{name, formatCount(g.Connections), formatCount(g.Queries), formatCount(g.Errors), units.Bytes(g.Bytes)}
}

func (p *tables) counts(title, name string, counts []Count, other uint64) {
	if len(counts) == 0 {
		return
	}
	shown := limited(counts, p.opt.Groups)
	p.heading("%s%s", title, outOf(len(shown), len(counts)))
	var all uint64 = other
	for _, c := range counts {
		all += c.Count
	}
	var rows [][]string
	row := func(name string, n uint64) {
		rows = append(rows, []string{name, formatCount(n), formatPercent(n, all), bar(n, max(counts[0].Count, other), p.barWidth(60))})
	}
	for _, c := range shown {
		name := cut(printable(c.Name), maxName)
		if name == "" {
			name = "(none sent)"
		}
		row(name, c.Count)
	}
	if other > 0 {
		row(otherRow, other)
	}
	p.table([]column{{name, true}, {head: "count"}, {}, {left: true}}, rows)
}

func limited[T any](list []T, limit int) []T {
	if limit > 0 && limit < len(list) {
		return list[:limit]
	}
	return list
}

// outOf says how many of all are shown, if not all are.
func outOf(shown, all int) string {
	if shown == all {
		return ""
	}
	return fmt.Sprintf(": %d of %s", shown, formatCount(uint64(all)))
}
