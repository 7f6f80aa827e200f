package screen

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// gapRows is how many lines the longest gap of a cycle takes; the others are to scale.
const gapRows = 5

// slowShare is which part of the cycles of a flow count as slow: the slowest.
const slowShare = 20

// flowPage is the flow of a connection as a ladder between client and server.
type flowPage struct {
	flow    *flow.Flow
	loading bool
	failed  string

	groups []group
	rows   []ladderRow
	sel    int
	top    int
	height int
	flat   bool // gaps take no lines
	noBody bool // the side pane is hidden
	body   bool // it is shown on a narrow terminal
	text   string
	rel    bool  // times count from the first step
	slow   int64 // cycles that took as long are slow
	most   int64 // the longest cycle
	at     int   // of the view: where the ladder begins
	side   int   // likewise: the columns of the side pane; 0: it is below, or hidden
	scroll int   // the first line of the pane that is shown
	pane   int   // the line of the ladder that it is scrolled for
}

// group is a run of steps: one cycle, or several that were sent ahead of replies.
type group struct {
	from, to int // steps
	query    *flow.Query
	queries  int
	open     bool
	bad      bool
	took     int64
}

// rowKind is what a line of the ladder is.
type rowKind uint8

const (
	rowHead rowKind = iota
	rowStep
	rowGap
	rowNote
)

// ladderRow is a line of the ladder.
type ladderRow struct {
	kind  rowKind
	group int
	step  int
	note  int
	gap   int64 // on the first line of a gap
}

// newFlowPage shows a flow at the place that was looked for.
func newFlowPage(f *flow.Flow) *flowPage {
	p := &flowPage{flow: f}
	p.makeGroups()
	for i := range p.groups {
		g := &p.groups[i]
		if f.Focus >= g.from && f.Focus < g.to {
			g.open = true
			p.arrange()
			p.selectGroup(i)
		}
	}
	if len(p.rows) == 0 {
		p.arrange()
	}
	return p
}

// makeGroups divides the steps: a group begins where the client asks for something new
// after the server has answered.
func (p *flowPage) makeGroups() {
	steps := p.flow.Steps
	var latest uint64
	for i := range steps {
		s := &steps[i]
		fresh := len(p.groups) == 0
		if !fresh && s.Frontend && !s.Notice && s.Query > latest {
			before := &steps[i-1]
			fresh = !before.Frontend && (before.Kind == messages.KindReadyForQuery || before.Query != s.Query)
		}
		if fresh {
			p.groups = append(p.groups, group{from: i})
		}
		latest = max(latest, s.Query)
		g := &p.groups[len(p.groups)-1]
		g.to = i + 1
		g.bad = g.bad || s.Bad
		if q := p.flow.Queries[s.Query]; q != nil && (g.query == nil || g.query.ID != q.ID) {
			if g.queries++; g.query == nil || q.Duration > g.query.Duration {
				g.query = q
			}
		}
	}
	var took []int64
	for i := range p.groups {
		g := &p.groups[i]
		if g.took = steps[g.to-1].At.Time - steps[g.from].At.Time; g.query != nil && g.query.Duration >= 0 {
			g.took = g.query.Duration
		}
		if g.query != nil {
			took = append(took, g.took)
			p.most = max(p.most, g.took)
		}
	}
	if n := len(took); n > 0 {
		slices.Sort(took)
		p.slow = took[n-1-(n-1)/slowShare]
	}
}

// arrange makes the lines.
func (p *flowPage) arrange() {
	p.rows = p.rows[:0]
	for i := range p.groups {
		g := &p.groups[i]
		p.rows = append(p.rows, ladderRow{kind: rowHead, group: i, step: g.from})
		if g.open {
			p.unfold(i)
		}
	}
	p.sel = max(0, min(p.sel, len(p.rows)-1))
}

