package render

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Sink is a Writer as the sink of the views that hand on what there is. It takes what
// sessions report as it is ([sink.Direct]).
type Sink struct {
	w     Writer
	wants sink.Wants
}

// NewSink returns the sink that writes what wants names with w.
func NewSink(w Writer, wants sink.Wants) *Sink { return &Sink{w, wants} }

// Wants is what it was made for.
func (s *Sink) Wants() sink.Wants { return s.wants }

// Events returns the writer.
func (s *Sink) Events() session.Handler { return s.w }

// Record writes a record that was derived, or a message that waited.
func (s *Sink) Record(r record.Record) { s.w.Record(r) }

// Tick does nothing: what is written has times of its own.
func (s *Sink) Tick(int64) {}

// End writes what is buffered.
func (s *Sink) End(*record.Totals) error { return s.w.Flush() }

// Flush writes what is buffered.
func (s *Sink) Flush() error { return s.w.Flush() }

// Failed reports whether the output has failed.
func (s *Sink) Failed() bool { return s.w.Failed() }

// FirstRows implements [sink.RowCounter].
func (s *Sink) FirstRows() int {
	if c, ok := s.w.(sink.RowCounter); ok {
		return c.FirstRows()
	}
	return 0
}

// MoreRows implements [sink.RowCounter].
func (s *Sink) MoreRows(c *record.Conn, n, bytes int) {
	if w, ok := s.w.(sink.RowCounter); ok {
		w.MoreRows(c, n, bytes)
	}
}

var (
	_ sink.Direct     = (*Sink)(nil)
	_ sink.RowCounter = (*Sink)(nil)
	_ sink.RowCounter = (*Pretty)(nil)
	_ sink.RowCounter = (*Pipe)(nil)
)
