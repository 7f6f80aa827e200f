package timeline

import (
	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/record"
)

// marks are the names of what the network did that is marked.
var marks = map[netfacts.Kind]string{
	netfacts.Retransmission: "segment repeated",
	netfacts.WindowClosed:   "window was closed",
	netfacts.DelayedACK:     "request waited for an acknowledgement",
	netfacts.Reset:          "reset",
}

// network marks what the network did to a connection that has a track.
func (o *output) network(r *netfacts.Record) {
	name, marked := marks[r.Kind]
	server, known := o.tracks[r.Conn]
	if !marked || !known || r.Needless {
		return
	}
	e := o.begin(&record.Conn{ID: r.Conn, Server: server}, 'i', name, r.At.Time)
	e.string("s", "t") // on its track
	e.args()
	if r.FromClient {
		e.string("from", "client")
	} else {
		e.string("from", "server")
	}
	if r.N > 0 {
		e.int("bytes", int64(r.N))
	}
	if r.Length > 0 {
		e.int("took_us", r.Length/1000)
	}
	o.put(e.end())
}
