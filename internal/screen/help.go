package screen

import (
	tea "charm.land/bubbletea/v2"
)

// general are the keys that mean the same everywhere.
var general = []binding{
	{"1 … 6, Tab", "Activity, Queries, Flow, Findings, Errors, Replication"},
	{"↑ ↓ j k", "up and down; PgUp PgDn Ctrl-B Ctrl-F, Home End g G"},
	{"Enter", "look into it: query → executions → flow"},
	{"Esc ← Backspace", "back"},
	{"/ F4", "filter as you type; in a flow: search; Esc shows all again"},
	{"< >", "sort by another column; r: the other way round"},
	{"Space p", "pause, and go on: the screen stands, the capture does not"},
	{"y", "copy the SQL (OSC 52: the terminal has to allow it)"},
	{"w", "write the packets of the connection to a file"},
	{"F", "set the capture filter (top)"},
	{"mouse", "tabs, columns (sort), lines; a second click is Enter; wheel"},
	{"Ctrl-Z Ctrl-L", "suspend; draw anew"},
	{"? h F1", "these keys"},
	{"q Ctrl-C", "quit"},
}

var legend = []string{
	"States: active: a query is running; waiting: it has had no reply for a second;",
	"idle in tx: nothing runs, and a transaction is open; encrypted: no keys.",
	"q/s of live traffic is that of the last 5 seconds, of a file that of all of it;",
	"share is the part of the time of all queries; the sparkline the calls over time.",
}

func (m *model) helpLines(h int) []textLine {
	t := m.theme
	var lines []textLine
	add := func(title string, list []binding) {
		lines = append(lines, compose(m.w, false, span{title, t.head}))
		for _, b := range list {
			lines = append(lines, compose(m.w, false, span{"  " + fit(b.keys, 17, true), t.name}, span{" " + b.text, t.plain}))
		}
	}
	add("Everywhere", general)
	if list := m.page().keys(); len(list) > 0 {
		add("Here: "+tabNames[m.tab], list)
	}
	lines = append(lines, compose(m.w, false))
	for _, text := range legend {
		lines = append(lines, compose(m.w, false, span{"  " + text, t.dim}))
	}
	if text := m.opt.Message; text != nil && text() != "" {
		lines = append(lines, compose(m.w, false, span{"  said last: " + text(), t.warn}))
	}
	m.scroll = max(0, min(m.scroll, len(lines)-h))
	return lines[m.scroll:]
}

func (m *model) pressHelp(k string) tea.Cmd {
	switch k {
	case "down", "j":
		m.scroll++
	case "up", "k":
		m.scroll--
	case "pgdown", "space", "ctrl+f":
		m.scroll += m.h - 4
	case "pgup", "ctrl+b":
		m.scroll -= m.h - 4
	default:
		m.help = false
	}
	return nil
}
