package render

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Exchange writes a query record.
func (j *JSON) Exchange(s *session.Session, x *exchange.Exchange) {
	q := j.maker.Query(s, x)
	j.query(connIn(q.Conn, j.opt.Slot), q)
}

func (j *JSON) parts() record.Parts {
	return record.Parts{Normalized: true, Later: true, Parameters: true, Columns: true}
}

// query writes a record that was made with these parts.
func (j *JSON) query(c *conn, q *record.Query) {
	q.Derive(&j.texts)
	j.body.zone = (*value.Session)(nil)
	if len(q.Params) > 0 {
		j.body.zone = j.labelOf(c).settings(q.Who.Formats)
	}
	q.Visit(j.told(c, queryPart, q.Place().Time))
	j.finish()
}

// Notice writes a notice record.
func (j *JSON) Notice(s *session.Session, n *session.Notice) {
	j.notice(connOf(s, j.opt.Slot), j.maker.Notice(s, n))
}

func (j *JSON) notice(c *conn, n *record.Notice) {
	n.Visit(j.told(c, noticePart, n.Place().Time))
	j.finish()
}

// End writes a connection record.
func (j *JSON) End(s *session.Session) {
	if j.opt.NoConnections {
		return
	}
	j.close(connOf(s, j.opt.Slot), j.maker.Connection(s))
}

func (j *JSON) close(c *conn, r *record.Connection) {
	r.Visit(j.told(c, connectionPart, r.Place().Time))
	j.finish()
}

// leave has nothing to say: JSON has all rows.
func (j *JSON) leave(*conn) {}
