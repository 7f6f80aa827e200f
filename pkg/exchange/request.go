package exchange

import "github.com/pgsniff/pgsniff/pkg/messages"

// request adds a message of the frontend to its exchange.
func (l *Log) request(x *Exchange, m *Message) {
	x.LostBytes += uint64(m.Lost)
	if m.Step.Discarded {
		x.flags |= flagRequested
		if m.Kind != messages.KindParse { // its statement is not made
			l.requestSQL(x, m)
		}
		return
	}
	switch m.Kind {
	case messages.KindQuery:
		x.flags |= flagExecuted
		x.Protocol = ProtocolSimple
		if l.replication {
			x.Protocol = ProtocolReplication
		}
		l.worked = true
		sql := cstring(m.Body)
		x.SQLLen = m.Len - 6
		if x.SQL = x.keep(l.shared.cut(sql)); x.SQL == nil {
			x.SQL = noText
		}
		l.unnamedPtl = portal{} // a simple query destroys the unnamed portal
	case messages.KindParse, messages.KindBind, messages.KindDescribe, messages.KindExecute:
		x.Protocol = ProtocolExtended
		l.requestSQL(x, m)
	case messages.KindClose:
		x.Protocol = ProtocolExtended
		l.requestClose(m.Body)
	case messages.KindFunctionCall:
		l.requestFunction(x, m)
	case messages.KindCopyData:
		x.CopyMessages++
		x.CopyBytes += uint64(m.Len - 5)
	}
}

func (l *Log) requestSQL(x *Exchange, m *Message) {
	switch m.Kind {
	case messages.KindParse:
		l.requestParse(x, m)
	case messages.KindBind:
		l.requestBind(x, m)
	case messages.KindDescribe:
		l.requestDescribe(x, m.Body)
	case messages.KindExecute:
		x.flags |= flagExecuted
		l.worked = true
		l.requestExecute(x, m)
	}
}

// requestParse makes a statement at once: a Bind may follow before the
// ParseComplete. What it replaced comes back if it fails.
func (l *Log) requestParse(x *Exchange, m *Message) {
	p := &l.shared.parse
	_ = p.Decode(m.Body) // of a cut message, the part before the cut
	sqlLen := m.Len - 5 - len(p.Statement) - 2 - 2 - 4*len(p.ParameterOIDs)
	if len(p.Statement) == 0 {
		old := l.unnamed
		s := old
		// Re-preparing the same text needs no new statement.
		if s == nil || s.Inferred || string(s.SQL) != string(p.SQL) || !sameTypes(s.ParamTypes, p.ParameterOIDs) {
			s = l.newStatement("", p, sqlLen)
			x.addParsed(s, old)
			l.setUnnamed(s)
		}
		l.setSQL(x, s)
		return
	}
	name := string(p.Statement)
	s := l.newStatement(name, p, sqlLen)
	x.addParsed(s, l.statements[name])
	if l.addStatement(name, s) {
		l.shared.learn(l.server, s)
	}
	l.setSQL(x, s)
}

func sameTypes(known, declared []uint32) bool {
	if len(declared) > len(known) {
		return false
	}
	for i, oid := range declared {
		if oid != 0 && oid != known[i] {
			return false
		}
	}
	return true
}

func (l *Log) newStatement(name string, p *messages.Parse, sqlLen int) *Statement {
	s := &Statement{name: name, label: []byte(name), SQLLen: sqlLen, SQL: noText}
	sql := l.shared.cut(p.SQL)
	s.cost = statementCost + len(sql) + 2*len(name) + 4*len(p.ParameterOIDs)
	if !s.file(l.shared) {
		s.cost = statementCost
		l.shared.DroppedStatements++
		return s
	}
	s.SQL = append(noText, sql...)
	if len(p.ParameterOIDs) > 0 {
		s.ParamTypes = append([]uint32(nil), p.ParameterOIDs...)
	}
	return s
}

// noText is a text of which nothing is kept.
var noText = []byte{}

// setUnnamed replaces the unnamed statement.
func (l *Log) setUnnamed(s *Statement) {
	l.unnamed.unfile()
	l.unnamed = s
}

