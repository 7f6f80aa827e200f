package render

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// rowRun is a run of rows of one exchange, of which the first are shown and the
// others counted.
type rowRun struct {
	kind     messages.Kind
	exchange uint64
	shown    int
}

func isRow(k messages.Kind) bool { return k == messages.KindDataRow || k == messages.KindCopyData }

func (r *rowRun) same(k messages.Kind, id uint64) bool { return r.kind == k && r.exchange == id }

// counts reports whether the next row would only be counted; limit 0 shows all.
func (r *rowRun) counts(k messages.Kind, id uint64, limit int) bool {
	return limit != 0 && r.shown >= limit && r.same(k, id)
}

// add takes a row and reports whether it is only counted.
func (r *rowRun) add(k messages.Kind, id uint64, limit int) bool {
	if r.counts(k, id, limit) {
		return true
	}
	if !r.same(k, id) {
		*r = rowRun{kind: k, exchange: id}
	}
	r.shown++
	return false
}

// Counts implements [session.RowCounter].
func (p *Pretty) Counts(e *session.Event) bool {
	return isRow(e.Kind) && p.conns.of(e.Session, p.opt.Slot).remembered().run.counts(e.Kind, e.Step.Exchange, p.opt.Rows)
}

// Rows implements [session.RowCounter].
func (p *Pretty) Rows(e *session.Event, n, bytes int) {
	p.counted(p.conns.of(e.Session, p.opt.Slot), n, bytes)
}

// FirstRows implements [sink.RowCounter].
func (p *Pretty) FirstRows() int { return p.opt.Rows }

// MoreRows implements [sink.RowCounter].
func (p *Pretty) MoreRows(c *record.Conn, n, bytes int) { p.counted(connIn(c, p.opt.Slot), n, bytes) }

// counted takes rows of the run that a connection is in.
func (p *Pretty) counted(of *conn, n, bytes int) {
	c := of.remembered()
	c.hidden += uint64(n)
	c.hiddenSize += uint64(bytes)
}

// tooMany counts the rows beyond the limit, and says how many there were when
// another message follows.
func (p *Pretty) tooMany(e *message, c *prettyConn) bool {
	if !isRow(e.kind) {
		if e.kind != messages.KindNoticeResponse && c.run != (rowRun{}) {
			p.endRun(e.conn)
		}
		return false
	}
	if !c.run.same(e.kind, e.exchange) {
		p.endRun(e.conn)
	}
	if !c.run.add(e.kind, e.exchange, p.opt.Rows) {
		return false
	}
	c.hidden++
	c.hiddenSize += uint64(e.len)
	return true
}

// endRun writes what is known of messages that were not shown one by one.
func (p *Pretty) endRun(of *conn) {
	c := of.remembered()
	p.unfold(of, c)
	hidden, size, kind := c.hidden, c.hiddenSize, c.run.kind
	c.run, c.hidden, c.hiddenSize = rowRun{}, 0, 0
	if hidden == 0 {
		return
	}
	p.start()
	l := &p.line
	l.pad(p.timeWidth() + 1)
	l.painted(p.opt.Theme.conn, "#"+strconv.FormatUint(of.id, 10))
	l.buf = append(l.buf, "   … "...)
	l.col += 5
	l.paint(p.opt.Theme.dim)
	l.uint(hidden)
	l.ascii(" more " + kind.String() + ", ")
	l.uint(size)
	l.ascii(" bytes")
	l.unpaint(p.opt.Theme.dim)
	p.end()
}

// leave says how many rows of a connection were not shown, where its end is not.
func (p *Pretty) leave(c *conn) { p.endRun(c) }

// Counts implements [session.RowCounter].
func (p *Pipe) Counts(e *session.Event) bool {
	return p.rows != 0 && isRow(e.Kind) && p.conns.of(e.Session, p.slot).ahead.counts(e.Kind, e.Step.Exchange, p.rows)
}

// Rows implements [session.RowCounter].
func (p *Pipe) Rows(e *session.Event, n, bytes int) {
	m := p.add(pipeRows)
	m.conn, m.len, m.rows = p.conns.of(e.Session, p.slot), bytes, uint32(n)
	p.added()
}

// FirstRows implements [sink.RowCounter].
func (p *Pipe) FirstRows() int { return p.rows }

// MoreRows implements [sink.RowCounter].
func (p *Pipe) MoreRows(c *record.Conn, n, bytes int) {
	m := p.add(pipeRows)
	m.conn, m.len, m.rows = connIn(c, p.slot), bytes, uint32(n)
	p.added()
}

// passes follows, on the side of the sessions, which rows the writer will count. It
// reports whether e is one of them.
func (p *Pipe) passes(e *session.Event) bool {
	if p.rows == 0 {
		return false
	}
	run := &p.conns.of(e.Session, p.slot).ahead
	switch {
	case isRow(e.Kind):
		return run.add(e.Kind, e.Step.Exchange, p.rows)
	case e.Kind != messages.KindNoticeResponse:
		*run = rowRun{}
	}
	return false
}
