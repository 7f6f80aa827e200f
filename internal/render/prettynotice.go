package render

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// notes writes what is odd about a message below it.
func (p *Pretty) notes(e *message, malformed error) {
	for _, n := range e.notes() {
		p.note(n.Code, n.Text)
	}
	if malformed != nil {
		p.note(session.NoteMalformed, malformed.Error())
	}
}

func (p *Pretty) note(code, text string) {
	p.start()
	l := &p.line
	l.wrap = true
	l.pad(p.timeWidth() + 1)
	l.paint(p.opt.Theme.warn)
	l.ascii("! " + code + ": ")
	l.text([]byte(text))
	l.unpaint(p.opt.Theme.warn)
	p.end()
}

// Notice writes what is to be said of a connection between messages.
func (p *Pretty) Notice(s *session.Session, n *session.Notice) {
	p.notice(connOf(s, p.opt.Slot), p.maker.Notice(s, n))
}

func (p *Pretty) notice(c *conn, n *record.Notice) {
	if !c.remembered().introduced {
		p.introduce(c, n.At.Time, n.Who.MidStream)
	}
	p.endRun(c)
	p.start()
	l := &p.line
	l.wrap = true
	p.time(n.At.Time)
	l.space()
	l.painted(p.opt.Theme.conn, "#"+strconv.FormatUint(c.id, 10))
	l.indent = l.col + 1
	arrow := "   "
	if n.Directed {
		arrow = " → "
		if n.Direction == messages.Backend {
			arrow = " ← "
		}
	}
	l.buf = append(l.buf, arrow...)
	l.col += 3
	l.paint(p.opt.Theme.warn)
	l.ascii("! " + n.Code + ": ")
	l.text([]byte(n.Text))
	l.unpaint(p.opt.Theme.warn)
	p.end()
}
