package inside

import (
	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// data passes bytes on.
func (w *flow) data(e *attach.Event, at session.Stamp) {
	if e.Dir == messages.Frontend {
		w.given += uint64(len(e.Data))
		w.skipped = e.Offset - w.given
	}
	w.in.Data(e.Dir, e.Data, at)
}

// lost passes on that bytes are missing.
func (w *flow) lost(e *attach.Event, at session.Stamp) {
	if e.Dir == messages.Frontend {
		w.given += uint64(max(e.N, 0))
	}
	w.in.Lost(e.Dir, e.N, at)
}

// worked passes on what the server's work took, where it is certain what that was for.
func (w *flow) worked(e *attach.Event) {
	t := e.Work
	if t.Mixed || t.After < w.skipped {
		return
	}
	w.in.Worked(t.After-w.skipped, &exchange.ServerTimes{
		Parse: t.Parse, Rewrite: t.Rewrite, Plan: t.Plan, Execute: t.Execute,
		LockWait: t.LockWait, Longest: t.LockWait, Lock: t.Lock.String(),
	}, t.Failed)
}
