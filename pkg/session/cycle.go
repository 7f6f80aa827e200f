package session

import (
	"encoding/binary"
	"slices"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

func split(s *splitter, d messages.Direction, b []byte, parts []friend.Part) (n int, shape friend.Shape) {
	if !s.On || !endsCycle(d, b) {
		return 0, 0
	}
	return streams.Split(s.Stream, d, b, parts)
}

// cycleScratch is the memory of a cycle that is taken at once.
type cycleScratch struct {
	parts [friend.MaxParts]friend.Part
	steps [friend.MaxParts]tracker.Step
}

// form is what is known of a shape.
type form struct {
	shape friend.Shape
	cycle *friend.Cycle // nil: none that is taken at once
	usual friend.Usual  // 0 where Config.Some takes one of them, but for rows
	rows  bool          // there are DataRow messages among them
	taken uint64        // chunks of this form, as yet not in Shared.kinds
}

// forms remembers the shapes met last, by direction.
type forms [2][64]form

func (sh *Shared) form(d messages.Direction, shape friend.Shape) *form {
	const golden = 0x9e3779b97f4a7c15 // spreads what differs in a few bits
	f := &sh.forms[d][uint64(shape)*golden>>(64-6)]
	if f.shape != shape {
		sh.count(f)
		kinds := shape.Kinds()
		if *f = (form{shape: shape, cycle: cycleOf(d, kinds)}); f.cycle != nil && !sh.cfg.Some.any(kinds) {
			f.usual, f.rows = logs.Usual(d, kinds), slices.Contains(kinds, messages.KindDataRow)
		}
	}
	return f
}

func cycleOf(d messages.Direction, kinds []messages.Kind) *friend.Cycle {
	if d == messages.Frontend {
		return trackers.Requests(kinds)
	}
	return trackers.Replies(kinds)
}

// count adds the messages of the chunks of a form to those of all, and begins to count its
// chunks anew: a chunk that is taken at once costs one addition, whatever it holds.
func (sh *Shared) count(f *form) {
	for _, k := range f.shape.Kinds() {
		sh.kinds[k] += f.taken
	}
	f.taken = 0
}

// Kinds returns how many messages of each kind all connections had so far. Those of chunks
// that were taken at once are brought in first, see count.
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
func (s *Session) takeCycle(d messages.Direction, b []byte, parts []friend.Part, shape friend.Shape, at Stamp) bool {
	if !s.inCycles() {
		return false
	}
	f := s.shared.form(d, shape)
	st := s.stream(d)
	if f.cycle == nil || !streams.Divided(st, len(b)) {
		return false
	}
	s.tracker.At(s.places.next(d, len(b), s.places.acked[d]))
	number, ok := s.trackCycle(d, f.cycle, b)
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
	switch {
	case s.cfg.Messages:
		s.showCycle(parts, b)
	case f.usual != 0 && !(f.rows && s.cfg.Some != nil && s.cfg.Some.Kinds[messages.KindDataRow]) && s.logUsual(f.usual, number, parts, b):
	default:
		e.Step = tracker.Step{}
		e.Step.Exchange, e.Step.Begins, e.Step.Rested = number, d == messages.Frontend, d == messages.Frontend
		s.logCycle(parts, b)
	}
	if s.shared.sessions > restAbove {
		s.shared.settle(s, d, st) // which holds what it held
	}
	return true
}

// inCycles reports whether cycles may be taken at once: nothing is going on.
func (s *Session) inCycles() bool {
	return s.heard && s.odd == 0 && s.pending[0] == nil && s.pending[1] == nil &&
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
func (s *Session) trackCycle(d messages.Direction, c *friend.Cycle, b []byte) (number uint64, ok bool) {
	var steps []tracker.Step
	if s.cfg.Messages {
		steps = s.shared.cycle.steps[:]
	}
	if d == messages.Frontend {
		return trackers.Send(&s.tracker, c, steps)
	}
	return trackers.Reply(&s.tracker, c, b[len(b)-1], steps)
}

// addition adds a message to its exchange.
type addition = func(*exchange.Log, *exchange.Exchange, *exchange.Message)

// adding returns how messages of direction d are added to x, nil if that is nil.
func adding(x *exchange.Exchange, d messages.Direction) addition {
	if x == nil {
		return nil
	}
	return logs.Adds(x, d)
}

// logUsual passes the messages of a cycle of a usual form to their exchange at once. It
// reports whether it has; if not, nothing was done.
func (s *Session) logUsual(u friend.Usual, number uint64, parts []friend.Part, b []byte) bool {
	m := &s.shared.event.Message
	m.Step.Exchange = number
	if m.Direction == messages.Frontend {
		return logs.Asked(s.log, u, m, b, parts)
	}
	m.Step.Tx = b[len(b)-1]
	if !logs.Answered(s.log, m, b, parts) {
		return false
	}
	for i := range parts {
		if p := &parts[i]; p.N > 1 {
			s.shared.kinds[p.Kind] += uint64(p.N - 1)
		}
	}
	return true
}

// logCycle passes the messages of a cycle to their exchange.
func (s *Session) logCycle(parts []friend.Part, b []byte) {
	m := &s.shared.event.Message
	m.Kind = parts[0].Kind
	x := logs.Exchange(s.log, m)
	add := adding(x, m.Direction)
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
			m.Step.Tx, m.Step.Over = m.Body[0], m.Step.Exchange
			logs.Ready(s.log, x, m)
			return
		}
		if x != nil {
			add(s.log, x, m)
		}
		if p.N > 1 {
			s.shared.kinds[p.Kind] += uint64(p.N - 1)
			s.log.Rows(m, int(p.N-1), int(p.End-p.To))
		}
	}
}

// showCycle hands the messages of a cycle out, and passes them to their exchange.
func (s *Session) showCycle(parts []friend.Part, b []byte) {
	e := &s.shared.event
	e.Session, e.Cancels, e.Notes, e.Truncated, e.State = s, Cancelled{}, nil, false, 0
	e.Step, e.Kind = s.shared.cycle.steps[0], parts[0].Kind
	x := logs.Exchange(s.log, &e.Message)
	add := adding(x, e.Direction)
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
			s.show(x, add)
		}
	}
}

// show hands out the message of the event, of exchange x: a request when that has
// it, a reply before, since the last one ends it.
func (s *Session) show(x *exchange.Exchange, add addition) {
	e := &s.shared.event
	if e.Direction == messages.Frontend && x != nil {
		add(s.log, x, &e.Message)
	}
	e.Exchange = x
	s.handler.Message(e)
	switch {
	case e.Direction == messages.Frontend:
	case e.Kind == messages.KindReadyForQuery:
		logs.Ready(s.log, x, &e.Message)
	case x != nil:
		add(s.log, x, &e.Message)
	}
}

// takeCycles is false in tests that compare.
var takeCycles = true
