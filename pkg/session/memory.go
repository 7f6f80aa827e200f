package session

import (
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// restAbove is the number of open connections above which those that are
	// idle give their decoders to others: a hundred thousand pairs of them
	// would take as much memory as all else.
	restAbove = 4096
	// maxHeld is how many bytes the decoders of all connections together may
	// hold of messages that are incomplete; beyond, the oldest are delivered
	// without their bodies. One message of the largest size that is kept takes
	// 1 MiB, so that some twenty connections may be in the middle of one.
	maxHeld = 24 << 20
)

// stream returns the decoder of a direction.
func (s *Session) stream(d messages.Direction) *codec.Stream {
	if st := s.streams[d]; st != nil {
		return st
	}
	st := s.shared.takeStream(d, s.resting[d])
	s.streams[d] = st
	return st
}

func (sh *Shared) takeStream(d messages.Direction, r codec.Rest) *codec.Stream {
	n := len(sh.free[d])
	if n == 0 {
		st := codec.NewStream(d, sh.cfg.Stream)
		st.Wake(d, r)
		return st
	}
	st := sh.free[d][n-1]
	sh.free[d] = sh.free[d][:n-1]
	st.Wake(d, r)
	return st
}

func (sh *Shared) putStream(d int, st *codec.Stream) {
	if len(sh.free[d]) < maxFreeStreams {
		sh.free[d] = append(sh.free[d], st)
	}
}

// memory keeps account of what the decoders hold: the sessions of those that
// hold something, those that began to first.
type memory struct {
	held       int
	head, tail *Session
}

// holding is a session's place in it.
type holding struct {
	bytes      [2]int32
	prev, next *Session
}

// settle is called when a direction's decoder needs more.
func (sh *Shared) settle(s *Session, d messages.Direction, st *codec.Stream) {
	if sh.sessions > restAbove && sh.rest(s, d, st) {
		sh.memory.note(s, d, 0)
		return
	}
	held := st.Held()
	if held == int(s.holding.bytes[d]) {
		return
	}
	sh.memory.note(s, d, held)
	for sh.memory.held > maxHeld {
		sh.shed(sh.memory.head)
	}
}

// rest takes the decoder from a direction, if nothing is going on there.
func (sh *Shared) rest(s *Session, d messages.Direction, st *codec.Stream) bool {
	r, ok := st.Rest()
	if !ok {
		return false
	}
	s.resting[d], s.streams[d] = r, nil
	sh.putStream(int(d), st)
	if s.tracker.Outstanding() == 0 {
		s.tracker.Compact()
	}
	return true
}

// shed takes what the decoders of s hold.
func (sh *Shared) shed(s *Session) {
	for d, st := range s.streams {
		if st != nil {
			st.Shed()
			sh.memory.note(s, messages.Direction(d), st.Held())
		}
	}
	sh.memory.remove(s) // what is left is small
}

// note records that the decoder of a direction holds n bytes.
func (m *memory) note(s *Session, d messages.Direction, n int) {
	h := &s.holding
	linked := h.bytes[0]|h.bytes[1] != 0
	m.held += n - int(h.bytes[d])
	h.bytes[d] = int32(n)
	switch now := h.bytes[0]|h.bytes[1] != 0; {
	case now && !linked:
		m.push(s)
	case !now && linked:
		m.unlink(s)
	}
}

func (m *memory) push(s *Session) {
	h := &s.holding
	h.prev, h.next = m.tail, nil
	if m.tail != nil {
		m.tail.holding.next = s
	} else {
		m.head = s
	}
	m.tail = s
}

func (m *memory) unlink(s *Session) {
	h := &s.holding
	if h.prev != nil {
		h.prev.holding.next = h.next
	} else {
		m.head = h.next
	}
	if h.next != nil {
		h.next.holding.prev = h.prev
	} else {
		m.tail = h.prev
	}
	h.prev, h.next = nil, nil
}

// remove forgets what s holds.
func (m *memory) remove(s *Session) {
	h := &s.holding
	if h.bytes[0]|h.bytes[1] != 0 {
		m.held -= int(h.bytes[0]) + int(h.bytes[1])
		h.bytes = [2]int32{}
		m.unlink(s)
	}
}
