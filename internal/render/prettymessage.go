package render

import (
	"strconv"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Message writes one message, unless it is a row beyond the limit.
func (p *Pretty) Message(e *session.Event) {
	p.msg.take(e, p.conns.of(e.Session, p.opt.Slot), &p.more)
	if sql := failedText(e); sql != nil {
		p.msg.takeText(sql, &p.more)
	}
	p.message(&p.msg)
}

func (p *Pretty) message(e *message) {
	c := e.conn.remembered()
	if !c.introduced {
		p.introduce(e.conn, e.at.Time, e.midStream)
	}
	if p.tooMany(e, c) || p.fold(e, c) {
		return
	}
	plain := p.opt.Width == 0 && !p.opt.States && (e.more == nil || e.cancels().Conn == 0 && len(e.notes()) == 0) && !e.truncated && memorable(e.kind)
	hash := uint64(0)
	if plain {
		m := p.memos.again(e.kind, lineOf(e), e.body)
		if m == nil {
			m, hash = p.memos.search(e.kind, lineOf(e), e.body)
		}
		if m != nil {
			p.recall(e, m)
			return
		}
	}
	p.start()
	l := &p.line
	p.prefix(e.conn, e.at.Time, e.dir)
	at, from := l.col, len(l.buf)
	l.paint(p.opt.Theme.name)
	l.ours(e.kind.String())
	if e.kind == messages.KindUnknown && e.tag != 0 { // a packet of the startup has none
		l.ascii(" ")
		l.text([]byte{e.tag})
	}
	l.unpaint(p.opt.Theme.name)
	l.space()
	l.pad(at + p.nameWidth())
	l.wrap = e.kind != messages.KindDataRow && e.kind != messages.KindCopyData || p.opt.MaxValueBytes == 0
	malformed := p.writeFields(e)
	l.wrap = true
	if p.opt.States {
		l.full = false
		p.tail("{" + e.state.String() + "}")
	}
	if e.after != e.phase && e.after != messages.PhaseUnknown && e.after.String() != e.phase.String() {
		l.full = false
		p.tail(phaseTails[e.after])
	}
	if plain && malformed == nil {
		p.remember(hash, e, l.buf[from:])
	}
	p.end()
	p.failedAt(e)
	p.notes(e, malformed)
}

// lineOf is what the line of a message depends on beside its kind and body.
func lineOf(e *message) uint32 { return uint32(e.phase) | uint32(e.after)<<8 | uint32(e.dir)<<16 }

// recall writes the line of a message that equals one that is remembered.
func (p *Pretty) recall(e *message, m *memo) {
	if h := &p.head; h.is(e.conn, e.at.Time, e.dir) {
		p.out.buf = append(append(append(p.out.buf, h.text...), m.text...), '\n')
		p.out.wrote()
	} else {
		p.start()
		p.prefix(e.conn, e.at.Time, e.dir)
		p.line.buf = append(p.line.buf, m.text...)
		p.end()
	}
	if e.kind == messages.KindErrorResponse {
		p.failedAt(e)
	}
}

func (p *Pretty) remember(hash uint64, e *message, text []byte) {
	for n := len(text); n > 0 && text[n-1] == ' '; n-- {
		text = text[:n-1]
	}
	p.memos.add(hash, e.kind, lineOf(e), e.body, text)
}

// lineHead is the beginning of the latest message's line: the messages of one packet
// share it.
type lineHead struct {
	conn      *conn
	at        int64
	direction messages.Direction
	columns   int
	text      []byte
}

func (h *lineHead) is(c *conn, at int64, d messages.Direction) bool {
	return h.at == at && h.conn == c && h.direction == d && len(h.text) > 0
}

// phaseTails are the phases as they stand at a line's end.
var phaseTails = func() (t [messages.NumPhases]string) {
	for p := range t {
		t[p] = "[" + messages.Phase(p).String() + "]"
	}
	return t
}()

// tail appends a word at the end of the line.
func (p *Pretty) tail(s string) {
	l := &p.line
	if n := len(l.buf); n > 0 && l.buf[n-1] != ' ' && l.buf[n-1] != '\n' {
		l.space()
	}
	l.painted(p.opt.Theme.dim, s)
}

func (p *Pretty) prefix(of *conn, at int64, d messages.Direction) {
	l, t, c, h := &p.line, p.opt.Theme, of.remembered(), &p.head
	if h.is(of, at, d) {
		l.buf = append(l.buf, h.text...)
		l.col += h.columns
		return
	}
	p.newDay(at)
	from, col := len(l.buf), l.col
	p.time(at)
	if c.prefix[d] == nil {
		arrow, color := " → ", t.frontend
		if d == messages.Backend {
			arrow, color = " ← ", t.backend
		}
		id := strconv.FormatUint(of.id, 10)
		c.prefix[d] = []byte(" " + t.conn.on + "#" + id + t.conn.off + color.on + arrow + color.off)
		c.prefixWidth = 5 + len(id)
	}
	l.buf = append(l.buf, c.prefix[d]...)
	l.col += c.prefixWidth
	if p.opt.Time != TimeDelta { // by which each line's is its own
		h.conn, h.at, h.direction, h.columns, h.text = of, at, d, l.col-col, append(h.text[:0], l.buf[from:]...)
	}
}

func (p *Pretty) writeFields(e *message) error {
	if r := e.replication(); r != nil {
		p.fields.types, p.fields.columns, p.fields.unknown = nil, nil, false
		p.fields.zone = e.conn.remembered().zone.Named(e.more.zone)
		p.writeReplication(r, e.body)
		return nil
	}
	m := p.decoded[e.kind]
	if m == nil {
		m = e.kind.New()
		p.decoded[e.kind] = m
	}
	err := m.Decode(e.body)
	if u, ok := m.(*messages.Unknown); ok {
		u.Tag = e.tag
	}
	f := &p.fields
	f.kind, f.first = e.kind, true
	f.setTypes(e)
	if hasValues(e.kind) {
		f.zone = e.conn.remembered().zone.Named(e.more.zone)
	}
	if e.truncated {
		if c, ok := cutOffOf(e.kind, e.body, e.len); ok {
			f.tail, f.whole = e.body, c.length
		}
	}
	if err == nil {
		m.Visit(f)
	} else {
		messages.VisitDecoded(m, err, f)
	}
	f.tail, f.whole = nil, 0
	if c := e.cancels(); c.Conn != 0 {
		p.line.ascii(" cancels #" + strconv.FormatUint(c.Conn, 10))
		if c.Query != 0 {
			p.line.ascii(" query " + strconv.FormatUint(c.Query, 10))
		}
	}
	if e.truncated {
		return nil
	}
	return err
}
