package render

import (
	"strings"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/units"
)

// connLagOf puts the lag of a replication connection into words, a stage at a time.
type connLagOf struct {
	open    int // how deep it is in the object
	stage   string
	behind  uint64
	samples uint64
	times   []string
}

func (g *connLagOf) begin(f *record.Field) {
	if g.open++; g.open == 2 {
		*g = connLagOf{open: g.open, stage: f.Name, times: g.times[:0]}
	}
}

func (g *connLagOf) count(f *record.Field, n uint64) {
	switch f.Name {
	case "bytes":
		g.behind = n
	case "samples":
		g.samples = n
	}
}

func (g *connLagOf) time(f *record.Field, ns int64) {
	g.times = append(g.times, strings.TrimSuffix(f.Name, "_ns")+" "+units.Duration(ns))
}

// end writes a stage: of one sample its time, of more their spread, and what had not
// come there in the end.
func (g *connLagOf) end(l *line) {
	if g.open--; g.open != 1 {
		return
	}
	var facts []string
	switch {
	case g.samples == 1 && len(g.times) > 0:
		_, first, _ := strings.Cut(g.times[0], " ")
		facts = append(facts, first)
	case g.samples > 1:
		facts = append(facts, g.times...)
	}
	if g.behind > 0 {
		facts = append(facts, units.Bytes(g.behind)+" behind")
	}
	if len(facts) > 0 {
		l.ascii(", " + g.stage + " lag ")
		l.text([]byte(strings.Join(facts, " ")))
	}
}
