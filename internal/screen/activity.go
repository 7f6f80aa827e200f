package screen

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/stats"
)

// activity is the connections and what they do.
type activity struct {
	list[overview.Conn]
	more  int
	gone  uint64
	ended bool // those that are over are shown, too
	ports bool // of clients, too: there is room for them
}

func newActivity() *activity {
	type conn = overview.Conn
	a := &activity{}
	a.columns = []column[conn]{
		{
			name: "ID", hot: "I", width: 6, up: true, from: 96, cell: func(m *model, c *conn) span { return span{strconv.FormatUint(c.ID, 10), m.theme.dim} },
			less: func(a, b *conn) int { return cmp.Compare(a.ID, b.ID) },
		},
		{
			name: "USER@DATABASE", hot: "U", left: true, up: true, cell: func(m *model, c *conn) span { return span{whoIs(c.User, c.Database), m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Database, b.Database)) },
		},
		{
			name: "APPLICATION", hot: "A", left: true, up: true, from: 66, cell: func(m *model, c *conn) span { return span{c.Application, m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.Application, b.Application) },
		},
		{
			name: "CLIENT", hot: "C", left: true, up: true, from: 76, cell: func(m *model, c *conn) span { return span{a.clientCell(c), m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.Client, b.Client) },
		},
		{name: "STATE", hot: "S", width: 11, left: true, up: true, cell: stateCell, less: busiest},
		{
			name: "FOR", hot: "T", width: 6, cell: func(m *model, c *conn) span { return span{short(c.For), m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.For, b.For) },
		},
		{
			name: "Q/S", hot: "R", width: 5, cell: func(m *model, c *conn) span { return span{rate(c.Rate), m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.Rate, b.Rate) },
		},
		{
			name: "QUERIES", hot: "Q", width: 8, from: 110, cell: func(m *model, c *conn) span { return span{count(c.Queries), m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.Queries, b.Queries) },
		},
		{
			name: "ERR", hot: "E", width: 5, from: 90, cell: func(m *model, c *conn) span { return span{countBad(c.Errors), m.theme.bad} },
			less: func(a, b *conn) int { return cmp.Compare(a.Errors, b.Errors) },
		},
		{name: "QUERY", left: true, cell: func(m *model, c *conn) span { return span{oneLine(c.SQL), m.theme.sql} }},
	}
	a.widths(80)
	a.sort = 4
	a.key = func(c *conn) any { return c.ID }
	a.text = func(c *conn) string {
		return strings.Join([]string{c.User + "@" + c.Database, c.Application, c.Client, c.State.String(), c.SQL, "#" + strconv.FormatUint(c.ID, 10)}, " ")
	}
	a.empty, a.none = "no connection is open", "no connection was open at the end"
	return a
}

// busiest compares by what connections do, and for how long.
func busiest(a, b *overview.Conn) int {
	return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(b.For, a.For), cmp.Compare(a.ID, b.ID))
}

func stateCell(m *model, c *overview.Conn) span {
	text, t := c.State.String(), m.theme
	switch c.State {
	case overview.Waiting, overview.Failed:
		if c.State == overview.Failed {
			text = "idle failed"
		}
		return span{text, t.bad}
	case overview.InTx:
		return span{text, t.warn}
	case overview.Active, overview.Copying:
		return span{text, t.good}
	case overview.Ended:
		return span{c.How, t.dim}
	case overview.Idle, overview.Unknown, overview.Encrypted:
		return span{text, t.dim}
	}
	return span{text, t.plain}
}

func countBad(n uint64) string {
	if n == 0 {
		return ""
	}
	return count(n)
}

func (a *activity) refresh(m *model) {
	open, more, ended, gone := m.opt.Data.Conns()
	a.more, a.gone = more, gone
	if a.ended || !m.opt.Live {
		open = append(open, ended...)
	}
	a.set(open)
}

// The columns whose widths follow the terminal's.
const (
	whoColumn = iota + 1
	applicationColumn
	clientColumn
)

// wholeClient is the width of an address of IPv4 with its port, from which columns of the
// terminal on there is room for it. What is narrower shows as much of the host as fits.
const (
	wholeClient     = 21
	wholeClientFrom = 120
)

// widths gives the columns their widths on a terminal of w columns: on 80 all are seen that
// tell who does what, and 17 are left for the query.
func (a *activity) widths(w int) {
	a.columns[whoColumn].width = wider(13, w)
	app := &a.columns[applicationColumn]
	app.width = min(max(9, w/10), 20)
	if app.name = "APP"; app.width >= len("APPLICATION") {
		app.name = "APPLICATION"
	}
	a.ports = w >= wholeClientFrom
	if a.columns[clientColumn].width = 13; a.ports {
		a.columns[clientColumn].width = wholeClient
	} else if w >= 100 {
		a.columns[clientColumn].width = 15
	}
}

// clientCell is where a client is, in a column of limited width. Hosts of one network
// differ at their ends.
func (a *activity) clientCell(c *overview.Conn) string {
	if a.ports {
		return c.Client
	}
	host, _, err := net.SplitHostPort(c.Client)
	if err != nil {
		return c.Client
	}
	if n := len(host) - a.columns[clientColumn].width; n > 0 {
		return "…" + host[n+1:] // an address is of ASCII
	}
	return host
}

