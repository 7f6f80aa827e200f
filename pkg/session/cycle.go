package session

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Splitter divides chunks for Session.Chunk. It is a value of its own, so that it
// may be used in another goroutine, ahead of the sessions, without touching what they
// write to.
type Splitter struct {
	stream codec.StreamOptions
	on     bool // cycles may be taken at once
}

// Splitter returns the Splitter for all sessions.
func (sh *Shared) Splitter() Splitter { return sh.splitter }

// Split divides a chunk if it may hold all requests of a usual cycle, or all
// replies. It returns the number of parts, and their shape, which is 0 otherwise. It
// depends on b alone.
func (s *Splitter) Split(d messages.Direction, b []byte, parts []codec.Part) (n int, shape codec.Shape) {
	if !s.on || !endsCycle(d, b) {
		return 0, 0
	}
	return s.stream.Split(d, b, parts)
}

// cycleScratch is the memory of a cycle that is taken at once.
type cycleScratch struct {
	parts [codec.MaxParts]codec.Part
	steps [codec.MaxParts]tracker.Step
}

// form is what is known of a shape.
type form struct {
	shape codec.Shape
	cycle *tracker.Cycle // nil: none that is taken at once
	taken uint64         // chunks of this form, as yet not in Shared.kinds
}

// forms remembers the shapes met last, by direction.
type forms [2][64]form

func (sh *Shared) form(d messages.Direction, shape codec.Shape) *form {
	const golden = 0x9e3779b97f4a7c15 // spreads what differs in a few bits
	f := &sh.forms[d][uint64(shape)*golden>>(64-6)]
	if f.shape != shape {
		sh.count(f)
		*f = form{shape: shape, cycle: cycleOf(d, shape.Kinds())}
	}
	return f
}

func cycleOf(d messages.Direction, kinds []messages.Kind) *tracker.Cycle {
	if d == messages.Frontend {
		return tracker.RequestCycle(kinds)
	}
	return tracker.ReplyCycle(kinds)
}

// count adds the messages of the chunks of a form to those of all.
func (sh *Shared) count(f *form) {
	for _, k := range f.shape.Kinds() {
		sh.kinds[k] += f.taken
	}
	f.taken = 0
}

// Kinds returns how many messages of each kind all connections had so far.
func (sh *Shared) Kinds() [messages.NumKinds]uint64 {
	for d := range sh.forms {
		for i := range sh.forms[d] {
			sh.count(&sh.forms[d][i])
		}
	}
	return sh.kinds
}

// takeCycle takes a chunk that holds all requests of a usual cycle, or all
// replies, at once: the layers are not asked about each message. It reports
// whether it was of that sort; if not, nothing was done. What it does is what
// decode would have done.
func (s *Session) takeCycle(d messages.Direction, b []byte, parts []codec.Part, shape codec.Shape, at Stamp) bool {
	if !s.inCycles() {
		return false
	}
	f := s.shared.form(d, shape)
	st := s.stream(d)
	if f.cycle == nil || !st.Divided(len(b)) {
		return false
	}
	s.tracker.At(s.places.next(d, len(b), s.places.acked[d]))
	unit, ok := s.trackCycle(d, f.cycle, b)
	if !ok {
		return false
	}
	f.taken++
	s.places.fed[d] += int64(len(b))
	s.places.at[d] = s.places.fed[d]
	if d == messages.Frontend && s.tracker.Outstanding() > s.room {
		s.makeRoom()
	}
	e := &s.shared.event
	e.Direction, e.First, e.At, e.Lost = d, at, at, 0
	if s.cfg.Messages {
		s.showCycle(parts, b)
	} else {
		e.Step = tracker.Step{}
		e.Step.Unit, e.Step.Begins, e.Step.Rested = unit, d == messages.Frontend, d == messages.Frontend
		s.logCycle(parts, b)
	}
	if s.shared.sessions > restAbove {
		s.shared.settle(s, d, st) // which holds what it held
	}
	return true
}

// inCycles reports whether cycles may be taken at once: nothing is going on.
func (s *Session) inCycles() bool {
	return s.heard && !s.foreign && s.pending[0] == nil && s.pending[1] == nil &&
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
func (s *Session) trackCycle(d messages.Direction, c *tracker.Cycle, b []byte) (unit uint64, ok bool) {
	var steps []tracker.Step
	if s.cfg.Messages {
		steps = s.shared.cycle.steps[:]
	}
	if d == messages.Frontend {
		return s.tracker.SendCycle(c, steps)
	}
	return s.tracker.ReplyCycle(c, b[len(b)-1], steps)
}

// logCycle passes the messages of a cycle to their exchange.
func (s *Session) logCycle(parts []codec.Part, b []byte) {
	m := &s.shared.event.Message
	m.Kind = parts[0].Kind
	x := s.log.Unit(m)
	from := int32(0)
	some := s.cfg.Some
	for i := range parts {
		p := &parts[i]
		if some != nil && some.Kinds[p.Kind] {
			s.somePart(x, p, b[from:p.End], int(p.To-from))
		}
		if s.shared.idle[p.Kind] {
			from = p.End
			continue
		}
		m.Kind, m.Body, m.Len = p.Kind, b[from+5:p.To:p.To], int(p.To-from)
		from = p.End
		if p.Kind == messages.KindReadyForQuery {
			m.Step.Tx, m.Step.Over = m.Body[0], m.Step.Unit
			s.log.Ready(x, m)
			return
		}
		if x != nil {
			s.log.Add(x, m)
		}
		if p.N > 1 {
			s.shared.kinds[p.Kind] += uint64(p.N - 1)
			s.log.Rows(m, int(p.N-1), int(p.End-p.To))
		}
	}
}

// showCycle hands the messages of a cycle out, and passes them to their exchange.
func (s *Session) showCycle(parts []codec.Part, b []byte) {
	e := &s.shared.event
	e.Session, e.Cancels, e.Notes, e.Truncated, e.State = s, Cancelled{}, nil, false, 0
	e.Step, e.Kind = s.shared.cycle.steps[0], parts[0].Kind
	x := s.log.Unit(&e.Message)
	end := int32(0)
	for i := range parts {
		p := &parts[i]
		e.Step = s.shared.cycle.steps[i]
		e.Kind, e.Tag = p.Kind, b[end]
		s.shared.kinds[p.Kind] += uint64(p.N - 1)
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
		s.log.Ready(x, &e.Message)
	case x != nil:
		s.log.Add(x, &e.Message)
	}
}

// takeCycles is false in tests that compare.
var takeCycles = true
