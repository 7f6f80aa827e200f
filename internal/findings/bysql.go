package findings

import "github.com/pgsniff/pgsniff/internal/sqltext"

// Prepared statements of SQL: PREPARE and EXECUTE instead of Parse and Bind.

// named returns what the first command of an exchange does with a name; none where nobody
// can say what the name is.
func (q *seenExchange) named() sqltext.Named {
	l := sqltext.Lexer{Src: q.SQL, Escapes: q.Escapes}
	command, _ := l.Command()
	n := sqltext.Settings{Escapes: q.Escapes}.Read(q.SQL[command.Start:command.Stop])
	if len(n.Name) > 0 && !n.Known {
		return sqltext.Named{}
	}
	return n
}

// preparesBySQL takes a PREPARE that succeeded. The types of its parameters make no
// difference.
func (e *Engine) preparesBySQL(q *seenExchange) {
	n := q.named()
	if n.Action != sqltext.Prepare {
		return
	}
	text := hashOf(n.Text)
	e.prepares(q.c, []byte(n.Name), text, q.Start)
	c := q.c
	if p := c.plans[n.Name]; p != nil || len(c.plans) < maxPlans {
		if c.plans == nil {
			c.plans = make(map[string]*plan)
		}
		if p != nil {
			e.judgePlan(c, n.Name, p)
		}
		c.plans[n.Name] = &plan{s: q.s, text: text, first: q.Start}
	}
}

// executesBySQL adds an EXECUTE to the times of its statement.
func (e *Engine) executesBySQL(q *seenExchange) {
	n := q.named()
	if n.Action != sqltext.Execute {
		return
	}
	if text, alive := q.c.named.alive[hashOf([]byte(n.Name))]; alive {
		if p := q.c.plans[n.Name]; p != nil && p.text == text {
			p.add(q)
		}
	}
}

// removesBySQL takes a DEALLOCATE or DISCARD that succeeded.
func (c *conn) removesBySQL(q *seenExchange) {
	switch n := q.named(); n.Action {
	case sqltext.DeallocateAll, sqltext.DiscardAll:
		c.named.dropAll()
	case sqltext.Deallocate:
		if len(c.named.alive) > 0 {
			c.named.drop(hashOf([]byte(n.Name)))
		}
	}
}