// detailLines is how many lines tell more of the selected connection, below the list, in a
// window of detailFrom lines and more.
const (
	detailLines = 2
	detailFrom  = 12
)

// detail tells of the selected connection what the columns have no room for: who it is, as
// a heading, and below it what it does.
func (a *activity) detail(m *model, w int) []textLine {
	c, t := a.current(), m.theme
	if c == nil {
		return nil
	}
	facts := []span{
		{fmt.Sprintf("── #%d ", c.ID), t.dim},
		{whoIs(c.User, c.Database), t.name},
		{"  " + c.Client + " → " + c.Server, t.plain},
	}
	if c.Errors > 0 {
		facts = append(facts, span{"  " + plural(c.Errors, "error", "errors"), t.bad})
	}
	if c.Application != "" {
		facts = append(facts, span{"  " + c.Application, t.plain})
	}
	facts = append(facts, span{"  " + plural(c.Queries, "query", "queries"), t.plain})
	does := stateCell(m, c)
	switch c.State {
	case overview.InTx:
		does.text = "idle in transaction"
	case overview.Failed:
		does.text = "idle in failed transaction"
	}
	spans := []span{does}
	if c.Since != 0 {
		spans = append(spans, span{" since " + m.clock(c.Since), t.plain})
	}
	if c.For >= 0 {
		spans = append(spans, span{" (" + short(c.For) + ")", t.plain})
	}
	if c.SQL != "" {
		spans = append(spans, span{"  " + oneLine(c.SQL), t.sql})
	}
	return []textLine{rule(w, t, facts), compose(w, false, spans...)}
}

// rule is a line that divides, with something on it.
func rule(w int, t *theme, spans []span) textLine {
	c := newComposer(w, false, len(spans)+1)
	for i := range spans {
		c.add(&spans[i], 0, false)
	}
	if left := w - c.line.end - 1; left > 0 {
		c.add(&span{" " + strings.Repeat("─", left), t.dim}, 0, false)
	}
	return c.done()
}

func (a *activity) view(m *model, w, h int) []textLine {
	a.widths(w)
	states := make(map[overview.State]int)
	for i := range a.items {
		states[a.items[i].State]++
	}
	text := plural(uint64(len(a.items)+a.more), "connection", "connections")
	sep := ": "
	add := func(n int, what string) {
		if n > 0 { // there is little room, and what is not listed is to be seen
			text += sep + stats.FormatCount(uint64(n)) + " " + what
			sep = ", "
		}
	}
	add(states[overview.Active]+states[overview.Copying], "active")
	add(states[overview.Waiting], "waiting")
	add(states[overview.InTx]+states[overview.Failed], "idle in transaction")
	add(states[overview.Idle], "idle")
	add(states[overview.Ended], "ended")
	if a.more > 0 {
		text += fmt.Sprintf("; %s idle ones are not listed", stats.FormatCount(uint64(a.more)))
	}
	if a.gone > 0 && (a.ended || !m.opt.Live) {
		text += fmt.Sprintf("; %s ended ones are not kept", stats.FormatCount(a.gone))
	}
	if a.filter != "" {
		text += fmt.Sprintf("; /%s: %d", a.filter, len(a.shown))
	}
	lines := []textLine{compose(w, false, span{text, m.theme.dim})}
	if h < detailFrom {
		return append(lines, a.list.view(m, w, h-1)...)
	}
	lines = append(lines, a.list.view(m, w, h-1-detailLines)...)
	for len(lines) < h-detailLines {
		lines = append(lines, compose(w, false))
	}
	return append(lines, a.detail(m, w)...)
}

func (a *activity) press(m *model, k string) (tea.Cmd, bool) {
	switch k {
	case "enter", "right":
		if p, ok := a.place(m); ok {
			return m.showFlow(p), true
		}
		return nil, true
	case "e":
		if a.ended = !a.ended; m.opt.Live {
			a.refresh(m)
		}
		return nil, true
	}
	return nil, a.list.press(k)
}

func (a *activity) click(m *model, x, y int) tea.Cmd {
	if y > 0 && a.list.click(x, y-1) {
		cmd, _ := a.press(m, "enter")
		return cmd
	}
	return nil
}

func (a *activity) search(_ *model, text string, _ bool) {
	a.filter = text
	a.arrange()
}

func (a *activity) sql(*model) string {
	if c := a.current(); c != nil {
		return c.SQL
	}
	return ""
}

func (a *activity) place(*model) (flow.Place, bool) {
	c := a.current()
	if c == nil {
		return flow.Place{}, false
	}
	p := placeOf(c.Place.ID, c.Client, c.Server, c.Place.Started.Frame)
	p.Focus = c.Asked.Frame
	return p, true
}

func placeOf(id uint64, client, server string, from uint64) flow.Place {
	return flow.Place{Conn: id, Client: client, Server: server, From: from}
}

func (a *activity) keys() []binding {
	return []binding{{"Enter", "flow"}, {"/", "filter"}, {"e", "ended ones"}, {"S T R Q E U A C I", "sort by state, time, rate, …"}}
}

func (a *activity) name() string { return "" }
