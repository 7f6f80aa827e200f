package render

import "strconv"

// column is a place in the lines of a view that is as wide as the widest yet that stood
// there, so that what follows begins at the same place in each line. It only grows:
// the lines before are written already.
type column struct{ width int }

// columns are those of the views in which each connection or query has a line.
type columns struct {
	conn      column // the connection's number
	who       column // of queries
	name      column // of connections
	client    column
	encrypted column
}

// fill fills a column that began at from with blanks. What takes more than limit moves
// the rest of its own line, and of no other.
func (l *line) fill(c *column, from, limit int) {
	if n := l.col - from; n > c.width && n <= limit {
		c.width = n
	}
	l.pad(from + c.width)
}

// number writes a connection's number as a column.
func (p *Pretty) number(id uint64) {
	at := p.line.col
	p.line.painted(p.opt.Theme.conn, "#"+strconv.FormatUint(id, 10))
	p.line.fill(&p.columns.conn, at, numberWidth)
}

// numberWidth holds any number of a connection.
const numberWidth = 21
