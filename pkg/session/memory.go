package session

import (
	"github.com/pgsniff/pgsniff/internal/friend"
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
	maxHeld = 20 << 20
	// What a connection needs in any case is its own. Of those above easySessions,
	// roomForOther is taken, in bytes, from what decoders may hold and from what
	// exchanges may keep, so that both together stay below what the program may use:
	// where that many are open, few are in the middle of something large. leastHeld is
	// left to decoders in any case.
	easySessions = 4096
	roomForOther = 1200
	leastHeld    = 6 << 20
)

// crowd returns how many bytes the connections above easySessions take from others.
func (sh *Shared) crowd() int { return max(sh.sessions-easySessions, 0) * roomForOther }

// maxHeld returns how many bytes decoders may hold now.
func (sh *Shared) maxHeld() int { return max(maxHeld-sh.crowd(), leastHeld) }

// opened notes that n connections more, or fewer, are open.
func (sh *Shared) opened(n int) {
	sh.sessions += n
	logs.Crowd(sh.Exchanges, sh.crowd())
}

// newPending returns a place for the stamps of an incomplete message.
func (sh *Shared) newPending() *pendingStamp {
	if n := len(sh.freePending); n > 0 {
		p := sh.freePending[n-1]
		sh.freePending = sh.freePending[:n-1]
		return p
	}
	return new(pendingStamp)
}

// clearPending tells that nothing is pending in a direction.
func (sh *Shared) clearPending(s *Session, d messages.Direction) {
	if p := s.pending[d]; p != nil {
		s.pending[d] = nil
		p.marks, p.head = p.marks[:0], 0
		if len(sh.freePending) < maxFreeStreams {
			sh.freePending = append(sh.freePending, p)
		}
	}
}

// stream returns the decoder of a direction.
func (s *Session) stream(d messages.Direction) *codec.Stream {
	if st := s.streams[d]; st != nil {
		return st
	}
	st := s.shared.takeStream(d, s.resting[d])
	s.streams[d] = st
	return st
}

func (sh *Shared) takeStream(d messages.Direction, r friend.Rest) *codec.Stream {
	n := len(sh.free[d])
	if n == 0 {
		st := codec.NewStream(d, sh.cfg.Stream)
		streams.Wake(st, d, r)
		return st
	}
	st := sh.free[d][n-1]
	sh.free[d] = sh.free[d][:n-1]
	streams.Wake(st, d, r)
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
	bytes      [3]int32 // of the two decoders, and of the TLS layer
	prev, next *Session
}

const holdingTLS = 2

func (h *holding) any() bool { return h.bytes[0]|h.bytes[1]|h.bytes[holdingTLS] != 0 }

// settle is called when a direction's decoder needs more.
func (sh *Shared) settle(s *Session, d messages.Direction, st *codec.Stream) {
	if sh.sessions > restAbove && sh.rest(s, d, st) {
		sh.memory.note(s, int(d), 0)
		return
	}
	held := st.Held()
	if held == int(s.holding.bytes[d]) {
		return
	}
	sh.hold(s, int(d), held)
}

// hold records that part of a session holds n bytes, and relieves the oldest
// where all hold too much.
func (sh *Shared) hold(s *Session, part, n int) {
	sh.memory.note(s, part, n)
	for sh.memory.held > sh.maxHeld() {
		sh.shed(sh.memory.head)
	}
}

// rest takes the decoder from a direction, if nothing is going on there.
func (sh *Shared) rest(s *Session, d messages.Direction, st *codec.Stream) bool {
	if st == nil {
		return true
	}
	r, ok := streams.Rest(st)
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
	for _, st := range s.streams {
		if st != nil {
			st.Shed()
		}
	}
	if s.tls != nil {
		s.tls.Shed()
	}
	sh.memory.remove(s) // what is left is small
}

// note records that part of a session holds n bytes.
func (m *memory) note(s *Session, part, n int) {
	h := &s.holding
	linked := h.any()
	m.held += n - int(h.bytes[part])
	h.bytes[part] = int32(n)
	switch now := h.any(); {
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
	if h.any() {
		m.held -= int(h.bytes[0]) + int(h.bytes[1]) + int(h.bytes[holdingTLS])
		h.bytes = [3]int32{}
		m.unlink(s)
	}
}

// freeRequests is how many outstanding requests each connection may have
// without asking, and requestCost what one takes in bytes.
const (
	freeRequests = 64
	requestCost  = friend.RequestSize
)

// makeRoom asks for as many outstanding requests again as there are now. Where
// all connections keep too much, the oldest are given up from now on.
func (s *Session) makeRoom() {
	n := max(s.tracker.Outstanding(), freeRequests)
	if n > freeRequests {
		if !logs.Reserve(s.shared.Exchanges, n*requestCost) {
			s.tracker.Bound(n)
			s.room = 1 << 30
			return
		}
		s.charged += n * requestCost
	}
	s.room = 2 * n
}
