package screen

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/overview"
)

// queries is the normalised queries.
type queries struct {
	list[overview.Class]
}

// p95 is the column that is worked out for what is on the screen alone, unless it sorts.
const p95 = "P95"

// What stands in place of a text.
const (
	others = "(others: too many to tell apart)"
	unseen = "(not seen: prepared before the capture began)"
)

func newQueries() *queries {
	type class = overview.Class
	q := &queries{}
	number := func(name, hot string, width, from int, of func(*class) uint64) column[class] {
		return column[class]{
			name: name, hot: hot, width: width, from: from,
			cell: func(m *model, c *class) span { return span{count(of(c)), m.theme.plain} },
			less: func(a, b *class) int { return cmp.Compare(of(a), of(b)) },
		}
	}
	duration := func(name, hot string, from int, of func(*class) int64) column[class] {
		return column[class]{
			name: name, hot: hot, width: 6, from: from,
			cell: func(m *model, c *class) span { return span{short(of(c)), m.theme.plain} },
			less: func(a, b *class) int { return cmp.Compare(of(a), of(b)) },
		}
	}
	q.columns = []column[class]{
		number("CALLS", "C", 6, 0, func(c *class) uint64 { return c.Calls }),
		{
			name: "Q/S", hot: "R", width: 5, cell: func(m *model, c *class) span { return span{rate(c.Rate), m.theme.plain} },
			less: func(a, b *class) int { return cmp.Compare(a.Rate, b.Rate) },
		},
		duration("TOTAL", "T", 0, func(c *class) int64 { return c.Total }),
		{
			name: "SHARE", width: 5, cell: func(m *model, c *class) span { return span{percent(c.Share), m.theme.plain} },
			less: func(a, b *class) int { return cmp.Compare(a.Share, b.Share) },
		},
		duration("MEAN", "M", 0, func(c *class) int64 { return c.Mean }),
		duration(p95, "P", 0, func(c *class) int64 { return c.P95 }),
		duration("MAX", "X", 100, func(c *class) int64 { return c.Max }),
		number("ROWS", "W", 6, 110, func(c *class) uint64 { return c.Rows }),
		{
			name: "ERR", hot: "E", width: 4, cell: func(m *model, c *class) span { return span{countBad(c.Errors), m.theme.bad} },
			less: func(a, b *class) int { return cmp.Compare(a.Errors, b.Errors) },
		},
		{name: "CALLS OVER TIME", width: 40, left: true, from: 130, cell: func(m *model, c *class) span { return span{spark(c.Spark, 40), m.theme.client.line} }},
		{name: "TIME", width: 8, left: true, cell: func(m *model, c *class) span { return span{spark(fold(c.Spark, 8), 8), m.theme.client.line} }},
		{
			name: "QUERY", left: true, up: true, cell: func(m *model, c *class) span { return span{textOf(c), m.theme.sql} },
			less: func(a, b *class) int { return cmp.Compare(a.SQL, b.SQL) },
		},
	}
	q.sort, q.desc = 2, true
	q.key = func(c *class) any { return [2]any{c.Fingerprint, c.Others} }
	q.text = textOf
	q.fill = func(m *model, c *class) {
		if c.Spark == nil {
			m.opt.Data.Fill(c)
		}
	}
	q.empty, q.none = "no queries yet", "no queries"
	return q
}

func textOf(c *overview.Class) string {
	switch {
	case c.Others:
		return others
	case c.SQL == "":
		return unseen
	}
	return oneLine(c.SQL)
}

// fold makes fewer counts of many.
func fold(counts []uint32, n int) []uint32 {
	if len(counts) <= n {
		return counts
	}
	out := make([]uint32, n)
	for i, v := range counts {
		out[i*n/len(counts)] += v
	}
	return out
}

func (q *queries) refresh(m *model) { q.set(m.opt.Data.Queries(q.columns[q.sort].name == p95)) }

// layout is that of the list, with one of the two sparklines.
func (q *queries) view(m *model, w, h int) []textLine {
	narrow := &q.columns[10]
	if narrow.from = 0; w >= 130 {
		narrow.from = 1 << 20
	}
	text := fmt.Sprintf("%s of %s", plural(uint64(len(q.items)), "query", "queries"), plural(m.summary.Calls, "call", "calls"))
	if q.filter != "" {
		text += fmt.Sprintf("; /%s: %d", q.filter, len(q.shown))
	}
	return append([]textLine{compose(w, false, span{text, m.theme.dim})}, q.list.view(m, w, h-1)...)
}

func (q *queries) press(m *model, k string) (tea.Cmd, bool) {
	if k == "enter" || k == "right" {
		if c := q.current(); c != nil && !c.Others {
			m.push(newExecutions(c))
		}
		return nil, true
	}
	did := q.list.press(k)
	q.sorts(m)
	return nil, did
}

// sorts works out by what is sorted, where that is not known of all.
func (q *queries) sorts(m *model) {
	if q.columns[q.sort].name != p95 {
		return
	}
	for i := range q.items {
		q.fill(m, &q.items[i])
	}
	q.arrange()
}

func (q *queries) click(m *model, x, y int) tea.Cmd {
	if y > 0 && q.list.click(x, y-1) {
		q.press(m, "enter")
	}
	q.sorts(m)
	return nil
}

func (q *queries) search(_ *model, text string, _ bool) {
	q.filter = text
	q.arrange()
}

func (q *queries) sql(*model) string {
	if c := q.current(); c != nil {
		return c.SQL
	}
	return ""
}

func (q *queries) place(*model) (flow.Place, bool) { return flow.Place{}, false }

func (q *queries) keys() []binding {
	return []binding{{"Enter", "executions"}, {"/", "filter"}, {"y", "copy"}, {"T C R M P E X W", "sort by total, calls, rate, mean, p95, errors, …"}}
}

