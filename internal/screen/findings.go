package screen

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/stats"
)

// findingsPage is what is wrong.
type findingsPage struct {
	list[findings.Finding]
}

func newFindings() *findingsPage {
	type finding = findings.Finding
	p := &findingsPage{}
	p.columns = []column[finding]{
		{name: "SEVERITY", hot: "S", width: 9, left: true, cell: func(m *model, f *finding) span {
			return span{f.Severity.String(), severity(m.theme, f.Severity)}
		}, less: func(a, b *finding) int {
			return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Cost.TimeNS, b.Cost.TimeNS))
		}},
		{
			name: "CODE", hot: "A", width: 24, left: true, up: true, cell: func(m *model, f *finding) span { return span{f.Code, m.theme.name} },
			less: func(a, b *finding) int { return cmp.Compare(a.Code, b.Code) },
		},
		{
			name: "COUNT", hot: "C", width: 6, cell: func(m *model, f *finding) span { return span{count(f.Count), m.theme.plain} },
			less: func(a, b *finding) int { return cmp.Compare(a.Count, b.Count) },
		},
		{name: "COSTS", hot: "T", width: 7, cell: func(m *model, f *finding) span {
			if f.Cost.TimeNS == 0 {
				return span{"", m.theme.plain}
			}
			return span{short(f.Cost.TimeNS), m.theme.plain}
		}, less: func(a, b *finding) int { return cmp.Compare(a.Cost.TimeNS, b.Cost.TimeNS) }},
		{name: "WHAT", left: true, cell: func(m *model, f *finding) span { return span{f.Title, m.theme.plain} }},
	}
	p.desc = true
	p.key = func(f *finding) any { return f.Code + "\x00" + strconv.FormatUint(f.First.Frame, 10) }
	p.text = func(f *finding) string { return f.Severity.String() + " " + f.Code + " " + f.Title }
	p.empty, p.none = "nothing is wrong so far", "nothing was found to be wrong"
	return p
}

func severity(t *theme, s findings.Severity) ink {
	switch s {
	case findings.Critical:
		return t.bad
	case findings.Warning:
		return t.warn
	}
	return t.dim
}

func (p *findingsPage) refresh(m *model) { p.set(m.opt.Data.Findings()) }

func (p *findingsPage) view(m *model, w, h int) []textLine {
	if !m.opt.Live {
		return p.list.view(m, w, h)
	}
	in, of := m.opt.Data.Looked()
	text := "looked for in all queries since " + m.clock(m.summary.Started)
	if in < of {
		text = fmt.Sprintf("looked for in %s of %s since %s: too many to look at each", stats.FormatCount(in), plural(of, "query", "queries"), m.clock(m.summary.Started))
	}
	return append([]textLine{compose(w, false, span{text, m.theme.dim})}, p.list.view(m, w, h-1)...)
}

func (p *findingsPage) press(m *model, k string) (tea.Cmd, bool) {
	if k == "enter" || k == "right" {
		if f := p.current(); f != nil {
			m.push(&findingPage{finding: *f})
		}
		return nil, true
	}
	return nil, p.list.press(k)
}

func (p *findingsPage) click(m *model, x, y int) tea.Cmd {
	if m.opt.Live {
		y--
	}
	if y >= 0 && p.list.click(x, y) {
		p.press(m, "enter")
	}
	return nil
}

func (p *findingsPage) search(_ *model, text string, _ bool) {
	p.filter = text
	p.arrange()
}

func (p *findingsPage) sql(*model) string {
	if f := p.current(); f != nil && len(f.Queries) > 0 {
		return f.Queries[0].Normalized
	}
	return ""
}

func (p *findingsPage) place(*model) (flow.Place, bool) { return flow.Place{}, false }

func (p *findingsPage) keys() []binding {
	return []binding{{"Enter", "all of it"}, {"/", "filter"}, {"S A C T", "sort by severity, code, count, cost"}}
}

func (p *findingsPage) name() string { return "" }

// findingPage is one finding, whose evidence leads to flows.
type findingPage struct {
	finding findings.Finding
	sel     int   // of the evidence
	at      []int // lines of the view at which the evidence stands
}

func (p *findingPage) refresh(*model) {}

