package render

import (
	"bytes"
	"strconv"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// folded are the ParameterStatus messages at a connection's beginning, which have one
// line together.
type folded struct {
	bodies []byte // one after the other: name, NUL, value, NUL
	count  int
	at     int64 // time of the first
}

// maxFolded bounds what is kept of them: servers send some 600 bytes.
const maxFolded = 4096

// fold keeps a message for the line that it has with others. It reports whether it did.
func (p *Pretty) fold(e *message, c *prettyConn) bool {
	if e.kind != messages.KindParameterStatus && c.folded.count == 0 {
		return false
	}
	if e.kind == messages.KindParameterStatus && p.opt.Fold && e.phase == messages.PhaseInitialization &&
		len(e.notes()) == 0 && !e.truncated && bytes.Count(e.body, []byte{0}) == 2 && len(c.folded.bodies)+len(e.body) <= maxFolded {
		f := &c.folded
		if f.count == 0 {
			f.at = e.at.Time
			f.bodies, p.parameters.spare = p.parameters.spare[:0], nil
		}
		f.bodies = append(f.bodies, e.body...)
		f.count++
		return true
	}
	p.unfold(e.conn, c)
	return false
}

// parametersMemo is the latest such line without its beginning, where lines have any
// width, and the bodies that it was made from: a server says the same to most. spare is
// memory for the next ones.
type parametersMemo struct {
	bodies, text, spare []byte
}

// unfold writes the line.
func (p *Pretty) unfold(of *conn, c *prettyConn) {
	f := &c.folded
	if f.count == 0 {
		return
	}
	p.start()
	l := &p.line
	l.wrap = true
	p.prefix(of, f.at, messages.Backend)
	if memo := &p.parameters; p.opt.Width == 0 && bytes.Equal(memo.bodies, f.bodies) {
		l.buf = append(l.buf, memo.text...)
	} else {
		from := len(l.buf)
		p.foldedParameters(f)
		if p.opt.Width == 0 {
			memo.bodies, memo.text = append(memo.bodies[:0], f.bodies...), append(memo.text[:0], l.buf[from:]...)
		}
	}
	p.end()
	p.parameters.spare = f.bodies[:0]
	f.bodies, f.count = nil, 0
}

// foldedParameters writes what is told on the line.
func (p *Pretty) foldedParameters(f *folded) {
	l := &p.line
	at := l.col
	l.painted(p.opt.Theme.name, messages.KindParameterStatus.String())
	l.space()
	l.pad(at + p.nameWidth())
	if f.count > 1 {
		l.painted(p.opt.Theme.dim, strconv.Itoa(f.count)+": ")
	}
	for b := f.bodies; len(b) > 0; {
		name, rest, _ := bytes.Cut(b, []byte{0})
		value, rest, _ := bytes.Cut(rest, []byte{0})
		if len(b) < len(f.bodies) {
			l.space()
		}
		l.text(name)
		l.ascii("=")
		p.fields.pairValue(value)
		b = rest
	}
}
