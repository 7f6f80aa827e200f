package session

import (
	"encoding/binary"
	"slices"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Some is for who wants few messages: that others are not handed out costs them
// next to nothing.
type Some struct {
	// Kinds are those that are handed out; what breaks the protocol is in any case. Only
	// that of DataRow may be changed once there are sessions.
	Kinds [messages.NumKinds]bool
	// Rows is how many DataRow messages of a query cycle are handed out, the first
	// ones; of a result that is seen to have one row, or that goes on where a portal was
	// suspended, none.
	Rows uint64
	// Tell takes a message. The event is borrowed until it returns.
	Tell func(*Event)
}

// any reports whether kinds other than DataRow, which may be asked for later, are wanted.
func (w *Some) any(kinds []messages.Kind) bool {
	return w != nil && slices.ContainsFunc(kinds, func(k messages.Kind) bool { return k != messages.KindDataRow && w.Kinds[k] })
}

// some tells Config.Some of a message, if it is one of those.
func (s *Session) some(e *Event) {
	w := s.cfg.Some
	if !w.Kinds[e.Kind] && e.Step.Anomaly == nil {
		return
	}
	e.Exchange = nil
	if s.cfg.Exchanges && e.Step.Exchange != 0 {
		e.Exchange = s.log.Find(e.Step.Exchange)
	}
	if e.Kind == messages.KindDataRow && (e.Exchange == nil || e.Exchange.Rows >= w.Rows || logs.Resumes(e.Exchange)) {
		return
	}
	w.Tell(e)
}

// someRows tells it of the first of several DataRow messages, whole ones one after
// the other, which x has not taken yet.
func (s *Session) someRows(x *exchange.Exchange, run []byte) {
	w, e := s.cfg.Some, &s.shared.event
	if x == nil || !w.Kinds[messages.KindDataRow] || logs.Resumes(x) {
		return
	}
	e.Session, e.Exchange, e.Notes, e.Truncated, e.Kind, e.Tag = s, x, nil, false, messages.KindDataRow, 'D'
	body, size := e.Body, e.Len
	for n := x.Rows; n < w.Rows && len(run) > 0; n++ {
		end := 1 + int(binary.BigEndian.Uint32(run[1:]))
		e.Body, e.Len = run[5:end:end], end
		w.Tell(e)
		run = run[end:]
	}
	e.Body, e.Len = body, size
}

// somePart tells it of a part of a cycle that is taken at once: a message of size
// bytes, or several.
func (s *Session) somePart(x *exchange.Exchange, p *friend.Part, b []byte, size int) {
	if p.Kind == messages.KindDataRow {
		if p.N > 1 {
			s.someRows(x, b)
		}
		return
	}
	e := &s.shared.event
	e.Session, e.Exchange, e.Notes, e.Truncated, e.Cancels = s, x, nil, false, Cancelled{}
	e.Kind, e.Tag, e.Body, e.Len = p.Kind, b[0], b[5:size:size], size
	s.cfg.Some.Tell(e)
}
