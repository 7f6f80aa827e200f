package screen

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/units"
)

// frame is how often the screen is drawn anew.
const frame = 250 * time.Millisecond

// page is what stands between the first lines and the last one.
type page interface {
	// refresh takes what is to be shown of now.
	refresh(m *model)
	// view draws at most h lines of w columns.
	view(m *model, w, h int) []textLine
	// press takes a key. It reports whether the key meant something.
	press(m *model, k string) (tea.Cmd, bool)
	// click takes a click at a place of the view.
	click(m *model, x, y int) tea.Cmd
	// search takes what is typed after /, again for each character.
	search(m *model, text string, done bool)
	// sql is what y copies; place the connection that w writes.
	sql(m *model) string
	place(m *model) (flow.Place, bool)
	// keys says what is special here.
	keys() []binding
	// name is shown where pages lie above each other.
	name() string
}

// binding is a line of the help: keys and what they do.
type binding struct{ keys, text string }

// The tabs.
const (
	tabActivity = iota
	tabQueries
	tabFlow
	tabFindings
	tabErrors
	tabReplication
	numTabs
)

var tabNames = [numTabs]string{"Activity", "Queries", "Flow", "Findings", "Errors", "Replication"}

// model is the program's state. It belongs to the goroutine of the program.
type model struct {
	opt     Options
	theme   *theme
	painter painter
	job     *job
	w, h    int
	tab     int
	from    int              // the tab that the flow was opened from
	pages   [numTabs][]page  // of each tab, the uppermost last
	summary overview.Summary // of the latest refresh
	prompt  *prompt          // nil where nothing is asked
	help    bool             // the keys are shown
	scroll  int              // of the help
	said    string           // the answer to the latest key
	bad     bool             // it is an error
	pause   bool             // nothing is taken anew
	ended   bool             // the source has
	failure error            // and failed
	warned  int              // warnings of the run, of the latest refresh
	drawn   uint64           // frames, for tests
	tabs    [numTabs + 1]int // where each begins, of the latest view
	flows   int              // flows that are being made: only the latest counts
}

func newModel(opt Options) *model {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.After == nil {
		opt.After = time.After
	}
	if opt.Local == nil {
		opt.Local = time.Local
	}
	m := &model{opt: opt, theme: newTheme(opt.Color), painter: painter{out: opt.Out}, job: newJob(), w: 80, h: 24}
	m.pages = [numTabs][]page{
		{newActivity()}, {newQueries()}, {&flowPage{}}, {newFindings()}, {newFailures()}, {newStreams()},
	}
	if !opt.Live {
		m.tab = tabQueries
	}
	return m
}

func (m *model) page() page {
	stack := m.pages[m.tab]
	return stack[len(stack)-1]
}

// push opens a page above the one that is shown.
func (m *model) push(p page) {
	m.pages[m.tab] = append(m.pages[m.tab], p)
	p.refresh(m)
}

// back goes where the page was opened from. It reports whether there was somewhere.
func (m *model) back() bool {
	if n := len(m.pages[m.tab]); n > 1 {
		m.pages[m.tab] = m.pages[m.tab][:n-1]
		return true
	}
	if m.tab == tabFlow && m.from != tabFlow {
		m.tab = m.from
		return true
	}
	return false
}

func (m *model) say(format string, args ...any) { m.said, m.bad = fmt.Sprintf(format, args...), false }

func (m *model) sayBad(err error) { m.said, m.bad = err.Error(), true }

// Messages of the program.
type (
	frameMsg struct{}
	endedMsg struct{ err error }
	flowMsg  struct {
		n     int
		flow  *flow.Flow
		err   error
		place flow.Place
	}
	saidMsg struct {
		text string
		err  error
	}
	filterMsg struct {
		expr string
		err  error
	}
)

func (m *model) nextFrame() tea.Cmd {
	after := m.opt.After(frame)
	return func() tea.Msg {
		<-after
		return frameMsg{}
	}
}

// Init begins to draw.
func (m *model) Init() tea.Cmd {
	m.refresh()
	cmds := []tea.Cmd{m.nextFrame()}
	if ended := m.opt.Ended; ended != nil {
		cmds = append(cmds, func() tea.Msg { return endedMsg{<-ended} })
	}
	return tea.Batch(cmds...)
}

func (m *model) refresh() {
	m.summary = m.opt.Data.Summary()
	if m.opt.Warnings != nil {
		if n, latest := m.opt.Warnings(); n > m.warned {
			m.warned = n
			m.sayBad(errors.New(latest))
		}
	}
	m.page().refresh(m)
}

// Update takes what happens.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeSynchronizedOutput && msg.Value == ansi.ModeReset {
			m.painter.synchronize()
		}
	case frameMsg:
		m.drawn++
		if !m.pause {
			m.refresh()
		}
		if m.job.lost(m.painter.showing()) {
			return m, tea.Batch(m.nextFrame(), m.job.retake)
		}
		return m, m.nextFrame()
	case endedMsg:
		m.ended, m.failure = true, msg.err
		m.refresh()
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		if m.prompt != nil {
			return m, m.prompt.update(m, msg)
		}
	case tea.MouseClickMsg:
		return m, m.click(msg.X, msg.Y)
	case tea.MouseWheelMsg:
		return m, m.wheel(msg)
	case flowMsg:
		m.took(msg)
	case saidMsg:
		if m.said, m.bad = msg.text, false; msg.err != nil {
			m.sayBad(msg.err)
		}
	case filterMsg:
		if msg.err != nil {
			m.sayBad(msg.err)
			break
		}
		m.opt.Filter = msg.expr
		m.say("the filter is %s", orNone(msg.expr))
	}
	return m, nil
}

