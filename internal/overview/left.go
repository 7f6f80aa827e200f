package overview

import (
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// A capture ends while queries run. Their exchanges are told as all others are, before the
// connection's end is, so that it would look idle.

// left is a query whose replies did not end.
type left struct {
	id     uint64
	asked  exchange.Stamp
	silent bool // nothing was answered
	copies bool
	sql    string
}

// unfinished takes note of a query cycle whose replies did not end: of several that were sent
// ahead, the first, which is what the server works at. One that has ended tells that there
// was none.
func (c *Collector) unfinished(s *session.Session, seen *seen, x *exchange.Exchange, open bool) {
	switch {
	case !open:
		seen.left = nil
	case seen.left == nil && x.Asked.Time != 0:
		sql := x.SQL
		if c.secrets != nil {
			sql = c.secrets.Text(s, x)
		}
		seen.left = &left{x.ID, x.Asked, x.FirstReply.Frame == 0, copies(x.Copy), cut(sql, maxRunning)}
	}
}

// describe makes the state of a connection that of one that is at work at the query.
func (x *left) describe(k *Conn) {
	k.State, k.Since, k.Query, k.Asked, k.SQL = Active, x.asked.Time, x.id, x.asked, x.sql
	k.silent = x.silent
	if x.copies {
		k.State = Copying
	}
}

// endedAt works out, for the end of the capture, for how long each connection that was open
// then had been in its state.
func endedAt(list []Conn, now int64) {
	for i := range list {
		k := &list[i]
		if k.State == Ended || k.Since == 0 {
			continue
		}
		k.For = max(now-k.Since, 0)
		if k.State == Active && k.silent && k.For >= waitsAfter {
			k.State = Waiting
		}
	}
}
