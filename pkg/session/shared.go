package session

import (
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// maxFreeStreams bounds the decoders kept for reuse.
const maxFreeStreams = 256

// Shared is what the sessions of one capture have in common. It belongs to one
// goroutine. Make it with NewShared; the zero value is of no use.
type Shared struct {
	Exchanges *exchange.Shared
	// Errors counts the ErrorResponses of all connections.
	Errors uint64

	catalog *replication.Catalog // made when a connection replicates

	kinds [messages.NumKinds]uint64 // messages of all connections, but for those in forms
	forms forms
	idle  [messages.NumKinds]bool // replies in cycles that nobody has to be told of

	decoded [messages.NumKinds]messages.Message
	// plainColumns is the latest RowDescription without another product's additions.
	plainColumns []byte
	plainStartup []byte // likewise the latest StartupMessage
	startup      messages.StartupMessage
	latest       startup
	settings     settings
	names        names
	// The latest version of the protocol that was asked for, and its name.
	versionOf   messages.ProtocolVersion
	versionText string
	cfg         Config
	handler     Handler
	counter     RowCounter // the handler, nil if it is none
	targets     targets
	waiting     map[cancelKey]*Session // for their target
	keyless     []*Session             // whose ciphertext waits for keys, in no order
	lingering   []lingering            // that are over but for their keys, in the order of their ends
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
	// splitter is off where takeCycle must not be used.
	splitter splitter
}

// NewShared returns the common part of a capture's sessions. h may be nil, where what
// Config.OnError and Config.Some take is enough.
func NewShared(cfg Config, limits exchange.Limits, h Handler) *Shared {
	if h == nil {
		h = nobody{}
	}
	all := exchange.NewShared(limits)
	counter, _ := h.(RowCounter)
	return &Shared{
		Exchanges: all, idle: logs.Idle(all), cfg: cfg, handler: h, counter: counter,
		names: make(names), targets: newTargets(), waiting: make(map[cancelKey]*Session),
		splitter: splitter{Stream: cfg.Stream, On: takeCycles && cfg.Exchanges && !cfg.Strict && !cfg.States},
	}
}

// keepColumns says whether descriptions of results are kept from now on.
func (sh *Shared) keepColumns(on bool) {
	logs.Columns(sh.Exchanges, on)
	sh.idle = logs.Idle(sh.Exchanges)
}

// New returns the session of a new connection.
func (sh *Shared) New(o Opening) *Session {
	s := sh.get()
	sh.opened(1)
	s.ID, s.Client, s.Server = o.ID, o.Client, o.Server
	s.cfg, s.shared, s.handler, s.candidate = &sh.cfg, sh, sh.handler, o.Candidate
	s.auditing = !o.MidStream
	s.info.Started, s.info.TLS = o.At, &noTLS
	s.joined, s.info.MidStream, s.info.Continues = o.MidStream, o.MidStream && o.Continues == 0, o.Continues
	s.log.Begin(false, o.Server, "")
	for _, d := range []messages.Direction{messages.Frontend, messages.Backend} {
		if o.MidStream {
			s.stream(d).MidStream()
		}
	}
	if o.MidStream {
		s.tracker.Join()
		s.roles.open = o.Continues == 0
	}
	return s
}

// ended hands a connection over, unless its record has to wait for the target
// of its CancelRequest.
func (sh *Shared) ended(s *Session) {
	sh.opened(-1)
	sh.memory.remove(s)
	logs.Release(sh.Exchanges, s.charged)
	s.charged = 0
	for d, st := range s.streams {
		sh.clearPending(s, messages.Direction(d))
		if st != nil {
			sh.putStream(d, st)
		}
		s.streams[d] = nil
	}
	sh.targets.ended(s)
	s.endReplication()
	if !s.waits {
		sh.handler.End(s)
		sh.put(s)
	}
}

// Finish hands over what was waiting for the end of the capture.
func (sh *Shared) Finish() {
	for len(sh.lingering) > 0 {
		sh.partFirst()
	}
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
