package inside

import (
	"bytes"
	"math"

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
		if c.Sealed {
			w.sure = true
			w.midstream(e)
		}
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
			w.in.Misplaced(e.Dir)
			w.lost(e, session.Stamp{Time: e.Time})
		}
	case attach.Worked:
		if w.sure {
			w.worked(e)
		}
	case attach.Data:
		if w.sure || f.joins(w, e) {
			f.place(w, e)
		}
	}
}

// place passes on bytes, with the packet that carried them. What a process wrote may
// be sent later, when the other side's window allows: then it waits for that.
func (f *Feed) place(w *flow, e *attach.Event) {
	written := (e.Dir == messages.Frontend) == e.Conn.OfClient
	at, ok := w.in.Place(e.Dir, len(e.Data))
	switch {
	case ok:
	case written && !w.unplaced && w.in.Placeable(e.Dir) && f.now-e.Time < patience && f.waiting < maxHeld:
		f.wait(w, e)
		return
	default:
		w.unplaced = w.unplaced || written
		w.in.Misplaced(e.Dir)
		at = session.Stamp{Time: e.Time}
	}
	w.data(e, at)
}

// patience is how long a piece of plaintext waits for its packet, in nanoseconds. If
// that does not come in time, the time of the server stands, and the connection's
// further pieces do not wait.
const patience = int64(5e8)

// wait keeps a copy of an event until its packet has come, and those of the
// connection that follow it.
func (f *Feed) wait(w *flow, e *attach.Event) {
	if len(w.waits) == 0 {
		f.blocked = append(f.blocked, w)
	}
	kept := *e
	kept.Data = bytes.Clone(e.Data)
	f.waiting += len(kept.Data)
	w.waits = append(w.waits, kept)
}

// retry looks whether the packets have come that connections wait for.
func (f *Feed) retry() {
	blocked := f.blocked
	f.blocked = f.blocked[:0]
	for _, w := range blocked {
		list := w.waits
		w.waits = nil
		for i := range list {
			f.waiting -= len(list[i].Data)
			if len(w.waits) > 0 {
				f.wait(w, &list[i]) // in their order
			} else {
				f.within(w, &list[i])
			}
		}
	}
}

// joins reports whether a connection that was open before is encrypted: its packets
// tell.
func (f *Feed) joins(w *flow, e *attach.Event) bool {
	if !e.Conn.Joined || !w.in.Encrypted() {
		return false
	}
	w.sure = true
	w.midstream(e)
	return true
}

// Until passes on what happened before a time, in nanoseconds since the epoch: all
// packets of before that were analyzed.
func (f *Feed) Until(now int64) {
	f.now = now
	if len(f.blocked) > 0 {
		f.retry()
	}
	for f.held.any() && f.held.first().Time < now {
		f.release()
	}
}

// Rest passes on all that waits.
func (f *Feed) Rest() {
	for f.held.any() {
		f.release()
	}
	f.now = math.MaxInt64 // nothing comes any more
	f.retry()
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
