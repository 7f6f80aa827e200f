package findings

import (
	"encoding/binary"
	"slices"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// maxSourceRows and maxSourceColumns bound what is remembered of a result that
	// a loop may run over: a page of a list and its first columns, where the keys
	// are.
	maxSourceRows    = 64
	maxSourceColumns = 8
	// keptSources is how many of the latest such results of a connection are kept.
	keptSources = 4
	// minSourceRows is the fewest rows that a loop worth telling of runs over.
	minSourceRows = 4
	// measuredRows is how many rows of a result are measured column by column.
	measuredRows = 64
	maxColumns   = 128
)

// source is a result whose rows a loop may run over.
type source struct {
	generation int32
	s          *statement
	turn       uint64 // number of its turn
	end        int64  // of its replies
	names      []string
	columns    [][]uint64 // hashes of values, by column
	sorted     bool
	rows       uint64 // of all that the result had
}

// rowsOf collects from the rows of the result that is being received.
type rowsOf struct {
	query      uint64
	rows       int
	columns    [][]uint64
	heads      heads
	named      bool     // heads is of this result
	bytes      []uint64 // of the values, by column
	generation int32
	sources    [keptSources]source
	latest     *source // of them
	charged    int
}

// row takes a row of a result.
func (e *Engine) row(c *conn, m *Message) {
	if c.rows == nil {
		c.rows = new(rowsOf)
	}
	r := c.rows
	if r.query != m.Query {
		r.begin(m.Query)
	}
	if r.rows++; r.rows > maxSourceRows || len(m.Body) < 2 || m.Truncated || c.app.tool == toolDump {
		return
	}
	n := min(int(binary.BigEndian.Uint16(m.Body)), maxColumns)
	b := m.Body[2:]
	measured := r.rows <= measuredRows
	if measured && len(r.bytes) < n {
		r.bytes = append(r.bytes, make([]uint64, n-len(r.bytes))...)
	}
	// Most results have one row, which nobody loops over.
	kept := r.rows > 1
	if kept && r.columns == nil && n > 0 && e.reserve(maxSourceColumns*maxSourceRows) {
		r.charged += maxSourceColumns * maxSourceRows
		r.columns = make([][]uint64, maxSourceColumns)
	}
	if kept && !r.named && len(m.Columns) > 0 {
		r.named = true
		r.heads.learn(m.Columns)
	}
	for i := range n {
		if len(b) < 4 {
			return
		}
		size := int(int32(binary.BigEndian.Uint32(b)))
		b = b[4:]
		if size < 0 {
			continue
		}
		v := b[:min(size, len(b))]
		b = b[len(v):]
		if measured {
			r.bytes[i] += uint64(size)
		}
		if kept && i < len(r.columns) && len(v) <= 64 && size <= len(v) {
			format := int16(0)
			if i < len(m.Columns) {
				format = m.Columns[i].Format
			}
			r.columns[i] = append(r.columns[i], e.number(v, format))
		}
	}
}

func (r *rowsOf) begin(query uint64) {
	r.query, r.rows, r.named = query, 0, false
	clear(r.bytes)
	r.bytes = r.bytes[:0]
	for i := range r.columns {
		r.columns[i] = r.columns[i][:0]
	}
}

// heads are the columns of a result.
type heads struct {
	raw   string   // the names, to know them again
	ends  []int    // of each name in raw
	names []string // fit to be shown; never changed, only replaced
	hexes []bool   // bytea in text format; never changed, only replaced
}

// learn keeps the names of the columns. Those of most results are the same as before.
func (h *heads) learn(columns []messages.ColumnDescription) {
	columns = columns[:min(len(columns), maxColumns)]
	if h.are(columns) {
		return
	}
	var raw []byte
	names, hexes := make([]string, len(columns)), make([]bool, len(columns))
	h.ends = h.ends[:0]
	for i := range columns {
		col := &columns[i]
		raw = append(raw, col.Name...)
		h.ends = append(h.ends, len(raw))
		names[i], hexes[i] = clean(col.Name), isHex(col)
	}
	h.raw, h.names, h.hexes = string(raw), names, hexes
}

func isHex(col *messages.ColumnDescription) bool {
	const bytea = 17 // pg_type.dat
	return col.TypeOID == bytea && col.Format == 0
}

