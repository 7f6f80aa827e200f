package render

import (
	"io"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
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
	out     *Output
	opt     PrettyOptions
	line    line
	fields  fields
	decoded [messages.NumKinds]messages.Message
	memos   memos // of lines without their beginning and the blanks at their end
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
	p := &Pretty{out: NewOutput(w), opt: opt}
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

// Flush writes what is buffered.
func (p *Pretty) Flush() error { return p.out.Flush() }

func (p *Pretty) output() *Output { return p.out }

// Failed reports whether the output has failed.
func (p *Pretty) Failed() bool { return p.out.Failed() }

var _ Writer = (*Pretty)(nil)
