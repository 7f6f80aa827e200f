package render

import (
	"strconv"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// End writes the closing line of a connection: who it was, how it ended, and
// what it did.
func (p *Pretty) End(s *session.Session) {
	i := s.Info()
	c := p.conn(s)
	if !c.introduced {
		p.introduce(s, c, i.Started.Time)
	}
	p.endRun(s, c)
	p.start()
	l, t := &p.line, p.opt.Theme
	l.wrap, l.indent = true, 6
	l.paint(t.dim)
	l.buf = append(l.buf, "── "...)
	l.col += 3
	l.unpaint(t.dim)
	l.painted(t.name, "#"+strconv.FormatUint(s.ID, 10))
	if !p.opt.Flow {
		l.ascii(" " + s.Client)
		l.buf = append(l.buf, " → "...)
		l.col += 3
		l.ascii(s.Server)
	}
	l.space()
	p.state(i)
	l.ascii(" after ")
	l.text(appendDuration(nil, max(i.Ended.Time-i.Started.Time, 0)))
	p.identity(i)
	p.totals(s)
	p.end()
}

func (p *Pretty) state(i *session.Info) {
	t := p.opt.Theme
	paint := t.good
	switch i.State {
	case session.StateReset, session.StateFailed:
		paint = t.bad
	case session.StateNotPostgreSQL, session.StateClosed:
		paint = t.warn
	}
	p.line.painted(paint, i.State.String())
}

func (p *Pretty) identity(i *session.Info) {
	l := &p.line
	fact := func(name, v string) {
		if v != "" {
			l.ascii(" " + name + "=")
			l.text([]byte(v))
		}
	}
	if p.opt.Flow {
		return
	}
	fact("user", i.User)
	fact("database", i.Database)
	fact("app", i.Application)
	fact("protocol", i.ProtocolVersion)
	fact("server", i.ServerVersion)
	fact("auth", i.Auth)
	fact("encryption", i.Encryption.String())
	fact("tls", i.TLS.Version)
	fact("cipher", i.TLS.Cipher)
	fact("sni", i.TLS.ServerName)
}

func (p *Pretty) totals(s *session.Session) {
	l, i, n := &p.line, s.Info(), s.Totals()
	count := func(n uint64, one, many string) {
		l.ascii(", " + strconv.FormatUint(n, 10) + " ")
		if n == 1 {
			l.ascii(one)
		} else {
			l.ascii(many)
		}
	}
	count(n.Queries, "query", "queries")
	if i.Errors > 0 {
		l.paint(p.opt.Theme.bad)
		count(i.Errors, "error", "errors")
		l.unpaint(p.opt.Theme.bad)
	}
	count(n.Transactions, "transaction", "transactions")
	count(n.Rows, "row", "rows")
	count(i.Traffic.Bytes[messages.Frontend], "byte sent", "bytes sent")
	count(i.Traffic.Bytes[messages.Backend], "received", "received")
	if lost := i.Traffic.Lost[0] + i.Traffic.Lost[1]; lost > 0 {
		l.paint(p.opt.Theme.warn)
		count(lost, "byte not captured", "bytes not captured")
		l.unpaint(p.opt.Theme.warn)
	}
	if again := i.Traffic.Retransmitted[0] + i.Traffic.Retransmitted[1]; again > 0 {
		count(again, "retransmitted", "retransmitted")
	}
}
