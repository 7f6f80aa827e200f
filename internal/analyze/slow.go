package analyze

import (
	"container/list"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// NoticeSlow is the code of the notice about a query that is still running.
const NoticeSlow = "slow_query"

const (
	// slowChecks is how many times in Options.Slow the sessions are looked
	// through: a query is told of at most a quarter of that too late.
	slowChecks = 4
	// The sessions of a busy server are looked through in a millisecond or so;
	// that is not to become a load.
	minSlowCheck = int64(10 * time.Millisecond)
	maxSlowCheck = int64(time.Second)
	// maxSlowSQL bounds the SQL in a notice, in bytes.
	maxSlowSQL = 1000
)

// slowClock is the first stage's part: it says when to look. Its time is that
// of the packets, or of Advance.
type slowClock struct {
	every int64 // ns; 0: never
	due   int64
}

func newSlowClock(slow time.Duration) slowClock {
	if slow <= 0 {
		return slowClock{}
	}
	return slowClock{every: min(max(int64(slow)/slowChecks, minSlowCheck), maxSlowCheck)}
}

// strikes reports whether it is time to look. A time far from the one before
// in either direction is taken for the present.
func (c *slowClock) strikes(now int64) bool {
	if c.every == 0 || now < c.due && now > c.due-2*c.every {
		return false
	}
	c.due = now + c.every
	return true
}

// slowWatch is the second stage's part: the connections that wait for the replies to
// a query, in the order of its start. What it does costs as much as there are queries
// that run for long, however many connections are open.
type slowWatch struct {
	after   time.Duration
	handler session.Handler
	running list.List // of *conn
}

// sawData takes note of what is running after data of a connection.
func (w *slowWatch) sawData(k *conn) {
	x := k.session.InFlight()
	if x == nil || x.ID <= k.told || x.Copy == exchange.CopyBoth || x.Start.Time == 0 {
		w.forget(k)
		return
	}
	if k.watched != nil && k.running == x.ID {
		return
	}
	w.forget(k)
	k.running, k.asked = x.ID, x.Asked.Time
	k.watched = w.running.PushBack(k)
}

// forget takes a connection out.
func (w *slowWatch) forget(k *conn) {
	if k.watched != nil {
		w.running.Remove(k.watched)
		k.watched = nil
	}
}

// texter is a handler that keeps secrets back: it knows how much of the text of a
// query may be seen, borrowed until the next call.
type texter interface {
	Text(s *session.Session, x *exchange.Exchange) []byte
}

// look tells of each query that has been running for longer than allowed, once.
func (w *slowWatch) look(at reassembly.Stamp) {
	for e := w.running.Front(); e != nil; {
		k := e.Value.(*conn)
		if time.Duration(at.Time-k.asked) < w.after {
			return // those after it began later
		}
		e = e.Next()
		w.forget(k)
		if x := k.session.InFlight(); x != nil && x.ID == k.running {
			k.told = x.ID
			took := time.Duration(at.Time - x.Asked.Time)
			w.handler.Notice(k.session, &session.Notice{Code: NoticeSlow, Text: w.text(k.session, x, took), At: at})
		}
	}
}

func (w *slowWatch) text(s *session.Session, x *exchange.Exchange, running time.Duration) string {
	sql := x.SQL
	if h, ok := w.handler.(texter); ok {
		sql = h.Text(s, x)
	}
	text := fmt.Sprintf("query %d has been running for %v", x.ID, running.Round(time.Millisecond))
	switch {
	case len(sql) == 0:
		return text
	case len(sql) > maxSlowSQL:
		n := maxSlowSQL
		for n > maxSlowSQL-utf8.UTFMax && !utf8.RuneStart(sql[n]) {
			n--
		}
		return text + ": " + string(sql[:n]) + "…"
	}
	return text + ": " + string(sql)
}
