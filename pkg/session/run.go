package session

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Rows and COPY data come in runs: messages of one kind, one after the other in a chunk.
// All but the first mean for the connection what the first did, so they are neither framed
// nor tracked by themselves.

// runs are the kinds of which many come in a row.
var runs = [messages.NumKinds]bool{
	messages.KindDataRow: true, messages.KindCopyData: true, messages.KindParameterStatus: true,
}

// takeRun takes the messages after the one that was just observed, of its kind, which lie
// whole in the chunk that came at a place. It returns their bytes, 0 where they have to be
// taken one by one.
func (s *Session) takeRun(st *codec.Stream, at Stamp) (bytes int) {
	parameters := s.shared.event.Kind == messages.KindParameterStatus
	switch {
	case s.cfg.Strict || s.replication != nil:
	case !s.cfg.Messages || !parameters && s.counted():
		return s.stepOver(st, parameters)
	case s.shared.splitter.On && s.alike(at, parameters):
		return s.showRun(st, at, parameters)
	}
	return 0
}

// counted tells whether the handler will only count what follows the message that it
// just took.
func (s *Session) counted() bool {
	e := &s.shared.event
	return s.shared.counter != nil && !s.cfg.States && s.shared.counter.Counts(e)
}

// stepOver takes a run that nobody looks at.
func (s *Session) stepOver(st *codec.Stream, parameters bool) (bytes int) {
	e := &s.shared.event
	if e.Step.Exchange == 0 && !parameters || e.Step.Anomaly != nil || e.Truncated {
		return 0
	}
	run, n := st.Run()
	if n == 0 {
		return 0
	}
	s.shared.kinds[e.Kind] += uint64(n)
	if s.cfg.Messages {
		s.shared.counter.Rows(e, n, len(run))
	}
	if parameters {
		s.learnParameters(run)
	} else if s.cfg.Exchanges {
		if s.cfg.Some != nil && e.Kind == messages.KindDataRow {
			s.someRows(s.log.Find(e.Step.Exchange), run)
		}
		s.log.Rows(&e.Message, n, len(run))
	}
	return len(run)
}

// alike reports whether what is told of the message that was just handed out holds for
// each that follows it in a run: nothing is odd about it or begins with it, and it ended
// where the chunk came that they lie in.
func (s *Session) alike(at Stamp, parameters bool) bool {
	e := &s.shared.event
	p := &e.Step
	return (p.Exchange != 0 || parameters) && p.Phase == p.After && p.Anomaly == nil && p.Over == 0 && p.Spoiled == 0 &&
		!p.Begins && !p.Discarded && !p.Inferred && !p.Doubtful && !p.Trial && !e.Truncated &&
		e.At == at && len(e.Notes) == 0 && s.odd == 0 && !s.roles.open
}

// showRun hands the messages of a run out.
func (s *Session) showRun(st *codec.Stream, at Stamp, parameters bool) (bytes int) {
	run, n := st.Run()
	if n == 0 {
		return 0
	}
	e := &s.shared.event
	s.shared.kinds[e.Kind] += uint64(n)
	e.First = at
	x := e.Exchange
	add := adding(x, e.Direction)
	for rest := run; len(rest) > 0; {
		end := 1 + int(binary.BigEndian.Uint32(rest[1:]))
		e.Body, e.Len = rest[messageHead:end:end], end
		if parameters {
			s.learnParameter(e.Body)
		}
		s.show(x, add)
		rest = rest[end:]
	}
	return len(run)
}
