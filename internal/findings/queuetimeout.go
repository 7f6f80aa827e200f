package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/units"
)

// queryWaitTimeout is what PgBouncer says, as its whole message, to a client that
// waited for a server connection for longer than the setting of that name.
const queryWaitTimeout = "query_wait_timeout"

const poolerAdvice = "Raise default_pool_size as far as the server can bear it, make transactions shorter (nothing else between BEGIN and COMMIT), use transaction mode, or ask for less at once."

// queueTimeouts is of clients that a pooler sent away.
type queueTimeouts struct {
	front   *server
	wait    sample
	clients map[uint64]struct{}
}

// gaveUp notes that a pooler gave up a query, or a login, that waited for a server
// connection.
func (e *Engine) gaveUp(c *conn, at Stamp, id uint64, s *statement, waited int64) {
	d := e.draft(poolerQueue, nil, c.server.id)
	if d == nil {
		return
	}
	x, _ := d.data.(*queueTimeouts)
	if x == nil {
		x = &queueTimeouts{front: c.server, clients: make(map[uint64]struct{})}
		d.data = x
	}
	text := "the pooler gave up: " + queryWaitTimeout
	if waited > 0 {
		x.wait.add(waited)
		d.cost.TimeNS += waited
		text += " after " + units.Duration(waited)
	}
	if len(x.clients) < maxStatements {
		x.clients[c.ID] = struct{}{}
	}
	d.note(at)
	d.on(c)
	d.calls(s, 1)
	d.show(at, c, id, text)
}

func (x *queueTimeouts) finish(e *Engine, d *draft) (f Finding, ok bool) {
	for key, p := range e.pool.pairs {
		// Where both sides were seen, the queue itself is the finding.
		if key[0] == x.front {
			if _, told := finishPooler(e, p.draft); told {
				return f, false
			}
		}
	}
	f = d.finding(Critical, Certain)
	f.Title = fmt.Sprintf("The pooler %s gave up %s of %s that waited for a server connection (%s)", x.front.address, count(d.count, "query"), count(len(x.clients), "client"), queryWaitTimeout)
	if x.wait.n > 0 {
		f.Title += ", after " + units.Duration(x.wait.median())
	}
	f.Advice = poolerAdvice
	return f, true
}
