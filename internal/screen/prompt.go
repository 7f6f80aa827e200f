package screen

import (
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// prompt asks for a line of text on the last line of the screen.
type prompt struct {
	label string
	input textinput.Model
	// took is told the text again and again, and at last with done.
	took func(m *model, text string, done bool) tea.Cmd
}

func (m *model) ask(label, text string, took func(m *model, text string, done bool) tea.Cmd) {
	in := textinput.New()
	in.Prompt = ""
	in.SetVirtualCursor(false)
	in.CharLimit = 2000
	in.KeyMap.Paste.SetEnabled(false) // it would run programs; terminals paste by themselves
	in.SetValue(text)
	in.CursorEnd()
	in.Focus()
	m.prompt = &prompt{label, in, took}
	m.prompt.resize(m)
}

func (p *prompt) resize(m *model) { p.input.SetWidth(max(m.w-ansi.StringWidth(p.label)-2, 5)) }

func (p *prompt) update(m *model, msg tea.Msg) tea.Cmd {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "enter":
			m.prompt = nil
			return p.took(m, p.input.Value(), true)
		case "esc", "ctrl+c", "ctrl+g":
			m.prompt = nil
			return p.took(m, "", false)
		}
	}
	p.resize(m)
	before := p.input.Value()
	var cmd tea.Cmd
	p.input, cmd = p.input.Update(msg)
	if text := p.input.Value(); text != before {
		return tea.Batch(cmd, p.took(m, text, false))
	}
	return cmd
}

func (p *prompt) view(m *model) textLine {
	p.resize(m)
	return compose(m.w, false, span{p.label, m.theme.name}, span{ansi.Strip(p.input.View()), m.theme.plain})
}

func (p *prompt) cursor(y int) place {
	c := p.input.Cursor()
	if c == nil {
		return noCursor
	}
	return place{c.X + ansi.StringWidth(p.label), y}
}
