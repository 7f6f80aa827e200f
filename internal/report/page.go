package report

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/termsafe"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

//go:embed vendored/uPlot.iife.min.js
var uPlotJS string

//go:embed vendored/uPlot.min.css
var uPlotCSS string

//go:embed vendored/uPlot.LICENSE
var uPlotLicence string

// data is what the page's script reads.
type data struct {
	Meta         meta              `json:"meta"`
	Series       seriesData        `json:"series"`
	Heat         [][3]int          `json:"heat"`   // slot, bucket, count
	Bounds       []int64           `json:"bounds"` // upper bounds of buckets, nanoseconds
	Histogram    []uint32          `json:"histogram"`
	Classes      []*class          `json:"classes"`
	Other        *class            `json:"other,omitempty"`
	Connections  []*connection     `json:"connections"`
	MoreConns    uint64            `json:"more_connections,omitempty"`
	Users        []*group          `json:"users"`
	Databases    []*group          `json:"databases"`
	Apps         []*group          `json:"applications"`
	Clients      []*group          `json:"clients"`
	Errors       []*failure        `json:"errors"`
	MoreErrors   uint64            `json:"more_errors,omitempty"`
	Findings     []json.RawMessage `json:"findings"`
	MoreFindings uint64            `json:"more_findings,omitempty"`
	Streams      []*stream         `json:"streams,omitempty"`
	MoreStreams  uint64            `json:"more_streams,omitempty"`
}

// meta is what was captured and what is missing.
type meta struct {
	Start         string `json:"start"` // RFC 3339; times on the page count from here; empty: nothing came
	StartMS       int64  `json:"start_ms"`
	Span          int64  `json:"span"` // nanoseconds
	Packets       uint64 `json:"packets"`
	Bytes         uint64 `json:"bytes"`
	Connections   uint64 `json:"connections"`
	Messages      uint64 `json:"messages"`
	Queries       uint64 `json:"queries"`
	Skipped       uint64 `json:"skipped,omitempty"` // queries that the server passed over after an error
	Errors        uint64 `json:"errors"`
	Lost          uint64 `json:"lost_bytes"`
	Retransmitted uint64 `json:"retransmitted_bytes"`
	KernelDropped uint64 `json:"kernel_dropped"`
	Encrypted     uint64 `json:"encrypted,omitempty"` // connections that could not be read
	Joined        uint64 `json:"joined,omitempty"`    // connections that began before the capture
	Live          bool   `json:"live,omitempty"`
	NoSQL         bool   `json:"no_sql,omitempty"`
	NoValues      bool   `json:"no_values,omitempty"`
	Command       string `json:"command,omitempty"` // that made the page
	// Warnings are what is known to be missing beside the numbers: a file that is cut short.
	Warnings []string `json:"warnings,omitempty"`
}

// seriesData is the load over time, one element for each slot.
type seriesData struct {
	Width   int64    `json:"width"` // of a slot, nanoseconds
	Queries []uint32 `json:"queries"`
	Errors  []uint32 `json:"errors"`
	Rows    []uint64 `json:"rows"`
	Bytes   []uint64 `json:"bytes"`
	Open    []uint32 `json:"open"` // connections, at some time of the slot
	P50     []int64  `json:"p50"`  // nanoseconds; -1: none
	P95     []int64  `json:"p95"`
	P99     []int64  `json:"p99"`
}

// page returns the whole page.
func (o *output) page(t *record.Totals) ([]byte, error) {
	// json.Marshal writes <, > and & as \u003c and so on: nothing in it can end the
	// script element.
	text, err := fitting(o.data(t))
	if err != nil {
		return nil, err
	}
	text = termsafe.JSON(text)
	page := []byte(pageHTML)
	for _, part := range []struct{ mark, text string }{
		{"/*{{uplot.css}}*/", uPlotCSS},
		{"/*{{page.css}}*/", pageCSS},
		{"/*{{uplot.licence}}*/", "/*\n" + uPlotLicence + "*/"},
		{"/*{{uplot.js}}*/", uPlotJS},
		{"/*{{page.js}}*/", pageJS},
		{"{{data}}", string(text)},
	} {
		page = bytes.Replace(page, []byte(part.mark), []byte(part.text), 1)
	}
	return page, nil
}

