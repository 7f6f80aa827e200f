package screen

import (
	"cmp"
	"fmt"
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
}

func newActivity() *activity {
	type conn = overview.Conn
	a := &activity{}
	a.columns = []column[conn]{
		{
			name: "ID", hot: "I", width: 6, up: true, cell: func(m *model, c *conn) span { return span{strconv.FormatUint(c.ID, 10), m.theme.dim} },
			less: func(a, b *conn) int { return cmp.Compare(a.ID, b.ID) },
		},
		{
			name: "USER@DATABASE", hot: "U", width: 15, left: true, up: true, cell: func(m *model, c *conn) span { return span{whoIs(c.User, c.Database), m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Database, b.Database)) },
		},
		{
			name: "APPLICATION", hot: "A", width: 14, left: true, up: true, from: 100, cell: func(m *model, c *conn) span { return span{c.Application, m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.Application, b.Application) },
		},
		{
			name: "CLIENT", hot: "C", width: 21, left: true, up: true, from: 120, cell: func(m *model, c *conn) span { return span{c.Client, m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.Client, b.Client) },
		},
		{name: "STATE", hot: "S", width: 12, left: true, up: true, cell: stateCell, less: busiest},
		{
			name: "FOR", hot: "T", width: 7, cell: func(m *model, c *conn) span { return span{short(c.For), m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.For, b.For) },
		},
		{
			name: "Q/S", hot: "R", width: 6, cell: func(m *model, c *conn) span { return span{rate(c.Rate), m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.Rate, b.Rate) },
		},
		{
			name: "QUERIES", hot: "Q", width: 8, from: 90, cell: func(m *model, c *conn) span { return span{count(c.Queries), m.theme.plain} },
			less: func(a, b *conn) int { return cmp.Compare(a.Queries, b.Queries) },
		},
		{
			name: "ERR", hot: "E", width: 5, cell: func(m *model, c *conn) span { return span{countBad(c.Errors), m.theme.bad} },
			less: func(a, b *conn) int { return cmp.Compare(a.Errors, b.Errors) },
		},
		{name: "QUERY", left: true, cell: func(m *model, c *conn) span { return span{oneLine(c.SQL), m.theme.sql} }},
	}
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

// whoColumn is where users and databases are.
const whoColumn = 1

func (a *activity) view(m *model, w, h int) []textLine {
	a.columns[whoColumn].width = wider(15, w)
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
	return append([]textLine{compose(w, false, span{text, m.theme.dim})}, a.list.view(m, w, h-1)...)
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
