package overview

import (
	"cmp"
	"slices"

	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/session"
)

const (
	// maxConns bounds the connections that are shown: those that do something come
	// first. maxEnded bounds those that are over: of live traffic the latest.
	maxConns     = 5000
	maxEnded     = 5000
	maxEndedLive = 200
	// maxRunning is how much is shown of a query that is running, in bytes.
	maxRunning = 1000
	// waitsAfter is from when on a query without any reply counts as waiting, in ns.
	waitsAfter = second
	// maxPlaces bounds the connections that can be found by their number.
	maxPlaces = 50_000
	// slot is where a Collector keeps what it knows of a connection: it is the only
	// output of its run.
	slot = 0
)

// State is what a connection does.
type State uint8

// The states, busiest first.
const (
	Waiting     State = iota // a query has had no reply for a second
	Active                   // a query is running
	Copying                  // COPY
	Failed                   // idle in a transaction that has failed
	InTx                     // idle in a transaction
	Replicating              // streaming
	Starting                 // it is being opened
	Idle
	Encrypted // nothing can be seen
	Unknown   // it was joined in the middle, and said nothing yet
	Ended
)

var stateNames = [...]string{
	"waiting", "active", "copying", "idle in failed tx", "idle in tx", "replicating", "starting", "idle", "encrypted", "unknown", "ended",
}

func (s State) String() string { return stateNames[s] }

// Conn is a connection as the screen shows it.
type Conn struct {
	Place                       *record.Conn
	ID                          uint64
	Client, Server              string
	User, Database, Application string
	State                       State
	How                         string // of an ended one: terminated, reset, …
	Since                       int64  // when the state began, ns since the epoch; 0: not known
	For                         int64  // how long it has been so, ns; negative: not known
	SQL                         string // of the query that is running
	Query                       uint64 // its number within the connection
	Asked                       record.Stamp
	Queries, Errors, Rows       uint64
	Rate                        float64 // queries a second, lately
	Latest                      record.Stamp

	silent bool // nothing of the running query was answered
}

// seen is what is kept with a connection.
type seen struct {
	ended int64 // when the latest query ended
	left  *left // the query that has not, as it seems; nil if there is none
	// Of the rate.
	at      int64
	queries uint64
	rate    float64
	share
}

// seen returns what is kept with a connection, which can be found by its number from
// then on.
func (c *Collector) seen(conn *record.Conn) *seen {
	if k, ok := conn.Slot(slot).(*seen); ok {
		return k
	}
	k := new(seen)
	conn.SetSlot(slot, k)
	c.remember(conn)
	return k
}

func (c *Collector) remember(conn *record.Conn) {
	if _, ok := c.places[conn.ID]; ok {
		return
	}
	if len(c.placesOrder) >= maxPlaces {
		if !c.opt.Live {
			return // the first ones are as good as the last
		}
		half := len(c.placesOrder) / 2
		for _, id := range c.placesOrder[:half] {
			delete(c.places, id)
		}
		c.placesOrder = slices.Clone(c.placesOrder[half:])
	}
	c.places[conn.ID] = conn
	c.placesOrder = append(c.placesOrder, conn.ID)
}

// Place returns a connection by its number, nil if it is not known any more.
func (c *Collector) Place(id uint64) *record.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.places[id]
}

// Opened takes note of a session that begins.
func (c *Collector) Opened(s *session.Session) { c.open[s] = struct{}{} }

// Closed takes note of its end. The session is used again after it.
func (c *Collector) Closed(s *session.Session) {
	delete(c.open, s)
	if !s.PostgreSQL() || c.opt.Shown != nil && !c.opt.Shown(s) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := s.Info().Ended.Time
	k := c.conn(s, at)
	k.How = s.Info().State.String()
	if s.Info().State != session.StateOpen {
		k.State, k.Since, k.For, k.SQL = Ended, at, -1, ""
	} else if x := c.seen(k.Place).left; x != nil && (k.State == Idle || k.State == InTx || k.State == Failed || k.State == Unknown) {
		x.describe(&k)
	}
	c.keepEnded(k)
	if c.started != 0 {
		c.now = max(c.now, at)
	}
}

func (c *Collector) keepEnded(k Conn) {
	switch {
	case c.opt.Live && len(c.ended) >= 2*maxEndedLive:
		c.ended = append(c.ended[:0], c.ended[maxEndedLive:]...)
		c.moreEnded += maxEndedLive
	case len(c.ended) >= maxEnded:
		c.moreEnded++
		return
	}
	c.ended = append(c.ended, k)
}

