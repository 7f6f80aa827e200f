package screen

import (
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/termsafe"
)

// press takes a key.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	if m.prompt != nil {
		return m.prompt.update(m, msg)
	}
	k := msg.String()
	m.said = ""
	switch k {
	case "ctrl+c":
		return tea.Quit
	case "ctrl+z":
		if alone() {
			m.say("no shell is there that could go on with the program")
			return nil
		}
		return m.job.stop
	case "ctrl+l":
		return tea.ClearScreen
	}
	if m.help {
		return m.pressHelp(k)
	}
	if cmd, ok := m.page().press(m, k); ok {
		return cmd
	}
	switch k {
	case "q":
		return tea.Quit
	case "?", "h", "f1":
		m.help, m.scroll = true, 0
	case "1", "2", "3", "4", "5", "6":
		m.open(int(k[0] - '1'))
	case "tab":
		m.open((m.tab + 1) % numTabs)
	case "shift+tab":
		m.open((m.tab + numTabs - 1) % numTabs)
	case "esc", "backspace", "left":
		if m.back() {
			m.refresh()
		}
	case "/", "f4":
		m.ask("/", "", func(m *model, text string, done bool) tea.Cmd {
			m.page().search(m, text, done)
			return nil
		})
	case "space", "p":
		m.pause = !m.pause
	case "y":
		return m.copySQL()
	case "w":
		m.askSave()
	case "F":
		m.askFilter()
	}
	return nil
}

func (m *model) open(tab int) {
	if tab == tabFlow && m.tab != tabFlow {
		m.from = m.tab
	}
	m.tab = tab
	m.refresh()
}

// copySQL hands what is selected to the terminal's clipboard (OSC 52).
func (m *model) copySQL() tea.Cmd {
	text := m.page().sql(m)
	if text == "" {
		m.say("there is no SQL here")
		return nil
	}
	m.say("copied %s", plural(uint64(len(text)), "byte", "bytes"))
	return tea.SetClipboard(string(termsafe.Append(nil, []byte(text))))
}

// askSave asks for the file that the packets of the connection are written to.
func (m *model) askSave() {
	place, ok := m.page().place(m)
	if !ok {
		m.say("choose a connection first")
		return
	}
	m.ask("write the packets of connection "+fmt.Sprint(place.Conn)+" to: ", fmt.Sprintf("pgsniff-conn%d.pcapng", place.Conn),
		func(m *model, path string, done bool) tea.Cmd {
			if path = strings.TrimSpace(path); !done || path == "" {
				return nil
			}
			m.say("writing %s…", path)
			save := m.opt.Save
			return func() tea.Msg {
				n, err := save(place, path)
				if err == nil && n == 0 {
					err = errors.New("none of its packets are there any more")
				}
				return saidMsg{fmt.Sprintf("%s written to %s", plural(uint64(n), "packet", "packets"), path), err}
			}
		})
}

// askFilter asks for another capture filter.
func (m *model) askFilter() {
	if m.opt.SetFilter == nil {
		m.say("a file is filtered as it is read: pgsniff browse -f EXPR FILE")
		return
	}
	m.ask("capture filter: ", m.opt.Filter, func(m *model, expr string, done bool) tea.Cmd {
		if !done {
			return nil
		}
		set := m.opt.SetFilter
		expr = strings.TrimSpace(expr)
		return func() tea.Msg { return filterMsg{expr, set(expr)} }
	})
}

// showFlow has the flow of a connection made, and shows it.
func (m *model) showFlow(place flow.Place) tea.Cmd {
	if m.tab != tabFlow {
		m.from = m.tab
	}
	m.tab = tabFlow
	f := &flowPage{loading: true, flow: &flow.Flow{Place: place}}
	m.pages[tabFlow] = []page{f}
	m.flows++
	n, load := m.flows, m.opt.Flow
	return func() tea.Msg {
		got, err := load(place)
		return flowMsg{n, got, err, place}
	}
}

// took shows a flow that was asked for.
func (m *model) took(msg flowMsg) {
	if msg.n != m.flows {
		return // another one was asked for since
	}
	if msg.err != nil {
		m.pages[tabFlow] = []page{&flowPage{failed: msg.err.Error(), flow: &flow.Flow{Place: msg.place}}}
		return
	}
	m.pages[tabFlow] = []page{newFlowPage(msg.flow)}
}

// click takes a click of the mouse.
func (m *model) click(x, y int) tea.Cmd {
	if m.prompt != nil {
		return nil
	}
	m.said = ""
	switch {
	case m.help:
		m.help = false
	case y == 1:
		for i := range numTabs {
			if x >= m.tabs[i] && x < m.tabs[i+1] {
				m.open(i)
			}
		}
	case y >= 2 && y < m.h-1:
		return m.page().click(m, x, y-2)
	}
	return nil
}

// wheel takes the wheel of the mouse as some steps.
func (m *model) wheel(msg tea.MouseWheelMsg) tea.Cmd {
	const steps = 3
	up, down := "up", "down"
	if f, ok := m.page().(*flowPage); ok && !m.help {
		up, down = f.wheelKeys(m, msg.X)
	}
	key := ""
	switch msg.Button {
	case tea.MouseWheelUp:
		key = up
	case tea.MouseWheelDown:
		key = down
	default:
		return nil
	}
	for range steps {
		if m.help {
			m.pressHelp(key)
		} else if m.prompt == nil {
			m.page().press(m, key)
		}
	}
	return nil
}
