package sink

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Waiting holds the records of messages back until it is known whether their query is
// selected: by its duration, which only its end tells.
type Waiting struct {
	to    *Adapter
	held  map[uint64]map[uint64]*waitingExchange // by connection and query
	bytes int
}

type waitingExchange struct {
	records []record.Record
	bytes   int
}

// What is held takes 16 MB at most; what does not fit is told as it comes, so that
// nothing is missing. Each record takes some hundred bytes beside its body.
const (
	maxWaiting  = 16 << 20
	waitingCost = 400
)

// NewWaiting returns a Waiting before an adapter.
func NewWaiting(to *Adapter) *Waiting {
	return &Waiting{to: to, held: make(map[uint64]map[uint64]*waitingExchange)}
}

// Message holds a message. One that belongs to no query has no duration, and is not
// selected.
func (w *Waiting) Message(e *session.Event) {
	m := w.to.message(e)
	if m == nil || m.Query == 0 {
		return
	}
	open := w.held[m.Conn.ID]
	u := open[m.Query]
	if w.bytes >= maxWaiting {
		if u != nil {
			w.End(m.Conn.ID, m.Query, true)
		}
		w.to.sink.Record(m)
		return
	}
	if u == nil {
		if u = new(waitingExchange); open == nil {
			open = make(map[uint64]*waitingExchange)
			w.held[m.Conn.ID] = open
		}
		open[m.Query] = u
	}
	cost := waitingCost + len(m.Wire())
	u.records, u.bytes = append(u.records, m.Clone()), u.bytes+cost
	w.bytes += cost
}

// End tells of the end of a query of a connection, before its record: whether it is
// selected, so that its messages are.
func (w *Waiting) End(conn, query uint64, selected bool) {
	u := w.held[conn][query]
	if u == nil {
		return
	}
	if delete(w.held[conn], query); len(w.held[conn]) == 0 {
		delete(w.held, conn)
	}
	w.bytes -= u.bytes
	if selected {
		for _, r := range u.records {
			w.to.sink.Record(r)
		}
	}
}

// Drop forgets what is held of a connection that is over.
func (w *Waiting) Drop(conn uint64) {
	for query := range w.held[conn] {
		w.End(conn, query, false)
	}
}
