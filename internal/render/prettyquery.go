package render

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// durationWidth holds the longest duration, such as "99.9 ms"; outcomeWidth the
// usual command tags.
const (
	durationWidth = 9
	outcomeWidth  = 12
)

// Exchange writes a query: when, how long, what came of it, and the SQL with
// its parameters; an error on a line of its own.
func (p *Pretty) Exchange(s *session.Session, x *exchange.Exchange) {
	q := p.maker.Query(s, x)
	p.query(connIn(q.Conn, p.opt.Slot), q)
}

func (p *Pretty) query(c *conn, q *record.Query) {
	if !c.remembered().introduced {
		p.introduce(c, q.Start.Time, q.Who.MidStream)
	}
	p.start()
	l, t := &p.line, p.opt.Theme
	l.wrap = true
	p.time(q.Place().Time)
	l.space()
	if p.opt.Flow {
		l.painted(t.conn, "#"+strconv.FormatUint(c.id, 10))
	} else {
		p.number(c.id)
		p.who(q)
	}
	l.space()
	p.duration(q)
	l.space()
	outcome := l.col
	p.outcome(q)
	l.pad(outcome + outcomeWidth)
	l.space()
	p.queryText(q)
	p.params(c, q)
	p.notSeen(q)
	p.serverTimes(q)
	p.end()
	p.queryError(q)
	p.queryNotes(q)
}

// whoWidth is the longest user and database that the durations of all queries are
// moved for.
const whoWidth = 24

// who names the user and the database of a query, where they are known.
func (p *Pretty) who(q *record.Query) {
	l, t, c := &p.line, p.opt.Theme, &p.columns.who
	if q.Who.User == "" && c.width == 0 {
		return
	}
	l.space()
	at := l.col
	if q.Who.User != "" {
		l.paint(t.dim)
		l.text([]byte(q.Who.User + "@" + q.Who.Database))
		l.unpaint(t.dim)
	}
	l.fill(c, at, whoWidth)
}

func (p *Pretty) duration(q *record.Query) {
	var b [32]byte
	d := append(b[:0], '?')
	if q.Duration != record.Unknown {
		d = units.AppendDuration(b[:0], q.Duration)
	}
	width := len(d)
	for _, c := range d {
		if c == 0xc2 { // the first byte of µ
			width--
		}
	}
	for range durationWidth - width {
		p.line.space()
	}
	p.line.text(d)
}

// outcome writes the command tags, or what else became of the query.
func (p *Pretty) outcome(q *record.Query) {
	l, t := &p.line, p.opt.Theme
	wrote := false
	for i := range q.Results {
		r := &q.Results[i]
		if wrote {
			l.ascii(", ")
		}
		wrote = true
		switch {
		case r.Tag != nil:
			l.paint(t.good)
			l.text(r.Tag)
			l.unpaint(t.good)
		case r.Suspended:
			l.ascii("suspended after " + rows(r.Rows))
		default:
			l.ascii(rows(r.Rows))
		}
	}
	if q.Error != nil {
		if wrote {
			l.space()
		}
		l.painted(t.bad, "error "+string(q.SQLState()))
		wrote = true
	}
	if state := unfinished(q); state != "" {
		if wrote {
			l.space()
		}
		l.painted(t.warn, state)
		wrote = true
	}
	if !wrote {
		l.painted(t.dim, "done")
	}
}

// unfinished says in a word why there is no whole answer; it is empty where there is.
func unfinished(q *record.Query) string {
	switch {
	case q.Skipped:
		return "skipped"
	case q.Unanswered:
		return "not answered"
	case !q.Complete:
		return "incomplete"
	}
	return ""
}

func rows(n uint64) string {
	if n == 1 {
		return "1 row"
	}
	return strconv.FormatUint(n, 10) + " rows"
}

func (p *Pretty) queryText(q *record.Query) {
	f := &p.fields
	switch {
	case q.SQL != nil:
		f.sql(q.SQL, q.SQLLen)
	case q.Protocol == exchange.ProtocolFunctionCall:
		p.line.ascii("function " + strconv.FormatUint(uint64(q.Function), 10))
	case len(q.Statement) > 0:
		p.line.painted(p.opt.Theme.dim, "statement ")
		f.quoted(q.Statement)
	default:
		p.line.painted(p.opt.Theme.dim, "(SQL not seen)")
	}
}

func (p *Pretty) params(c *conn, q *record.Query) {
	if q.Params.Len() == 0 {
		return
	}
	f := &p.fields
	f.kind, f.first = messages.KindBind, false
	f.types, f.columns, f.unknown = q.Types, nil, false
	f.zone = c.remembered().zone.Named(q.Who.Formats)
	f.Values("parameters", q.Params, q.Formats)
}

func (p *Pretty) queryError(q *record.Query) {
	if !q.ErrorFields(&p.errs) {
		return
	}
	p.failure(&p.errs.ErrorFields, record.CertainText(q.SQL, q.SQLLen, q.Missing))
}

func (p *Pretty) queryNotes(q *record.Query) {
	if q.CancelledBy != 0 {
		p.note("cancelled", "by the CancelRequest on connection "+strconv.FormatUint(q.CancelledBy, 10))
	}
	if q.LostBytes > 0 {
		p.note(session.NoticeLost, strconv.FormatUint(q.LostBytes, 10)+" bytes of it were not captured")
	}
}

// notSeen says at the end of the line what of the request was not captured.
func (p *Pretty) notSeen(q *record.Query) {
	names := q.Missing.Names()
	if len(names) == 0 {
		return
	}
	text := ""
	if i := slices.Index(names, "sql"); i >= 0 {
		names = slices.Delete(names, i, i+1)
		text = "the SQL is that of another connection's statement of this name"
	}
	if len(names) > 0 {
		if text != "" {
			text += "; "
		}
		text += strings.Join(names, ", ") + " not captured"
	}
	p.line.painted(p.opt.Theme.dim, " ["+text+"]")
}
