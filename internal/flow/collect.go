package flow

import (
	"bytes"
	"strings"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

const (
	// maxSteps and maxBytes bound a flow: half of them before the place that is looked
	// for, half after it.
	maxSteps = 20_000
	maxBytes = 32 << 20
	// maxRows is how many rows in a row are steps of their own.
	maxRows = 20
	// maxLine is how much of a value is shown in a step's line, in bytes.
	maxLine = 200
)

// Step is a message, or something that is said between messages. Its texts are those of
// the capture: they may hold anything, but for Text, which is safe for a terminal.
type Step struct {
	At       record.Stamp
	Query    uint64 // of its query cycle, within the connection; 0: none
	Kind     messages.Kind
	Frontend bool
	Notice   bool // no message
	Bad      bool // an error
	Odd      bool // something is to be said about it
	Len      int  // bytes on the wire
	Count    int  // rows that it stands for; 0: it is itself
	Name     string
	Text     string
	Notes    []string
	Body     []string // field: value
}

// Query is a query cycle of the flow.
type Query struct {
	ID         uint64
	SQL        string
	Params     string
	Operation  string
	Duration   int64 // ns; negative: not known
	Start, End record.Stamp
	Rows       uint64
	State      string // SQLSTATE of its error
	Failure    string // and what it says
}

// Flow is a part of a connection, around a place in it.
type Flow struct {
	Place   Place
	Who     record.Who
	Steps   []Step
	Queries map[uint64]*Query
	Before  uint64 // steps that are not kept
	More    bool   // the connection goes on after the last step
	Focus   int    // the step that was looked for
	Joined  bool   // the beginning of the connection was not there
}

// Collector makes a flow of what a session reports: it is the handler of an analysis of
// the packets of one connection.
type Collector struct {
	flow   Flow
	opt    Options
	pretty *render.Pretty
	text   bytes.Buffer
	maker  record.Maker
	zone   record.Zone
	bytes  int
	after  int // steps since the focus
	run    int // rows in a row
	done   bool
	value  []byte
}

// Options say how texts are made.
type Options struct {
	ShowSecrets bool
	Local       *time.Location
}

// NewCollector returns a Collector for a place.
func NewCollector(p Place, opt Options) *Collector {
	c := &Collector{opt: opt}
	c.maker.Privacy.Show = opt.ShowSecrets
	c.maker.Parts = record.Parts{Normalized: true, Parameters: true}
	c.begin(p)
	return c
}

func (c *Collector) begin(p Place) {
	c.flow = Flow{Place: p, Queries: make(map[uint64]*Query), Focus: -1}
	c.bytes, c.after, c.run = 0, 0, 0
	c.pretty = render.NewPretty(&c.text, render.PrettyOptions{
		Options: render.Options{MaxValueBytes: maxLine, ShowSecrets: c.opt.ShowSecrets}, Local: c.opt.Local,
	})
}

// Done reports whether nothing more is wanted.
func (c *Collector) Done() bool { return c.done }

// Flow returns what was made. It is to be called once, at the end.
func (c *Collector) Flow() *Flow {
	f := &c.flow
	if f.Focus < 0 {
		f.Focus = max(len(f.Steps)-1, 0)
		if f.Place.Focus == 0 {
			f.Focus = 0
		}
	}
	return f
}

// Message takes a message.
func (c *Collector) Message(e *session.Event) {
	if c.done {
		return
	}
	if row := e.Kind == messages.KindDataRow || e.Kind == messages.KindCopyData; row && len(e.Notes) == 0 {
		if c.run++; c.run > maxRows {
			c.addRow(e)
			return
		}
	} else {
		c.run = 0
	}
	s := Step{
		At: e.At, Query: e.Step.Exchange, Kind: e.Kind, Frontend: e.Direction == messages.Frontend, Len: e.Len, Name: e.Kind.String(),
		Bad: e.Kind == messages.KindErrorResponse || e.Kind == messages.KindErrorResponseV2, Odd: len(e.Notes) > 0 || e.Kind == messages.KindNoticeResponse,
	}
	for i := range e.Notes {
		s.Notes = append(s.Notes, e.Notes[i].Code+": "+e.Notes[i].Text)
	}
	s.Text = c.line(e)
	v := &body{}
	c.maker.Message(e).Visit(v)
	s.Body = v.lines
	c.add(s)
}

// line is the message as pretty output shows it, without time and connection.
func (c *Collector) line(e *session.Event) string {
	c.text.Reset()
	c.pretty.Message(e)
	_ = c.pretty.Flush() // memory takes all
	for text := range strings.Lines(c.text.String()) {
		_, text, ok := strings.Cut(text, " #")
		if !ok {
			continue
		}
		_, text, _ = strings.Cut(text, " ") // the number
		_, text, _ = strings.Cut(text, " ") // the arrow
		name := e.Kind.String()
		return strings.TrimSpace(strings.TrimPrefix(text, name))
	}
	return ""
}

// addRow counts a row that has no step of its own.
func (c *Collector) addRow(e *session.Event) {
	n := len(c.flow.Steps)
	if n > 0 && c.flow.Steps[n-1].Count > 0 {
		s := &c.flow.Steps[n-1]
		s.Count++
		s.Len += e.Len
		s.At = e.At
		return
	}
	c.add(Step{At: e.At, Query: e.Step.Exchange, Kind: e.Kind, Frontend: e.Direction == messages.Frontend, Len: e.Len, Count: 1, Name: e.Kind.String()})
}

func (c *Collector) add(s Step) {
	f := &c.flow
	if f.Focus < 0 && s.At.Frame >= f.Place.Focus && f.Place.Focus != 0 || f.Place.Focus == 0 && f.Focus < 0 {
		f.Focus = len(f.Steps)
	}
	f.Steps = append(f.Steps, s)
	c.bytes += size(&s)
	if f.Focus < 0 {
		if len(f.Steps) > maxSteps || c.bytes > maxBytes {
			c.drop(len(f.Steps) / 2)
		}
		return
	}
	if c.after++; c.after > maxSteps/2 || c.bytes > 2*maxBytes {
		c.done, f.More = true, true
	}
}

func size(s *Step) int {
	n := 200 + len(s.Text)
	for _, line := range s.Body {
		n += len(line) + 16
	}
	return n
}

// drop lets the oldest steps go, with the queries that only they were about.
func (c *Collector) drop(n int) {
	f := &c.flow
	for i := range f.Steps[:n] {
		c.bytes -= size(&f.Steps[i])
	}
	f.Before += uint64(n)
	f.Steps = append(f.Steps[:0], f.Steps[n:]...)
	oldest := f.Steps[0].Query
	for id := range f.Queries {
		if id < oldest {
			delete(f.Queries, id)
		}
	}
}

// Exchange takes a query cycle.
func (c *Collector) Exchange(s *session.Session, x *exchange.Exchange) {
	if len(c.flow.Queries) >= 2*maxSteps {
		return
	}
	r := c.maker.Query(s, x)
	q := &Query{
		ID: r.ID, SQL: cut(r.SQL, maxValue), Operation: r.Operation, Duration: r.Duration, Start: r.Place(), End: r.End, Rows: r.Rows,
	}
	q.Params = c.params(r)
	if r.Error != nil {
		var e failure
		r.VisitError(&e)
		q.State, q.Failure = e.state, e.message
	}
	c.flow.Queries[q.ID] = q
	c.flow.Who = *r.Who
}

// Notice takes what is said between messages.
func (c *Collector) Notice(_ *session.Session, n *session.Notice) {
	if c.done {
		return
	}
	text := render.Visible(n.Text)
	c.add(Step{At: n.At, Notice: true, Odd: true, Frontend: n.Directed && n.Direction == messages.Frontend, Name: n.Code, Text: text, Body: []string{n.Code + ": " + n.Text}})
}

// End takes the end of the session. Where what is looked for lies after it, the next
// connection between the same ends is meant.
func (c *Collector) End(s *session.Session) {
	i := s.Info()
	c.flow.Joined = i.MidStream
	if c.flow.Who.User == "" {
		c.flow.Who = record.Who{User: i.User, Database: i.Database, Application: i.Application}
	}
	if p := c.flow.Place; !c.done && p.Focus != 0 && c.flow.Focus < 0 && i.Ended.Frame < p.Focus && i.State != session.StateOpen {
		c.begin(p)
		return
	}
	c.done = true
}
