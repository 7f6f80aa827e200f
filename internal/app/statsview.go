package app

import (
	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// viewStats is the row of the registry. The view counts what the run knows, too, so that
// the run opens it.
var viewStats = sink.View{Name: "stats", Help: "totals at the end, and the queries that took most time"}

// statsView is the view stats: it adds up what it is told, and hands on a report, at the end
// and for each period of --every. It is a [sink.Direct], since it has more queries to
// look at than any other, and a [sink.Leaver].
type statsView struct {
	r      *run
	sel    *selection.Selection
	to     sink.Sink
	totals *totals
	part   bool // not all messages are selected: they are counted here
}

func newStatsView(r *run, to sink.Sink, sel *selection.Selection, scripts bool) *statsView {
	v := &statsView{r: r, sel: sel, to: to, totals: newTotals(), part: r.agent.reloads || !sel.All()}
	if r.opt.Histograms {
		v.totals.mergeable()
	}
	if scripts {
		v.totals.examples = newExamples(r.opt.ShowSecrets)
	}
	return v
}

// Wants is all queries, and the messages where nobody else counts them.
func (v *statsView) Wants() sink.Wants {
	w := sink.Wants{Queries: true, LeftOut: true, Connections: true, AtOnce: true}
	if v.part {
		w.Messages = sink.AllKinds()
	}
	w.Parameters = v.totals.examples != nil
	w.Columns = w.Parameters
	return w
}

// Events returns what is told.
func (v *statsView) Events() session.Handler { return (*statsEvents)(v) }

// Record has nothing to count: no message waits for it.
func (v *statsView) Record(record.Record) {}

// Tick does nothing: periods are told by period.
func (v *statsView) Tick(int64) {}

// Gone forgets a connection that is over.
func (v *statsView) Gone(conn uint64) { v.totals.sum.Leave(conn) }

var (
	_ sink.Direct = (*statsView)(nil)
	_ sink.Leaver = (*statsView)(nil)
)

// statsEvents is a statsView as what sessions report to.
type statsEvents statsView

// Message counts a message.
func (v *statsEvents) Message(e *session.Event) { v.totals.kinds[e.Kind]++ }

// Exchange adds a query.
func (v *statsEvents) Exchange(s *session.Session, x *exchange.Exchange) { v.totals.exchange(s, x) }

// Notice does nothing: notices are not counted.
func (v *statsEvents) Notice(*session.Session, *session.Notice) {}

// End adds a connection.
func (v *statsEvents) End(s *session.Session) { v.totals.connection(s) }

// failure counts an error that no query ended in.
func (v *statsView) failure(e *session.Event) {
	if e.Step.Exchange == 0 && v.sel.MinDuration == 0 && v.sel.Failure(e) {
		v.totals.failure(e)
	}
}

// End hands on what was counted.
func (v *statsView) End(*record.Totals) error {
	r := v.r
	c := &r.analyzer.Counts
	report := v.report((*totals).report, c.Packets-r.before.Packets, c.Bytes-r.before.Bytes)
	report.First, report.Last = c.First, c.Last
	if shown := r.opt.selection.span; shown != nil {
		report.First = max(report.First, shown.begin.Load())
	}
	if report.First > report.Last {
		report.First, report.Last = 0, 0 // nothing came in it
	}
	if r.opt.Every > 0 {
		report.Start, report.End = r.analyzer.Period(0), c.Last
		report.First = max(report.First, report.Start)
	}
	v.to.Record(report)
	return nil
}

// period hands on what was counted in a period.
func (v *statsView) period(t analyze.Tick) {
	if shown := v.r.opt.selection.span; shown != nil && !shown.has(t.End-1) {
		return // before --since: nothing was counted
	}
	report := v.report((*totals).period, t.Packets, t.Bytes)
	report.Start, report.End = t.Start, t.End
	report.First, report.Last = t.Start, t.End
	v.to.Record(report)
}

type makeReport func(*totals, stats.Traffic, *[messages.NumKinds]uint64, stats.Sort, int) *stats.Report

// report makes a report of what was counted so far.
func (v *statsView) report(report makeReport, packets, bytes uint64) *stats.Report {
	r := v.r
	var kinds *[messages.NumKinds]uint64
	if !v.part {
		all := r.analyzer.Shared().Kinds()
		kinds = &all
	}
	by, _ := stats.ParseSort(r.opt.Sort) // it was checked
	return report(v.totals, stats.Traffic{
		Packets: packets, Bytes: bytes, Live: r.live != nil, KernelDropped: r.live.droppedPackets(),
	}, kinds, by, r.opt.Top)
}
