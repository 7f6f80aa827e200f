package sink

import (
	"errors"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Fan hands records to several sinks, to each what it wants.
type Fan struct {
	sinks    []Sink
	wants    Wants
	messages [messages.NumKinds][]Sink
	odd      [messages.NumKinds][]Sink // those of messages of which there are notes
	queries  []Sink
	leftOut  []Sink // those that take queries which sampling leaves out
	conns    []Sink
	notices  []Sink
	network  []Sink
	ticks    []Sink
}

// NewFan returns a Fan; with one sink that is all of it.
func NewFan(sinks ...Sink) Sink {
	if len(sinks) == 1 {
		return sinks[0]
	}
	f := &Fan{sinks: sinks}
	for _, s := range sinks {
		w := s.Wants()
		f.wants = f.wants.Or(w)
		for k, wanted := range w.Messages {
			if wanted {
				f.messages[k] = append(f.messages[k], s)
			}
			if wanted || w.Anomalies {
				f.odd[k] = append(f.odd[k], s)
			}
		}
		if w.Queries {
			f.queries = append(f.queries, s)
		}
		if w.Queries && w.LeftOut {
			f.leftOut = append(f.leftOut, s)
		}
		if w.Connections {
			f.conns = append(f.conns, s)
		}
		if w.Notices {
			f.notices = append(f.notices, s)
		}
		if w.Network {
			f.network = append(f.network, s)
		}
		if w.Tick > 0 {
			f.ticks = append(f.ticks, s)
		}
	}
	return f
}

// Wants is what any of the sinks wants.
func (f *Fan) Wants() Wants { return f.wants }

// Record hands a record to those that want it.
func (f *Fan) Record(r record.Record) {
	list := f.sinks
	switch r := r.(type) {
	case *record.Message:
		if list = f.messages[r.Kind]; len(r.Notes()) > 0 {
			list = f.odd[r.Kind]
		}
	case *record.Query:
		if list = f.queries; r.Sampled.LeftOut {
			list = f.leftOut
		}
	case *record.Connection:
		list = f.conns
	case *record.Notice:
		list = f.notices
	case NetworkFact:
		list = f.network
	}
	for _, s := range list {
		s.Record(r)
	}
}

// Tick tells all that asked for it.
func (f *Fan) Tick(now int64) {
	for _, s := range f.ticks {
		s.Tick(now)
	}
}

// End ends all and returns their errors.
func (f *Fan) End(t *record.Totals) error {
	var errs []error
	for _, s := range f.sinks {
		errs = append(errs, s.End(t))
	}
	return errors.Join(errs...)
}

// Failed reports whether an output has failed.
func (f *Fan) Failed() bool {
	for _, s := range f.sinks {
		if Failed(s) {
			return true
		}
	}
	return false
}

// Flush has all of them write what they buffer.
func (f *Fan) Flush() error {
	var errs []error
	for _, s := range f.sinks {
		errs = append(errs, Flush(s))
	}
	return errors.Join(errs...)
}

// Failed reports whether a sink's output has failed, as far as it tells.
func Failed(s Sink) bool {
	f, ok := s.(Failer)
	return ok && f.Failed()
}

// Flush has a sink write what it buffers, if it does.
func Flush(s Sink) error {
	if f, ok := s.(Flusher); ok {
		return f.Flush()
	}
	return nil
}
