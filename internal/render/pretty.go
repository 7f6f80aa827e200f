package render

import (
	"bytes"
	"io"
	"strconv"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// TimeMode is how pretty output shows times.
type TimeMode uint8

// The ways to show times.
const (
	TimeAbs   TimeMode = iota // local time of day
	TimeUTC                   // time of day in UTC
	TimeRel                   // seconds since the first packet shown
	TimeDelta                 // seconds since the line before
	TimeEpoch                 // seconds since 1970
)

// PrettyOptions configure pretty output.
type PrettyOptions struct {
	Options
	Rows  int // rows shown in a row before they are counted; 0: all
	Width int // columns of the terminal, 0: lines are not cut
	Time  TimeMode
	Theme *Theme
	Local *time.Location
	// Groups is how many users, clients and the like Stats lists, each; 0: all.
	Groups int
	// Flow tells that the message flow is shown, with its connection lines; Selected,
	// that connections of which nothing else is shown have none.
	Flow, Selected bool
	// Verbose has all that is known of a connection told below its line.
	Verbose bool
	// SQLLines has SQL written in its own lines, not folded into one.
	SQLLines bool
	// Fold has the parameters that a server tells at a connection's beginning written
	// in one line.
	Fold bool
}

// Pretty writes records for reading.
type Pretty struct {
	out     *Output // main, or what is held
	main    *Output
	opt     PrettyOptions
	line    line
	fields  fields
	decoded [messages.NumKinds]messages.Message
	memos   [messages.NumKinds]lineMemo
	head    lineHead

	parameters parametersMemo
	errs       messages.ErrorResponse
	maker      record.Maker
	ended      connFields
	started    bool
	first      int64
	last       int64
	today      int64 // when the day of the latest line began, 0 before there is one
	clock      dayClock
	columns    columns
	msg        message // the one being written, and the rest of it
	more       more
	conns      connMemo

	messages    replication.Decoder
	replication replicationFields
	zone        record.Zone // of changes
}

// NewPretty returns a writer of pretty output.
func NewPretty(w io.Writer, opt PrettyOptions) *Pretty {
	if opt.Theme == nil {
		opt.Theme = NewTheme(false)
	}
	if opt.Local == nil {
		opt.Local = time.Local
	}
	p := &Pretty{main: NewOutput(w), opt: opt}
	p.out = p.main
	p.columns = columns{name: column{15}, client: column{15}, encrypted: column{7}}
	p.maker.Parts, p.maker.Privacy.Show = record.Parts{Parameters: true}, opt.ShowSecrets
	p.fields = fields{line: &p.line, theme: opt.Theme, max: opt.MaxValueBytes, secrets: opt.ShowSecrets, lines: opt.SQLLines}
	if opt.Time == TimeUTC {
		p.clock.zone = time.UTC
	} else {
		p.clock.zone = opt.Local
	}
	return p
}

// prettyConn is what is remembered of a connection.
type prettyConn struct {
	introduced bool
	run        rowRun
	hidden     uint64
	hiddenSize uint64
	zone       record.Zone
	folded     folded
	// What stands between time and name, by direction, and its columns.
	prefix      [2][]byte
	prefixWidth int
}

func (c *conn) remembered() *prettyConn {
	if c.pretty == nil {
		c.pretty = new(prettyConn)
	}
	return c.pretty
}

// start begins a line.
func (p *Pretty) start() { p.line.reset(p.out.buf, p.opt.Width) }

// end ends a line, without blanks at its end.
func (p *Pretty) end() {
	p.line.trim()
	p.out.buf = p.line.buf
	if !p.line.ended || p.line.col > 0 {
		p.out.buf = append(p.out.buf, '\n')
	}
	p.out.wrote()
}

// nameWidth is the column that the fields begin at, counted from the name.
func (p *Pretty) nameWidth() int {
	if p.opt.Width > 0 && p.opt.Width < 100 {
		return 16
	}
	return 22
}

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
	if !c.introduced && p.out == p.main {
		p.introduce(e.conn, e.at.Time, e.midStream)
	}
	if p.tooMany(e, c) || p.fold(e, c) {
		return
	}
	plain := p.opt.Width == 0 && !p.opt.States && (e.more == nil || e.cancels().Conn == 0 && len(e.notes()) == 0) && !e.truncated && memorable(e.kind)
	if plain && p.recall(e) {
		return
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
		p.remember(e, l.buf[from:])
	}
	p.end()
	p.failedAt(e)
	p.notes(e, malformed)
}

