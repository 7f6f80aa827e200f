package exchange

import (
	"hash/maphash"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Limits bound the memory of the exchanges of all connections together.
type Limits struct {
	// SQL is how many bytes are kept of one statement's text, of one message's
	// parameters and of one error. 0 means DefaultSQL.
	SQL int
	// Total is how many bytes may be kept in all connections together: prepared
	// statements, portals, descriptions of results, and exchanges that are
	// open. 0 means DefaultTotal.
	Total int
	// After a loss, an exchange may be told to be complete which its parameters and columns
	// would have shown not to be: where they are left out nobody asks for that.
	//
	// NoParameters leaves the values of parameters out, for handlers that do
	// not show them.
	NoParameters bool
	// NoColumns leaves the descriptions of results out, and with them what
	// Describe tells of a statement's parameters.
	NoColumns bool
}

// The default limits. Texts of a mebibyte are the longest that the decoder
// keeps whole; 36 MiB hold seventy thousand statements, those of thousands of
// pooled connections.
const (
	DefaultSQL   = 1 << 20
	DefaultTotal = 32 << 20
	// maxFree bounds the exchanges kept for reuse.
	maxFree = 256
)

// Shared is what the logs of all connections of a capture have in common. Make it with
// NewShared; it is not safe for concurrent use.
type Shared struct {
	// What was not kept because of Limits.Total: prepared statements; exchanges
	// handed over before their replies came; texts, parameters and descriptions
	// of results; statements not remembered for other connections.
	// DroppedResults counts those folded into the one before.
	DroppedStatements, DroppedExchanges, DroppedParts, DroppedLearned, DroppedResults uint64

	limits Limits
	used   int
	crowd  int
	free   []*Exchange

	freePortals []*portal

	learned map[learnedKey]*Statement
	columns [columnsSets][columnsInSet]*Columns // the latest descriptions, by a hash
	seed    maphash.Seed

	// Decoded messages, valid while one is being observed.
	parse  messages.Parse
	bind   messages.Bind
	params messages.ParameterDescription
	fcall  messages.FunctionCall
}

// NewShared returns the common part for a capture.
func NewShared(limits Limits) *Shared {
	if limits.SQL <= 0 {
		limits.SQL = DefaultSQL
	}
	if limits.Total <= 0 {
		limits.Total = DefaultTotal
	}
	return &Shared{limits: limits, learned: make(map[learnedKey]*Statement), seed: maphash.MakeSeed()}
}

func (s *Shared) idle() (kinds [messages.NumKinds]bool) {
	if s.limits.NoColumns {
		kinds[messages.KindRowDescription] = true
		kinds[messages.KindNoData] = true
		kinds[messages.KindParameterDescription] = true
	}
	return kinds
}

// keepColumns changes what NoColumns says. Of what is open a reply may then be described
// whose Describe was passed over: see replyColumns.
func (s *Shared) keepColumns(on bool) { s.limits.NoColumns = !on }

func (s *Shared) get() *Exchange {
	if n := len(s.free); n > 0 {
		x := s.free[n-1]
		s.free = s.free[:n-1]
		return x
	}
	return &Exchange{shared: s}
}

func (s *Shared) put(x *Exchange) {
	s.release(x.cost)
	s.leave(x.portal)
	for _, t := range x.targets {
		s.leave(t.portal)
	}
	x.leaveChanges()
	if len(s.free) < maxFree {
		x.reset()
		s.free = append(s.free, x)
	}
}

func (s *Shared) cut(b []byte) []byte { return b[:min(len(b), s.limits.SQL)] }

func (s *Shared) reserve(n int) bool {
	if s.used+n > s.limits.Total-s.crowd {
		return false
	}
	s.used += n
	return true
}

func (s *Shared) release(n int) { s.used -= n }

// crowded tells that only an eighth is left: for what is being asked now.
func (s *Shared) crowded() bool { return s.used > (s.limits.Total-s.crowd)/8*7 }

func (s *Shared) crowdBy(n int) { s.crowd = min(n, s.limits.Total/4*3) }
