package findings

import (
	"encoding/binary"
	"fmt"

	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// A standby lags where it is lagBytes behind, or where the distance grows for
	// lagTime with reports coming, or where it is silent for quietTime while data
	// flows.
	lagBytes  = 16 << 20
	lagTime   = 3 * second
	quietTime = 10 * second
	minLags   = 3
)

var replicationLag = &code{name: "replication_lag", finish: finishLag}

// replication is a walsender's connection.
type replication struct {
	sent         uint64 // end of what was sent
	write, flush uint64
	apply        uint64
	first        Stamp
	base         uint64 // where it began
	status       int64  // the latest report
	reports      uint64
	growing      int64 // since when the distance has been growing
	grown        uint64
	lag          uint64 // at the latest report
	least        uint64
	most         uint64
	longest      int64 // of growth
	age          int64 // of what is not flushed, at most
	pending      []walAt
	closed       int64 // nanoseconds that its window was closed
	closedTimes  uint64
	draft        *draft
	caught       bool // it has been close to the end once
	startedAt    int64
	quiet        int64 // the longest without a report, while data came
	dataSince    int64
	dataBytes    uint64
	initial      uint64
}

// walAt is when WAL up to a place was sent.
type walAt struct {
	lsn uint64
	at  int64
}

// maxPending bounds the places whose time is known.
const maxPending = 256

// replicates takes a CopyData of a replication connection (manual: "Streaming
// Replication Protocol").
func (e *Engine) replicates(c *conn, m *Message) {
	if len(m.Body) < 1 {
		return
	}
	r := c.repl
	if r == nil {
		r = &replication{first: m.At, startedAt: m.At.Time}
		c.repl = r
	}
	u64 := func(at int) uint64 {
		if len(m.Body) < at+8 {
			return 0
		}
		return binary.BigEndian.Uint64(m.Body[at:])
	}
	switch {
	case m.Direction == messages.Backend && m.Body[0] == 'w':
		// Where the data end: a logical message has no length in WAL.
		end := max(u64(1), u64(9))
		r.sends(end, m.At.Time)
		r.dataBytes += uint64(m.Len)
		if r.dataSince == 0 {
			r.dataSince = m.At.Time
		}
		if last := max(r.status, r.dataSince); m.At.Time-last > r.quiet {
			r.quiet = m.At.Time - last
		}
	case m.Direction == messages.Backend && m.Body[0] == 'k':
		r.sends(u64(1), m.At.Time)
	case m.Direction == messages.Frontend && m.Body[0] == 'r':
		r.write, r.flush, r.apply = u64(1), u64(9), u64(17)
		r.reported(m.At.Time)
	default:
		return
	}
	e.lagging(c, m)
}

func (r *replication) sends(end uint64, at int64) {
	if r.base == 0 {
		r.base = end
	}
	if end <= r.sent {
		return
	}
	r.sent = end
	if len(r.pending) < maxPending {
		r.pending = append(r.pending, walAt{end, at})
	} else {
		r.pending[len(r.pending)-1] = walAt{end, at}
	}
}

// reported takes a report of the standby.
func (r *replication) reported(at int64) {
	if r.sent == 0 {
		return
	}
	r.status = at
	r.reports++
	place := max(r.flush, r.write)
	if r.flush != 0 {
		place = r.flush
	}
	kept := r.pending[:0]
	for _, p := range r.pending {
		if p.lsn > place {
			kept = append(kept, p)
		}
	}
	r.pending = kept
	lag := uint64(0)
	if place < r.sent && place != 0 {
		lag = r.sent - place
	}
	if len(kept) > 0 {
		r.age = max(r.age, at-kept[0].at)
	}
	if r.reports == 1 {
		r.initial = lag
	}
	switch {
	case lag > r.lag && r.reports > 1:
		if r.growing == 0 {
			r.growing, r.least = at, r.lag
		}
		r.grown = lag - r.least
		r.longest = max(r.longest, at-r.growing)
	case lag*10 < r.lag*9:
		r.growing = 0
	}
	r.lag = lag
	r.most = max(r.most, lag)
	if lag*4 < r.initial || r.initial == 0 {
		r.caught = true
	}
}

// replicaWindow takes the time that a standby's window was closed.
func (e *Engine) replicaWindow(c *conn, v *netfacts.Event) {
	if c.repl != nil && v.FromClient {
		c.repl.closed += v.Length
		c.repl.closedTimes++
	}
}

func (e *Engine) lagging(c *conn, m *Message) {
	r := c.repl
	if r.draft == nil {
		if r.most < lagBytes && r.longest < lagTime && r.closedTimes < minClosed && r.quiet < quietTime && r.age < lagTime {
			return
		}
		if r.draft = e.draft(replicationLag, c.app, c.ID); r.draft == nil {
			return
		}
		r.draft.data = r
		r.draft.note(r.first)
		r.draft.on(c)
	}
	d := r.draft
	d.span(m.At)
	d.count = r.reports
	if m.Direction == messages.Frontend && d.wants() && r.lag > 0 && r.lag*2 >= r.most {
		d.show(m.At, c, 0, fmt.Sprintf("sent up to %s, flushed up to %s: %s behind", lsn(r.sent), lsn(r.flush), units.Bytes(r.lag)))
	}
}

func lsn(n uint64) string { return fmt.Sprintf("%X/%X", n>>32, uint32(n)) }

func finishLag(e *Engine, d *draft) (f Finding, ok bool) {
	r := d.data.(*replication)
	s := Info
	closed := r.closedTimes >= minClosed && r.closed >= closedTime
	switch {
	case r.most >= lagBytes && r.caught, closed && r.age >= second, r.quiet >= quietTime && r.dataBytes > 0,
		r.age >= lagTime && r.longest >= lagTime:
		s = Warning
	case r.longest >= lagTime, r.most >= lagBytes, closed, r.age >= lagTime:
	default:
		return f, false
	}
	d.cost.Bytes = r.most
	f = d.finding(s, Strong)
	f.Title = fmt.Sprintf("The replica %s falls behind: %s not flushed there at most, %s old", d.app.name(), units.Bytes(r.most), units.Duration(r.age))
	if r.grown > 0 {
		f.Title += fmt.Sprintf(", growing by %s within %s", units.Bytes(r.grown), units.Duration(r.longest))
	}
	if closed {
		f.Title += fmt.Sprintf("; its receive window was closed for %s", units.Duration(r.closed))
	}
	f.Advice = "The receiver does not read or write as fast as WAL is made: look at its disk and its apply (one worker, a slow sink, a conflict with queries). The server keeps WAL for its slot meanwhile: max_slot_wal_keep_size."
	return f, true
}
