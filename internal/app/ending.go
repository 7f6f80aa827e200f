package app

import (
	"errors"
	"io"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
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

// onlyReader is standard output if nothing is written elsewhere, else nil: the run is at its
// end when who reads that has gone.
func (r *run) onlyReader() io.Writer {
	for _, out := range r.outputs {
		if !out.standard && r.opt.only == nil {
			return nil
		}
	}
	return r.env.Out
}

// endOutputs writes what is left and returns what went wrong.
func (r *run) endOutputs() error {
	t := r.totals()
	var errs []error
	for _, out := range r.outputs {
		errs = append(errs, out.end(t))
	}
	r.closeOutputs()
	for _, out := range r.outputs {
		errs = append(errs, out.failure)
	}
	return errors.Join(errs...)
}

// end writes what is left of an output.
func (out *outlet) end(t *record.Totals) error {
	var errs []error
	if out.sink != nil {
		errs = append(errs, out.sink.End(t))
	}
	if out.stats != nil {
		errs = append(errs, out.stats.End(t))
	}
	if out.writer != nil {
		errs = append(errs, out.writer.End(t))
	}
	return errors.Join(errs...)
}

func (r *run) closeOutputs() {
	for _, out := range r.outputs {
		_ = r.close(out) // what was not written was told by Write
	}
	r.ending.Wait()
}

// totals is what the run counted, of packets those from the time on that was asked for.
func (r *run) totals() *record.Totals {
	c := &r.analyzer.Counts
	return &record.Totals{
		Packets: c.Packets - r.before.Packets, Bytes: c.Bytes - r.before.Bytes, First: c.First, Last: c.Last,
		Live: r.live != nil, KernelDropped: r.live.droppedPackets(),
		Connections: r.analyzer.Connections(), Messages: r.analyzer.Messages(), Queries: r.counts.queries,
		Errors: r.analyzer.Shared().Errors, LostBytes: c.Lost, RetransmittedBytes: c.Retransmitted,
	}
}
