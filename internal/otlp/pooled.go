package otlp

import (
	"slices"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
)

// A pooler's query to its server is over before the client's, whose child it is: its span
// waits for that.
const (
	// pooledFor is how long it waits: a reply goes through a pooler in less.
	pooledFor = time.Second
	// maxHeld is how many wait; the one that has waited longest goes without a parent.
	maxHeld = 1024
)

// held is a query that may be a pooler's.
type held struct {
	q     *record.Query
	until int64 // when it was over
}

// take writes a query, or keeps it until its parent is known.
func (s *spans) take(q *record.Query) {
	if q.Behind {
		if len(s.held) == maxHeld {
			s.add(s.held[0].q, nil)
			s.held = slices.Delete(s.held, 0, 1)
		}
		s.held = append(s.held, held{q.Clone().(*record.Query), q.End.Time})
		return
	}
	s.add(q, nil)
	s.child(q, q)
}

// serverOf returns the address of the server that a query came to in the end, as far as
// what poolers made of it still waits.
func (s *spans) serverOf(q *record.Query) string {
	for range maxHeld { // a chain of poolers has no more
		next := s.behind(q)
		if next < 0 {
			break
		}
		q = s.held[next].q
	}
	return q.Conn.Server
}

// behind returns where that waits which a pooler made of a query, -1 where it does not.
func (s *spans) behind(q *record.Query) int {
	if q.Pooled.Conn == 0 {
		return -1
	}
	for i := len(s.held) - 1; i >= 0; i-- {
		if h := s.held[i].q; h.Conn.ID == q.Pooled.Conn && h.ID == q.Pooled.Query {
			return i
		}
	}
	return -1
}

// child writes what a pooler made of a query, and what another pooler made of that; by is
// the query, or nil where its span is not sent.
func (s *spans) child(q, by *record.Query) {
	i := s.behind(q)
	if i < 0 {
		return
	}
	h := s.held[i].q
	s.held = slices.Delete(s.held, i, i+1)
	s.add(h, by)
	s.child(h, h)
}

// settle writes what was over at a time, or before, and has found no parent.
func (s *spans) settle(until int64) {
	for len(s.held) > 0 && s.held[0].until <= until {
		h := s.held[0].q
		s.held = slices.Delete(s.held, 0, 1)
		s.add(h, nil)
		s.child(h, h)
	}
}
