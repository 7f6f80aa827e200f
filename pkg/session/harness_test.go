package session

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// recorder writes down what sessions report, a line each, with all that is known.
type recorder struct {
	exchanges, events, notices, ends []string
	infos                            []Info
	totals                           []exchange.Totals
}

func (r *recorder) Message(e *Event) {
	line := fmt.Sprintf("#%d %v %v len=%d lost=%d number=%d phase=%v tx=%c first=%d at=%d", e.Session.ID, e.Direction, e.Kind,
		e.Len, e.Lost, e.Step.Exchange, e.Step.Phase, max(e.Step.Tx, '-'), e.First.Frame, e.At.Frame)
	if x := e.Exchange; x != nil {
		line += fmt.Sprintf(" sql=%q types=%v columns=%s", x.SQL, x.ParamTypes(), columns(x.Columns()))
	}
	if e.Cancels.Conn != 0 {
		line += fmt.Sprintf(" cancels=%v", e.Cancels)
	}
	for _, n := range e.Notes {
		line += " !" + n.Code
	}
	r.events = append(r.events, line)
}

func (r *recorder) Exchange(s *Session, x *exchange.Exchange) {
	line := describe(x)
	if s.ID != 1 {
		line = "#" + strconv.FormatUint(s.ID, 10) + " " + line
	}
	r.exchanges = append(r.exchanges, line)
}

func (r *recorder) Notice(s *Session, n *Notice) {
	r.notices = append(r.notices, fmt.Sprintf("#%d %s %d", s.ID, n.Code, n.Bytes))
}

func (r *recorder) End(s *Session) {
	line := fmt.Sprintf("#%d %v", s.ID, s.Info().State)
	if c := s.Info().Cancels; c.Conn != 0 {
		line += fmt.Sprintf(" cancels #%d query %d", c.Conn, c.Query)
	}
	r.ends = append(r.ends, line)
	r.infos = append(r.infos, *s.Info())
	r.totals = append(r.totals, s.Totals())
}

// describe writes an exchange on one line: what is not known or zero is left
// out, times but those of a test of times are too.
func describe(x *exchange.Exchange) string {
	w := []string{strconv.FormatUint(x.ID, 10), x.Protocol.String()}
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if x.SQL != nil {
		add("%q", x.SQL)
	}
	if len(x.Statement) > 0 {
		add("statement=%s", x.Statement)
	}
	if len(x.Portal) > 0 {
		add("portal=%s", x.Portal)
	}
	if x.Function != 0 {
		add("function=%d", x.Function)
	}
	if x.HasParams {
		add("params=%s", values(x))
	}
	if t := x.ParamTypes(); len(t) > 0 {
		add("types=%v", t)
	}
	for i := range x.Results {
		add("%s", result(x, &x.Results[i]))
	}
	if x.Copy != exchange.CopyNone {
		add("copy=%v:%d:%d", x.Copy, x.CopyMessages, x.CopyBytes)
	}
	if x.Error != nil {
		add("error=%s@%v", x.SQLState(), x.FailedAt)
	}
	if x.Notices > 0 {
		add("notices=%d", x.Notices)
	}
	if x.Tx != 0 {
		add("tx=%c", x.Tx)
	}
	if x.CancelledBy != 0 {
		add("cancelled_by=%d", x.CancelledBy)
	}
	if names := x.Missing.Names(); names != nil {
		add("inferred=%s", strings.Join(names, ","))
	}
	if x.LostBytes != 0 {
		add("lost=%d", x.LostBytes)
	}
	if !x.Complete {
		add("incomplete")
	}
	if x.Skipped {
		add("skipped")
	}
	if x.Unanswered {
		add("unanswered")
	}
	return strings.Join(w, " ")
}

func values(x *exchange.Exchange) string {
	v, formats := x.Parameters()
	var list []string
	for i, b := range v {
		format := int16(0)
		if len(formats) == 1 {
			format = formats[0]
		} else if i < len(formats) {
			format = formats[i]
		}
		switch {
		case b == nil:
			list = append(list, "NULL")
		case format == 1:
			list = append(list, fmt.Sprintf("0x%x", b))
		default:
			list = append(list, string(b))
		}
	}
	return "[" + strings.Join(list, " ") + "]"
}

func result(x *exchange.Exchange, r *exchange.Result) string {
	s := "{"
	switch {
	case r.Tag != nil:
		s += string(r.Tag)
	case r.Suspended:
		s += "suspended"
	default:
		s += "?"
	}
	if r.Rows > 0 {
		s += fmt.Sprintf(" rows=%d bytes=%d", r.Rows, r.Bytes)
	}
	if c := columns(r.Columns.Fields()); c != "" {
		s += " " + c
	}
	if c := x.CopyOf(r); c != nil {
		s += fmt.Sprintf(" %v:%d:%d", c.Mode, c.Messages, c.Bytes)
	}
	return s + "}"
}

func columns(fields []messages.ColumnDescription) string {
	var list []string
	for _, f := range fields {
		list = append(list, fmt.Sprintf("%s:%d:%d", f.Name, f.TypeOID, f.Format))
	}
	return strings.Join(list, ",")
}

// options of a conversation.
type options struct {
	config    Config
	limits    exchange.Limits
	midStream bool
	chunk     func(rest int) int // bytes of the next chunk; nil: whole packets
	reason    Reason
}

// capture is the sessions of a capture under test.
type capture struct {
	*recorder
	shared *Shared
	opt    options
	last   Stamp
	frame  uint64
}

func newCapture(opt options) *capture {
	r := &recorder{}
	opt.config.Exchanges = true
	return &capture{recorder: r, shared: NewShared(opt.config, opt.limits, r), opt: opt}
}

// open begins connection id to the server that all connections of a test use.
func (c *capture) open(id uint64, midStream bool) *Session {
	c.frame++
	return c.shared.New(Opening{
		ID: id, Client: fmt.Sprintf("10.0.0.1:%d", 40000+id), Server: "10.0.0.2:5432",
		At: Stamp{Time: conversation.Start, Frame: c.frame}, MidStream: midStream,
	})
}

// play leads scripts through a session. Frames count on through the capture.
func (c *capture) play(s *Session, scripts ...string) {
	base := c.frame
	for _, p := range conversation.Packets(scripts...) {
		c.frame = base + p.Frame
		c.last = Stamp{Time: p.Time, Frame: c.frame}
		switch {
		case p.Gap != 0:
			s.Gap(p.Direction, p.Gap, c.last)
		case c.opt.chunk == nil:
			s.Data(p.Direction, slices.Clone(p.Bytes), c.last)
		default:
			for b := p.Bytes; len(b) > 0; {
				n := min(max(c.opt.chunk(len(b)), 1), len(b))
				s.Data(p.Direction, slices.Clone(b[:n]), c.last)
				b = b[n:]
			}
		}
	}
}

func (c *capture) end(s *Session) {
	why := EndOfCapture
	if c.opt.reason != 0 {
		why = c.opt.reason
	}
	s.End(why, c.last, Traffic{})
}

// run plays a whole capture of one connection.
func run(opt options, scripts ...string) *recorder {
	c := newCapture(opt)
	s := c.open(1, opt.midStream)
	c.play(s, scripts...)
	c.end(s)
	c.shared.Finish()
	return c.recorder
}

// expect compares a list with what a test says, a line each.
func expect(t *testing.T, what string, got []string, want string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if !slices.Equal(got, lines) {
		t.Errorf("%s\ngot\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
}
