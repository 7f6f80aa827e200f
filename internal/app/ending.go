package app

import (
	"errors"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// flush writes what outputs buffer.
func (r *run) flush() error {
	var errs []error
	for _, out := range r.outputs {
		if out.writer != nil {
			errs = append(errs, out.writer.Flush())
		}
		if out.sink != nil {
			errs = append(errs, sink.Flush(out.sink))
		}
	}
	return errors.Join(errs...)
}

// failed reports whether all outputs have failed: nobody is left to work for.
func (r *run) failed() bool {
	for _, out := range r.outputs {
		switch {
		case out.writer != nil && !out.writer.Failed():
			return false
		case out.writer == nil && !sink.Failed(out.sink):
			return false
		}
	}
	return true
}

// endOutputs writes what is left and returns what went wrong.
func (r *run) endOutputs() error {
	t := r.totals()
	var errs []error
	for _, out := range r.outputs {
		if out.sink != nil {
			errs = append(errs, out.sink.End(t))
		}
		if out.writer != nil {
			r.stats(out)
			errs = append(errs, out.writer.Flush())
		}
	}
	r.closeOutputs()
	for _, out := range r.outputs {
		errs = append(errs, out.failure)
	}
	return errors.Join(errs...)
}

func (r *run) closeOutputs() {
	for _, out := range r.outputs {
		_ = r.close(out) // what was not written was told by Write
	}
	r.ending.Wait()
}

// stats writes the view stats of an output, if it has it, at the end.
func (r *run) stats(out *outlet) {
	if out.views == nil || out.views.totals == nil {
		return
	}
	c := &r.analyzer.Counts
	report := r.report(out, (*totals).report, c.Packets-r.before.Packets, c.Bytes-r.before.Bytes)
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
	out.writer.Stats(report)
}

// period writes the view stats of an output about a period.
func (r *run) period(out *outlet, t analyze.Tick) {
	if out.views == nil || out.views.totals == nil {
		return
	}
	if shown := r.opt.selection.span; shown != nil && !shown.has(t.End-1) {
		return // before --since: nothing was counted
	}
	report := r.report(out, (*totals).period, t.Packets, t.Bytes)
	report.Start, report.End = t.Start, t.End
	report.First, report.Last = t.Start, t.End
	out.writer.Stats(report)
}

type makeReport func(*totals, stats.Traffic, *[messages.NumKinds]uint64, stats.Sort, int) *stats.Report

// report makes the view stats of what was counted so far.
func (r *run) report(out *outlet, report makeReport, packets, bytes uint64) *stats.Report {
	var kinds *[messages.NumKinds]uint64
	if out.views.showAll {
		all := r.analyzer.Shared().Kinds()
		kinds = &all
	}
	by, _ := stats.ParseSort(r.opt.Sort) // it was checked
	return report(out.views.totals, stats.Traffic{
		Packets: packets, Bytes: bytes, Live: r.live != nil, KernelDropped: r.live.droppedPackets(),
	}, kinds, by, r.opt.Top)
}

// totals is what the run counted.
func (r *run) totals() *record.Totals {
	c := &r.analyzer.Counts
	return &record.Totals{
		Packets: c.Packets, Bytes: c.Bytes, First: c.First, Last: c.Last,
		Live: r.live != nil, KernelDropped: r.live.droppedPackets(),
		Connections: r.analyzer.Connections(), Messages: r.analyzer.Messages(), Queries: r.counts.queries,
		Errors: r.analyzer.Shared().Errors, LostBytes: c.Lost, RetransmittedBytes: c.Retransmitted,
	}
}
