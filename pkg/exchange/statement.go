package exchange

// Statement is a prepared statement of a connection. It lives until it is
// closed, deallocated or discarded, or the connection ends: never by a timer.
type Statement struct {
	SQL      []byte // owned; cut to Limits.SQL bytes; nil if not known
	SQLLen   int    // length of the whole text in bytes
	Escapes  bool   // backslashes in plain constants of SQL are escapes
	Inferred bool   // the Parse was not seen: SQL, if any, is another connection's
	// ParamTypes are the type OIDs of the parameters: as ParameterDescription
	// told, else as Parse declared; 0 is not specified.
	ParamTypes []uint32
	// Memo is the Handler's own: what it derived from SQL. It asks Remember whether it
	// may keep it.
	Memo any
	// Mark is the Handler's own, too: what it found out about SQL, 0 at first.
	Mark uint16

	shared  *Shared // nil when nothing is charged for it
	cost    int     // the memory that it takes, in bytes
	name    string
	label   []byte   // name, for exchanges to point to
	columns *Columns // answer to Describe of the statement
	// The columns with the formats of the latest Bind, which are usually those
	// of the next one.
	bound *Columns

	other    *Statement // of an inferred one: whose SQL it has
	exchange uint64     // the exchange of its Parse
	undone   bool       // its Parse failed, or was passed over
	// refused tells that a Parse of its name failed because there is one: what was
	// prepared on another connection is used on this one.
	refused bool
	// described tells that Describe asked about it, told that ParameterDescription
	// answered.
	described, told bool
	// unproven tells that it is not known whether its Parse succeeded.
	unproven bool
	// unsure tells the same of one that has replaced another, or may have; or that part of
	// its text is missing.
	unsure bool
	before *Statement // what it had replaced, where it is undone
}

// statementCost is a statement with its place in a map.
const statementCost = 320

// file charges s to the memory of all connections; false if there is no room.
func (s *Statement) file(sh *Shared) bool {
	if s.cost == 0 {
		s.cost = statementCost + len(s.SQL) + len(s.name) + len(s.label) + 4*len(s.ParamTypes)
	}
	if !sh.reserve(s.cost) {
		return false
	}
	s.shared = sh
	return true
}

// unfile ends that. Exchanges and portals may still use s: they have been
// charged for it as well.
func (s *Statement) unfile() {
	if s != nil && s.shared != nil {
		s.shared.release(s.cost)
		s.shared = nil
	}
}

// Remember reports whether a handler may keep n further bytes in Memo: together,
// the statements of all connections must stay within Limits.Total.
func (s *Statement) Remember(n int) bool {
	if s.shared == nil || !s.shared.reserve(n) {
		return false
	}
	s.cost += n
	return true
}

// bare returns a copy of what Parse told, for other connections.
func (s *Statement) bare() *Statement {
	return &Statement{SQL: s.SQL, SQLLen: s.SQLLen, ParamTypes: s.ParamTypes, name: s.name, label: s.label}
}

// forget is the opposite of Remember.
func (s *Statement) forget(n int) {
	s.cost -= n
	if s.shared != nil {
		s.shared.release(n)
	}
}

// maxUncharged is the length of the longest name that is kept though there is no room for
// it: names of more bytes than a server tells apart are sent to fill memory.
const maxUncharged = 64

// mostUncharged is the cost of the largest statement that portals refer to without being
// charged for it.
const mostUncharged = statementCost + 1024

// shorten drops the name of a statement that nothing was charged for, if it is long. What
// is left is no name, since none has a NUL.
func (s *Statement) shorten() {
	if len(s.label) > maxUncharged {
		s.name, s.label = "\x00", nil
	}
}

// withoutText returns what little of s an exchange may refer to when there is
// no room for more.
func (s *Statement) withoutText() *Statement {
	c := &Statement{label: s.label, SQLLen: s.SQLLen, Inferred: s.Inferred}
	if len(c.label) > maxUncharged {
		c.label = nil
	}
	if s.SQL != nil {
		c.SQL = noText
	}
	return c
}

// setColumns keeps the description of the statement's result, if there is room.
func (s *Statement) setColumns(c *Columns) {
	if c == s.columns {
		return
	}
	s.setBound(nil)
	s.forget(s.columns.size())
	s.columns = nil
	if s.Remember(c.size()) {
		s.columns = c
	}
}

// setBound keeps them with the formats of a Bind.
func (s *Statement) setBound(c *Columns) {
	if s.bound != s.columns {
		s.forget(s.bound.size())
	}
	s.bound = nil
	if c == s.columns || s.Remember(c.size()) {
		s.bound = c
	}
}

// setTypes keeps the types of the parameters, if there is room. Those of a
// statement that was closed meanwhile are charged to the exchange that asked.
func (s *Statement) setTypes(x *Exchange, oids []uint32) {
	s.forget(4 * len(s.ParamTypes))
	s.ParamTypes = nil
	if s.Remember(4*len(oids)) || s.shared == nil && x.charge(4*len(oids)) {
		s.ParamTypes = append(s.ParamTypes, oids...)
	}
}
