package render

import (
	"strconv"

	"github.com/mattn/go-runewidth"

	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// roomy is the width from which on a connection has all it says in one line, vast that
// from which on there is room for what else is of interest.
const (
	roomy = 100
	vast  = 150
)

// connection writes what a connection was: when it began, who it was, how it was
// protected, how long it lasted, what it asked, how it ended and why. On narrow
// terminals the reason has a line of its own.
func (p *Pretty) connection(c *conn, i *session.Info, n exchange.Totals) {
	narrow, wide := p.opt.Width > 0 && p.opt.Width < roomy, p.opt.Width == 0 || p.opt.Width >= vast
	p.start()
	l, t := &p.line, p.opt.Theme
	p.time(i.Started.Time)
	l.space()
	l.painted(t.conn, "#"+strconv.FormatUint(c.id, 10))
	l.space()
	at := l.col
	l.text([]byte(whoIs(i, wide)))
	l.space()
	l.pad(at + 16)
	if !narrow {
		at = l.col
		l.paint(t.dim)
		l.ascii(c.client)
		if wide {
			l.wide(" → ")
			l.ascii(c.server)
		}
		l.unpaint(t.dim)
		l.space()
		l.pad(at + 16)
	}
	p.length(max(i.Ended.Time-i.Started.Time, 0))
	l.space()
	at = l.col
	p.protection(i)
	l.space()
	l.pad(at + 8)
	p.asked(i, n)
	p.connState(i)
	why := reason(i)
	if i.State == session.StateRefused || i.State == session.StateNoAnswer {
		l.ascii(" by " + c.server)
	}
	switch {
	case why == "":
	case narrow:
		p.end()
		p.startBelow()
		l.text([]byte(why))
	default:
		l.ascii(": ")
		l.text([]byte(why))
	}
	p.end()
}

// whoIs names the user and the database, with the application where it is wanted.
func whoIs(i *session.Info, application bool) string {
	switch {
	case i.User == "" && i.Database == "":
		return "-"
	case application && i.Application != "" && i.Application != i.User:
		return i.User + "@" + i.Database + " " + i.Application
	}
	return i.User + "@" + i.Database
}

// length writes a duration aligned to the right.
func (p *Pretty) length(ns int64) {
	d := units.AppendDuration(nil, ns)
	for range durationWidth - runewidth.StringWidth(string(d)) {
		p.line.space()
	}
	p.line.text(d)
}

// protection says in a word how the connection was encrypted.
func (p *Pretty) protection(i *session.Info) {
	l := &p.line
	switch e := i.Encryption; {
	case i.TLS.Version != "":
		l.text([]byte(i.TLS.Version))
	case e == session.EncryptionTLS || e == session.EncryptionTLSDirect:
		l.ascii("TLS")
	case e == session.EncryptionGSS:
		l.ascii("GSS")
	case e == session.EncryptionUnknown:
		l.ascii("-")
	default:
		l.ascii("no TLS")
	}
}

// asked counts what was asked, where that is known; nothing could be of a connection
// that never was one.
func (p *Pretty) asked(i *session.Info, n exchange.Totals) {
	l := &p.line
	switch i.State {
	case session.StateRefused, session.StateNoAnswer, session.StateEmpty, session.StateCancelRequest, session.StateNotPostgreSQL:
		return
	case session.StateFailed:
		if n.Queries == 0 {
			return
		}
	}
	if i.Unreadable {
		l.painted(p.opt.Theme.warn, "not read")
		l.ascii(", ")
		return
	}
	l.ascii(strconv.FormatUint(n.Queries, 10) + " ")
	if n.Queries == 1 {
		l.ascii("query")
	} else {
		l.ascii("queries")
	}
	if i.Errors > 0 {
		l.ascii(", ")
		l.paint(p.opt.Theme.bad)
		l.ascii(strconv.FormatUint(i.Errors, 10) + " error")
		if i.Errors > 1 {
			l.ascii("s")
		}
		l.unpaint(p.opt.Theme.bad)
	}
	l.ascii(", ")
}

// connState says how it ended.
func (p *Pretty) connState(i *session.Info) {
	l, t := &p.line, p.opt.Theme
	paint := t.good
	switch i.State {
	case session.StateReset, session.StateFailed, session.StateRefused, session.StateNoAnswer:
		paint = t.bad
	case session.StateNotPostgreSQL, session.StateClosed, session.StateEmpty:
		paint = t.warn
	}
	l.painted(paint, i.State.String())
	if p.opt.Flow {
		return // the fields tell the rest
	}
	if i.MidStream {
		l.painted(t.dim, " (joined in the middle)")
	}
	if i.DoubtfulBefore > 0 {
		l.painted(t.warn, ", doubtful before packet "+strconv.FormatUint(i.DoubtfulBefore, 10))
	}
	if lost := i.Traffic.Lost[0] + i.Traffic.Lost[1]; lost > 0 {
		l.painted(t.warn, ", "+strconv.FormatUint(lost, 10)+" bytes not captured")
	}
}

// reason is why a connection ended, or stands as it does.
func reason(i *session.Info) string {
	var e messages.ErrorResponse
	switch {
	case i.Failure != nil && (e.Decode(i.Failure) == nil || len(e.Fields) > 0):
		return string(e.SQLState()) + " " + string(e.Message())
	case i.TLS.Alert != "" && i.State == session.StateFailed:
		return i.TLS.Refusal()
	case i.GivenUp:
		return "given up: too many are open"
	case i.ClientClosed.Time != 0:
		return "half-closed: the client has closed its side, the server has not"
	case i.State == session.StateRefused:
		return "nothing listens there, or a firewall rejects it"
	case i.State == session.StateNoAnswer:
		return "the server's host did not answer"
	case i.State == session.StateEmpty:
		return "closed without a byte, as by a health check"
	}
	return ""
}
