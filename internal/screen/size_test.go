package screen

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// shownPages are models that show each page that there is.
func shownPages() map[string]*model {
	list := map[string]*model{}
	show := func(name string, tab int, p page) *model {
		m := newModel(Options{Data: filled(30), Live: true, Title: "lo"})
		m.tab = tab
		if p != nil {
			m.pages[tab] = append(m.pages[tab], p)
		}
		m.refresh()
		list[name] = m
		return m
	}
	for tab, name := range tabNames {
		show(name, tab, nil)
	}
	long := strings.Repeat("a word ", 60)
	show("executions", tabQueries, newExecutions(&overview.Class{Fingerprint: 1, SQL: long}))
	show("finding", tabFindings, &findingPage{finding: findings.Finding{
		Code: "n_plus_one", Severity: findings.Warning, Title: long, Advice: long, Queries: []findings.QueryRef{{Normalized: long}},
		Evidence: []findings.Evidence{{Text: long, Conn: 1, Query: 2}, {Text: long}}, Connections: []findings.ConnRef{{Conn: 1, Client: long}},
	}})
	failed := show("errors", tabErrors, nil)
	failures := failed.pages[tabErrors][0].(*failures)
	failures.set([]overview.Failure{{Message: long, Detail: long, Hint: long, SQL: long, Conn: &record.Conn{}, Who: &record.Who{}}})
	failed.pause = true
	f := &flow.Flow{Queries: map[uint64]*flow.Query{1: {ID: 1, SQL: long, Params: long, Duration: 5000}}}
	for i := range 40 {
		kind, frontend := messages.KindDataRow, false
		if i%10 == 0 {
			kind, frontend = messages.KindQuery, true
		}
		f.Steps = append(f.Steps, flow.Step{Query: 1, Kind: kind, Frontend: frontend, Name: kind.String(), Text: long, Body: []string{long, long}, Notes: []string{long}, At: record.Stamp{Time: int64(i) * 1000}})
	}
	show("flow", tabFlow, newFlowPage(f))
	body := newFlowPage(f)
	body.body = true
	show("flow with a pane", tabFlow, body).press(tea.KeyPressMsg{Code: 'f', Text: "f"})
	show("help", tabQueries, nil).help = true
	show("a prompt", tabQueries, nil).askFilter()
	asking := show("another prompt", tabQueries, nil)
	asking.opt.SetFilter = func(string) error { return nil }
	asking.askFilter()
	return list
}

// TestAnySize draws all pages in windows of all sizes, and moves in them: there are
// as many lines as the window has, none is longer, and nothing breaks.
func TestAnySize(t *testing.T) {
	keys := []tea.KeyPressMsg{{Code: 'j', Text: "j"}, {Code: tea.KeyPgDown}, {Code: 'G', Text: "G"}, {Code: tea.KeyPgUp}, {Code: 'k', Text: "k"}}
	for name, m := range shownPages() {
		n := 0
		for _, w := range []int{1, 5, 19, 20, 21, 30, 47, 79, 80, 119, 120, 130, 131, 160, 250} {
			for h := 1; h < 30; h++ {
				m.Update(tea.WindowSizeMsg{Width: w, Height: h})
				if m.prompt == nil && !m.help {
					m.page().press(m, keys[n%len(keys)].String())
				}
				lines := m.lines()
				if w >= 20 && h >= 5 && len(lines) != h {
					t.Fatalf("%s: %d lines in a window of %d×%d", name, len(lines), w, h)
				}
				for i := range lines {
					if lines[i].end > w {
						t.Fatalf("%s: line %d takes %d columns in a window of %d×%d", name, i, lines[i].end, w, h)
					}
				}
				n++
			}
		}
	}
}

// TestPaneScrolls reads all of a long message in the side pane, beside the ladder and below
// it: each line is seen, in order, and the screen says as long as there is more.
func TestPaneScrolls(t *testing.T) {
	const lines, h = 70, 20
	step := flow.Step{Kind: messages.KindParameterStatus, Name: "ParameterStatus"}
	for i := range lines {
		step.Body = append(step.Body, "line "+strconv.Itoa(i))
	}
	for _, w := range []int{80, 200} {
		m := newModel(Options{Data: filled(1), Live: true, Title: "lo"})
		p := newFlowPage(&flow.Flow{Steps: []flow.Step{step, {Name: "ReadyForQuery"}}})
		p.body = w < wideBody
		m.tab, m.pages[tabFlow] = tabFlow, []page{p}
		m.Update(tea.WindowSizeMsg{Width: w, Height: h})
		p.press(m, "right")
		p.press(m, "down")
		seen := func() (all []string, more bool) {
			for _, l := range m.lines() {
				text := ansi.Strip(l.text)
				if i := strings.Index(text, "line "); i >= 0 {
					all = append(all, strings.TrimSpace(text[i:]))
				}
				more = more || strings.Contains(text, "… more")
			}
			return all, more
		}
		for next := 0; ; next++ {
			all, more := seen()
			if more != !slices.Contains(all, "line "+strconv.Itoa(lines-1)) {
				t.Fatalf("%d columns, scrolled by %d: says that there is more: %v; lines %q", w, next, more, all)
			}
			if !more {
				break
			}
			if want := "line " + strconv.Itoa(max(next-1, 0)); len(all) == 0 || all[0] != want {
				t.Fatalf("%d columns, scrolled by %d: %q, want %q first", w, next, all, want)
			}
			if w < wideBody {
				p.press(m, "J")
			} else {
				_, down := p.wheelKeys(m, w-3)
				p.press(m, down)
			}
		}
		p.press(m, "J") // it is at its end
		_ = m.lines()
		p.press(m, "K")
		p.press(m, "K") // the last line is a blank one
		if _, more := seen(); !more {
			t.Errorf("%d columns: there is no way back", w)
		}
		if up, _ := p.wheelKeys(m, 3); up != "up" {
			t.Errorf("over the ladder the wheel does %q", up)
		}
	}
}
