package analyze

import (
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// watched is streams where somebody wants to know what the network did.
type watched struct {
	*streams
	watcher *netfacts.Watcher
	less    *atomic.Pointer[netfacts.Set] // see Options.NetworkLess; may be nil
}

// front is the direction of the client, as far as it is known.
func (w *watched) front(c *reassembly.Conn) reassembly.Dir {
	if k, _ := c.Value.(*conn); k != nil {
		return k.frontend
	}
	a := (*Analyzer)(w.streams)
	if c.MidStream && a.listed(c.A.Port) && !a.listed(c.B.Port) {
		return 1
	}
	return 0
}

// Segment takes each segment of a connection.
func (w *watched) Segment(c *reassembly.Conn, d reassembly.Dir, s *reassembly.Segment) {
	if w.less == nil {
		w.watcher.Segment(c, w.front(c), d, s)
		return
	}
	less := w.less.Load()
	if k := netfacts.Left(c, less); k != nil {
		if len(s.Payload) > 0 && d != w.front(c) {
			k.Spoke(s.At.Time)
		}
		return
	}
	if front := w.front(c); !w.watcher.Passes(less, c, front, d, s) {
		w.watcher.Segment(c, front, d, s)
	}
}

// Close takes the end of a connection.
func (w *watched) Close(c *reassembly.Conn, why reassembly.Reason, at reassembly.Stamp) {
	front := w.front(c)
	server := c.B
	if front == 1 {
		server = c.A
	}
	w.watcher.Close(c, front, (*Analyzer)(w.streams).listed(server.Port))
	unheard := c.Value == nil
	w.streams.Close(c, why, at)
	if unheard {
		w.streams.out.network(&netfacts.Event{Kind: netfacts.Gone, Conn: c.ID, At: at})
	}
}