func (o *output) data(t *record.Totals) *data {
	d := &data{
		Meta:   o.meta(t),
		Series: o.seriesData(), Heat: o.heat(), Bounds: bounds[:], Histogram: o.durations[:],
		Classes: o.sortedClasses(), Connections: o.shownConns(),
		Users: o.users.sorted(), Databases: o.databases.sorted(), Apps: o.apps.sorted(), Clients: o.clients.sorted(),
		Errors: o.sortedErrors(), MoreErrors: o.moreErrors, Streams: o.streams, MoreStreams: o.moreStream,
	}
	d.MoreConns = o.allConns - min(o.allConns, uint64(len(d.Connections)))
	if o.other.Calls > 0 {
		o.other.finish()
		o.other.Spark = nil // it is not drawn
		d.Other = o.other
	}
	for _, f := range o.findings {
		d.Findings = append(d.Findings, f)
	}
	d.MoreFindings = o.moreFound
	return d
}

func (o *output) meta(t *record.Totals) meta {
	var warnings []string
	if o.env.Warned != nil {
		for _, w := range o.env.Warned() {
			warnings = append(warnings, cut([]byte(w), maxParams))
		}
	}
	start, begun := o.load.start, ""
	if start != 0 {
		begun = time.Unix(0, start).UTC().Format(time.RFC3339Nano)
	}
	return meta{
		Start: begun, StartMS: start / 1e6, Span: max(t.Last-start, 0),
		Packets: t.Packets, Bytes: t.Bytes, Connections: o.allConns, Messages: o.messages, Queries: o.asked, Skipped: o.skipped, Errors: o.allErrors,
		Lost: t.LostBytes, Retransmitted: t.RetransmittedBytes, KernelDropped: t.KernelDropped, Live: t.Live, Encrypted: o.encrypted, Joined: o.joined,
		NoSQL: o.noSQL, NoValues: o.noValues, Command: cut([]byte(command(o.env.Args, o.noValues)), maxSQL), Warnings: warnings,
	}
}

func (o *output) seriesData() (s seriesData) {
	s.Width = o.load.width
	open := uint32(0)
	for i := range o.load.slots {
		k := &o.load.slots[i]
		s.Queries, s.Errors = append(s.Queries, k.queries), append(s.Errors, k.errors)
		s.Rows, s.Bytes = append(s.Rows, k.rows), append(s.Bytes, k.bytes)
		open += k.opened
		s.Open = append(s.Open, open)
		open -= k.closed
		s.P50, s.P95, s.P99 = append(s.P50, k.durations.quantile(0.5)), append(s.P95, k.durations.quantile(0.95)), append(s.P99, k.durations.quantile(0.99))
	}
	return s
}

// heat returns the counts of the heat map that are not 0. Two buckets are one there.
func (o *output) heat() (list [][3]int) {
	for i := range o.load.slots {
		h := &o.load.slots[i].durations
		for b := 0; b < numBuckets; b += 2 {
			if n := h[b] + h[b+1]; n > 0 {
				list = append(list, [3]int{i, b / 2, int(n)})
			}
		}
	}
	return list
}

func (o *output) sortedClasses() []*class {
	list := slices.Collect(maps.Values(o.classes))
	for _, c := range list {
		c.finish()
	}
	slices.SortFunc(list, func(a, b *class) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	for _, c := range list {
		c.Spark = c.Spark.fold(len(o.load.slots))
	}
	return list
}

func (g *groups) sorted() []*group {
	list := slices.Collect(maps.Values(g.byName))
	slices.SortFunc(list, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Name, b.Name))
	})
	if g.other != nil {
		list = append(list, g.other)
	}
	return list
}

func (o *output) sortedErrors() []*failure {
	list := slices.Collect(maps.Values(o.failures))
	slices.SortFunc(list, func(a, b *failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.State, b.State), cmp.Compare(a.Message, b.Message))
	})
	return list
}
