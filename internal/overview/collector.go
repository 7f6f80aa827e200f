package overview

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

const (
	// tick is how often, in the capture's time, the connections are looked at: as
	// often as the screen is drawn.
	tick = int64(250 * time.Millisecond)
	// findingTick is how often findings are looked for.
	findingTick = int64(time.Second)
	// silentTick is how often where nothing comes: only the time makes some.
	silentTick = 10 * second
	second     = int64(time.Second)
)

// Options configure a Collector.
type Options struct {
	Live bool
	Now  func() time.Time
	// Shown reports whether a connection is one of those asked for; nil: all are.
	Shown func(s *session.Session) bool
	// Totals returns what was counted so far; nil: nothing is.
	Totals func() record.Totals
	// Since returns when the part of the capture begins that is shown; 0: all is, as
	// where it is nil.
	Since func() int64
	// Columns is told whether findings want descriptions of results: see columnsRate. Nil:
	// they have them.
	Columns func(on bool)
}

// Collector adds up. Record, Tick, End, Opened and Closed belong to the goroutine of
// the sessions, all others may be called from any.
type Collector struct {
	opt    Options
	feed   *findings.Feed
	open   map[*session.Session]struct{}
	viewed time.Time // when the connections were last looked at
	found  int64     // when findings were
	fed    bool      // something came since then

	counted  *class // of the query whose record comes next; nil: it was not counted
	looked   bool   // findings are looked for in it
	within   bool   // the message that comes next is of a query cycle, whose record tells of its error
	secrets  Secrets
	left     int  // of burst
	leaving  bool // connections were left since shut was made
	sample   sample
	rows     *bool // findings are told of rows; nil: they are not
	lean     bool  // there are no rows and descriptions of results
	shut     atomic.Pointer[netfacts.Set]
	turn     uint64
	demands  []demand
	lookedAt atomic.Uint64 // query cycles in which findings are looked for

	mu          sync.Mutex
	started     int64 // time of the first record, ns
	slotFrom    int64 // of the latest slot of series: when it begins, ends
	slotTo      int64
	slot        int64
	now         int64 // the capture's clock
	done        bool
	totals      record.Totals
	load        series
	failed      series
	width       int64 // of a slot of series, ns
	durations   stats.Durations
	classes     map[uint64]*class
	latest      *class
	other       *class // queries beyond the bound of classes
	spent       int64  // sum of all durations
	kept        int    // bytes of executions
	conns       []Conn
	moreConns   int
	ended       []Conn
	moreEnded   uint64
	places      map[uint64]*record.Conn
	placesOrder []uint64
	failures    map[string]*failure
	moreFailed  uint64
	findings    []findings.Finding // worst and costliest first
	cycles      uint64
	streams     []Stream
	endedStream []Stream
	zone        record.Zone
	text        errorText
	scratch     []byte
}

// New returns a Collector.
func New(opt Options) *Collector {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	c := &Collector{
		opt: opt, feed: findings.NewFeed(), open: make(map[*session.Session]struct{}),
		classes: make(map[uint64]*class), other: &class{arms: true}, places: make(map[uint64]*record.Conn),
		failures: make(map[string]*failure), width: second, left: burst,
	}
	if !opt.Live {
		c.width = firstWidth
	}
	return c
}

// Wants is what findings are made of, with queries and connections among it.
func (c *Collector) Wants() sink.Wants {
	w := findings.Wants()
	w.Tick = tick
	return w
}

// Record takes a record: what the Front let through.
func (c *Collector) Record(r record.Record) {
	if c.looksAt(r) {
		c.feed.Record(r)
		c.fed = true
	}
	switch r := r.(type) {
	case *record.Query:
		c.mu.Lock()
		c.query(r)
		c.mu.Unlock()
	case *record.Message:
		if r.Kind == messages.KindErrorResponse && !c.within {
			c.mu.Lock()
			c.errorOutside(r)
			c.mu.Unlock()
		}
	case *record.Connection:
		c.mu.Lock()
		c.end(r)
		c.mu.Unlock()
	}
}

