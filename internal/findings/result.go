package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

const (
	// manyRows and manyBytes are more than a person or a page can use.
	manyRows  = 10_000
	manyBytes = 5 << 20
	// abandonedRows is how many rows of a result that nobody waited for show that
	// it was too long.
	abandonedRows = 1000
)

var (
	unboundedResult = &code{name: "unbounded_result", finish: finishUnbounded}
	wideResult      = &code{name: "wide_result", finish: finishWide}
)

type unboundedData struct {
	s                    *statement
	cancelled, abandoned uint64
	whole                uint64
	rows, least, most    uint64
}

// result takes the rows of an exchange.
func (e *Engine) result(q *seenExchange) {
	c := q.c
	if q.s == nil || !q.s.isSelect || c.app.tool == toolDump || q.own || q.Copy != exchange.CopyNone {
		return
	}
	e.measure(q)
	if q.s.limited || q.suspended() || c.fetch.resumes(q) {
		return
	}
	how := ""
	switch {
	case q.state == queryCanceled && q.Rows >= abandonedRows && q.CancelledBy != 0:
		how = "cancelled"
	case !q.Answered && q.Rows >= abandonedRows && (c.gone.client != 0 || c.gone.terminate) && q.state == "":
		how = "abandoned"
	case q.state == "" && q.Answered && (q.Rows >= manyRows || q.Bytes >= manyBytes && q.Rows > 1):
		how = "whole"
	default:
		return
	}
	d := e.draft(unboundedResult, c.app, q.s.print)
	if d == nil {
		return
	}
	x, _ := d.data.(*unboundedData)
	if x == nil {
		x = &unboundedData{s: q.s}
		d.data = x
	}
	switch how {
	case "cancelled":
		x.cancelled++
	case "abandoned":
		x.abandoned++
	default:
		x.whole++
	}
	x.rows += q.Rows
	if x.least == 0 || q.Rows < x.least {
		x.least = q.Rows
	}
	x.most = max(x.most, q.Rows)
	d.note(q.Start)
	d.on(c)
	d.calls(q.s, 1)
	d.cost.Bytes += q.Bytes
	if q.dur > 0 && q.wait >= 0 {
		d.cost.TimeNS += q.dur - q.wait
	}
	if d.wants() {
		text := fmt.Sprintf("%s, %s", count(q.Rows, "row"), units.Bytes(q.Bytes))
		if q.dur > 0 {
			text += ", in " + units.Duration(q.dur)
		}
		if how != "whole" {
			text += ", then " + how
		}
		d.show(q.Start, c, q.ID, text)
	}
}

func finishUnbounded(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*unboundedData)
	s, conf := Info, Likely
	left := x.cancelled + x.abandoned
	if d.count >= 2 || left > 0 {
		s = Warning
	}
	if left > 0 {
		conf = Strong
	}
	f = d.finding(s, conf)
	f.Cost.Share = d.share()
	rows := grouped(int64(x.least))
	if x.most != x.least {
		rows += " to " + grouped(int64(x.most))
	}
	f.Title = fmt.Sprintf("%s asks for all rows: %s each in %s of a SELECT without LIMIT", d.app.name(), rows, count(d.count, "execution"))
	if left > 0 {
		f.Title = fmt.Sprintf("%s asks for all rows and does not want them: %s cancelled or abandoned after %s rows", d.app.name(), count(left, "result"), rows)
	}
	f.Advice = "Add LIMIT and page by key (WHERE id > $1 ORDER BY id LIMIT $2), aggregate in SQL, or read exports by a cursor of 1,000 to 5,000 rows (fetch size, server-side cursor, iterator()). How many rows the program used the wire does not show."
	return f, true
}

const (
	// wideRows and wideBytes are the least that is worth a look; wideValue is the
	// average of a value that is no table's usual column, wideShare what it makes of
	// the row.
	wideRows  = 20
	wideBytes = 100 << 10
	wideValue = 2 << 10
	wideShare = 0.8
	wideCols  = 4
)

// width adds up the bytes of a statement's result, column by column.
type width struct {
	bytes  []uint64
	names  []string
	hexes  []bool
	rows   uint64 // measured
	all    uint64 // rows in all
	calls  uint64
	single uint64 // calls with one row
}

// measure adds the columns of an exchange's rows.
func (e *Engine) measure(q *seenExchange) {
	r := q.c.rows
	if q.uses == nil || r == nil || r.query != q.ID || q.Rows == 0 || len(r.bytes) < wideCols && q.uses.width == nil {
		return
	}
	if q.uses.width == nil && q.Bytes < wideValue*q.Rows {
		return
	}
	w := q.uses.width
	if w == nil {
		w = &width{}
		q.uses.width = w
	}
	if w.calls++; q.Rows == 1 {
		w.single++
		return
	}
	w.all += q.Rows
	w.rows += min(uint64(r.rows), measuredRows)
	for i, n := range r.bytes {
		if i == len(w.bytes) {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[i] += n
	}
	if len(w.names) == 0 && r.named {
		w.names, w.hexes = r.heads.names, r.heads.hexes
	}
	d := e.draft(wideResult, q.c.app, q.s.print)
	if d == nil {
		return
	}
	d.data = q.uses
	d.note(q.Start)
	d.on(q.c)
	d.calls(q.s, 1)
	if q.dur > 0 {
		d.cost.TimeNS += q.dur - max(q.wait, 0)
	}
	if d.wants() {
		d.show(q.Start, q.c, q.ID, fmt.Sprintf("%s, %s", count(q.Rows, "row"), units.Bytes(q.Bytes)))
	}
}

func finishWide(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*uses)
	w := x.width
	var sum, most uint64
	column := 0
	for i, n := range w.bytes {
		sum += n
		if n > most {
			most, column = n, i
		}
	}
	if w.rows == 0 || len(w.bytes) < wideCols || w.all < wideRows {
		return f, false
	}
	share := float64(most) / float64(max(sum, 1))
	all := most * w.all / w.rows
	if sum*w.all/w.rows < wideBytes || share < wideShare || most/w.rows < wideValue {
		return f, false
	}
	name := "column " + itoa(column+1)
	if column < len(w.names) {
		name = w.names[column]
	}
	d.count = w.calls - w.single
	d.cost.Bytes = all
	f = d.finding(Warning, Strong)
	f.Cost.Share = d.share()
	f.Cost.TimeNS = int64(float64(f.Cost.TimeNS) * share)
	about := ""
	if w.rows != w.all {
		about = "about "
	}
	f.Title = fmt.Sprintf("%s lists a wide column: %s makes %s%s, %s of the values, in %s of %s", d.app.name(), name, about, units.Bytes(all), percent(share), count(w.all, "row"), count(d.count, "result"))
	f.Advice = "Leave " + name + " out where rows are listed (defer/only, select, attributes exclude, a DTO), fetch it for the one row that is looked at, or move it to a table of its own."
	if column < len(w.hexes) && w.hexes[column] {
		f.Advice += " It is bytea sent as hexadecimal text, twice its size: ask for the binary format."
	}
	return f, true
}
