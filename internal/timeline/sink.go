package timeline

import (
	"strconv"
	"time"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/spf13/pflag"
)

// Output is the row of the registry.
var Output = sink.Output{
	Name: "trace-events", Help: "a timeline for Perfetto and speedscope",
	Setup: func(*pflag.FlagSet) sink.OpenOutput {
		return func(env *sink.Env) (sink.Sink, error) {
			w, err := env.CreateText()
			if err != nil {
				return nil, err
			}
			o := &output{
				Text: w, env: env, servers: make(map[string]int), tracks: make(map[uint64]string), engine: findings.NewFeed(),
			}
			o.engine.OnLockWait = o.lockWait
			return o, nil
		}
	},
}

type output struct {
	*sink.Text
	env     *sink.Env
	begun   bool
	start   int64          // time of the first record
	servers map[string]int // numbers of processes in the viewer
	// tracks are the servers of the open connections that have a track.
	tracks  map[uint64]string
	engine  *findings.Feed // for lock waits
	e       event
	summary []byte
}

// maxServers bounds the servers that have a group of their own; further ones share
// group 0.
const maxServers = 10_000

// track is what is kept of a connection.
type track struct {
	named string // what the track was called last
	// ends is when the latest query of each lane ended. Queries that were sent before
	// the reply to the one before overlap, which a track cannot show: they have lanes of
	// their own.
	ends  [lanes]int64
	lanes int // that have a name
	// The transaction that is open.
	begin   int64
	queries int
	failed  bool
}

// lanes is how many queries of a connection can lie beside one another; further ones
// are on the last lane.
const lanes = 8

// lane returns where a query has room.
func (t *track) lane(q *record.Query) int {
	i := 0
	for i < lanes-1 && t.ends[i] > q.Start.Time {
		i++
	}
	t.ends[i] = q.Start.Time + q.Duration
	return i
}

func (o *output) Wants() sink.Wants {
	return findings.Wants().Or(sink.Wants{Queries: true, Connections: true, Notices: true, Network: true, Normalized: true})
}

func (o *output) Record(r record.Record) {
	if o.Failed() {
		return
	}
	o.engine.Record(r)
	switch r := r.(type) {
	case *record.Query:
		if !r.Sampled.LeftOut {
			o.query(r)
		}
	case *record.Notice:
		o.notice(r)
	case *record.Connection:
		o.connection(r)
	case *netfacts.Record:
		o.network(r)
	}
}

func (o *output) Tick(int64) {}

func (o *output) of(c *record.Conn) *track {
	t, _ := c.Slot(o.env.Slot).(*track)
	if t == nil {
		t = new(track)
		c.SetSlot(o.env.Slot, t)
	}
	return t
}

// begin begins an event on the track of a connection.
func (o *output) begin(c *record.Conn, phase byte, name string, at int64) *event {
	if !o.begun {
		o.begun, o.start = true, at
		o.put([]byte(`{"displayTimeUnit":"ms","otherData":{"program":"pgsniff","start":"` +
			time.Unix(0, at).UTC().Format(time.RFC3339Nano) + `"},"traceEvents":[` + "\n"))
	} else {
		o.put([]byte(",\n"))
	}
	return o.e.begin(phase, name, at-o.start, o.server(c), c.ID*lanes)
}

func (o *output) put(b []byte) {
	_, _ = o.Write(b) // the error stays
}

// server returns the number of a connection's server.
func (o *output) server(c *record.Conn) int {
	n, ok := o.servers[c.Server]
	if !ok && len(o.servers) < maxServers {
		n = len(o.servers) + 1
		o.servers[c.Server] = n
	}
	return n
}

// name says what a track is, when that is known.
func (o *output) name(c *record.Conn, who *record.Who, t *track, at int64) {
	label := "#" + strconv.FormatUint(c.ID, 10) + " " + c.Client
	if who.User != "" {
		label += " " + who.User + "@" + who.Database
	}
	if who.Application != "" {
		label += " (" + who.Application + ")"
	}
	if t.named == label {
		return
	}
	known := len(o.servers)
	first := t.named == ""
	t.named = label
	o.tracks[c.ID] = c.Server
	e := o.begin(c, 'M', "thread_name", at)
	e.args().string("name", label)
	o.put(e.end())
	if len(o.servers) > known {
		e = o.begin(c, 'M', "process_name", at)
		e.args().string("name", "server "+c.Server)
		o.put(e.end())
	}
	if first {
		e = o.begin(c, 'M', "thread_sort_index", at)
		e.args().int("sort_index", int64(c.ID)*lanes)
		o.put(e.end())
	}
}

