package render

import (
	"strconv"

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
	if c := connOf(s, p.opt.Slot); !c.remembered().introduced {
		p.introduce(c, x.Start.Time, s.Info().MidStream)
	}
	p.start()
	l, t := &p.line, p.opt.Theme
	l.wrap = true
	at := x.Start.Time
	if x.Start.Frame == 0 {
		at = x.FirstReply.Time
	}
	p.time(at)
	l.space()
	l.painted(t.conn, "#"+strconv.FormatUint(s.ID, 10))
	if i := s.Info(); i.User != "" && !p.opt.Flow {
		l.space()
		l.paint(t.dim)
		l.text([]byte(i.User + "@" + i.Database))
		l.unpaint(t.dim)
	}
	l.space()
	p.duration(x)
	l.space()
	l.indent = min(l.col, 40)
	outcome := l.col
	p.outcome(x)
	l.pad(outcome + outcomeWidth)
	l.space()
	p.queryText(x)
	p.params(s, x)
	p.end()
	p.queryError(x)
	p.queryNotes(x)
}

func (p *Pretty) duration(x *exchange.Exchange) {
	var b [32]byte
	d := append(b[:0], '?')
	if ns, ok := x.Duration(); ok {
		d = appendDuration(b[:0], ns)
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
func (p *Pretty) outcome(x *exchange.Exchange) {
	l, t := &p.line, p.opt.Theme
	wrote := false
	for i := range x.Results {
		r := &x.Results[i]
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
	if x.Error != nil {
		if wrote {
			l.space()
		}
		l.painted(t.bad, "error "+string(x.SQLState()))
		wrote = true
	}
	if state := unfinished(x); state != "" {
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
func unfinished(x *exchange.Exchange) string {
	switch {
	case x.Skipped:
		return "skipped"
	case x.Unanswered:
		return "not answered"
	case !x.Complete:
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

func (p *Pretty) queryText(x *exchange.Exchange) {
	f := &p.fields
	switch {
	case x.SQL != nil:
		f.sql(x.SQL, x.SQLLen)
	case x.Protocol == exchange.ProtocolFunctionCall:
		p.line.ascii("function " + strconv.FormatUint(uint64(x.Function), 10))
	case len(x.Statement) > 0:
		p.line.painted(p.opt.Theme.dim, "statement ")
		f.quoted(x.Statement)
	default:
		p.line.painted(p.opt.Theme.dim, "(SQL not seen)")
	}
}

func (p *Pretty) params(s *session.Session, x *exchange.Exchange) {
	values, formats := x.Parameters()
	if values.Len() == 0 {
		return
	}
	f := &p.fields
	f.kind, f.first = messages.KindBind, false
	f.types, f.columns, f.unknown = x.ParamTypes(), nil, false
	f.zone = connOf(s, p.opt.Slot).remembered().zone.of(s.Info().Formats)
	f.Values("parameters", values, formats)
}

func (p *Pretty) queryError(x *exchange.Exchange) {
	if !x.ErrorFields(&p.errs) {
		return
	}
	p.start()
	l := &p.line
	l.wrap = true
	l.pad(p.timeWidth() + 1)
	l.indent = l.col + 2
	f := &p.fields
	f.kind, f.first = messages.KindErrorResponse, true
	p.errs.Visit(f)
	p.end()
}

func (p *Pretty) queryNotes(x *exchange.Exchange) {
	if x.CancelledBy != 0 {
		p.note("cancelled", "by the CancelRequest on connection "+strconv.FormatUint(x.CancelledBy, 10))
	}
	if x.LostBytes > 0 {
		p.note(session.NoticeLost, strconv.FormatUint(x.LostBytes, 10)+" bytes of it were not captured")
	}
	for _, name := range x.Missing.Names() {
		text := "its " + name + " was not captured"
		if name == "sql" {
			text = "the SQL is that of another connection's statement of this name"
		}
		p.note(session.NoteInferred, text)
	}
}
