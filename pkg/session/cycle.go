package session

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// maxParts bounds the messages of a cycle that is taken at once, rows that
// follow each other counted as one.
const maxParts = 16

// cycleScratch is the memory of a cycle that is taken at once.
type cycleScratch struct {
	parts [maxParts]codec.Part
	kinds [maxParts]messages.Kind
	steps [maxParts]tracker.Step
}

// takeCycle takes a chunk that holds all requests of a usual cycle, or all
// replies, at once: the layers are not asked about each message. It reports
// whether b was of that sort; if not, nothing was done. What it does is what
// decode would have done.
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
	unit, ok := s.trackCycle(d, c.kinds[:n], b)
	if !ok {
		return false
	}
	if d == messages.Frontend && s.tracker.Outstanding() > s.room {
		s.makeRoom()
	}
	for i := range n {
		s.shared.Kinds[c.kinds[i]] += uint64(c.parts[i].N)
	}
	e := &s.shared.event
	e.Direction, e.First, e.At, e.Lost = d, at, at, 0
	if s.cfg.Messages {
		s.showCycle(c.parts[:n], b)
	} else {
		e.Step = tracker.Step{}
		e.Step.Unit, e.Step.Begins = unit, d == messages.Frontend
		s.logCycle(c.parts[:n], b)
	}
	s.shared.settle(s, d, st)
	return true
}

// inCycles reports whether cycles may be taken at once: nothing is going on.
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

// trackCycle tells the tracker of a cycle.
func (s *Session) trackCycle(d messages.Direction, kinds []messages.Kind, b []byte) (unit uint64, ok bool) {
	var steps []tracker.Step
	if s.cfg.Messages {
		steps = s.shared.cycle.steps[:]
	}
	if d == messages.Frontend {
		return s.tracker.SendCycle(kinds, steps)
	}
	return s.tracker.ReplyCycle(kinds, b[len(b)-1], steps)
}

// logCycle passes the messages of a cycle to their exchange.
func (s *Session) logCycle(parts []codec.Part, b []byte) {
	m := &s.shared.event.Message
	x := s.log.Unit(m)
	for i := range parts {
		p := &parts[i]
		m.Kind, m.Body, m.Len = p.Kind, b[p.From+5:p.To:p.To], int(p.To-p.From)
		if p.Kind == messages.KindReadyForQuery {
			m.Step.Tx, m.Step.Over = m.Body[0], m.Step.Unit
			s.log.Observe(m)
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

// showCycle hands the messages of a cycle out, and passes them to their exchange.
func (s *Session) showCycle(parts []codec.Part, b []byte) {
	e := &s.shared.event
	e.Session, e.Cancels, e.Notes, e.Truncated, e.State = s, Cancelled{}, nil, false, 0
	e.Step = s.shared.cycle.steps[0]
	x := s.log.Unit(&e.Message)
	for i := range parts {
		p := &parts[i]
		e.Step = s.shared.cycle.steps[i]
		e.Kind, e.Tag = p.Kind, b[p.From]
		end := p.From
		for range p.N {
			at := end
			end += 1 + int32(binary.BigEndian.Uint32(b[at+1:]))
			e.Body, e.Len = b[at+5:end:end], int(end-at)
			s.show(x)
		}
	}
}

// show hands out the message of the event, of exchange x: a request when that has
// it, a reply before, since the last one ends it.
func (s *Session) show(x *exchange.Exchange) {
	e := &s.shared.event
	if e.Direction == messages.Frontend && x != nil {
		s.log.Add(x, &e.Message)
	}
	e.Exchange = x
	s.handler.Message(e)
	switch {
	case e.Direction == messages.Frontend:
	case e.Kind == messages.KindReadyForQuery:
		s.log.Observe(&e.Message)
	case x != nil:
		s.log.Add(x, &e.Message)
	}
}

// takeCycles is false in tests that compare.
var takeCycles = true
