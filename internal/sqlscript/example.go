package sqlscript

import "github.com/pgsniff/pgsniff/internal/record"

// Example writes single queries, each ready to be run again.
type Example struct{ script script }

// Of returns the lines that run a query again, as the output has them, but for the
// comment about where it was. It is nil where there are none: the query cannot be run
// again from what is known of it. The memory is used again by the next call.
func (e *Example) Of(q *record.Query) []byte {
	s := &e.script
	if s.unfit(q) != "" {
		return nil
	}
	s.number, s.buf = 1, s.buf[:0]
	s.write(q)
	return s.buf
}