func orNone(s string) string {
	if s == "" {
		return "off: all packets of the ports are taken"
	}
	return s
}

// View draws the screen.
func (m *model) View() tea.View {
	cursor := noCursor
	if m.prompt != nil {
		cursor = m.prompt.cursor(m.h - 1)
	}
	m.painter.set(m.w, m.lines(), cursor)
	v := tea.NewView(" ") // the painter draws
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = clean("pgsniff "+m.command(), 60)
	return v
}

func (m *model) command() string {
	if m.opt.Live {
		return "top"
	}
	return "browse"
}

// lines are the lines of the screen, exactly as many as it has.
func (m *model) lines() []textLine {
	if m.w < 20 || m.h < 5 {
		return []textLine{compose(max(m.w, 1), false, span{"too small", m.theme.plain})}
	}
	lines := []textLine{m.headLine(), m.tabLine()}
	room := m.h - 3
	var body []textLine
	if m.help {
		body = m.helpLines(room)
	} else {
		body = m.page().view(m, m.w, room)
	}
	if len(body) > room {
		body = body[:room]
	}
	lines = append(lines, body...)
	for len(lines) < m.h-1 {
		lines = append(lines, compose(m.w, false))
	}
	lines = append(lines, m.lastLine())
	return lines
}

// clock is the capture's time of day.
func (m *model) clock(ns int64) string {
	if ns == 0 {
		return "--:--:--"
	}
	return time.Unix(0, ns).In(m.opt.Local).Format("15:04:05")
}

func (m *model) headLine() textLine {
	s, t := &m.summary, m.theme
	title := m.opt.Title
	if m.w < 160 && !m.opt.Live {
		title = filepath.Base(title)
	}
	title, _, _ = fitting(title, max(m.w/3, 10)) // what follows is to be seen, too
	spans := []span{{"pgsniff " + m.command() + " ", t.name}, {title + "  ", t.plain}}
	if m.opt.Live {
		spans = append(spans, span{m.clock(s.Now), t.dim})
	} else {
		spans = append(spans, span{m.clock(s.Started) + "–" + m.clock(s.Now), t.dim})
	}
	switch {
	case m.failure != nil:
		spans = append(spans, span{"  ended: " + m.failure.Error(), t.bad})
	case m.opt.Live && m.ended:
		spans = append(spans, span{"  ended", t.warn})
	case !m.ended && !m.opt.Live:
		spans = append(spans, span{"  " + m.progress(), t.warn})
	}
	if m.pause {
		spans = append(spans, span{"  paused", t.warn})
	}
	spans = append(spans, span{"  " + rate(s.Queries) + " q/s", t.name})
	if s.Errors > 0 {
		spans = append(spans, span{"  " + rate(s.Errors) + " err/s", t.bad})
	}
	if s.P95 > 0 {
		spans = append(spans, span{"  p95 " + short(s.P95), t.plain})
	}
	if d := s.Totals.KernelDropped; d > 0 {
		spans = append(spans, span{"  " + count(d) + " dropped", t.bad})
	}
	if d := s.Totals.LostBytes; d > 0 {
		spans = append(spans, span{"  " + strings.ReplaceAll(units.Bytes(d), " ", "") + " lost", t.warn})
	}
	if m.warned > 0 {
		spans = append(spans, span{"  " + plural(uint64(m.warned), "warning", "warnings"), t.warn})
	}
	if m.w >= 110 {
		spans = append(spans, span{"  " + spark(s.Load, 30), t.client.line})
	}
	return compose(m.w, false, spans...)
}

func (m *model) progress() string {
	if m.opt.Progress != nil {
		if read, total, ok := m.opt.Progress(); ok && total > 0 {
			return fmt.Sprintf("reading %d%%", min(100*read/total, 100))
		}
	}
	return "reading"
}

func (m *model) tabLine() textLine {
	s, t := &m.summary, m.theme
	counts := [numTabs]string{tabFindings: countOf(s.Findings), tabErrors: countOf(s.Failures), tabReplication: countOf(s.Streams)}
	var spans []span
	x := 0
	for i, name := range tabNames {
		text := fmt.Sprintf(" %d %s%s ", i+1, name, counts[i])
		if m.w < 80 {
			text = fmt.Sprintf(" %d%s ", i+1, name[:3])
		}
		style := t.tab
		if i == m.tab {
			style = t.on
		}
		m.tabs[i] = x
		x += len(text)
		spans = append(spans, span{text, style})
	}
	m.tabs[numTabs] = x
	if stack := m.pages[m.tab]; len(stack) > 1 && m.w >= 100 {
		for _, p := range stack[1:] {
			spans = append(spans, span{" › " + p.name(), t.dim})
		}
	}
	return compose(m.w, false, spans...)
}

func countOf(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" %d", n)
}

// lastLine is what is asked, what was answered, or the keys.
func (m *model) lastLine() textLine {
	t := m.theme
	switch {
	case m.prompt != nil:
		return m.prompt.view(m)
	case m.said != "" && m.bad:
		return compose(m.w, false, span{m.said, t.bad})
	case m.said != "":
		return compose(m.w, false, span{m.said, t.good})
	}
	var spans []span
	for _, b := range m.hints() {
		spans = append(spans, span{b.keys, t.name}, span{" " + b.text + "  ", t.dim})
	}
	return compose(m.w, false, spans...)
}

func (m *model) hints() []binding {
	list := []binding{{"?", "keys"}}
	list = append(list, m.page().keys()...)
	return append(list, binding{"q", "quit"})
}