// nameLane says what a further lane is.
func (o *output) nameLane(c *record.Conn, t *track, lane int, at int64) {
	for ; t.lanes < lane; t.lanes++ {
		for _, m := range [...]struct {
			event, arg string
		}{{"thread_name", "name"}, {"thread_sort_index", "sort_index"}} {
			e := o.begin(c, 'M', m.event, at)
			e.lane(t.lanes + 1)
			if e.args(); m.arg == "name" {
				e.string(m.arg, "#"+strconv.FormatUint(c.ID, 10)+" pipelined")
			} else {
				e.int(m.arg, int64(c.ID)*lanes+int64(t.lanes)+1)
			}
			o.put(e.end())
		}
	}
}

// query writes a query, and the transaction that it ends.
func (o *output) query(q *record.Query) {
	at := q.Place().Time
	t := o.of(q.Conn)
	o.name(q.Conn, q.Who, t, at)
	if q.Duration >= 0 && q.Start.Time != 0 {
		o.summary = sqlnorm.AppendSummary(o.summary[:0], q.SQL)
		name := string(o.summary)
		if name == "" {
			name = q.Operation
		}
		if name == "" {
			name = q.Protocol.String()
		}
		lane := t.lane(q)
		o.nameLane(q.Conn, t, lane, at)
		e := o.begin(q.Conn, 'X', name, q.Start.Time)
		e.lane(lane)
		e.duration(q.Duration)
		o.arguments(e, q)
		o.put(e.end())
	}
	o.transaction(q, t)
}

// arguments writes what the viewer shows of a query that one clicks at.
func (o *output) arguments(e *event, q *record.Query) {
	if q.Error != nil {
		e.string("cname", "terrible") // a colour by name
	}
	e.args()
	e.int("query", int64(q.ID))
	e.text("sql", q.Normalized)
	e.int("rows", int64(q.Rows))
	e.int("bytes", int64(q.Bytes))
	e.text("error", q.SQLState())
	if ns := q.FirstReplyTime(); ns >= 0 {
		e.int("first_reply_us", ns/1000)
	}
	if !q.Complete {
		e.bool("complete", false)
	}
}

// transaction follows the status that the server tells. It writes a transaction when
// it has ended, if its begin was seen.
func (o *output) transaction(q *record.Query, t *track) {
	switch q.Tx {
	case 'T', 'E':
		if t.begin == 0 && q.TxBefore == 'I' && q.Start.Time != 0 {
			t.queries, t.failed, t.begin = 0, false, q.Start.Time
		}
		t.queries++
		t.failed = t.failed || q.Tx == 'E'
		return
	case 'I':
		if t.begin != 0 && q.End.Time >= t.begin {
			t.queries++
			o.ended(q.Conn, t, q.End.Time, "transaction")
		}
	}
	t.begin = 0 // it ended, or is not known any more
}

func (o *output) ended(c *record.Conn, t *track, at int64, name string) {
	e := o.begin(c, 'X', name, t.begin)
	e.duration(at - t.begin)
	if t.failed {
		e.string("cname", "bad")
	}
	e.args()
	e.int("queries", int64(t.queries))
	o.put(e.end())
}

// notice writes a mark: bytes that were lost, encryption that begins.
func (o *output) notice(n *record.Notice) {
	e := o.begin(n.Conn, 'i', n.Code, n.At.Time)
	e.string("s", "t") // on its track
	e.args().string("text", n.Text)
	o.put(e.end())
}

// connection writes a transaction that its connection's end leaves open.
func (o *output) connection(c *record.Connection) {
	t := o.of(c.Conn)
	if t.begin != 0 && c.Info.Ended.Time >= t.begin {
		o.ended(c.Conn, t, c.Info.Ended.Time, "transaction, not ended")
	}
	delete(o.tracks, c.Conn.ID)
	t.begin = 0
}

func (o *output) End(*record.Totals) error {
	o.engine.Finish()
	if !o.begun {
		o.put([]byte(`{"traceEvents":[`))
	}
	o.put([]byte("\n]}\n"))
	return o.Close()
}
