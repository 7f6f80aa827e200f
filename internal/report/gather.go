package report

import (
	"io"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Name is that of the output.
const Name = "html"

// Views are those whose records the page is made of.
var Views = []string{"messages", "queries", "connections", "findings"}

// Output is the row of the registry.
var Output = sink.Output{
	Name: Name, Help: "a page of HTML about the capture (pgsniff report)",
	Views: Views,
	Setup: func(f *pflag.FlagSet) sink.OpenOutput {
		noSQL := f.Bool("no-sql", false, "html: leave the texts of SQL and errors out")
		noValues := f.Bool("no-values", false, "html: leave parameters and constants out")
		return func(env *sink.Env) (sink.Sink, error) {
			w, err := env.Create()
			if err != nil {
				return nil, err
			}
			o := &output{w: w, env: env, noSQL: *noSQL, noValues: *noValues || *noSQL, classes: make(map[uint64]*class), other: &class{}, failures: make(map[string]*failure), named: make(map[uint64]int)}
			o.load.halved = append(o.load.halved, o.other.Spark.halve)
			return o, nil
		}
	},
}

// output gathers what the page shows.
type output struct {
	w               io.WriteCloser
	env             *sink.Env
	noSQL, noValues bool

	load       series
	durations  histogram
	classes    map[uint64]*class
	other      *class // the queries beyond the bound of classes
	conns      []*connection
	left       int // of them, when some were let go the last time
	allConns   uint64
	encrypted  uint64 // of them, those that could not be read
	joined     uint64 // those that began before the capture
	messages   uint64
	asked      uint64 // queries
	skipped    uint64 // those that the server passed over after an error
	users      groups
	databases  groups
	apps       groups
	clients    groups
	failures   map[string]*failure
	allErrors  uint64
	moreErrors uint64         // beyond the bound of groups
	findings   [][]byte       // as JSON
	moreFound  uint64         // findings beyond the bound
	named      map[uint64]int // how many findings name a connection
	flows      flows
	streams    []*stream
	moreStream uint64 // replication connections beyond the bound
	text       textVisitor
	zone       record.Zone
}

// Wants is all messages, for the ladders: rows and COPY data are told already for the
// findings' sake.
func (o *output) Wants() sink.Wants {
	return sink.Wants{
		Messages: sink.AllKinds(), Queries: true, LeftOut: true, Connections: true,
		Normalized: true, Parameters: true,
	}
}

func (o *output) Record(r record.Record) {
	if o.load.start == 0 && o.env.Begun != nil {
		if first := o.env.Begun(); first != 0 {
			o.load.at(first)
		}
	}
	switch r := r.(type) {
	case *record.Message:
		o.messages++
		o.flows.message(r)
		if r.Query == 0 && (r.Kind == messages.KindErrorResponse || r.Kind == messages.KindErrorResponseV2) {
			o.failedOutside(r)
		}
	case *record.Query:
		o.query(r)
	case *record.Connection:
		o.end(r)
	case *record.Notice:
	default:
		if r.Schema().Name == "finding" {
			o.finding(r)
		}
	}
}

func (o *output) Tick(int64) {}

// since returns a time as the page has it: nanoseconds since the first slot began.
func (o *output) since(ns int64) int64 {
	if o.load.start == 0 {
		o.load.at(ns)
	}
	return ns - o.load.start
}

func (o *output) query(q *record.Query) {
	if q.Skipped { // the server did nothing for it
		o.skipped++
		o.flows.done(o.flows.take(q))
		return
	}
	o.asked++
	i, s := o.load.at(q.Place().Time)
	s.queries++
	s.rows += q.Rows
	s.bytes += q.Bytes
	if q.Error != nil {
		s.errors++
	}
	if q.Duration >= 0 {
		s.durations.add(q.Duration)
		o.durations.add(q.Duration)
	}
	o.users.add(q.Who.User, q)
	o.databases.add(q.Who.Database, q)
	o.apps.add(q.Who.Application, q)
	host, _ := splitPort(q.Conn.Client)
	o.clients.add(host, q)
	o.connOf(q.Conn).query(o, q)
	flow := o.flows.take(q)
	c := o.classOf(q)
	c.add(q, i)
	if c != o.other && c.slow(q) {
		c.keep(o.call(q, flow))
	}
	if q.Error != nil {
		o.failed(q)
	}
	o.flows.done(flow)
}

// call copies what is shown of an execution.
func (o *output) call(q *record.Query, f *flow) *call {
	k := &call{
		Time: o.since(q.Place().Time), Conn: q.Conn.ID, ID: q.ID, Frame: q.Place().Frame,
		Duration: q.Duration, Rows: q.Rows, Error: string(q.SQLState()),
	}
	if !o.noValues {
		k.SQL = o.sqlText(q.SQL)
		k.Params = cut(o.text.params(q, &o.zone), maxParams)
	}
	if f != nil && q.Start.Time != 0 {
		k.Steps, k.More = f.copy(q.Start.Time), f.more
	}
	return k
}

func (o *output) end(c *record.Connection) {
	o.allConns++
	if c.Info.Started.Time != 0 {
		_, s := o.load.at(c.Info.Started.Time)
		s.opened++
	}
	state := c.Info.State.String()
	goesOn := state == stateOpen && !c.Info.GivenUp
	if c.Info.Ended.Time != 0 && !goesOn {
		_, s := o.load.at(c.Info.Ended.Time)
		s.closed++
	}
	if c.Info.Unreadable {
		o.encrypted++
	}
	if c.Info.MidStream {
		o.joined++
	}
	o.stream(c)
	k := o.connOf(c.Conn)
	k.who(c.Who)
	k.State, k.over, k.goesOn = state, true, goesOn
	if c.Info.Ended.Time != 0 && !goesOn {
		k.close(o.since(c.Info.Ended.Time))
	}
}

// stateOpen is that of connections which the capture has no end of.
const stateOpen = "open"

// End writes the page.
func (o *output) End(t *record.Totals) error {
	if o.load.start != 0 && t.Last > o.load.start {
		o.load.at(t.Last) // the charts are of the whole capture
		for _, c := range o.conns {
			if c.goesOn {
				c.close(o.since(t.Last))
			}
		}
	}
	page, err := o.page(t)
	if err == nil {
		_, err = o.w.Write(page)
	}
	if e := o.w.Close(); err == nil {
		err = e
	}
	return err
}
