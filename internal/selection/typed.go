package selection

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
)

// typed hands on the messages that Kinds name, and no notices of others.
type typed struct {
	sink.Sink
	sel *Selection
}

// Typed returns what stands before a sink of messages that shares its Adapter with views
// which make something else of them: behind a Handler that was told so.
func Typed(sel *Selection, to sink.Sink) sink.Sink {
	if sel.Kinds == nil {
		return to
	}
	return &typed{to, sel}
}

// Record hands a record on.
func (t *typed) Record(r record.Record) {
	switch r := r.(type) {
	case *record.Message:
		if !t.sel.typed(r) {
			return
		}
	case *record.Notice:
		return
	}
	t.Sink.Record(r)
}

// Failed reports whether the output has failed.
func (t *typed) Failed() bool { return sink.Failed(t.Sink) }

// Flush has the sink write what it buffers.
func (t *typed) Flush() error { return sink.Flush(t.Sink) }
