package screen

import (
	"cmp"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// streams is the replication connections.
type streams struct {
	list[overview.Stream]
}

func newStreams() *streams {
	type stream = overview.Stream
	p := &streams{}
	bytes := func(n uint64) string { return strings.Replace(units.Bytes(n), " ", "", 1) }
	behind := func(name, hot string, stage replication.Stage) column[stream] {
		return column[stream]{
			name: name, hot: hot, width: 8,
			cell: func(m *model, s *stream) span {
				if s.Positions[stage] == 0 {
					return span{"", m.theme.plain}
				}
				return span{bytes(s.Behind[stage]), m.theme.plain}
			},
			less: func(a, b *stream) int { return cmp.Compare(a.Behind[stage], b.Behind[stage]) },
		}
	}
	p.columns = []column[stream]{
		{name: "ID", hot: "I", width: 5, up: true, cell: func(m *model, s *stream) span {
			return span{strconv.FormatUint(s.Place.ID, 10), m.theme.dim}
		}, less: openFirst},
		{name: "WHO", hot: "A", width: 14, left: true, up: true, cell: func(m *model, s *stream) span {
			return span{cmp.Or(s.Application, s.User), m.theme.plain}
		}, less: func(a, b *stream) int { return cmp.Compare(a.Application, b.Application) }},
		{name: "KIND", width: 9, left: true, cell: func(m *model, s *stream) span {
			text := s.Mode.String()
			if s.Over {
				text = "ended"
			}
			return span{text, m.theme.dim}
		}},
		{name: "SLOT", width: 14, left: true, from: 110, cell: func(m *model, s *stream) span { return span{s.Slot.Name, m.theme.plain} }},
		{name: "SENT", width: 12, left: true, cell: func(m *model, s *stream) span {
			if s.Sent == 0 {
				return span{"", m.theme.plain}
			}
			return span{s.Sent.String(), m.theme.plain}
		}, less: func(a, b *stream) int { return cmp.Compare(a.Sent, b.Sent) }},
		{
			name: "WAL", hot: "W", width: 8, cell: func(m *model, s *stream) span { return span{bytes(s.WALBytes), m.theme.plain} },
			less: func(a, b *stream) int { return cmp.Compare(a.WALBytes, b.WALBytes) },
		},
		behind("FLUSH-", "L", replication.StageFlush),
		behind("APPLY-", "P", replication.StageApply),
		{name: "LAG P95", hot: "T", width: 8, cell: func(m *model, s *stream) span {
			lag := lagOf(s)
			if lag < 0 {
				return span{"", m.theme.plain}
			}
			return span{short(lag), m.theme.warn}
		}, less: func(a, b *stream) int { return cmp.Compare(lagOf(a), lagOf(b)) }},
		{name: "LAG OVER TIME", left: true, from: 90, cell: func(m *model, s *stream) span { return span{lagSpark(s), m.theme.client.line} }},
	}
	p.key = func(s *stream) any { return s.Place.ID }
	p.text = func(s *stream) string {
		return s.Application + " " + s.User + " " + s.Slot.Name + " " + s.Place.Client + " " + s.Mode.String()
	}
	p.empty, p.none = "no replication so far", "no replication"
	return p
}

// slotColumn is where the names of slots are.
const slotColumn = 3

// openFirst compares by number, those that are over at the end: a subscriber that fails
// comes again every few seconds.
func openFirst(a, b *overview.Stream) int {
	switch {
	case a.Over && !b.Over:
		return 1
	case b.Over && !a.Over:
		return -1
	}
	return cmp.Compare(a.Place.ID, b.Place.ID)
}

// lagOf is the lag of the last stage that the client tells of, ns; -1: not known.
func lagOf(s *overview.Stream) int64 {
	for i := int(replication.NumStages) - 1; i >= 0; i-- {
		if s.Lag[i].N > 0 {
			return s.Lag[i].Quantile(0.95)
		}
	}
	return -1
}

func lagSpark(s *overview.Stream) string {
	var list []uint32
	for i := range s.Series {
		var most int64
		for k := range s.Series[i].Lag {
			if d := &s.Series[i].Lag[k]; d.N > 0 {
				most = max(most, d.Max)
			}
		}
		list = append(list, uint32(min(most/1000, 1<<32-1)))
	}
	return spark(list, 40)
}

func (p *streams) refresh(m *model) { p.set(m.opt.Data.Streams()) }

func (p *streams) view(m *model, w, h int) []textLine {
	p.columns[slotColumn].width = wider(14, w)
	return p.list.view(m, w, h)
}

func (p *streams) press(m *model, k string) (tea.Cmd, bool) {
	if k == "enter" || k == "right" {
		if place, ok := p.place(m); ok {
			return m.showFlow(place), true
		}
		return nil, true
	}
	return nil, p.list.press(k)
}

func (p *streams) click(m *model, x, y int) tea.Cmd {
	if p.list.click(x, y) {
		cmd, _ := p.press(m, "enter")
		return cmd
	}
	return nil
}

func (p *streams) search(_ *model, text string, _ bool) {
	p.filter = text
	p.arrange()
}

func (p *streams) sql(*model) string { return "" }

func (p *streams) place(*model) (flow.Place, bool) {
	s := p.current()
	if s == nil {
		return flow.Place{}, false
	}
	return placeOf(s.Place.ID, s.Place.Client, s.Place.Server, s.Place.Started.Frame), true
}

func (p *streams) keys() []binding {
	return []binding{{"Enter", "flow"}, {"/", "filter"}, {"FLUSH- APPLY-", "bytes that the client is behind"}, {"T L P W", "sort by lag, flush, apply, WAL"}}
}

func (p *streams) name() string { return "" }
