package findings

import (
	"bytes"
	"strings"
)

// Prepared statements of SQL: PREPARE and EXECUTE instead of Parse and Bind.

// cutWord returns the first word of SQL and what follows it: letters, or what stands
// in double quotes, which is returned without them.
func cutWord(sql []byte) (word, rest []byte, quoted bool) {
	sql = bytes.TrimLeft(sql, " \t\r\n")
	if len(sql) == 0 {
		return nil, nil, false
	}
	if sql[0] == '"' {
		if n := bytes.IndexByte(sql[1:], '"'); n >= 0 {
			return sql[1 : n+1], sql[n+2:], true
		}
		return nil, nil, false
	}
	n := 0
	for n < len(sql) && wordByte(sql[n]) {
		n++
	}
	return sql[:n], sql[n:], false
}

// sqlName returns the name after the command word of a PREPARE or EXECUTE as the
// server keeps it, and what follows it.
func sqlName(sql []byte) (name, rest []byte) {
	_, rest, _ = cutWord(sql)
	name, rest, quoted := cutWord(rest)
	if !quoted {
		name = bytes.ToLower(name)
	}
	return name, rest
}

// preparesBySQL takes a PREPARE that succeeded.
func (e *Engine) preparesBySQL(q *seenExchange) {
	name, rest := sqlName(q.SQL)
	if len(name) == 0 {
		return
	}
	// What follows AS is the statement; the types before it make no difference.
	upper := strings.ToLower(string(rest[:min(len(rest), maxText)]))
	if i := strings.Index(upper, "as"); i >= 0 && i+2 < len(rest) && len(upper) == min(len(rest), maxText) {
		rest = rest[i+2:]
	}
	text := hashOf(bytes.TrimSpace(rest))
	e.prepares(q.c, name, text, q.Start)
	c := q.c
	if p := c.plans[string(name)]; p != nil || len(c.plans) < maxPlans {
		if c.plans == nil {
			c.plans = make(map[string]*plan)
		}
		if p != nil {
			e.judgePlan(c, string(name), p)
		}
		c.plans[string(bytes.Clone(name))] = &plan{s: q.s, text: text, first: q.Start}
	}
}

// executesBySQL adds an EXECUTE to the times of its statement.
func (e *Engine) executesBySQL(q *seenExchange) {
	name, _ := sqlName(q.SQL)
	if text, alive := q.c.named.alive[hashOf(name)]; alive {
		if p := q.c.plans[string(name)]; p != nil && p.text == text {
			p.add(q)
		}
	}
}
