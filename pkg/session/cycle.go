package session

import (
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// maxParts bounds the messages of a cycle that is taken at once, rows that
// follow each other counted as one.
const maxParts = 16

// cycleScratch is the scratch memory of cycles that are taken at once.
type cycleScratch struct {
	parts   [maxParts]codec.Part
	kinds   [maxParts]messages.Kind
	message exchange.Message
}

// takeCycle takes a chunk that holds all requests of a usual cycle, or all
// replies, at once: nothing of it has to be looked at message by message where no
// message is shown. It reports whether b was of that sort; if not, nothing was
// done. What it does is what decode would have done.
func (s *Session) takeCycle(d messages.Direction, b []byte, at Stamp) bool {
	if !s.inCycles() || !endsCycle(d, b) {
		return false
	}
	c := &s.shared.cycle
	st := s.stream(d)
	n := st.Split(b, c.parts[:])
	if n == 0 {
		return false
	}
	for i := range n {
		c.kinds[i] = c.parts[i].Kind
	}
	var unit uint64
	var ok bool
	if d == messages.Frontend {
		unit, ok = s.tracker.SendCycle(c.kinds[:n])
	} else {
		unit, ok = s.tracker.ReplyCycle(c.kinds[:n], b[len(b)-1])
	}
	if !ok {
		return false
	}
	if d == messages.Frontend && s.tracker.Outstanding() > s.room {
		s.makeRoom()
	}
	for i := range n {
		s.shared.Kinds[c.kinds[i]] += uint64(c.parts[i].N)
	}
	m := &c.message
	m.Direction, m.First, m.At = d, at, at
	m.Step.Unit, m.Step.Begins = unit, d == messages.Frontend
	s.logCycle(c.parts[:n], b)
	s.shared.settle(s, d, st)
	return true
}

// inCycles reports whether cycles may be taken at once: nobody wants messages,
// and nothing is going on.
func (s *Session) inCycles() bool {
	return s.shared.cycles && s.heard && s.pending[0] == nil && s.pending[1] == nil &&
		s.trouble[0] == nil && s.trouble[1] == nil
}

// endsCycle reports whether the end of b is that of a cycle's requests or
// replies; of a Query, its beginning tells more.
func endsCycle(d messages.Direction, b []byte) bool {
	n := len(b)
	if d == messages.Backend {
		return n >= 6 && b[n-6] == 'Z' && b[n-2] == 5
	}
	return n >= 5 && (b[0] == 'Q' || b[n-5] == 'S' && b[n-1] == 4)
}

// logCycle passes the messages of a cycle to their exchange.
func (s *Session) logCycle(parts []codec.Part, b []byte) {
	m := &s.shared.cycle.message
	x := s.log.Unit(m)
	for i := range parts {
		p := &parts[i]
		m.Kind, m.Body, m.Len = p.Kind, b[p.From+5:p.To:p.To], int(p.To-p.From)
		if p.Kind == messages.KindReadyForQuery {
			m.Step.Tx, m.Step.Over = m.Body[0], m.Step.Unit
			s.log.Observe(m)
			m.Step.Tx, m.Step.Over = 0, 0
			return
		}
		if x == nil {
			continue
		}
		s.log.Add(x, m)
		if p.N > 1 {
			s.log.Rows(m, int(p.N-1), int(p.End-p.To))
		}
	}
}
