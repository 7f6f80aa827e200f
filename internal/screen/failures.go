package screen

import (
	"cmp"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/overview"
)

// failures is the errors, by code and message.
type failures struct {
	list[overview.Failure]
	more uint64
}

func newFailures() *failures {
	type failure = overview.Failure
	p := &failures{}
	p.columns = []column[failure]{
		{
			name: "COUNT", hot: "C", width: 7, cell: func(m *model, f *failure) span { return span{count(f.Count), m.theme.name} },
			less: func(a, b *failure) int { return cmp.Compare(a.Count, b.Count) },
		},
		{
			name: "LAST", hot: "T", width: 8, left: true, cell: func(m *model, f *failure) span { return span{m.clock(f.Last.Time), m.theme.dim} },
			less: func(a, b *failure) int { return cmp.Compare(a.Last.Time, b.Last.Time) },
		},
		{
			name: "CODE", hot: "S", width: 5, left: true, up: true, cell: func(m *model, f *failure) span { return span{f.State, m.theme.bad} },
			less: func(a, b *failure) int { return cmp.Compare(a.State, b.State) },
		},
		{name: "SEVERITY", width: 8, left: true, from: 100, cell: func(m *model, f *failure) span { return span{f.Severity, m.theme.plain} }},
		{name: "USER@DATABASE", width: 20, left: true, from: 130, cell: func(m *model, f *failure) span {
			return span{whoIs(f.Who.User, f.Who.Database), m.theme.plain}
		}},
		{name: "MESSAGE", left: true, cell: func(m *model, f *failure) span { return span{oneLine(f.Message), m.theme.plain} }},
	}
	p.desc = true
	p.key = func(f *failure) any { return f.State + "\x00" + f.Message }
	p.text = func(f *failure) string { return f.State + " " + f.Message + " " + f.SQL + " " + f.Who.User }
	p.empty, p.none = "no errors so far", "no errors"
	return p
}

func (p *failures) refresh(m *model) {
	list, more := m.opt.Data.Failures()
	p.more = more
	p.set(list)
}

// view is the list, and below it all of the selected one.
func (p *failures) view(m *model, w, h int) []textLine {
	t := m.theme
	var below []textLine
	if f := p.current(); f != nil {
		add := func(label, text string, most int, s span) {
			for _, line := range wrap(text, w-len(label), most) {
				below = append(below, compose(w, false, span{label, t.dim}, span{line, s.style}))
				label = ""
			}
		}
		who := "#" + strconv.FormatUint(f.Conn.ID, 10) + " " + whoIs(f.Who.User, f.Who.Database) + " " + f.Who.Application + " " + f.Conn.Client
		add("the latest: ", who, 1, span{"", t.plain})
		add("", f.Message, 2, span{"", t.bad})
		if f.Detail != "" {
			add("detail: ", f.Detail, 2, span{"", t.plain})
		}
		if f.Hint != "" {
			add("hint: ", f.Hint, 2, span{"", t.good})
		}
		if f.SQL != "" {
			add("", f.SQL, 2, span{"", t.sql})
		}
	}
	if p.more > 0 {
		below = append(below, compose(w, false, span{plural(p.more, "further error was", "further errors were") + " not told apart", t.warn}))
	}
	if len(below) > h/2 {
		below = below[:h/2]
	}
	lines := p.list.view(m, w, h-len(below))
	for len(lines) < h-len(below) {
		lines = append(lines, compose(w, false))
	}
	return append(lines, below...)
}

func (p *failures) press(m *model, k string) (tea.Cmd, bool) {
	if k == "enter" || k == "right" {
		if place, ok := p.place(m); ok {
			return m.showFlow(place), true
		}
		return nil, true
	}
	return nil, p.list.press(k)
}

func (p *failures) click(m *model, x, y int) tea.Cmd {
	if p.list.click(x, y) {
		cmd, _ := p.press(m, "enter")
		return cmd
	}
	return nil
}

func (p *failures) search(_ *model, text string, _ bool) {
	p.filter = text
	p.arrange()
}

func (p *failures) sql(*model) string {
	if f := p.current(); f != nil {
		return f.SQL
	}
	return ""
}

func (p *failures) place(*model) (flow.Place, bool) {
	f := p.current()
	if f == nil {
		return flow.Place{}, false
	}
	place := placeOf(f.Conn.ID, f.Conn.Client, f.Conn.Server, f.Conn.Started.Frame)
	place.Focus = f.Last.Frame
	return place, true
}

func (p *failures) keys() []binding {
	return []binding{{"Enter", "flow of the latest"}, {"/", "filter"}, {"y", "copy the SQL"}, {"C T S", "sort by count, time, code"}}
}

func (p *failures) name() string { return "" }
