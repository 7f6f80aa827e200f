package stats

import (
	"bytes"
	"cmp"

	"github.com/pgsniff/pgsniff/internal/order"
)

const (
	// maxSlow is how many of the slowest calls are kept, each with so many bytes of
	// its text.
	maxSlow     = 10
	maxSlowText = 2048
	// maxMessage bounds the message of an error that is kept as an example.
	maxMessage = 512
)

// Call is one call of a query.
type Call struct {
	At       int64 // when it was asked for, in nanoseconds since the epoch
	Conn     uint64
	ID       uint64 // its number within the connection
	Duration int64  // nanoseconds
	SQL      string // cut to 2 KiB, maybe within a character
	TextLen  int    // bytes of the whole text
}

// Failure is errors of one kind: of the same SQLSTATE, of the same normalised query.
type Failure struct {
	SQLState    string // empty where none was sent
	Fingerprint uint64 // of the query; 0 if no query ended in it, or its text is not known
	Normalized  string // cut as that of a Query
	Operation   string
	Count       uint64
	// The first of them: when its query was asked for, or it came; where; and what it
	// said, cut to 512 bytes.
	At       int64
	Conn, ID uint64
	Message  string
}

// slow are the slowest calls, in no order. Texts keep their memory.
type slow struct {
	calls [maxSlow]slowCall
	n     int
	least int64 // of the durations, once there are maxSlow
}

type slowCall struct {
	Call
	text []byte
}

func (l *slow) add(q *QuerySample) {
	if l.n == maxSlow && q.Duration <= l.least {
		return
	}
	c := &l.calls[0]
	if l.n < maxSlow {
		c = &l.calls[l.n]
		l.n++
	} else {
		for i := range l.calls {
			if l.calls[i].Duration < c.Duration {
				c = &l.calls[i]
			}
		}
	}
	c.text = append(c.text[:0], q.SQL[:min(len(q.SQL), maxSlowText)]...)
	c.Call = Call{At: q.At, Conn: q.Conn, ID: q.ID, Duration: q.Duration, TextLen: max(q.SQLLen, len(q.SQL))}
	l.least = c.Duration
	for i := range l.calls[:l.n] {
		l.least = min(l.least, l.calls[i].Duration)
	}
}

// report returns the calls, slowest first.
func (l *slow) report() []Call {
	out := make([]Call, 0, l.n)
	for i := range l.calls[:l.n] {
		c := l.calls[i].Call
		c.SQL = string(l.calls[i].text)
		out = append(out, c)
	}
	order.By(out, compareCalls)
	return out
}

type failureKey struct {
	state       [sqlStateLen]byte
	fingerprint uint64
}

// ErrorSample is an error.
type ErrorSample struct {
	SQLState    []byte // see UnknownState
	Message     []byte
	At          int64
	Conn, ID    uint64
	Normalized  []byte // of the query that it ended, nil if there is none
	Fingerprint uint64
	Operation   string
}

// Error adds an error that no query ended in: of an authentication, or of a session
// that the server ended. Those of queries are added by Query.
func (s *Stats) Error(e *ErrorSample) {
	s.errors++
	key := failureKey{fingerprint: e.Fingerprint}
	copy(key.state[:], e.SQLState)
	if _, ok := s.states[key.state]; !ok && len(s.states) >= s.limits.SQLStates {
		s.otherStates++
	} else {
		s.states[key.state]++
	}
	f := s.failures[key]
	if f == nil {
		if len(s.failures) >= s.limits.SQLStates {
			s.otherFailures++
			return
		}
		f = &Failure{
			SQLState: string(bytes.TrimRight(key.state[:], "\x00")), Fingerprint: e.Fingerprint,
			Normalized: string(e.Normalized[:min(len(e.Normalized), s.limits.Text)]), Operation: e.Operation,
			At: e.At, Conn: e.Conn, ID: e.ID, Message: string(e.Message[:min(len(e.Message), maxMessage)]),
		}
		s.failures[key] = f
	}
	f.Count++
}

// failureReport returns the errors by their kinds, most first.
func (s *Stats) failureReport() []Failure {
	out := make([]Failure, 0, len(s.failures))
	for _, f := range s.failures {
		out = append(out, *f)
	}
	order.By(out, func(a, b *Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.SQLState, b.SQLState),
			cmp.Compare(a.Normalized, b.Normalized), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return out
}