// query takes what is shown of a query cycle, and counts it where the Front did not.
func (c *Collector) query(q *record.Query) {
	k := c.counted
	if c.counted = nil; k == nil {
		k = c.count(&sample{
			seen: c.seen(q.Conn), at: q.Place().Time, end: max(q.End.Time, q.Start.Time), text: textOf(q),
			print: q.Fingerprint, duration: q.Duration, rows: q.Rows, failed: q.Error != nil,
		})
	}
	if q.Error != nil {
		c.failure(q)
	}
	if k != c.other && (q.Error != nil || k.worthKeeping(q.Duration, max(q.End.Time, q.Start.Time), c.opt.Live)) {
		c.keep(k, q)
	}
}

// sample is what is counted of a query cycle.
type sample struct {
	seen     *seen // of its connection
	at, end  int64
	text     *record.Normalized // nil if not known
	print    uint64             // of text; 0 if not known
	duration int64              // ns; negative: not known
	rows     uint64
	failed   bool
}

// textOf is what is counted of the text of a query's record.
func textOf(q *record.Query) *record.Normalized {
	if q.Normalized == nil {
		return nil
	}
	return &record.Normalized{Text: q.Normalized, Hash: q.Fingerprint, Operation: q.Operation}
}

// count counts a query cycle and returns its class.
func (c *Collector) count(q *sample) *class {
	if c.started == 0 {
		c.started = q.at
	}
	c.now = max(c.now, q.end)
	c.cycles++
	slot := c.slotOf(q.end)
	c.load.add(slot, c.opt.Live)
	if q.failed {
		c.failed.add(slot, c.opt.Live)
	}
	if q.duration >= 0 {
		c.durations.Add(q.duration, true)
		c.spent += q.duration
	}
	q.seen.ended = q.end
	k := c.latest
	if k == nil || k.print != q.print {
		k = c.classOf(q)
	}
	k.add(q, slot, c.opt.Live)
	return k
}

// Tick looks at the connections, and for findings.
func (c *Collector) Tick(now int64) {
	if c.leaving {
		c.tellShut()
	}
	if c.opt.Live || c.opt.Now().Sub(c.viewed) >= time.Duration(tick) {
		c.viewed = c.opt.Now()
		c.look(now)
	}
	if now-c.found < findingTick {
		return
	}
	if c.opt.Live {
		c.shareOut()
	}
	if !c.fed && now-c.found < silentTick {
		return
	}
	c.found, c.fed = now, false
	list := c.feed.Current(now)
	sortFindings(list)
	c.mu.Lock()
	c.findings = list
	c.mu.Unlock()
}

// End takes the last findings and the totals.
func (c *Collector) End(t *record.Totals) error {
	list := c.feed.Finish()
	sortFindings(list)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.findings = list
	c.totals, c.done = *t, true
	c.now = max(c.now, t.Last)
	endedAt(c.ended, c.now)
	c.conns, c.moreConns, c.streams = nil, 0, nil
	return nil
}

// Summary is what the first line of the screen shows.
type Summary struct {
	Started, Now int64 // the capture's clock, ns since the epoch
	Done         bool  // the source has ended
	Totals       record.Totals
	Queries      float64 // a second, of the latest seconds or of the whole capture
	Errors       float64
	P95          int64 // of all queries, ns
	Calls        uint64
	Load         []uint32 // queries over time
	Classes      int
	Findings     int
	Failures     int
	Open, Ended  int // connections
	Streams      int // replication connections: of live traffic those that are open
}

// Summary returns it.
func (c *Collector) Summary() Summary {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Summary{
		Started: c.begun(), Now: c.now, Done: c.done, Totals: c.totals, Calls: c.durations.Count(),
		P95: c.durations.Percentile(95), Classes: len(c.classes), Findings: len(c.findings), Failures: len(c.failures),
		Open: len(c.conns) + c.moreConns, Ended: len(c.ended) + int(c.moreEnded), Streams: len(c.streams),
	}
	if !c.opt.Live {
		s.Streams += len(c.endedStream)
	}
	s.Queries, s.Errors = c.rate(&c.load), c.rate(&c.failed)
	s.Load = c.load.list(c.slotOf(c.now), c.opt.Live)
	return s
}
