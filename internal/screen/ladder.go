package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	timeWidth = 15
	gapWidth  = 8
	barWidth  = 10
	// wideBody is from how many columns on the side pane stands beside the ladder.
	wideBody = 120
)

// view draws the ladder and the side pane.
func (p *flowPage) view(m *model, w, h int) []textLine {
	t := m.theme
	switch {
	case p.loading:
		return []textLine{compose(w, false, span{fmt.Sprintf("  reading the packets of connection %d…", p.flow.Place.Conn), t.dim})}
	case p.failed != "":
		return []textLine{compose(w, false, span{"  " + p.failed, t.bad})}
	case p.flow == nil || len(p.groups) == 0:
		return []textLine{compose(w, false, span{"  Enter on a connection, an execution, an error or a finding's evidence shows its flow", t.dim})}
	}
	side, below := 0, 0
	if w >= wideBody && !p.noBody {
		side = w * 2 / 5
	} else if w < wideBody && p.body {
		below = h / 3
	}
	p.side = side
	lines := p.headLines(m, w)
	p.at = len(lines)
	p.height = h - len(lines) - below
	p.top = min(max(p.top, p.sel-p.height+1), p.sel)
	p.top = max(0, min(p.top, len(p.rows)-p.height))
	var pane []textLine
	if side > 0 {
		pane = p.paneLines(m, side-2, p.height)
	}
	for i := range p.height {
		var line textLine
		if n := p.top + i; n < len(p.rows) {
			line = p.line(m, w-side, n)
		}
		if side > 0 {
			line = line.beside(w-side, compose(2, false, span{"│ ", t.dim}))
			if i < len(pane) {
				line = line.beside(w-side+2, pane[i])
			}
		}
		lines = append(lines, line)
	}
	if below > 0 {
		lines = append(lines, compose(w, false, span{strings.Repeat("─", w), t.dim}))
		lines = append(lines, p.paneLines(m, w, below-1)...)
	}
	return lines
}

// headLines say whose flow it is, and what of it is there.
func (p *flowPage) headLines(m *model, w int) []textLine {
	f, t := p.flow, m.theme
	about := fmt.Sprintf("#%d %s", f.Place.Conn, whoIs(f.Who.User, f.Who.Database))
	if f.Who.Application != "" {
		about += " " + f.Who.Application
	}
	spans := []span{{about + "  ", t.name}, {f.Place.Client, t.client.line}, {" → ", t.dim}, {f.Place.Server, t.server.line}}
	if f.Joined {
		spans = append(spans, span{"  its beginning is not there", t.warn})
	}
	lines := []textLine{compose(w, false, spans...)}
	text := fmt.Sprintf("%s, %s", plural(uint64(len(f.Steps)), "step", "steps"), plural(uint64(len(p.groups)), "cycle", "cycles"))
	if f.Before > 0 {
		text += fmt.Sprintf("; %s before ([)", plural(f.Before, "step", "steps"))
	}
	if f.More {
		text += "; more after (])"
	}
	if p.text != "" {
		text += "; /" + p.text
	}
	return append(lines, compose(w, false, span{text, t.dim}))
}

// line draws a line of the ladder.
func (p *flowPage) line(m *model, w, n int) textLine {
	r := p.rows[n]
	selected := n == p.sel
	switch r.kind {
	case rowHead:
		return p.head(m, w, r.group, selected)
	case rowGap:
		label := ""
		if r.gap > 0 {
			label = " " + short(r.gap)
		}
		lane := w - timeWidth - gapWidth - 2
		return compose(w, selected, span{strings.Repeat(" ", timeWidth+gapWidth+2), m.theme.plain}, span{"┆", m.theme.client.line},
			span{fit(label, lane-2, true), m.theme.dim}, span{"┆", m.theme.server.line})
	case rowNote:
		return compose(w, selected, span{strings.Repeat(" ", timeWidth+gapWidth+2), m.theme.plain}, span{"  ! " + p.flow.Steps[r.step].Notes[r.note], m.theme.warn})
	}
	return p.arrow(m, w, r.step, selected)
}

// head draws the line of a cycle.
func (p *flowPage) head(m *model, w, i int, selected bool) textLine {
	g, t := &p.groups[i], m.theme
	fold := "▸ "
	if g.open {
		fold = "▾ "
	}
	first := &p.flow.Steps[g.from]
	spans := []span{{fold, t.name}, {p.time(m, first.At.Time) + " ", t.dim}}
	style := t.plain
	if g.query != nil && g.took >= p.slow {
		style = t.warn
	}
	spans = append(spans, span{fit(short(g.took), 7, false) + " ", style}, span{fit(bar(g, p.most), barWidth, true) + " ", style})
	switch q := g.query; {
	case q == nil:
		spans = append(spans, span{names(p.flow.Steps[g.from:g.to]), t.dim})
	default:
		if q.State != "" {
			spans = append(spans, span{q.State + " " + q.Failure + "  ", t.bad})
		} else if g.bad {
			spans = append(spans, span{"error  ", t.bad})
		}
		if g.queries > 1 {
			spans = append(spans, span{fmt.Sprintf("%d queries, the longest: ", g.queries), t.dim})
		}
		spans = append(spans, span{oneLine(q.SQL), t.sql}, span{"  " + plural(q.Rows, "row", "rows"), t.dim})
	}
	return compose(w, selected, spans...)
}

// bar is the time of a cycle to the scale of the longest one.
func bar(g *group, most int64) string {
	if g.query == nil || most <= 0 {
		return ""
	}
	eighths := int(g.took * barWidth * 8 / most)
	if g.took > 0 {
		eighths = max(eighths, 1)
	}
	text := strings.Repeat("█", min(eighths/8, barWidth))
	if n := eighths % 8; n > 0 && eighths < barWidth*8 {
		text += string([]rune("▏▎▍▌▋▊▉")[n-1])
	}
	return text
}

