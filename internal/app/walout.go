package app

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/internal/walfile"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// walOut writes the WAL of physical replication for --wal-out. It stands before
// all that hides something: WAL is written as it is, or not at all.
type walOut struct {
	session.Handler
	sel     *selection.Selection
	dir     *walfile.Dir
	warn    func(error)
	server  string // whose WAL it is
	others  map[string]bool
	failure error
}

func newWALOut(path string, sel *selection.Selection, next session.Handler, warn func(error)) (*walOut, error) {
	dir, err := walfile.Open(path)
	if err != nil {
		return nil, &exitError{ExitFailure, fmt.Errorf("--wal-out: %w", err)}
	}
	return &walOut{Handler: next, sel: sel, dir: dir, warn: warn, others: map[string]bool{}}, nil
}

// Message writes the WAL in a message, and hands it on.
func (w *walOut) Message(e *session.Event) {
	if e.Replication != nil && e.Replication.Meaning.Mode == replication.ModePhysical && w.failure == nil && w.sel.Conn(e.Session) {
		if wal, ok := e.Replication.Outer.(*replication.WALData); ok {
			w.write(e, wal)
		}
	}
	w.Handler.Message(e)
}

// maxOtherServers bounds the warnings.
const maxOtherServers = 16

// write writes a piece. The WAL of two servers has the same names: that of the
// first is written.
func (w *walOut) write(e *session.Event, wal *replication.WALData) {
	if w.server == "" {
		w.server = e.Session.Server
	}
	if s := e.Session.Server; s != w.server {
		if !w.others[s] && len(w.others) < maxOtherServers {
			w.others[s] = true
			w.warn(fmt.Errorf("--wal-out: the WAL of %s is not written, only that of %s: choose with --conn", s, w.server))
		}
		return
	}
	slot := e.Session.Replication().Slot()
	if w.failure = w.dir.Write(slot.Timeline, wal.Start, wal.Data); w.failure != nil {
		w.warn(fmt.Errorf("--wal-out: %w", w.failure))
	}
}

// finish closes the files, and says what was not written.
func (w *walOut) finish() error {
	if err := w.dir.Close(); w.failure == nil {
		w.failure = err
	}
	if n := w.dir.Skipped; n > 0 {
		w.warn(fmt.Errorf("--wal-out: %s not written: the timeline is not known, or there are too many segments", plural(n, "byte")))
	}
	if w.failure != nil {
		return fmt.Errorf("--wal-out: %w", w.failure)
	}
	return nil
}