// lineMemo is the latest line of a kind without its beginning and the blanks at its end,
// and what it was made from.
type lineMemo struct {
	wire, text   []byte
	phase, after messages.Phase
	direction    messages.Direction
	set          bool
}

// recall writes the line of a message that equals the latest of its kind.
func (p *Pretty) recall(e *message) bool {
	m := &p.memos[e.kind]
	if !m.set || m.phase != e.phase || m.after != e.after || m.direction != e.dir ||
		!bytes.Equal(m.wire, e.body) {
		return false
	}
	if h := &p.head; p.out == p.main && h.is(e.conn, e.at.Time, e.dir) {
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
	return true
}

func (p *Pretty) remember(e *message, text []byte) {
	if len(e.body) > maxMemo {
		return
	}
	for n := len(text); n > 0 && text[n-1] == ' '; n-- {
		text = text[:n-1]
	}
	m := &p.memos[e.kind]
	m.wire, m.text = append(m.wire[:0], e.body...), append(m.text[:0], text...)
	m.phase, m.after, m.direction, m.set = e.phase, e.after, e.dir, true
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
	main := p.out == p.main // of what is held, the day is told when it is written
	if main && h.is(of, at, d) {
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
	if main && p.opt.Time != TimeDelta { // by which each line's is its own
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

// introduce writes the line that names a connection's ends.
func (p *Pretty) introduce(c *conn, at int64, midStream bool) {
	c.remembered().introduced = true
	if !p.opt.Flow {
		return
	}
	p.start()
	l, t := &p.line, p.opt.Theme
	l.wrap = true
	l.paint(t.dim)
	l.buf = append(l.buf, "── "...)
	l.col += 3
	l.unpaint(t.dim)
	l.painted(t.name, "#"+strconv.FormatUint(c.id, 10))
	l.space()
	l.ascii(c.client)
	l.buf = append(l.buf, " → "...)
	l.col += 3
	l.ascii(c.server)
	l.paint(t.dim)
	l.ascii(time.Unix(0, at).In(p.clock.zone).Format("  2006-01-02"))
	if midStream {
		l.ascii("  joined in the middle")
	}
	l.unpaint(t.dim)
	p.end()
}

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

// Leave says how many rows of a connection were not shown, where End does not.
func (p *Pretty) Leave(s *session.Session) { p.leave(connOf(s, p.opt.Slot)) }

func (p *Pretty) leave(c *conn) { p.endRun(c) }

// Flush writes what is buffered.
func (p *Pretty) Flush() error { return p.main.Flush() }

func (p *Pretty) output() *Output { return p.main }

// Failed reports whether the output has failed.
func (p *Pretty) Failed() bool { return p.main.Failed() }

// Hold sends what is written from now on to h instead; nil ends that.
func (p *Pretty) Hold(h *Held) { p.out = p.main.hold(h) }

// Release writes what was held of a connection, and before it the line that
// names the connection if there was none yet.
func (p *Pretty) Release(s *session.Session, h *Held) {
	if c := connOf(s, p.opt.Slot); !c.remembered().introduced {
		p.introduce(c, s.Info().Started.Time, s.Info().MidStream)
	}
	p.main.buf = append(p.main.buf, h.out.buf...)
	p.main.wrote()
}

var _ Writer = (*Pretty)(nil)