// are reports whether they are the columns that were learned last.
func (h *heads) are(columns []messages.ColumnDescription) bool {
	if len(columns) != len(h.ends) {
		return false
	}
	from := 0
	for i, end := range h.ends {
		if h.raw[from:end] != string(columns[i].Name) || h.hexes[i] != isHex(&columns[i]) {
			return false
		}
		from = end
	}
	return true
}

// source keeps the rows of an exchange that is over, if a loop may run over them, and
// returns their generation, else 0.
func (e *Engine) source(q *seenExchange) int32 {
	r := q.c.rows
	if r == nil || r.query != q.ID || q.Rows < minSourceRows || q.own {
		return 0
	}
	r.generation++
	src := r.place(q)
	r.latest = src
	old := src.columns
	*src = source{generation: r.generation, s: q.s, turn: q.c.turns, end: q.End.Time, columns: r.columns, rows: q.Rows}
	if r.named {
		src.names = r.heads.names
	}
	r.columns = old // to be filled again
	for i := range r.columns {
		r.columns[i] = r.columns[i][:0]
	}
	return r.generation
}

// place returns where a source is kept: in place of the oldest one, or of that of the same
// statement a moment ago. What a loop executes may return as many rows as what it runs over,
// which must not be pushed out by it.
func (r *rowsOf) place(q *seenExchange) *source {
	if src := r.latest; src != nil && src.s == q.s && q.c.turns-src.turn <= maxChildren {
		return src
	}
	oldest := &r.sources[0]
	for i := range r.sources {
		src := &r.sources[i]
		if src.s == q.s && src.generation != 0 && q.c.turns-src.turn <= maxChildren {
			return src
		}
		if src.generation < oldest.generation {
			oldest = src
		}
	}
	return oldest
}

// found returns the source of a generation, nil if it is no longer kept.
func (r *rowsOf) found(generation int32) *source {
	if r == nil {
		return nil
	}
	for i := range r.sources {
		if generation != 0 && r.sources[i].generation == generation {
			return &r.sources[i]
		}
	}
	return nil
}

// linked reports whether most of the turns' values, 80 % and more, occur in a column of
// a source, and in which one: its name is empty where several columns have as many of them,
// as those of small numbers do.
func (src *source) linked(turns []turn) (column string, linked bool) {
	if src == nil {
		return "", false
	}
	if !src.sorted {
		src.sorted = true
		for _, column := range src.columns {
			slices.Sort(column)
		}
	}
	of := len(turns)
	if src.rows > maxSourceRows {
		of = min(of, maxSourceRows) // the values of the rows after those are not known
	}
	best, bestHits, alike := -1, 0, false
	for k, column := range src.columns {
		if len(column) == 0 {
			continue
		}
		switch hits := hitsIn(column, turns, (4*of+4)/5); {
		case hits > bestHits:
			best, bestHits, alike = k, hits, false
		case hits == bestHits:
			alike = true
		}
	}
	switch {
	case best < 0 || bestHits*5 < of*4:
		return "", false
	case alike:
		return "", true
	case best < min(len(src.names), maxSourceColumns):
		return src.names[best], true
	}
	return "column " + itoa(best+1), true
}

// hitsIn counts the turns of which a value is in a sorted column, which holds some. It
// returns 0 as soon as less than need of them can be.
func hitsIn(column []uint64, turns []turn, need int) (hits int) {
	least, most := column[0], column[len(column)-1]
	misses := len(turns) - need
	for i := range turns {
		before := hits
		for _, v := range turns[i].values {
			if v == 0 {
				break // there are no more
			}
			if v < least || v > most {
				continue
			}
			if _, ok := slices.BinarySearch(column, v); ok {
				hits++
				break
			}
		}
		if hits == before {
			if misses--; misses < 0 {
				return 0
			}
		}
	}
	return hits
}

// release gives the memory of a connection back.
func (e *Engine) releaseRows(c *conn) {
	if c.rows != nil {
		e.hashes -= c.rows.charged
		c.rows.charged = 0
	}
}

func containsAny(list, values []uint64) bool {
	for _, v := range list {
		if slices.Contains(values, v) {
			return true
		}
	}
	return false
}