// names lists the messages of a group without a query.
func names(steps []flow.Step) string {
	var list []string
	for i := range steps {
		if n := len(list); n == 0 || list[n-1] != steps[i].Name {
			list = append(list, steps[i].Name)
		}
		if len(list) > 12 {
			return strings.Join(append(list, "…"), ", ")
		}
	}
	return strings.Join(list, ", ")
}

func (p *flowPage) time(m *model, ns int64) string {
	if p.rel {
		return fit(fmt.Sprintf("%.6f", float64(ns-p.flow.Steps[0].At.Time)/1e9), timeWidth, false)
	}
	return time.Unix(0, ns).In(m.opt.Local).Format("15:04:05.000000")
}

// arrow draws a message from one side to the other.
func (p *flowPage) arrow(m *model, w, step int, selected bool) textLine {
	s, t := &p.flow.Steps[step], m.theme
	gap := ""
	if step > 0 {
		if d := s.At.Time - p.flow.Steps[step-1].At.Time; d > 0 {
			gap = "+" + short(d)
		}
	}
	style := t.server
	if s.Frontend {
		style = t.client
	}
	switch {
	case s.Bad:
		style = arrowInk{t.bad, t.bad}
	case s.Odd:
		style = arrowInk{t.warn, t.warn}
	}
	spans := []span{{p.time(m, s.At.Time), t.dim}, {" " + fit(gap, gapWidth, false) + " ", t.dim}, {"│", t.client.line}}
	lane := w - timeWidth - gapWidth - 4
	if s.Notice {
		return compose(w, selected, append(spans, span{fit(" ! "+s.Name+": "+s.Text, lane, true), style.line}, span{"│", t.server.line})...)
	}
	text := s.Text
	if s.Count > 0 {
		text = fmt.Sprintf("%d more, %d bytes", s.Count, s.Len)
	}
	return compose(w, selected, append(append(spans, lanes(s, text, lane, style, textStyle(t, s))...), span{"│", t.server.line})...)
}

func textStyle(t *theme, s *flow.Step) ink {
	switch s.Kind {
	case messages.KindQuery, messages.KindParse:
		return t.sql
	case messages.KindErrorResponse:
		return t.bad
	}
	return t.plain
}

// lanes are the pieces between the two sides: name and text in an arrow.
func lanes(s *flow.Step, text string, w int, style arrowInk, of ink) []span {
	name := " " + s.Name + " "
	text = clean(text, w)
	room := w - 6 - ansi.StringWidth(name)
	if n := ansi.StringWidth(text); n > room {
		text = ansi.Truncate(text, max(room, 0), "…")
	}
	if text != "" {
		text += " "
	}
	rest := strings.Repeat("─", max(w-4-ansi.StringWidth(name)-ansi.StringWidth(text), 1))
	if s.Frontend {
		return []span{{"──", style.line}, {name, style.name}, {text, of}, {rest + "─▶", style.line}}
	}
	return []span{{"◀─", style.line}, {name, style.name}, {text, of}, {rest + "──", style.line}}
}

// paneLines are what is known of the selected line, as far as it is scrolled. The last line
// tells where there is more.
func (p *flowPage) paneLines(m *model, w, h int) []textLine {
	if p.pane != p.sel {
		p.pane, p.scroll = p.sel, 0
	}
	if h <= 0 {
		return nil
	}
	lines := p.known(m, w, p.scroll+h+1)
	p.scroll = max(0, min(p.scroll, len(lines)-h))
	if lines = lines[p.scroll:]; len(lines) > h {
		lines = append(lines[:h-1], compose(w, false, span{"… more: J K, or the wheel", m.theme.dim}))
	}
	return lines
}

// known are so many lines at most of what is known of the selected line.
func (p *flowPage) known(m *model, w, most int) []textLine {
	t := m.theme
	var lines []textLine
	add := func(text string, style ink) {
		for _, line := range wrap(text, w, max(most-len(lines), 0)) {
			lines = append(lines, compose(w, false, span{line, style}))
		}
	}
	r := p.rows[p.sel]
	s := &p.flow.Steps[r.step]
	q := p.flow.Queries[s.Query]
	if r.kind == rowHead {
		g := &p.groups[r.group]
		if q = g.query; q == nil {
			add(names(p.flow.Steps[g.from:g.to]), t.plain)
		}
	} else {
		add(s.Name, t.name)
		for _, note := range s.Notes {
			add("! "+note, t.warn)
		}
		for _, line := range s.Body {
			style := t.plain
			if strings.HasPrefix(strings.TrimLeft(line, " "), "message: ") && s.Bad {
				style = t.bad
			}
			add(line, style)
		}
		add("", t.plain)
	}
	if q != nil {
		p.queryPane(m, q, add)
	}
	return lines
}

func (p *flowPage) queryPane(m *model, q *flow.Query, add func(string, ink)) {
	t := m.theme
	add(fmt.Sprintf("query %d", q.ID), t.name)
	if q.State != "" {
		add(q.State+" "+q.Failure, t.bad)
	}
	add(q.SQL, t.sql)
	if q.Params != "" {
		add(q.Params, t.plain)
	}
	add(fmt.Sprintf("began %s, packet %d", p.time(m, q.Start.Time), q.Start.Frame), t.dim)
	if q.Duration >= 0 {
		add("took "+short(q.Duration), t.plain)
	}
	add(plural(q.Rows, "row", "rows"), t.plain)
}