// look makes the list of connections anew. The sessions may be looked at, and nobody
// else looks at the set of them.
func (c *Collector) look(now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started == 0 {
		c.started = now
	}
	c.now = max(c.now, now)
	if c.opt.Totals != nil {
		c.totals = c.opt.Totals()
	}
	list := make([]Conn, 0, min(len(c.open), maxConns))
	c.moreConns = 0
	var streams []Stream
	for s := range c.open {
		if !s.PostgreSQL() || s.Info().State == session.StateNotPostgreSQL || c.opt.Shown != nil && !c.opt.Shown(s) {
			continue
		}
		if r := s.Replication(); r != nil && len(streams) < maxStreams {
			if sum := r.Summary(); sum != nil {
				streams = append(streams, c.stream(s, sum))
			}
		}
		if len(list) >= maxConns && s.InFlight() == nil {
			c.moreConns++
			continue
		}
		list = append(list, c.conn(s, now))
	}
	if len(list) > maxConns {
		order.By(list, func(a, b *Conn) int { return cmp.Compare(a.State, b.State) })
		c.moreConns += len(list) - maxConns
		list = list[:maxConns]
	}
	order.By(list, func(a, b *Conn) int { return cmp.Compare(a.ID, b.ID) })
	order.By(streams, func(a, b *Stream) int { return cmp.Compare(a.Place.ID, b.Place.ID) })
	c.conns, c.streams = list, streams
}

// conn is a session as the screen shows it.
func (c *Collector) conn(s *session.Session, now int64) Conn {
	i, place, totals := s.Info(), record.ConnOf(s), s.Totals()
	k := Conn{
		Place: place, ID: s.ID, Client: s.Client, Server: s.Server, User: i.User, Database: i.Database, Application: i.Application,
		Queries: totals.Queries, Rows: totals.Rows, Errors: i.Errors,
	}
	seen := c.seen(place)
	if d := now - seen.at; d >= second {
		if seen.at != 0 {
			seen.rate = float64(totals.Queries-seen.queries) * float64(second) / float64(d)
		}
		seen.at, seen.queries = now, totals.Queries
	}
	k.Rate = seen.rate
	if k.State, k.Since = c.state(s, seen); k.State == Ended {
		k.How = i.State.String()
	}
	if k.For = -1; k.Since != 0 {
		k.For = max(now-k.Since, 0)
	}
	if x := s.InFlight(); x != nil {
		k.Query, k.Asked = x.ID, x.Asked
		if k.State == Active && x.FirstReply.Frame == 0 && now-x.Asked.Time >= waitsAfter {
			k.State = Waiting
		}
		sql := x.SQL
		if c.secrets != nil {
			sql = c.secrets.Text(s, x)
		}
		k.SQL = cut(sql, maxRunning)
	}
	return k
}

func (c *Collector) state(s *session.Session, seen *seen) (State, int64) {
	i := s.Info()
	since := max(seen.ended, i.Started.Time)
	x := s.InFlight()
	switch {
	case i.State != session.StateOpen: // one side has left; packets of the other may come
		return Ended, since
	case unreadable(s):
		return Encrypted, i.Started.Time
	case s.Replication() != nil:
		return Replicating, i.Started.Time
	case x != nil && copies(x.Copy):
		return Copying, x.Asked.Time
	case x != nil:
		return Active, x.Asked.Time
	}
	switch s.Tx() {
	case 'T':
		return InTx, since
	case 'E':
		return Failed, since
	case 'I':
		return Idle, since
	}
	if i.MidStream {
		return Unknown, since
	}
	return Starting, since
}

// unreadable reports whether a connection is encrypted and nothing of its plaintext has been
// seen: Info says so only when it is over, since keys may come.
func unreadable(s *session.Session) bool {
	i := s.Info()
	if i.Unreadable {
		return true
	}
	return (s.Encrypted() || i.Encryption == session.EncryptionGSS) && i.User == "" && i.Auth == "" && s.Totals().Queries == 0
}

// Conns returns the connections that are open, by number, with how many there are
// besides, and those that are over with how many of these are not kept.
func (c *Collector) Conns() (open []Conn, more int, ended []Conn, moreEnded uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.conns), c.moreConns, slices.Clone(c.ended), c.moreEnded
}

// end takes what a connection's record says that its session does not.
func (c *Collector) end(r *record.Connection) {
	if sum := r.Info.Stream; sum != nil {
		k := Stream{Summary: *sum, Place: r.Conn, Over: true, Application: r.Who.Application, User: r.Who.User}
		switch n := len(c.endedStream); {
		case n < maxStreams:
			c.endedStream = append(c.endedStream, k)
		case c.opt.Live: // the latest ones are told
			c.endedStream = append(c.endedStream[:0], append(c.endedStream[1:], k)...)
		}
	}
	if r.Info.Failure != nil && r.Conn != nil {
		c.remember(r.Conn)
	}
}