// unfold adds the steps of a group, with its gaps to scale.
func (p *flowPage) unfold(i int) {
	g, steps := &p.groups[i], p.flow.Steps
	var longest int64
	for k := g.from + 1; k < g.to; k++ {
		longest = max(longest, steps[k].At.Time-steps[k-1].At.Time)
	}
	for k := g.from; k < g.to; k++ {
		if k > g.from && longest > 0 && !p.flat {
			gap := max(steps[k].At.Time-steps[k-1].At.Time, 0)
			for n := range int((gap*gapRows + longest/2) / longest) {
				r := ladderRow{kind: rowGap, group: i, step: k}
				if n == 0 {
					r.gap = gap
				}
				p.rows = append(p.rows, r)
			}
		}
		p.rows = append(p.rows, ladderRow{kind: rowStep, group: i, step: k})
		for n := range steps[k].Notes {
			p.rows = append(p.rows, ladderRow{kind: rowNote, group: i, step: k, note: n})
		}
	}
}

// selectGroup goes to the first line of a group.
func (p *flowPage) selectGroup(i int) {
	for n := range p.rows {
		if p.rows[n].group == i {
			p.sel = n
			p.top = max(0, n-2)
			return
		}
	}
}

// selectStep goes to a step, and unfolds its group.
func (p *flowPage) selectStep(step int) {
	for i := range p.groups {
		if g := &p.groups[i]; step >= g.from && step < g.to && !g.open {
			g.open = true
			p.arrange()
		}
	}
	for n := range p.rows {
		if p.rows[n].kind == rowStep && p.rows[n].step == step {
			p.sel = n
			return
		}
	}
}

func (p *flowPage) refresh(*model) {}

func (p *flowPage) press(m *model, k string) (tea.Cmd, bool) {
	if len(p.groups) == 0 {
		return nil, false
	}
	switch k {
	case "up", "k":
		p.step(-1)
	case "down", "j":
		p.step(1)
	case "pgup", "ctrl+b":
		p.move(p.sel - max(p.height-1, 1))
	case "pgdown", "ctrl+f":
		p.move(p.sel + max(p.height-1, 1))
	case "home", "g":
		p.move(0)
	case "end", "G":
		p.move(len(p.rows) - 1)
	case "enter", "space":
		p.fold(!p.groups[p.rows[p.sel].group].open)
	case "right", "l", "+":
		p.fold(true)
	case "left", "-":
		if !p.groups[p.rows[p.sel].group].open {
			return nil, false // back
		}
		p.fold(false)
	case "f":
		p.foldAll()
	case "z":
		p.flat = !p.flat
		p.keep()
	case "t":
		p.rel = !p.rel
	case "b":
		p.noBody, p.body = !p.noBody, !p.body
	case "J":
		p.scroll++
	case "K":
		p.scroll = max(p.scroll-1, 0)
	default:
		return p.jump(m, k)
	}
	return nil, true
}

// jump takes the keys that look for something.
func (p *flowPage) jump(m *model, k string) (tea.Cmd, bool) {
	switch k {
	case "n", "N":
		if p.text != "" && !p.find(k == "n", p.matches) {
			m.say("no more of %q", p.text)
		}
	case "e", "E":
		if !p.find(k == "e", func(s *flow.Step) bool { return s.Bad || s.Odd }) {
			m.say("no more errors and notes")
		}
	case "s", "S":
		if !p.nextSlow(k == "s") {
			m.say("no more slow queries (%s and more)", short(p.slow))
		}
	case "[", "]", "ctrl+r", "f5":
		return p.reload(m, k), true
	default:
		return nil, false
	}
	return nil, true
}

// reload makes the flow again: of earlier steps, of later ones, or as it is now.
func (p *flowPage) reload(m *model, k string) tea.Cmd {
	place, steps := p.flow.Place, p.flow.Steps
	switch {
	case k == "[" && p.flow.Before == 0:
		m.say("this is the beginning")
		return nil
	case k == "]" && !p.flow.More:
		m.say("this is the end")
		return nil
	case k == "[":
		place.Focus = steps[0].At.Frame
	case k == "]":
		place.Focus = steps[len(steps)-1].At.Frame
	}
	return m.showFlow(place)
}

// step goes to the next line that is something.
func (p *flowPage) step(by int) {
	for i := p.sel + by; i >= 0 && i < len(p.rows); i += by {
		if k := p.rows[i].kind; k == rowHead || k == rowStep {
			p.sel = i
			return
		}
	}
}

func (p *flowPage) move(to int) {
	p.sel = max(0, min(to, len(p.rows)-1))
	for p.sel > 0 && p.rows[p.sel].kind != rowHead && p.rows[p.sel].kind != rowStep {
		p.sel--
	}
}