func (p *findingPage) view(m *model, w, h int) []textLine {
	f, t := &p.finding, m.theme
	lines := []textLine{compose(w, false, span{strings.ToUpper(f.Severity.String()), severity(t, f.Severity)}, span{"  " + f.Code, t.name},
		span{fmt.Sprintf("  %s, %s", plural(f.Count, "time", "times"), f.Confidence), t.dim})}
	add := func(indent int, text string, style ink) {
		for _, line := range wrap(text, w-indent, 6) {
			lines = append(lines, compose(w, false, span{strings.Repeat(" ", indent), t.plain}, span{line, style}))
		}
	}
	add(0, f.Title, t.plain)
	add(0, "→ "+f.Advice, t.good)
	for i := range f.Queries {
		add(2, f.Queries[i].Normalized, t.sql)
		add(4, plural(f.Queries[i].Calls, "call", "calls"), t.dim)
	}
	if len(f.Evidence) > 0 {
		lines = append(lines, compose(w, false), compose(w, false, span{"Evidence (Enter shows its flow)", t.head}))
	}
	p.at = p.at[:0]
	for i := range f.Evidence {
		e := &f.Evidence[i]
		p.at = append(p.at, len(lines))
		where := fmt.Sprintf("%s  #%d", m.clock(e.At.Time), e.Conn)
		if e.Query != 0 {
			where += fmt.Sprintf(" query %d", e.Query)
		}
		lines = append(lines, compose(w, i == p.sel, span{"  " + where + "  ", t.dim}, span{e.Text, t.plain}))
	}
	if n := len(f.Connections); n > 0 {
		lines = append(lines, compose(w, false), compose(w, false, span{"Connections", t.head}))
		for i := range f.Connections {
			c := &f.Connections[i]
			lines = append(lines, compose(w, false, span{fmt.Sprintf("  #%d %s %s ", c.Conn, whoIs(c.User, c.Database), c.Application), t.plain}, span{c.Client, t.client.line}))
		}
		if f.MoreConnections > 0 {
			add(2, plural(f.MoreConnections, "other", "others"), t.dim)
		}
	}
	if len(lines) > h && len(p.at) > 0 { // the evidence is to be seen
		cut := min(len(lines)-h, max(p.at[p.sel]-h/2, 0))
		lines = lines[cut:]
		for i := range p.at {
			p.at[i] -= cut
		}
	}
	return lines
}

func (p *findingPage) press(m *model, k string) (tea.Cmd, bool) {
	switch k {
	case "up", "k":
		p.sel = max(p.sel-1, 0)
	case "down", "j":
		p.sel = max(min(p.sel+1, len(p.finding.Evidence)-1), 0)
	case "enter", "right":
		if place, ok := p.place(m); ok {
			return m.showFlow(place), true
		}
		m.say("it has no evidence that can be shown")
	default:
		return nil, false
	}
	return nil, true
}

func (p *findingPage) click(m *model, _, y int) tea.Cmd {
	for i, at := range p.at {
		if at == y {
			if p.sel == i {
				cmd, _ := p.press(m, "enter")
				return cmd
			}
			p.sel = i
		}
	}
	return nil
}

func (p *findingPage) search(*model, string, bool) {}

func (p *findingPage) sql(*model) string {
	if len(p.finding.Queries) > 0 {
		return p.finding.Queries[0].Normalized
	}
	return ""
}

// place is where the evidence is. Its connection is known by number, or from what the
// finding says of it.
func (p *findingPage) place(m *model) (flow.Place, bool) {
	if p.sel >= len(p.finding.Evidence) {
		return flow.Place{}, false
	}
	e := &p.finding.Evidence[p.sel]
	place := flow.Place{Conn: e.Conn, Focus: e.At.Frame}
	if c := m.opt.Data.Place(e.Conn); c != nil {
		place.Client, place.Server, place.From = c.Client, c.Server, c.Started.Frame
		return place, true
	}
	for i := range p.finding.Connections {
		if c := &p.finding.Connections[i]; c.Conn == e.Conn {
			place.Client, place.Server = c.Client, c.Server
			return place, true
		}
	}
	return place, false
}

func (p *findingPage) keys() []binding {
	return []binding{{"Enter", "flow of the evidence"}, {"↑ ↓", "choose"}, {"y", "copy the SQL"}, {"w", "write packets"}, {"Esc", "back"}}
}

func (p *findingPage) name() string { return p.finding.Code }
