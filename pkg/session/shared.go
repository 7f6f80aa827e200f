package session

import (
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// maxTargets bounds the cancel keys remembered, of open connections and of
	// the latest that ended.
	maxTargets = 20000
	// maxWaiting bounds the CancelRequests whose target has not been seen.
	maxWaiting = 1000
	// maxFreeStreams bounds the decoders kept for reuse.
	maxFreeStreams = 256
)

// Shared is what the sessions of one capture have in common. It belongs to one
// goroutine.
type Shared struct {
	Exchanges *exchange.Shared
	// Kinds counts the messages of all connections, Errors their ErrorResponses.
	Kinds  [messages.NumKinds]uint64
	Errors uint64

	decoded [messages.NumKinds]messages.Message
	startup messages.StartupMessage
	names   names
	// The latest version of the protocol that was asked for, and its name.
	versionOf   messages.ProtocolVersion
	versionText string
	cfg         Config
	handler     Handler
	targets     map[string]*target // by cancel key
	order       []string           // keys in order of arrival, for the bound
	waiting     map[string]*Session
	keyless     []*Session // whose ciphertext waits for keys, in no order
	free        [2][]*codec.Stream

	freeSessions []*Session
	sessions     int // that have not ended
	tlsConns     int // with a TLS layer
	memory       memory
	freePending  []*pendingStamp

	// The event being handed out, and its notes.
	event Event
	notes []Note
	cycle cycleScratch
	// cycles tells that takeCycle may be used.
	cycles bool
}

// target is a connection as CancelRequests name it.
type target struct {
	conn      uint64
	session   *Session // nil once it has ended
	cancelled uint64   // its latest exchange that ended with query_canceled
	ended     Stamp    // when that one ended
}

// NewShared returns the common part of a capture's sessions.
func NewShared(cfg Config, limits exchange.Limits, h Handler) *Shared {
	return &Shared{
		Exchanges: exchange.NewShared(limits), cfg: cfg, handler: h,
		names: make(names), targets: make(map[string]*target), waiting: make(map[string]*Session),
		cycles: takeCycles && cfg.Exchanges && !cfg.Strict && !cfg.States,
	}
}

// New returns the session of a new connection.
func (sh *Shared) New(o Opening) *Session {
	s := sh.get()
	sh.sessions++
	s.ID, s.Client, s.Server = o.ID, o.Client, o.Server
	s.cfg, s.shared, s.handler, s.candidate = &sh.cfg, sh, sh.handler, o.Candidate
	s.info.Started, s.info.MidStream, s.info.TLS = o.At, o.MidStream, &noTLS
	s.log.Begin(false, o.Server, "")
	for _, d := range []messages.Direction{messages.Frontend, messages.Backend} {
		if o.MidStream {
			s.stream(d).MidStream()
		}
	}
	if o.MidStream {
		s.tracker.Join()
	}
	return s
}

// exchangeSink is the session as the handler of its exchanges.
type exchangeSink Session

func (x *exchangeSink) Exchange(e *exchange.Exchange) {
	s := (*Session)(x)
	if e.Error != nil && string(e.SQLState()) == "57014" && s.target != nil {
		s.target.cancelled, s.target.ended = e.ID, e.End
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
	sh, key := s.shared, string(body)
	if s.target != nil {
		s.target.session = nil // a server sends one key; the latest counts
	}
	s.target = &target{conn: s.ID, session: s}
	if _, known := sh.targets[key]; !known {
		sh.order = append(sh.order, key)
	}
	sh.targets[key] = s.target
	if len(sh.order) > maxTargets {
		old := sh.order[0]
		sh.order = sh.order[1:]
		delete(sh.targets, old)
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
	sh, key := s.shared, string(e.Body[4:])
	t := sh.targets[key]
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

// ended hands a connection over, unless its record has to wait for the target
// of its CancelRequest.
func (sh *Shared) ended(s *Session) {
	sh.sessions--
	sh.memory.remove(s)
	sh.Exchanges.Release(s.charged)
	s.charged = 0
	for d, st := range s.streams {
		sh.clearPending(s, messages.Direction(d))
		if st != nil {
			sh.putStream(d, st)
		}
		s.streams[d] = nil
	}
	if s.target != nil {
		s.target.session = nil
	}
	if !s.waits {
		sh.handler.End(s)
		sh.put(s)
	}
}

// Finish hands over what was waiting for the end of the capture.
func (sh *Shared) Finish() {
	var last []*Session
	for key, w := range sh.waiting {
		if w.ended {
			last = append(last, w)
		}
		delete(sh.waiting, key)
	}
	for len(last) > 0 { // in order of their numbers
		low := 0
		for i := range last {
			if last[i].ID < last[low].ID {
				low = i
			}
		}
		sh.handler.End(last[low])
		last = append(last[:low], last[low+1:]...)
	}
}
