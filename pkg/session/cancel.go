package session

import (
	"hash/maphash"
	"slices"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// maxTargets bounds the cancel keys remembered, of open connections and of
	// the latest that ended.
	maxTargets = 20000
	// maxWaiting bounds the CancelRequests whose target has not been seen.
	maxWaiting = 1000
)

// cancelKey stands for process ID and secret key: a hash of them with a seed that
// no capture knows.
type cancelKey uint64

// target is a connection as CancelRequests name it.
type target struct {
	key       cancelKey
	conn      uint64
	session   *Session // nil once it has ended, or sent another key
	cancelled uint64   // its latest exchange that ended with query_canceled
	ended     Stamp    // when that one ended
}

// targets are the latest of them. Every connection is one and hardly any is ever
// asked for: the index is made when the first one is.
type targets struct {
	seed  maphash.Seed
	ring  []target
	next  int                 // of ring, once it is full: the oldest
	index map[cancelKey]int32 // place in ring; nil before the first find
}

func newTargets() targets { return targets{seed: maphash.MakeSeed()} }

func (t *targets) keyOf(b []byte) cancelKey { return cancelKey(maphash.Bytes(t.seed, b)) }

// of returns the target that s is, whose target is not 0.
func (t *targets) of(s *Session) *target { return &t.ring[s.target-1] }

// add files s under its key. A server sends one key; the latest counts.
func (t *targets) add(s *Session, b []byte) cancelKey {
	t.ended(s)
	at, key := t.place(), t.keyOf(b)
	t.ring[at] = target{key: key, conn: s.ID, session: s}
	s.target = int32(at) + 1
	if t.index != nil {
		t.index[key] = int32(at)
	}
	return key
}

// place returns where the next one goes, the oldest one's when there are many.
func (t *targets) place() int {
	if len(t.ring) < maxTargets {
		if len(t.ring) == cap(t.ring) { // append would copy it more often
			t.ring = slices.Grow(t.ring, min(max(len(t.ring), 64), maxTargets-len(t.ring)))
		}
		t.ring = append(t.ring, target{})
		return len(t.ring) - 1
	}
	at := t.next
	t.next = (at + 1) % maxTargets
	old := &t.ring[at]
	if old.session != nil {
		old.session.target = 0
	}
	if i, ok := t.index[old.key]; ok && int(i) == at {
		delete(t.index, old.key)
	}
	return at
}

// ended tells that s is over: its key is still known.
func (t *targets) ended(s *Session) {
	if s.target != 0 {
		t.of(s).session = nil
		s.target = 0
	}
}

// find returns the latest target with a key, nil if there is none.
func (t *targets) find(b []byte) (*target, cancelKey) {
	if t.index == nil {
		t.index = make(map[cancelKey]int32, len(t.ring))
		for i := range t.ring {
			at := (t.next + i) % len(t.ring) // from the oldest on
			t.index[t.ring[at].key] = int32(at)
		}
	}
	key := t.keyOf(b)
	if at, ok := t.index[key]; ok {
		return &t.ring[at], key
	}
	return nil, key
}

// exchangeSink is the session as the handler of its exchanges.
type exchangeSink Session

func (x *exchangeSink) Exchange(e *exchange.Exchange) {
	if x.roles.turning {
		return
	}
	s := (*Session)(x)
	if e.Error != nil && string(e.SQLState()) == "57014" {
		if s.target != 0 {
			t := s.shared.targets.of(s)
			t.cancelled, t.ended = e.ID, e.End
		}
		if s.pendingCancel != 0 {
			e.CancelledBy = s.pendingCancel
		}
		s.shared.resolve(s, e.ID)
	}
	s.handler.Exchange(s, e)
}

// learnKey files the connection under its cancel key.
func (s *Session) learnKey(body []byte) {
	var m messages.BackendKeyData
	if m.Decode(body) != nil {
		return
	}
	s.info.ProcessID, s.info.HasProcessID = m.ProcessID, true
	sh := s.shared
	key := sh.targets.add(s, body)
	if len(sh.waiting) == 0 {
		return
	}
	if w := sh.waiting[key]; w != nil { // its CancelRequest came first in the capture
		s.pendingCancel = w.ID
		w.info.Cancels.Conn = s.ID
	}
}

// cancelRequest links a CancelRequest to the connection and the exchange that it
// is for.
func (s *Session) cancelRequest(e *Event) {
	if len(e.Body) < 8 {
		return
	}
	sh := s.shared
	t, key := sh.targets.find(e.Body[4:])
	if t == nil {
		if len(sh.waiting) < maxWaiting && sh.waiting[key] == nil && !s.waits {
			sh.waiting[key], s.waits = s, true
		}
		return
	}
	s.info.Cancels.Conn = t.conn
	if t.session != nil {
		s.info.Cancels.Query = t.session.log.CancelRequested(s.ID)
	}
	// What was cancelled before this connection began was not cancelled by it.
	if s.info.Cancels.Query == 0 && later(t.ended, s.info.Started) {
		s.info.Cancels.Query = t.cancelled
	}
	e.Cancels = s.info.Cancels
}

// later reports whether a comes after b: by their times, which tell more than
// numbers where the files of a capture are not read in order.
func later(a, b Stamp) bool {
	if a.Time != 0 && b.Time != 0 && a.Time != b.Time {
		return a.Time > b.Time
	}
	return a.Frame > b.Frame
}

// resolve tells CancelRequests that waited for their target what they cancelled.
func (sh *Shared) resolve(s *Session, query uint64) {
	if s.pendingCancel == 0 {
		return
	}
	for key, w := range sh.waiting {
		if w.ID == s.pendingCancel {
			w.info.Cancels.Query = query
			delete(sh.waiting, key)
			w.waits = false
			if w.ended {
				sh.handler.End(w)
			}
		}
	}
	s.pendingCancel = 0
}