func (q *queries) name() string { return "" }

// executions is the calls of a query.
type executions struct {
	list[overview.Execution]
	class overview.Class
	all   uint64
}

func newExecutions(c *overview.Class) *executions {
	type exec = overview.Execution
	e := &executions{class: *c}
	e.columns = []column[exec]{
		{name: "TIME", width: 15, left: true, hot: "A", cell: func(m *model, x *exec) span {
			return span{time.Unix(0, x.At.Time).In(m.opt.Local).Format("15:04:05.000000"), m.theme.dim}
		}, less: func(a, b *exec) int { return cmp.Compare(a.At.Time, b.At.Time) }},
		{
			name: "TOOK", width: 7, hot: "T", cell: func(m *model, x *exec) span { return span{short(x.Duration), m.theme.name} },
			less: func(a, b *exec) int { return cmp.Compare(a.Duration, b.Duration) },
		},
		{
			name: "ROWS", width: 6, hot: "W", cell: func(m *model, x *exec) span { return span{count(x.Rows), m.theme.plain} },
			less: func(a, b *exec) int { return cmp.Compare(a.Rows, b.Rows) },
		},
		{
			name: "CONN", width: 6, hot: "I", up: true, cell: func(m *model, x *exec) span { return span{strconv.FormatUint(x.Conn.ID, 10), m.theme.dim} },
			less: func(a, b *exec) int { return cmp.Compare(a.Conn.ID, b.Conn.ID) },
		},
		{name: "USER", width: 10, left: true, from: 100, cell: func(m *model, x *exec) span { return span{x.Who.User, m.theme.plain} }},
		{name: "APPLICATION", width: 14, left: true, from: 120, cell: func(m *model, x *exec) span { return span{x.Who.Application, m.theme.plain} }},
		{
			name: "ERROR", width: 5, left: true, hot: "E", cell: func(m *model, x *exec) span { return span{x.State, m.theme.bad} },
			less: func(a, b *exec) int { return cmp.Compare(a.State, b.State) },
		},
		{name: "F", width: 1, left: true, cell: flowMark},
		{name: "PARAMETERS", left: true, cell: func(m *model, x *exec) span {
			if x.Params != "" {
				return span{oneLine(x.Params), m.theme.plain}
			}
			return span{oneLine(x.SQL), m.theme.sql}
		}},
	}
	e.sort, e.desc = 1, true
	type key struct{ conn, id, frame uint64 }
	e.key = func(x *exec) any { return key{x.Conn.ID, x.ID, x.At.Frame} }
	e.text = func(x *exec) string {
		return x.Params + " " + x.SQL + " " + x.State + " " + x.Who.User + " " + x.Who.Application + " " + x.Conn.Client
	}
	e.empty = "no executions"
	return e
}

// flowMark tells whether the packets of an execution are still there.
func flowMark(m *model, x *overview.Execution) span {
	if m.opt.Oldest != nil {
		if frame, _ := m.opt.Oldest(); frame == 0 || x.At.Frame < frame {
			return span{"", m.theme.dim}
		}
	}
	return span{"●", m.theme.good}
}

func (e *executions) refresh(m *model) {
	if c, ok := m.opt.Data.Query(e.class.Fingerprint); ok {
		e.class = c
	}
	list, all := m.opt.Data.Executions(e.class.Fingerprint)
	e.all = all
	e.set(list)
}

func (e *executions) view(m *model, w, h int) []textLine {
	t := m.theme
	var lines []textLine
	for _, line := range wrap(cmp.Or(e.class.SQL, unseen), w, 3) {
		lines = append(lines, compose(w, false, span{line, t.sql}))
	}
	text := fmt.Sprintf("%s, %s in all, mean %s, p95 %s, max %s", plural(e.class.Calls, "call", "calls"), short(e.class.Total), short(e.class.Mean), short(e.class.P95), short(e.class.Max))
	lines = append(lines, compose(w, false, span{text, t.plain}))
	if n := uint64(len(e.items)); n < e.all {
		lines = append(lines, compose(w, false, span{fmt.Sprintf("%d are kept: the slowest and the latest; %s gone", n, plural(e.all-n, "older one is", "older ones are")), t.warn}))
	}
	return append(lines, e.list.view(m, w, h-len(lines))...)
}

func (e *executions) press(m *model, k string) (tea.Cmd, bool) {
	if k == "enter" || k == "right" {
		if p, ok := e.place(m); ok {
			return m.showFlow(p), true
		}
		return nil, true
	}
	return nil, e.list.press(k)
}

func (e *executions) click(m *model, x, y int) tea.Cmd {
	y -= m.h - 3 - (e.height + 1) // what stands above
	if y >= 0 && e.list.click(x, y) {
		cmd, _ := e.press(m, "enter")
		return cmd
	}
	return nil
}

func (e *executions) search(_ *model, text string, _ bool) {
	e.filter = text
	e.arrange()
}

func (e *executions) sql(*model) string {
	if x := e.current(); x != nil && x.SQL != "" {
		return x.SQL
	}
	return e.class.SQL
}

func (e *executions) place(*model) (flow.Place, bool) {
	x := e.current()
	if x == nil {
		return flow.Place{}, false
	}
	p := placeOf(x.Conn.ID, x.Conn.Client, x.Conn.Server, x.Conn.Started.Frame)
	p.Focus = x.At.Frame
	return p, true
}

func (e *executions) keys() []binding {
	return []binding{{"Enter", "flow"}, {"/", "filter"}, {"y", "copy"}, {"T A W E I", "sort by duration, time, rows, error, connection"}, {"●", "its packets are still there"}}
}

func (e *executions) name() string { return "executions" }
