package render

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/units"
)

// serverTimes says what the server's work took, where it tells that itself.
func (p *Pretty) serverTimes(q *record.Query) {
	s := q.Server
	if s == nil {
		return
	}
	b := append(make([]byte, 0, 128), " (server:"...)
	comma := false
	add := func(what string, ns int64) {
		if ns <= 0 {
			return
		}
		if comma {
			b = append(b, ',')
		}
		comma = true
		b = units.AppendDuration(append(b, what...), ns)
	}
	add(" parse ", s.Parse)
	add(" rewrite ", s.Rewrite)
	add(" plan ", s.Plan)
	add(" execute ", s.Execute)
	add(" lock wait ", s.LockWait)
	if s.Lock != "" {
		b = append(append(b, " for "...), s.Lock...)
	}
	l, t := &p.line, p.opt.Theme
	l.paint(t.dim)
	l.text(append(b, ')'))
	l.unpaint(t.dim)
}
