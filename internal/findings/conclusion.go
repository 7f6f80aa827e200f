package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/record"
)

var (
	conclusionSchema = record.NewSchema("findings", "How many findings there are; for people.")
	cCritical        = conclusionSchema.Int("critical", "", "Findings of that severity.")
	cWarning         = conclusionSchema.Int("warning", "", "Likewise.")
	cInfo            = conclusionSchema.Int("info", "", "Likewise.")
)

// Conclusion is the last line of findings in pretty output.
type Conclusion struct {
	counts               [Critical + 1]int
	conns, apps, queries uint64
	lossy, dropped       uint64
	left                 int // findings that are not shown
}

func (e *Engine) conclude(list []Finding) *Conclusion {
	// One that uses several databases, or comes from several hosts, is one to its users.
	apps := make(map[string]bool)
	for _, a := range e.apps {
		if a.exchanges > 0 {
			apps[a.name()] = true
		}
	}
	c := &Conclusion{conns: e.connections, apps: uint64(len(apps)), queries: e.queries, lossy: e.lossyConns, dropped: e.Dropped}
	for i := range list {
		c.counts[list[i].Severity]++
	}
	return c
}

// Schema describes it.
func (c *Conclusion) Schema() *record.Schema { return conclusionSchema }

// Place is nowhere.
func (c *Conclusion) Place() record.Stamp { return record.Stamp{} }

// Of is nil.
func (c *Conclusion) Of() *record.Conn { return nil }

// Clone returns a copy.
func (c *Conclusion) Clone() record.Record { k := *c; return &k }

// Visit shows the numbers.
func (c *Conclusion) Visit(v record.Visitor) {
	v.Int(cCritical, int64(c.counts[Critical]))
	v.Int(cWarning, int64(c.counts[Warning]))
	v.Int(cInfo, int64(c.counts[Info]))
}

// Lines is the conclusion in a sentence or two.
func (c *Conclusion) Lines() []record.Line {
	seen := fmt.Sprintf("in %s of %s, %s", count(c.conns, "connection"), count(c.apps, "application"), count(c.queries, "query"))
	bad, warn, info := c.counts[Critical], c.counts[Warning], c.counts[Info]
	text, style := "", record.Good
	switch {
	case bad+warn+info == 0:
		text = "Nothing is wrong " + seen + "."
	case bad+warn == 0:
		text = fmt.Sprintf("Nothing is wrong %s; %s.", seen, count(info, "remark"))
	default:
		style = record.Name
		text = fmt.Sprintf("%d critical, %s, %s %s; -v shows all of each.", bad, count(warn, "warning"), count(info, "remark"), seen)
	}
	lines := []record.Line{{Spans: []record.Span{{Text: text, Style: style}}}}
	if c.left > 0 {
		lines = append(lines, record.Line{Spans: []record.Span{{Text: fmt.Sprintf("%s more than a screen holds: -v shows them.", count(c.left, "finding"))}}})
	}
	if c.lossy > 0 {
		lines = append(lines, record.Line{Spans: []record.Span{{Text: fmt.Sprintf("%s not captured whole: what is missing may hide more.", count(c.lossy, "connection")), Style: record.Warn}}})
	}
	if c.dropped > 0 {
		lines = append(lines, record.Line{Spans: []record.Span{{Text: fmt.Sprintf("For lack of room, %s not looked at.", count(c.dropped, "detail")), Style: record.Warn}}})
	}
	return lines
}
