package exchange

import (
	"math"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Message is a message as the session saw it; all of it is borrowed for the
// call it is passed to.
type Message struct {
	Direction messages.Direction
	Kind      messages.Kind
	Body      []byte // may be cut short
	Len       int    // length on the wire in bytes
	Lost      int    // bytes of it that were not captured
	First, At Stamp  // the packets with its first and its last byte
	Step      tracker.Step
}

// Handler takes finished exchanges.
type Handler interface {
	// Exchange is called once for each exchange, in order of their numbers
	// within a connection. x is borrowed until it returns.
	Exchange(x *Exchange)
}

// Totals counts what a connection did.
type Totals struct {
	Queries, Transactions, Rows uint64
	IdleInTransaction           int64 // nanoseconds
}

// Log joins the messages of one connection to exchanges. Make it with New; its
// memory is bounded by the outstanding requests, the prepared statements and
// the limits, never by rows.
type Log struct {
	handler Handler
	shared  *Shared
	Totals  Totals

	replication bool
	server      serverKey // where statements are shared
	// Escapes tells that backslashes in plain constants are escapes from now on. What was
	// sent ahead is read so, too, once what was asked before it is answered.
	Escapes bool
	// Encodings are those of the client and the server.
	Encodings Encodings

	open  []*Exchange // ring: open[(head+i) % len] has ID first+i, nil for none
	head  int
	n     int
	first uint64

	statements  map[string]*Statement
	unnamed     *Statement
	unnamedGone bool       // the server has dropped it; its text may come again
	last        *Statement // the statement of the latest Bind, to spare the map
	portals     map[string]*portal
	unnamedPtl  *portal

	lastEnd Stamp // the end of the latest replies
	lastTx  byte  // status then, 0 within a cycle
	idle    bool  // nothing was asked since
	blurred bool  // something was, or came, of which it is not known what it was
	worked  bool  // something was executed since the session was last idle
	failed  bool  // an error came since the latest ReadyForQuery
	columns *Columns
	lost    lost
	// heard tells that the backend was heard; ending, that no more will come; lossy is
	// the latest exchange that was open when bytes were lost, holed when those of the
	// frontend were.
	heard, ending bool
	lossy, holed  uint64
	// deaf is one more than the oldest exchange that was open when bytes of the backend
	// were lost.
	deaf uint64
	// forgot tells that the server may have a statement by a name that nothing has
	// here: what became of one was lost. closed tells that one may be gone that something
	// has here: a CloseComplete came which nobody can say whose it is, or a command may
	// have taken it away.
	forgot, closed bool
	// reuses tells that names of statements were given up or given again so far; untold
	// is the latest exchange that was open when bytes of both sides were lost before that.
	reuses bool
	untold uint64
}

// New returns the log of a new connection. shared is that of all connections.
func New(h Handler, shared *Shared) *Log {
	if h == nil || shared == nil {
		panic("exchange: New needs a Handler and a Shared")
	}
	return &Log{handler: h, shared: shared}
}

// Reset makes l ready for another connection, after End, with the same handler.
func (l *Log) Reset() {
	open := l.open
	if len(open) > 64 {
		open = nil
	}
	*l = Log{handler: l.handler, shared: l.shared, open: open}
}

// Begin tells the facts of the startup that exchanges depend on: whether the
// connection replicates, and the server and database whose statements may be
// those of other connections.
func (l *Log) Begin(replication bool, server, database string) {
	l.replication, l.server, l.Escapes, l.Encodings = replication, serverKey{server, database}, false, Encodings{}
}

// Find returns the open exchange with a number, nil if there is none. It is
// borrowed until the next call of Observe.
func (l *Log) Find(id uint64) *Exchange {
	if id < l.first || id >= l.first+uint64(l.n) {
		return nil
	}
	return *l.slot(id)
}

func (l *Log) slot(id uint64) **Exchange {
	return &l.open[(l.head+int(id-l.first))&(len(l.open)-1)]
}

// maxLook bounds the search for the exchange in flight: it is the first, but
// for those that only prepare.
const maxLook = 256

// InFlight returns the number of the oldest exchange that is waiting for
// replies, 0 if there is none.
func (l *Log) InFlight() uint64 {
	for i := range min(l.n, maxLook) {
		x := *l.slot(l.first + uint64(i))
		if x != nil && x.flags&(flagExecuted|flagDiscarded) == flagExecuted && x.waits() {
			return x.ID
		}
	}
	return 0
}

// CancelRequested tells that a CancelRequest for this connection was sent on
// connection conn. It returns the exchange that is in flight, 0 if none is.
func (l *Log) CancelRequested(conn uint64) uint64 {
	id := l.InFlight()
	if id != 0 {
		(*l.slot(id)).CancelledBy = conn
	}
	return id
}

// Observe takes the next message of the connection.
func (l *Log) Observe(m *Message) {
	s := &m.Step
	if !l.heard && m.Direction == messages.Backend {
		l.hear()
	}
	if s.Exchange != 0 {
		x := l.exchange(s.Exchange, m)
		if s.Doubtful && x != nil {
			x.flags |= flagHoles
		}
		switch {
		case x == nil:
		case m.Direction == messages.Frontend:
			l.request(x, m)
		default:
			l.reply(x, m)
		}
	}
	if s.Doubtful || s.Inferred || s.Spoiled != 0 {
		l.doubt(m)
		l.blurred = true
	}
	switch m.Kind {
	case messages.KindReadyForQuery:
		l.ready(m)
	case messages.KindTerminate:
		l.pause(m.First)
	}
	if s.Over != 0 {
		l.over(s.Over)
	}
}

func (l *Log) together(m *Message) *Exchange {
	if !l.heard && m.Direction == messages.Backend {
		l.hear()
	}
	x := l.exchange(m.Step.Exchange, m)
	switch {
	case x == nil:
	case m.Direction == messages.Frontend:
		if l.lost.latest {
			l.blame(x, m)
		}
	case x.flags&flagDiscarded == 0:
		x.replied(m)
	}
	return x
}

func (x *Exchange) adds(d messages.Direction) func(l *Log, x *Exchange, m *Message) {
	switch {
	case d == messages.Frontend:
		return (*Log).asked
	case x.flags&flagDiscarded == 0:
		return (*Log).answer
	}
	return (*Log).reply
}

func (l *Log) readyTogether(x *Exchange, m *Message) {
	if x != nil && x.flags&flagDiscarded == 0 {
		if x.flags&flagApart == 0 {
			x.End = m.At
		}
		if len(x.changes) > 0 {
			x.settle(len(x.changes)) // without an error, all was done
		}
		x.ready(m)
	}
	l.ready(m)
}

// Rows takes n more messages of the kind, direction and exchange of m, which Observe has
// just been given: DataRow or CopyData, size bytes in all.
func (l *Log) Rows(m *Message, n, size int) {
	x := l.Find(m.Step.Exchange)
	if x == nil {
		return
	}
	if m.Kind == messages.KindCopyData {
		x.copied(m.Direction, uint64(n), uint64(size-messageHead*n))
		return
	}
	r := x.openResult(l)
	r.Rows += uint64(n)
	r.Bytes += uint64(size)
	x.Rows += uint64(n)
	x.Bytes += uint64(size)
}

// End tells that the connection or the capture ended: what is open is handed
// over as it is.
func (l *Log) End() {
	l.blameLatest()
	l.ending = true
	l.over(l.first + uint64(l.n))
	if len(l.statements) > 0 { // ranging over nothing takes its time, too
		for _, s := range l.statements {
			s.unfile()
		}
	}
	l.dropPortals(math.MaxUint64)
	l.setUnnamed(nil)
	l.setColumns(nil)
	l.statements, l.portals, l.last = nil, nil, nil
}

// exchange returns the exchange with a number, opening it and giving up gaps.
func (l *Log) exchange(id uint64, m *Message) *Exchange {
	if l.n > 0 && id < l.first {
		return nil // a late message of an exchange that is over
	}
	if l.n == 0 {
		if id < l.first {
			return nil
		}
		l.first, l.head = id, 0
	}
	if id < l.first+uint64(l.n) {
		if x := *l.slot(id); x != nil || !m.Step.Begins && !m.Step.Inferred {
			return x
		}
	}
	if !m.Step.Begins && !m.Step.Inferred && m.Direction == messages.Backend {
		return nil
	}
	if m.Step.Rested {
		l.over(id - 1) // nothing more is due for those before
	} else {
		l.finishBefore(id)
	}
	return l.openExchange(id, m)
}

func (l *Log) openExchange(id uint64, m *Message) *Exchange {
	if l.n == 0 {
		l.first, l.head = id, 0
	}
	for id >= l.first+uint64(l.n) {
		if l.n == len(l.open) {
			l.grow()
		}
		l.n++
		*l.slot(l.first + uint64(l.n) - 1) = nil
	}
	l.makeRoom(id)
	x := l.shared.get()
	if l.shared.reserve(exchangeCost) {
		x.cost = exchangeCost
	}
	x.ID, x.Pause, x.Escapes = id, -1, l.Escapes
	if m.Direction == messages.Frontend {
		x.Start, x.Asked = m.First, m.First
		x.flags |= flagRequested
		if x.Pause = l.pause(m.First); x.Pause >= 0 {
			x.PauseTx = l.lastTx
		}
	} else {
		x.Missing |= MissingRequest
		l.lost.to(x)
		l.idle = false
	}
	*l.slot(id) = x
	return x
}

// exchangeCost is an open exchange with its place in the ring.
const exchangeCost = 640

// makeRoom hands over the oldest exchanges before id unanswered where the memory
// of all connections is nearly used up.
func (l *Log) makeRoom(id uint64) {
	for l.n > 1 && l.first < id && l.shared.crowded() {
		l.shared.DroppedExchanges++
		l.pop()
	}
}

func (l *Log) grow() {
	open := make([]*Exchange, max(4, 2*len(l.open)))
	for i := range l.n {
		open[i] = *l.slot(l.first + uint64(i))
	}
	l.open, l.head = open, 0
}
