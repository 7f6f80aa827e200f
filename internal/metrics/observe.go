package metrics

import (
	"github.com/pgsniff/pgsniff/internal/record"
)

// seen is what is kept with a connection: whom it was counted for.
type seen struct{ who *record.Who }

// Observe adds a record. A connection counts as open from the first record on that
// knows its user; slot is where that is kept, see record.Conn.Slot.
func Observe(r *Registry, slot int, rec record.Record) {
	switch rec := rec.(type) {
	case *record.Query:
		opened(r, slot, rec.Conn, rec.Who)
		r.Query(rec)
	case *record.Message:
		opened(r, slot, rec.Conn, rec.Who)
	case *record.Connection:
		opened(r, slot, rec.Conn, rec.Who)
		if s, _ := rec.Conn.Slot(slot).(*seen); s != nil && s.who != nil {
			r.Closed(s.who)
			s.who = nil
		}
	}
}

func opened(r *Registry, slot int, c *record.Conn, who *record.Who) {
	if c.Slot(slot) == nil {
		c.SetSlot(slot, &seen{who})
		r.Opened(who)
	}
}
