package selection

import (
	"unsafe"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

const (
	// maxHeld bounds the messages that wait for the duration of their queries, in bytes
	// of memory; what does not fit is shown as it comes, so that nothing is missing.
	maxHeld = 16 << 20
	// waitingCost is what the messages of a query take beyond themselves: their places
	// in the maps.
	waitingCost = 256
	// maxSpare is how many queries' memory is used again, and maxSpareSize how large it
	// may be each, in bytes.
	maxSpare     = 32
	maxSpareSize = 16 << 10
)

// held keeps messages back until it is known whether their query is shown: by its
// duration, which only its end tells.
type held struct {
	to    *sink.Adapter
	rows  sink.RowCounter // the sink, nil if it shows all rows
	first int             // rows of a run that it shows
	open  map[uint64]map[uint64]*waiting
	bytes int
	spare []*waiting

	// What the latest message was of: the one before often is of the same.
	conn, query uint64
	latest      *waiting
}

// waiting are the messages of a query that wait.
type waiting struct {
	messages []heldMessage
	more     []record.More
	bodies   []byte
	extra    int // bytes beside these
	size     int // that it was charged with

	run   messages.Kind // of the rows that the latest messages are
	shown int           // how many of them the sink shows
}

// heldMessage is a message, and the rows that followed it which are only counted.
type heldMessage struct {
	record.Message
	at, len     int // its body's place in bodies
	more        int // place in more, -1: none
	rows, bytes int
}

func (h *held) init(to *sink.Adapter) {
	h.to, h.open = to, make(map[uint64]map[uint64]*waiting)
	if c, ok := to.Sink().(sink.RowCounter); ok && c.FirstRows() > 0 {
		h.rows, h.first = c, c.FirstRows()
	}
}

// add holds a message. One that belongs to no query has no duration, and is not shown. It
// reports whether it has shown the message, for want of room.
func (h *held) add(e *session.Event) bool {
	if e.Step.Exchange == 0 {
		return false
	}
	w := h.of(e.Session.ID, e.Step.Exchange)
	switch {
	case h.bytes >= maxHeld:
		if w != nil {
			h.take(e.Session.ID, e.Step.Exchange)
			h.tell(w)
		}
		h.to.Message(e)
		return true
	case w != nil && w.counts(e, h.first):
		return false
	}
	m := h.to.MessageRecord(e)
	if m == nil {
		return false
	}
	if w == nil {
		w = h.begin(e.Session.ID, e.Step.Exchange)
	}
	w.add(m)
	h.charge(w)
	return false
}

// of returns the messages of a query that wait, nil if there are none.
func (h *held) of(conn, query uint64) *waiting {
	if h.conn != conn || h.query != query || h.latest == nil {
		h.conn, h.query, h.latest = conn, query, h.open[conn][query]
	}
	return h.latest
}

func (h *held) begin(conn, query uint64) *waiting {
	w := new(waiting)
	if n := len(h.spare); n > 0 {
		w, h.spare = h.spare[n-1], h.spare[:n-1]
	}
	open := h.open[conn]
	if open == nil {
		open = make(map[uint64]*waiting)
		h.open[conn] = open
	}
	open[query] = w
	h.conn, h.query, h.latest = conn, query, w
	return w
}

// charge adds what the memory of a query has grown by.
func (h *held) charge(w *waiting) {
	size := waitingCost + cap(w.messages)*int(unsafe.Sizeof(heldMessage{})) + cap(w.more)*int(unsafe.Sizeof(record.More{})) + cap(w.bodies) + w.extra
	h.bytes += size - w.size
	w.size = size
}

// take takes the messages of a query out of what is held, nil if there are none.
func (h *held) take(conn, query uint64) *waiting {
	open := h.open[conn]
	w := open[query]
	if w == nil {
		return nil
	}
	if delete(open, query); len(open) == 0 {
		delete(h.open, conn)
	}
	h.bytes -= w.size
	h.latest = nil
	return w
}

// tell hands messages on that were taken out.
func (h *held) tell(w *waiting) {
	for i := range w.messages {
		m := &w.messages[i]
		m.SetWire(w.bodies[m.at : m.at+m.len : m.at+m.len])
		if m.More = nil; m.more >= 0 {
			m.More = &w.more[m.more]
		}
		h.to.Sink().Record(&m.Message)
		if m.rows > 0 {
			h.rows.MoreRows(m.Conn, m.rows, m.bytes)
		}
	}
}

// reuse keeps the memory of messages that were taken out and told, or are not to be.
func (h *held) reuse(w *waiting) {
	if w.size > maxSpareSize || len(h.spare) == maxSpare {
		return
	}
	clear(w.messages) // connections must not live on in them
	clear(w.more)
	*w = waiting{messages: w.messages[:0], more: w.more[:0], bodies: w.bodies[:0]}
	h.spare = append(h.spare, w)
}

// drop forgets what is held of a connection that is over.
func (h *held) drop(conn uint64) {
	for query := range h.open[conn] {
		h.take(conn, query)
	}
}

// counts reports whether a message is a row that is only counted, and counts it.
func (w *waiting) counts(e *session.Event, first int) bool {
	if first == 0 || w.run != e.Kind || w.shown < first || !isRow(e.Kind) {
		return false
	}
	last := &w.messages[len(w.messages)-1]
	last.rows++
	last.bytes += e.Len
	return true
}

func isRow(k messages.Kind) bool { return k == messages.KindDataRow || k == messages.KindCopyData }

// add copies a message.
func (w *waiting) add(m *record.Message) {
	switch {
	case isRow(m.Kind):
		if w.run != m.Kind {
			w.run, w.shown = m.Kind, 0
		}
		w.shown++
	case m.Kind != messages.KindNoticeResponse: // notices come between rows
		w.run = 0
	}
	body := m.Wire()
	k := heldMessage{Message: *m, at: len(w.bodies), len: len(body), more: -1}
	if m.More != nil {
		kept, size := m.More.Keep()
		if kept.Change != nil {
			size += len(body)
		}
		k.more, w.extra = len(w.more), w.extra+size
		w.more = append(w.more, kept)
	}
	w.messages, w.bodies = append(w.messages, k), append(w.bodies, body...)
}
