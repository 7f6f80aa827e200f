package timeline

import (
	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/record"
)

// lockWait marks the end of a wait for a lock, on the track of who waited.
func (o *output) lockWait(w *findings.LockWait) {
	if _, known := o.servers[w.Server]; !known {
		return
	}
	e := o.begin(&record.Conn{ID: w.Conn, Server: w.Server}, 'i', "lock wait", w.Until.Time)
	e.string("s", "t") // on its track
	e.args()
	e.int("query", int64(w.Query))
	e.int("waited_us", (w.Until.Time-w.From)/1000)
	e.string("table", w.Table)
	if w.For != 0 {
		e.int("for_connection", int64(w.For))
		e.string("for_application", w.App)
		if w.SameRow {
			e.bool("same_row", true)
		}
	}
	o.put(e.end())
}
