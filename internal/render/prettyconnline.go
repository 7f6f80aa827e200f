package render

import (
	"strconv"
	"strings"

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
	p.number(c.id)
	l.space()
	at := l.col
	l.text([]byte(whoIs(i, wide)))
	l.fill(&p.columns.name, at, nameLimit(narrow, wide))
	l.space()
	if !narrow {
		at = l.col
		l.paint(t.dim)
		l.ascii(c.client)
		if wide {
			l.space()
			l.wide("→")
			l.space()
			l.ascii(c.server)
		}
		l.unpaint(t.dim)
		l.fill(&p.columns.client, at, clientLimit(wide))
		l.space()
	}
	p.length(max(i.Ended.Time-i.Started.Time, 0))
	l.space()
	at = l.col
	p.protection(i)
	l.fill(&p.columns.encrypted, at, 7)
	l.space()
	l.wrap = narrow
	asked := p.asked(i, n)
	if narrow {
		p.endedBelow(c, i, asked)
		return
	}
	if asked {
		l.ascii(", ")
	}
	p.connState(i)
	if i.State == session.StateRefused || i.State == session.StateNoAnswer {
		l.ascii(" by " + c.server)
	}
	if why := reason(i); why != "" {
		l.ascii(": ")
		l.text([]byte(why))
	}
	p.end()
}

// endedBelow writes how a connection ended where the line has no room for all of it: the
// word where it fits, and below it the rest.
func (p *Pretty) endedBelow(c *conn, i *session.Info, asked bool) {
	l := &p.line
	state := i.State.String()
	switch {
	case asked && l.col+len(", ")+len(state) >= l.width:
		p.end()
		p.startBelow()
	case asked:
		l.ascii(", ")
	}
	p.stateWord(i)
	parts := stateDoubts(i)
	why := reason(i)
	if i.State == session.StateRefused || i.State == session.StateNoAnswer {
		why = c.server + ": " + why
	}
	if why != "" {
		parts = append(parts, why)
	}
	if len(parts) > 0 {
		p.end()
		p.startBelow()
		l.text([]byte(strings.Join(parts, "; ")))
	}
	p.end()
}

// nameLimit is the longest user and database that the columns of all connections are
// moved for; clientLimit is the longest client, or pair of client and server.
func nameLimit(narrow, wide bool) int {
	switch {
	case narrow:
		return 16
	case wide:
		return 40
	}
	return 24
}

func clientLimit(wide bool) int {
	if wide {
		return 97 // two IPv6 addresses with their ports
	}
	return 21 // an IPv4 address with its port
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

// asked counts what was asked, where that is known, and tells whether it wrote something;
// nothing could be of a connection that never was one.
func (p *Pretty) asked(i *session.Info, n exchange.Totals) bool {
	l := &p.line
	switch i.State {
	case session.StateRefused, session.StateNoAnswer, session.StateEmpty, session.StateCancelRequest, session.StateNotPostgreSQL:
		return false
	case session.StateFailed:
		if n.Queries == 0 {
			return false
		}
	}
	if i.Unreadable {
		l.painted(p.opt.Theme.warn, "not read")
		return true
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
	return true
}

// connState says how it ended, and what stands against what is told of it.
func (p *Pretty) connState(i *session.Info) {
	p.stateWord(i)
	if p.opt.Flow {
		return // the fields tell the rest
	}
	l, t := &p.line, p.opt.Theme
	if i.MidStream {
		l.painted(t.dim, " ("+joinedMidway+")")
	}
	for _, doubt := range lossDoubts(i) {
		l.painted(t.warn, ", "+doubt)
	}
}

// stateWord says in a word how it ended.
func (p *Pretty) stateWord(i *session.Info) {
	t := p.opt.Theme
	paint := t.good
	switch i.State {
	case session.StateReset, session.StateFailed, session.StateRefused, session.StateNoAnswer:
		paint = t.bad
	case session.StateNotPostgreSQL, session.StateClosed, session.StateEmpty:
		paint = t.warn
	}
	p.line.painted(paint, i.State.String())
}

const joinedMidway = "joined in the middle"

// stateDoubts are what stands against what is told of a connection.
func stateDoubts(i *session.Info) []string {
	var doubts []string
	if i.MidStream {
		doubts = append(doubts, joinedMidway)
	}
	return append(doubts, lossDoubts(i)...)
}

// lossDoubts are those that come of what the capture lacks.
func lossDoubts(i *session.Info) []string {
	var doubts []string
	if i.DoubtfulBefore > 0 {
		doubts = append(doubts, "doubtful before packet "+strconv.FormatUint(i.DoubtfulBefore, 10))
	}
	if lost := i.Traffic.Lost[0] + i.Traffic.Lost[1]; lost > 0 {
		doubts = append(doubts, strconv.FormatUint(lost, 10)+" bytes not captured")
	}
	return doubts
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