func (p *flowPage) fold(open bool) {
	i := p.rows[p.sel].group
	if p.groups[i].open == open {
		return
	}
	p.groups[i].open = open
	p.arrange()
	for n := range p.rows {
		if p.rows[n].group == i {
			p.sel = n
			return
		}
	}
}

// foldAll folds all, or unfolds all where all are folded.
func (p *flowPage) foldAll() {
	open := !slices.ContainsFunc(p.groups, func(g group) bool { return g.open })
	for i := range p.groups {
		p.groups[i].open = open
	}
	p.keep()
}

// keep arranges anew and stays at the step.
func (p *flowPage) keep() {
	at := p.rows[p.sel]
	p.arrange()
	for n := range p.rows {
		if r := &p.rows[n]; r.group == at.group && (r.kind == at.kind && r.step == at.step || r.kind == rowHead) {
			p.sel = n
			if r.kind == at.kind {
				return
			}
		}
	}
}

// find goes to the next step that is looked for.
func (p *flowPage) find(ahead bool, wanted func(*flow.Step) bool) bool {
	steps, r := p.flow.Steps, p.rows[p.sel]
	by, from := 1, r.step+1
	if r.kind == rowHead {
		from = r.step
	}
	if !ahead {
		by, from = -1, r.step-1
	}
	for i := from; i >= 0 && i < len(steps); i += by {
		if wanted(&steps[i]) {
			p.selectStep(i)
			return true
		}
	}
	return false
}

func (p *flowPage) matches(s *flow.Step) bool {
	text := strings.ToLower(p.text)
	return strings.Contains(strings.ToLower(s.Name+" "+s.Text), text) ||
		slices.ContainsFunc(s.Body, func(line string) bool { return strings.Contains(strings.ToLower(line), text) })
}

func (p *flowPage) nextSlow(ahead bool) bool {
	by := 1
	if !ahead {
		by = -1
	}
	for i := p.rows[p.sel].group + by; i >= 0 && i < len(p.groups); i += by {
		if g := &p.groups[i]; g.query != nil && g.took >= p.slow {
			p.selectGroup(i)
			return true
		}
	}
	return false
}

// wheelKeys are what the wheel does at a column: it moves in the ladder, or in the pane.
func (p *flowPage) wheelKeys(m *model, x int) (up, down string) {
	if p.side > 0 && x >= m.w-p.side {
		return "K", "J"
	}
	return "up", "down"
}

func (p *flowPage) click(m *model, x, y int) tea.Cmd {
	i := p.top + y - p.at
	if y < p.at || i >= len(p.rows) || y >= p.at+p.height || p.side > 0 && x >= m.w-p.side {
		return nil
	}
	if i == p.sel {
		p.fold(!p.groups[p.rows[i].group].open)
		return nil
	}
	p.move(i)
	return nil
}

func (p *flowPage) search(m *model, text string, _ bool) {
	p.text = text
	if text == "" || len(p.rows) == 0 || p.matches(&p.flow.Steps[p.rows[p.sel].step]) && p.rows[p.sel].kind == rowStep {
		return
	}
	if !p.find(true, p.matches) && !p.find(false, p.matches) {
		m.say("nothing matches %q", text)
	}
}

func (p *flowPage) sql(*model) string {
	if len(p.rows) == 0 {
		return ""
	}
	r := p.rows[p.sel]
	q := p.flow.Queries[p.flow.Steps[r.step].Query]
	if r.kind == rowHead || q == nil {
		q = p.groups[r.group].query
	}
	if q == nil {
		return ""
	}
	return q.SQL
}

func (p *flowPage) place(*model) (flow.Place, bool) {
	if p.flow == nil {
		return flow.Place{}, false
	}
	return p.flow.Place, true
}

func (p *flowPage) keys() []binding {
	return []binding{
		{"Enter", "fold"},
		{"/ n N", "search"},
		{"e E", "error"},
		{"s S", "slow"},
		{"y", "copy"},
		{"w", "write"},
		{"f", "fold all"},
		{"z", "scale"},
		{"b", "body"},
		{"J K", "scroll it"},
		{"t", "times"},
		{"[ ]", "earlier, later"},
		{"F5", "read again"},
	}
}

func (p *flowPage) name() string { return fmt.Sprintf("connection %d", p.flow.Place.Conn) }