// addStatement puts a named statement in its place, if it could be filed.
func (l *Log) addStatement(name string, s *Statement) bool {
	l.forget(name)
	if s.shared == nil {
		return false
	}
	if l.statements == nil {
		l.statements = make(map[string]*Statement)
	}
	l.statements[name] = s
	if l.last != nil && l.last.name == name {
		l.last = nil
	}
	return true
}

// statement finds a statement by name; one that was prepared before the capture
// began gets an entry of its own, with the SQL of another connection's
// statement of that name if all that are known agree.
func (l *Log) statement(name []byte) *Statement {
	if len(name) == 0 {
		if l.unnamed == nil {
			l.unnamed = &Statement{label: unnamed, Inferred: true}
			l.unnamed.file(l.shared)
		}
		return l.unnamed
	}
	if l.last != nil && l.last.name == string(name) {
		return l.last
	}
	s := l.statements[string(name)]
	if s == nil {
		s = &Statement{name: string(name), label: []byte(string(name)), Inferred: true}
		if other := l.shared.borrow(l.server, s.name); other != nil {
			s.SQL, s.SQLLen, s.ParamTypes = other.SQL, other.SQLLen, other.ParamTypes
		}
		s.file(l.shared)
		l.addStatement(s.name, s)
	}
	l.last = s
	return s
}

func (l *Log) setSQL(x *Exchange, s *Statement) {
	if x.Prepared != s {
		x.cost -= x.sqlCost
		l.shared.release(x.sqlCost)
		if x.sqlCost = s.cost; !x.charge(s.cost) {
			x.sqlCost = 0
			s = s.withoutText()
		}
	}
	x.Prepared, x.SQL, x.SQLLen, x.Statement = s, s.SQL, s.SQLLen, s.label
	x.Missing &^= MissingParse | InferredSQL
	if s.Inferred {
		x.Missing |= MissingParse
		if s.SQL != nil {
			x.Missing |= InferredSQL
		}
	}
}

// unnamed is the name of the unnamed statement and portal.
var unnamed = []byte{}

// keepName keeps the name of a portal, which is seldom any.
func (x *Exchange) keepName(name []byte) []byte {
	if len(name) == 0 {
		return unnamed
	}
	return x.keep(name)
}

func (l *Log) requestBind(x *Exchange, m *Message) {
	name := cstring(m.Body)
	rest := m.Body[min(len(name)+1, len(m.Body)):]
	s := l.statement(cstring(rest))
	l.setSQL(x, s)
	x.Portal = x.keepName(name)
	x.columns = l.boundColumns(s, m.Body)
	l.setParams(x, m.Body)
	if len(name) == 0 {
		l.unnamedPtl = portal{statement: s, columns: x.columns, known: true}
		return
	}
	if l.portals == nil {
		l.portals = make(map[string]*portal)
	}
	l.dropPortal(name)
	cost := portalCost + 2*len(name) + s.cost
	if !l.shared.limits.NoParameters {
		cost += len(m.Body)
	}
	if len(l.portals) == maxPortals || !l.shared.reserve(cost) {
		l.shared.DroppedParts++
		return
	}
	p := &portal{statement: s, columns: x.columns, known: true, cost: cost}
	if !l.shared.limits.NoParameters {
		p.params = append([]byte(nil), l.shared.cut(m.Body)...)
	}
	l.portals[string(name)] = p
}

// boundColumns returns a statement's columns with the formats that a Bind asks for.
func (l *Log) boundColumns(s *Statement, bind []byte) *Columns {
	if s.columns == nil {
		return nil
	}
	b := &l.shared.bind
	if b.Decode(bind) != nil || len(b.ResultFormats) == 0 {
		return s.columns
	}
	if s.bound == nil || s.bound.withFormats(b.ResultFormats) != s.bound {
		s.setBound(s.columns.withFormats(b.ResultFormats))
	}
	return s.bound
}

// maxPortals bounds the portals kept of one connection. Portals end with their
// transaction; one that opens more in it loses the parameters of the rest.
const maxPortals = 4096

