package render

import (
	"strconv"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// End writes the closing line of a connection: who it was, how it ended, and
// what it did.
func (p *Pretty) End(s *session.Session) { p.close(connOf(s, p.opt.Slot), s.Info(), s.Totals()) }

func (p *Pretty) close(c *conn, i *session.Info, t exchange.Totals) {
	if !c.remembered().introduced {
		p.introduce(c, i.Started.Time, i.MidStream)
	}
	p.endRun(c)
	p.start()
	l, theme := &p.line, p.opt.Theme
	l.wrap, l.indent = true, 6
	l.paint(theme.dim)
	l.buf = append(l.buf, "── "...)
	l.col += 3
	l.unpaint(theme.dim)
	l.painted(theme.name, "#"+strconv.FormatUint(c.id, 10))
	if !p.opt.Flow {
		l.ascii(" " + c.client)
		l.buf = append(l.buf, " → "...)
		l.col += 3
		l.ascii(c.server)
	}
	l.space()
	p.state(i)
	l.ascii(" after ")
	l.text(appendDuration(nil, max(i.Ended.Time-i.Started.Time, 0)))
	p.identity(i)
	p.totals(i, t)
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
	p.why(i)
}

// why says what ended a connection, where somebody said so.
func (p *Pretty) why(i *session.Info) {
	l := &p.line
	var e messages.ErrorResponse
	switch {
	case i.Failure != nil && (e.Decode(i.Failure) == nil || len(e.Fields) > 0):
		l.ascii(" (")
		l.text(e.SQLState())
		l.space()
		l.text(e.Message())
		l.ascii(")")
	case i.TLS.Alert != "" && i.State == session.StateFailed:
		l.ascii(" (")
		l.text([]byte(i.TLS.Refusal()))
		l.ascii(")")
	case i.GivenUp:
		l.ascii(" (given up: too many are open)")
	case i.ClientClosed.Time != 0:
		l.ascii(" (the client has closed its side)")
	}
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
	fact("decrypted_by", i.DecryptedBy)
	if p := i.Peer; p != nil {
		fact("peer", p.Program)
		fact("pid", strconv.Itoa(p.PID))
		fact("uid", strconv.Itoa(p.UID))
	}
}

func (p *Pretty) totals(i *session.Info, n exchange.Totals) {
	l := &p.line
	count := func(n uint64, one, many string) {
		l.ascii(", " + strconv.FormatUint(n, 10) + " ")
		if n == 1 {
			l.ascii(one)
		} else {
			l.ascii(many)
		}
	}
	if !i.Unreadable { // else nobody knows
		count(n.Queries, "query", "queries")
		if i.Errors > 0 {
			l.paint(p.opt.Theme.bad)
			count(i.Errors, "error", "errors")
			l.unpaint(p.opt.Theme.bad)
		}
		count(n.Transactions, "transaction", "transactions")
		count(n.Rows, "row", "rows")
	}
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
