package report

import (
	"github.com/pgsniff/pgsniff/internal/record"
)

// Bounds of what is kept of connections.
const (
	maxConns   = 600
	maxPauses  = 12 // of a connection
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
}

// group is what one user, database, application or client did.
type group struct {
	Name   string `json:"name"`
	Calls  uint64 `json:"calls"`
	Errors uint64 `json:"errors"`
	Rows   uint64 `json:"rows"`
	Total  int64  `json:"total"`
}

// failure is the errors with one code and message.
type failure struct {
	State    string `json:"sqlstate"`
	Severity string `json:"severity,omitempty"`
	Message  string `json:"message,omitempty"`
	Count    uint64 `json:"count"`
	Example  *call  `json:"example"`
}

// pause notes how long a connection was idle in a transaction before a query.
func (c *connection) pause(o *output, q *record.Query) {
	if q.Pause < shortPause || q.PauseTx != 'T' && q.PauseTx != 'E' {
		return
	}
	c.IdleTime += q.Pause
	if len(c.Idle) < maxPauses {
		at := o.since(q.Start.Time)
		c.Idle = append(c.Idle, [2]int64{at - q.Pause, at})
	}
}

// connOf returns the bar of a connection, nil where there are too many.
func (o *output) connOf(c *record.Conn) *connection {
	if k, ok := c.Slot(o.env.Slot).(*connection); ok {
		return k
	}
	if len(o.conns) >= maxConns {
		return nil
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
	other  uint64 // queries of names beyond the bound
}

func (g *groups) add(name string, q *record.Query) {
	k := g.byName[name]
	if k == nil {
		if len(g.byName) >= maxGroups {
			g.other++
			return
		}
		if g.byName == nil {
			g.byName = make(map[string]*group)
		}
		k = &group{Name: name}
		g.byName[name] = k
	}
	k.Calls++
	k.Rows += q.Rows
	k.Total += max(q.Duration, 0)
	if q.Error != nil {
		k.Errors++
	}
}
