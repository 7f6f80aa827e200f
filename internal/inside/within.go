package inside

import (
	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// choose finds out, when the first bytes of a connection have come, whether packets
// of it are captured. It reports whether that is known.
func (f *Feed) choose(w *flow, e *attach.Event) bool {
	if e.Kind != attach.Data && e.Kind != attach.Gap {
		w.ignored = e.Kind == attach.Closed
		return false
	}
	c := e.Conn
	if c.Client.IsValid() && c.Server.IsValid() {
		w.in = f.a.FindInlet(reassembly.EndpointFrom(c.Client), reassembly.EndpointFrom(c.Server), By)
	}
	if w.in != nil {
		w.joined = true
		f.Connections++
		return true
	}
	f.begin(w, e)
	return !w.ignored
}

// within takes an event of a connection whose packets are captured. What is in clear
// there needs no second source.
func (f *Feed) within(w *flow, e *attach.Event) {
	switch e.Kind {
	case attach.Encrypted:
		w.sure = true
	case attach.Described:
		if w.sure {
			w.in.Names(e.Conn.TLSVersion, attach.CipherName(e.Conn.Cipher))
		}
	case attach.Gap:
		if w.sure {
			w.in.Lost(e.Dir, e.N, session.Stamp{Time: e.Time})
		}
	case attach.Data:
		if !w.sure && !f.joins(w, e) {
			return
		}
		at, ok := w.in.Place(e.Dir, len(e.Data))
		if !ok {
			at = session.Stamp{Time: e.Time}
		}
		w.in.Data(e.Dir, e.Data, at)
	}
}

// joins reports whether a connection that was open before is encrypted: its packets
// tell.
func (f *Feed) joins(w *flow, e *attach.Event) bool {
	if !e.Conn.Joined || !w.in.Encrypted() {
		return false
	}
	w.sure = true
	at := session.Stamp{Time: e.Time}
	w.in.Lost(messages.Frontend, -1, at)
	w.in.Lost(messages.Backend, -1, at)
	return true
}

// Until passes on what happened before a time, in nanoseconds since the epoch: all
// packets of before that were analyzed.
func (f *Feed) Until(now int64) {
	for f.held.any() && f.held.first().Time < now {
		f.release()
	}
}

// Rest passes on all that waits.
func (f *Feed) Rest() {
	for f.held.any() {
		f.release()
	}
}

func (f *Feed) release() {
	f.take(f.held.first())
	f.held.drop()
}

// held are the events that wait for packets, in their order, with their data.
type held struct {
	events []attach.Event
	next   int    // of the events, the first that waits
	data   []byte // of those that wait, and of some before
	used   int    // of data
}

// maxHeld bounds the data that waits, in bytes: a second of 32 MB/s, which is
// several times as long as packets take.
const maxHeld = 32 << 20

// any reports whether events wait.
func (h *held) any() bool { return h.next < len(h.events) }

// full reports whether one must go before another can come.
func (h *held) full() bool { return h.any() && len(h.data)-h.used >= maxHeld }

// first is the one that has waited for longest, valid until drop.
func (h *held) first() *attach.Event {
	e := &h.events[h.next]
	if n := len(e.Data); n > 0 {
		e.Data = h.data[h.used : h.used+n : h.used+n]
	}
	return e
}

func (h *held) drop() {
	h.used += len(h.events[h.next].Data)
	h.events[h.next] = attach.Event{}
	if h.next++; h.next == len(h.events) {
		h.events, h.data, h.next, h.used = h.events[:0], h.data[:0], 0, 0
	}
}

// add keeps a copy of an event. Room is used again once half of it is free.
func (h *held) add(e *attach.Event) {
	if h.next > len(h.events)/2 && len(h.events) == cap(h.events) {
		h.events, h.next = h.events[:copy(h.events, h.events[h.next:])], 0
	}
	if h.used > len(h.data)/2 && len(h.data)+len(e.Data) > cap(h.data) {
		h.data, h.used = h.data[:copy(h.data, h.data[h.used:])], 0
	}
	h.data = append(h.data, e.Data...)
	h.events = append(h.events, *e) // its Data says how long it is; first says where
}