// setParams keeps a Bind's parameters in the exchange, to be decoded if asked for.
func (l *Log) setParams(x *Exchange, bind []byte) {
	x.HasParams, x.params = true, messages.Values{}
	if !l.shared.limits.NoParameters {
		x.bind = x.keep(l.shared.cut(bind))
		x.HasParams = x.bind != nil
	}
}

func (l *Log) requestDescribe(x *Exchange, body []byte) {
	if len(body) == 0 {
		return
	}
	var s *Statement
	if body[0] == byte(messages.TargetStatement) {
		s = l.statement(cstring(body[1:]))
		if x.Prepared == nil {
			l.setSQL(x, s)
		}
	}
	x.addTarget(s)
}

func (l *Log) requestExecute(x *Exchange, m *Message) {
	name := cstring(m.Body)
	if x.Portal == nil {
		x.Portal = x.keepName(name)
	}
	if x.HasParams && string(name) == string(x.Portal) {
		return
	}
	x.Portal = x.keepName(name)
	p := &l.unnamedPtl
	if len(name) > 0 {
		p = l.portals[string(name)]
	}
	if p == nil || !p.known {
		x.Missing |= MissingBind
		if x.Prepared == nil {
			x.Missing |= MissingParse
		}
		return
	}
	l.setSQL(x, p.statement)
	x.columns = p.columns
	if p.params != nil {
		l.setParams(x, p.params)
	}
}

func (l *Log) requestClose(body []byte) {
	if len(body) == 0 {
		return
	}
	name := cstring(body[1:])
	if body[0] == byte(messages.TargetPortal) {
		l.dropPortal(name)
		return
	}
	l.forget(string(name))
}

// forget drops a statement.
func (l *Log) forget(name string) {
	if name == "" {
		l.setUnnamed(nil)
		return
	}
	if s := l.statements[name]; s != nil {
		s.unfile()
		delete(l.statements, name)
	}
	if l.last != nil && l.last.name == name {
		l.last = nil
	}
}

func (l *Log) requestFunction(x *Exchange, m *Message) {
	x.flags |= flagExecuted
	x.Protocol = ProtocolFunctionCall
	l.worked = true
	f := &l.shared.fcall
	if f.Decode(x.keep(l.shared.cut(m.Body))) != nil {
		return
	}
	x.Function, x.params, x.HasParams = f.FunctionOID, f.Arguments, true
	x.formats = append(x.formats[:0], f.ArgumentFormats...)
	f.Arguments = messages.Values{}
}

// rollBack undoes the Parses of an exchange that failed in them or was passed over.
func (l *Log) rollBack(x *Exchange, all bool) {
	for i := len(x.parsed) - 1; i >= 0; i-- {
		p := &x.parsed[i]
		if p.complete && !all {
			continue
		}
		name := p.statement.name
		if name == "" {
			if l.unnamed == p.statement {
				l.setUnnamed(p.previous)
				if p.previous != nil && !p.previous.file(l.shared) {
					l.unnamed = nil
				}
			}
			continue
		}
		if l.statements[name] != p.statement {
			continue
		}
		l.forget(name)
		if p.previous != nil && p.previous.file(l.shared) {
			l.addStatement(name, p.previous)
		}
	}
	x.parsed, x.nextPsd = x.parsed[:0], 0
}

// dropPortal forgets a portal.
func (l *Log) dropPortal(name []byte) {
	if p := l.portals[string(name)]; p != nil {
		l.shared.release(p.cost)
		delete(l.portals, string(name))
	}
}

func (l *Log) dropPortals() {
	for _, p := range l.portals {
		l.shared.release(p.cost)
	}
	clear(l.portals)
}

// setColumns keeps the latest description of a result, if there is room.
func (l *Log) setColumns(c *Columns) {
	if c == l.columns {
		return
	}
	l.shared.release(l.columns.size())
	l.columns = nil
	if l.shared.reserve(c.size()) {
		l.columns = c
	} else {
		l.shared.DroppedParts++
	}
}

// cstring returns b up to its first NUL, or all of it.
func cstring(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
