package exchange

// Limits bound the memory of the exchanges of all connections together.
type Limits struct {
	// SQL is how many bytes are kept of one statement's text, of one message's
	// parameters and of one error. 0 means DefaultSQL.
	SQL int
	// Total is how many bytes prepared statements and parameters of portals may
	// take in all connections. 0 means DefaultTotal.
	Total int
	// NoParameters leaves the values of parameters out, for handlers that do
	// not show them.
	NoParameters bool
}

// The default limits. Texts of a mebibyte are the longest that the decoder
// keeps whole; 64 MiB hold the statements of thousands of pooled connections.
const (
	DefaultSQL   = 1 << 20
	DefaultTotal = 64 << 20
	// maxLearned and maxLearnedSQL bound the statements remembered for other
	// connections to 20 MiB.
	maxLearned    = 5000
	maxLearnedSQL = 4 << 10
	// maxFree bounds the exchanges kept for reuse.
	maxFree = 256
)

// Shared is what the logs of all connections of a capture have in common. It is
// not safe for concurrent use.
type Shared struct {
	DroppedStatements uint64 // prepared statements not kept for Limits.Total
	DroppedResults    uint64 // results folded into the one before

	limits  Limits
	used    int
	free    []*Exchange
	learned map[learnedKey]*Statement
}

type learnedKey struct{ server, name string }

// NewShared returns the common part for a capture.
func NewShared(limits Limits) *Shared {
	if limits.SQL <= 0 {
		limits.SQL = DefaultSQL
	}
	if limits.Total <= 0 {
		limits.Total = DefaultTotal
	}
	return &Shared{limits: limits, learned: make(map[learnedKey]*Statement)}
}

func (s *Shared) get() *Exchange {
	if n := len(s.free); n > 0 {
		x := s.free[n-1]
		s.free = s.free[:n-1]
		return x
	}
	return new(Exchange)
}

func (s *Shared) put(x *Exchange) {
	if len(s.free) < maxFree {
		x.reset()
		s.free = append(s.free, x)
	}
}

func (s *Shared) cut(b []byte) []byte { return b[:min(len(b), s.limits.SQL)] }

func (s *Shared) reserve(n int) bool {
	if s.used+n > s.limits.Total {
		return false
	}
	s.used += n
	return true
}

func (s *Shared) release(n int) { s.used = max(s.used-n, 0) }

// keepParams copies a portal's parameters.
func (s *Shared) keepParams(b []byte) []byte {
	return append([]byte(nil), s.cut(b)...)
}

// learn remembers a named statement for connections whose Parse was not seen.
// Two texts under one name are no basis for a conclusion.
func (s *Shared) learn(server string, st *Statement) {
	key := learnedKey{server, st.name}
	known, ok := s.learned[key]
	switch {
	case !ok && len(s.learned) < maxLearned && len(st.SQL) <= maxLearnedSQL:
		s.learned[key] = st
	case ok && known != nil && string(known.SQL) != string(st.SQL):
		s.learned[key] = nil
	}
}

// borrow returns the statement that other connections prepared under a name,
// nil if there is none or they differ.
func (s *Shared) borrow(server, name string) *Statement {
	return s.learned[learnedKey{server, name}]
}
