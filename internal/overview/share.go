package overview

import (
	"cmp"
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Findings cost as much for a query cycle as all else together. Of live traffic they are
// looked for in all that comes while that is little, and in a share of it where it is
// more: connections that ask seldom are looked at whole, of the busy ones one after the
// other for a second each. A connection that is left is to the findings as if the capture
// had ended for it, and begun again later.

const (
	// watchedRate is how many query cycles and messages a second findings are looked for
	// in. At a microsecond for each that is 0.2 % of a processor.
	watchedRate = 2000
	// freshShare is what a connection may use of it before its first share is given, or
	// when it was silent.
	freshShare = watchedRate / 4
	// burst is from how many in a second on connections are left for the rest of it that
	// have used more than seldom: shares are more than there is, since few are used up.
	burst  = 2 * watchedRate
	seldom = watchedRate / 8
	// columnsRate is up to how many query cycles and messages a second findings are told of
	// rows and of their columns: both have to be taken of all queries, and cost a tenth of
	// what a query does in all. Without, a loop of queries is found all the same, but not
	// by which column of which result it goes.
	columnsRate = 20_000
)

// gate tells whether findings are looked for in what comes of a connection.
type gate uint8

const (
	fresh gate = iota // no share was given to it yet: it is open
	open
	shut
	ajar // open from the end of the query cycle on that is under way
)

// share is what a connection has of the cycles and messages that are looked at.
type share struct {
	gate  gate
	asked int // cycles and messages in this second
	left  int // of its share
}

// looks reports whether findings are looked for in a query cycle or message of a
// connection, and counts it. It belongs to the goroutine of the sessions.
func (c *Collector) looks(k *seen, id uint64, cycle bool) bool {
	if !c.opt.Live {
		return true
	}
	s := &k.share
	s.asked++
	switch s.gate {
	case shut:
		return false
	case ajar:
		if cycle {
			s.gate = open
		}
		return false
	case fresh:
		s.gate, s.left = open, freshShare
	}
	if s.left, c.left = s.left-1, c.left-1; cycle && (s.left < 0 || c.left < 0 && s.asked > seldom) {
		c.leave(s, id)
		return false
	}
	return true
}

func (c *Collector) leave(s *share, id uint64) {
	s.gate = shut
	c.leaving = true
	c.feed.Leave(id)
}

// looksAt reports whether a record goes to the findings.
func (c *Collector) looksAt(r record.Record) bool {
	if !c.opt.Live {
		return true
	}
	switch r := r.(type) {
	case *record.Query:
		if c.counted != nil {
			return c.looked
		}
		return c.countLook(c.looks(c.seenOf(r.Conn), r.Conn.ID, true))
	case *netfacts.Record:
		conn := c.places[r.Conn] // written by this goroutine alone
		return conn == nil || c.seenOf(conn).gate != shut
	case *record.Connection:
		if c.seenOf(r.Conn).gate == shut {
			c.feed.Forget(r.Conn.ID)
			return false
		}
		return true
	}
	conn := r.Of()
	return conn == nil || c.seenOf(conn).gate != shut
}

// countLook counts the cycles that are looked at.
func (c *Collector) countLook(looked bool) bool {
	if looked {
		c.lookedAt.Add(1)
	}
	return looked
}

// seenOf is seen, for what does not hold the lock.
func (c *Collector) seenOf(conn *record.Conn) *seen {
	if k, ok := conn.Slot(slot).(*seen); ok {
		return k
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen(conn)
}

// demand is what a connection asked in a second.
type demand struct {
	*seen
	session *session.Session
}

// shareOut gives shares for the second that comes, by what was asked in the latest: those
// that ask least get all they want, of half of what there is; one of the others gets what
// is left.
func (c *Collector) shareOut() {
	c.left = burst
	list, asked := c.demands[:0], 0
	for s := range c.open {
		k, ok := record.ConnOf(s).Slot(slot).(*seen)
		switch {
		case !ok: // nothing came of it yet
		case k.asked == 0:
			k.admit(s, freshShare)
		default:
			list, asked = append(list, demand{k, s}), asked+k.asked
		}
	}
	order.By(list, func(a, b *demand) int {
		return cmp.Or(cmp.Compare(a.asked, b.asked), cmp.Compare(a.session.ID, b.session.ID))
	})
	c.describe(asked)
	left := watchedRate
	if c.lean {
		left /= 4
	}
	turns := left / 2
	if asked <= left {
		turns = 0
	}
	for len(list) > 0 && list[0].asked <= left-turns {
		left -= list[0].asked
		list[0].admit(list[0].session, max(2*list[0].asked, freshShare))
		list[0].asked = 0
		list = list[1:]
	}
	c.takeTurns(list, left)
	c.tellShut()
	clear(c.demands)
	c.demands = c.demands[:0]
}

// describe says whether rows and columns are told of, by what was asked in a second. Where
// they were not it takes less to go on without.
func (c *Collector) describe(asked int) {
	lean := asked > columnsRate || c.lean && asked > columnsRate/2
	if lean != c.lean && c.opt.Columns != nil && c.rows != nil {
		c.opt.Columns(!lean)
		*c.rows = !lean
	}
	c.lean = lean
}

// takeTurns opens one of the busy connections, after the one that was open before.
func (c *Collector) takeTurns(busy []demand, left int) {
	next := -1
	for i := range busy {
		if id := busy[i].session.ID; id > c.turn && (next < 0 || id < busy[next].session.ID) {
			next = i
		}
	}
	if next < 0 {
		for i := range busy {
			if next < 0 || busy[i].session.ID < busy[next].session.ID {
				next = i
			}
		}
	}
	for i := range busy {
		k := &busy[i]
		k.asked = 0
		switch id := k.session.ID; {
		case i == next:
			c.turn = id
			k.admit(k.session, left)
		case k.gate != shut:
			c.leave(&k.share, id)
		}
	}
}

// tellShut says which connections nothing is looked for in.
func (c *Collector) tellShut() {
	var list *netfacts.Set
	for s := range c.open {
		if k, ok := record.ConnOf(s).Slot(slot).(*seen); ok && k.gate == shut {
			if list == nil {
				list = &netfacts.Set{}
			}
			(*list)[s.ID] = struct{}{}
		}
	}
	c.leaving = false
	c.shut.Store(list)
}

// Left holds the connections that findings are not looked for in at present.
func (c *Collector) Left() *atomic.Pointer[netfacts.Set] { return &c.shut }

// admit gives a share.
func (s *share) admit(conn *session.Session, n int) {
	s.left = n
	switch {
	case s.gate == shut && conn.InFlight() != nil:
		s.gate = ajar
	case s.gate != ajar || conn.InFlight() == nil:
		s.gate = open
	}
}

// Looked returns of how many query cycles findings were looked for in how many.
func (c *Collector) Looked() (in, of uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opt.Live {
		return c.cycles, c.cycles
	}
	return min(c.lookedAt.Load(), c.cycles), c.cycles
}
