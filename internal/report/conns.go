package report

import (
	"slices"

	"github.com/pgsniff/pgsniff/internal/record"
)

// Bounds of what is kept of connections.
const (
	maxConns = 600
	// maxKept is how many are kept while the capture is read, of which those on the page
	// are chosen: more than are followed at once. Half a kilobyte each at most.
	maxKept    = 50_000
	maxPauses  = 12 // of a connection, the longest ones
	shortPause = 10_000_000
	maxGroups  = 50
	maxErrors  = 100
	maxOpen    = 4096 // queries whose messages are held
)

// connection is a bar of the chart of connections.
type connection struct {
	ID       uint64     `json:"id"`
	Start    int64      `json:"start"` // since the start of the page's time
	End      int64      `json:"end"`
	User     string     `json:"user,omitempty"`
	Database string     `json:"database,omitempty"`
	App      string     `json:"app,omitempty"`
	Client   string     `json:"client"`
	Server   string     `json:"server"`
	State    string     `json:"state,omitempty"`
	Queries  uint64     `json:"queries"`
	Errors   uint64     `json:"errors"`
	Idle     [][2]int64 `json:"idle,omitempty"` // in a transaction: from, to
	IdleTime int64      `json:"idle_time,omitempty"`
	Findings int        `json:"findings,omitempty"` // that name it

	over   bool  // nothing comes of it any more
	goesOn bool  // it is over because the capture is
	inTx   bool  // as of its latest query
	asked  int64 // when that was over, since the start of the page's time
}

// group is what one user, database, application or client did.
type group struct {
	Name   string `json:"name"`
	Calls  uint64 `json:"calls"`
	Errors uint64 `json:"errors"`
	Rows   uint64 `json:"rows"`
	Total  int64  `json:"total"`
}

// query notes a query of a connection, and how long it was idle in a transaction before.
func (c *connection) query(o *output, q *record.Query) {
	c.who(q.Who)
	c.Queries++
	if q.Error != nil {
		c.Errors++
	}
	if q.Pause >= 0 && inTransaction(q.PauseTx) {
		at := o.since(q.Start.Time)
		c.idle(at-q.Pause, at)
	}
	c.asked = o.since(max(q.End.Time, q.Start.Time))
	c.End = max(c.End, c.asked)
	c.inTx = q.Complete && inTransaction(q.Tx)
}

func inTransaction(status byte) bool { return status == 'T' || status == 'E' }

// idle notes a pause in a transaction. The longest ones are kept, in order of time.
func (c *connection) idle(from, to int64) {
	if to-from < shortPause {
		return
	}
	c.IdleTime += to - from
	if len(c.Idle) == maxPauses {
		least := 0
		for i, k := range c.Idle {
			if k[1]-k[0] < c.Idle[least][1]-c.Idle[least][0] {
				least = i
			}
		}
		if k := c.Idle[least]; to-from <= k[1]-k[0] {
			return
		}
		c.Idle = slices.Delete(c.Idle, least, least+1)
	}
	c.Idle = append(c.Idle, [2]int64{from, to})
}

// close notes the end of a connection; of one that goes on, that of the capture.
func (c *connection) close(at int64) {
	c.End = max(c.End, at)
	if c.inTx {
		c.idle(c.asked, c.End)
		c.inTx = false
	}
}

// connOf returns the bar of a connection.
func (o *output) connOf(c *record.Conn) *connection {
	if k, ok := c.Slot(o.env.Slot).(*connection); ok {
		return k
	}
	if len(o.conns) >= max(maxKept, o.left+maxKept/2) {
		o.forget()
	}
	k := &connection{ID: c.ID, Start: o.since(c.Started.Time), Client: c.Client, Server: c.Server}
	c.SetSlot(o.env.Slot, k)
	o.conns = append(o.conns, k)
	return k
}

// who sets what is known of a client.
func (c *connection) who(w *record.Who) {
	c.User, c.Database, c.App = w.User, w.Database, w.Application
}

// groups are queries by one property.
type groups struct {
	byName map[string]*group
	other  *group // those of names beyond the bound
}

func (g *groups) add(name string, q *record.Query) {
	k := g.byName[name]
	if k == nil {
		k = g.begin(name)
	}
	k.Calls++
	k.Rows += q.Rows
	k.Total += max(q.Duration, 0)
	if q.Error != nil {
		k.Errors++
	}
}

// begin returns the group of a name that has none yet.
func (g *groups) begin(name string) *group {
	if len(g.byName) >= maxGroups {
		if g.other == nil {
			g.other = &group{Name: "(others)"}
		}
		return g.other
	}
	if g.byName == nil {
		g.byName = make(map[string]*group)
	}
	k := &group{Name: name}
	g.byName[name] = k
	return k
}
