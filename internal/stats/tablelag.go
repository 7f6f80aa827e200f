package stats

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// stageNames are what positions come to, in this order.
var stageNames = [replication.NumStages]string{"write", "flush", "apply"}

// replication writes what was sent to standbys and subscribers and how far each of
// them was behind: how long positions took to each stage.
func (p *tables) replication(r *Report) {
	if len(r.Streams) == 0 {
		return
	}
	shown := limited(r.Streams, p.opt.Groups)
	p.heading("Replication%s", outOf(len(shown), len(r.Streams)+int(r.OtherStreams)))
	var rows [][]string
	for i := range shown {
		rows = append(rows, streamRows(&shown[i])...)
	}
	p.table([]column{
		{"conn", true},
		{"slot", true},
		{head: "WAL"},
		{"lag", true},
		{head: "behind"},
		{head: "samples"},
		{head: "min"},
		{head: "p50"},
		{head: "p95"},
		{head: "max"},
		{"p95 over time", true},
	}, rows)
}

// streamRows are a row for each stage that the client tells of, at least one.
func streamRows(s *Stream) (rows [][]string) {
	slot := cut(printable(s.Slot.Name), maxName)
	if slot == "" {
		slot = "(none)"
	}
	who := []string{fmt.Sprintf("#%d", s.Conn), slot, units.Bytes(s.WALBytes)}
	for k, d := range s.Lag {
		if s.Positions[k] == 0 || d.N == 0 && s.Behind[k] == 0 {
			continue
		}
		row := append(who, stageNames[k], units.Bytes(s.Behind[k]), formatCount(d.N))
		if d.N == 0 {
			row = append(row, "", "", "", "", "")
		} else {
			row = append(row, units.Duration(d.Min), units.Duration(d.Quantile(0.5)), units.Duration(d.Quantile(0.95)),
				units.Duration(d.Max), spark(s.Series, k))
		}
		rows = append(rows, row)
		who = []string{"", "", ""}
	}
	if len(rows) == 0 {
		what := "(not told)"
		if s.Positions != [replication.NumStages]replication.LSN{} {
			what = "none"
		}
		rows = append(rows, append(who, what, "", "", "", "", "", "", ""))
	}
	return rows
}

// maxSpark is how many columns a time series takes at most.
const maxSpark = 30

// spark draws the p95 of a stage over time, each bar the worst of its periods. A
// dot is where no position came to the stage.
func spark(series []replication.Point, stage int) string {
	if len(series) < 2 {
		return ""
	}
	first, last := series[0].Start, series[len(series)-1].Start
	var worst [maxSpark]int64
	n := min(len(series), maxSpark)
	top := int64(0)
	for i := range series {
		d := &series[i].Lag[stage]
		if d.N == 0 {
			continue
		}
		at := int(float64(series[i].Start-first) / float64(last-first) * float64(n-1))
		worst[at] = max(worst[at], d.Quantile(0.95), 1)
		top = max(top, worst[at])
	}
	out := make([]rune, n)
	for i := range out {
		if out[i] = '·'; worst[i] > 0 {
			out[i] = rune('▁' + int(float64(worst[i])/float64(top)*7))
		}
	}
	return string(out)
}
