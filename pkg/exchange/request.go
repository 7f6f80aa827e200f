package exchange

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// request adds a message of the frontend to its exchange.
func (l *Log) request(x *Exchange, m *Message) {
	x.LostBytes += uint64(m.Lost)
	if l.lost.latest {
		l.blame(x, m)
	}
	if m.Step.Rested && x.flags&flagReplied != 0 {
		l.stretch(x, m)
	}
	if m.Step.Discarded {
		if m.Step.Begins {
			x.flags |= flagDiscarded
		}
		l.skipped(x, m)
		return
	}
	l.asked(x, m)
}

// asked takes what a request says.
func (l *Log) asked(x *Exchange, m *Message) {
	switch m.Kind {
	case messages.KindQuery:
		x.flags |= flagExecuted
		x.Protocol = ProtocolSimple
		if l.replication {
			x.Protocol = ProtocolReplication
		}
		sql := m.Body
		if n := bytes.IndexByte(sql, 0); n >= 0 {
			sql = sql[:n]
		}
		x.SQLLen, x.scanned = textLen(m, 0, sql, 0), 0
		if x.SQL = x.keep(l.shared.cut(sql)); x.SQL == nil {
			x.SQL = noText
		}
		if l.lastTx != 'E' {
			l.dropPortal(nil) // a simple query destroys what is unnamed
		} // else it is refused before that, unless it ends the failed transaction
		l.unnamedGone = true
	case messages.KindParse, messages.KindBind, messages.KindDescribe, messages.KindExecute:
		x.Protocol = ProtocolExtended
		l.requestSQL(x, m)
	case messages.KindClose:
		x.Protocol = ProtocolExtended
		if len(m.Body) > 0 && nameCut(m, m.Body[1:]) {
			l.requestCut(x, m)
			return
		}
		l.requestClose(x, m.Body)
	case messages.KindSync:
		if m.Step.Phase != messages.PhaseCopyIn && m.Step.Phase != messages.PhaseCopyBoth {
			x.flags |= flagSynced // else the server reads past it
		}
	case messages.KindFunctionCall:
		l.requestFunction(x, m)
	case messages.KindCopyData:
		if m.Step.After == messages.PhaseCopyBoth && x.Copy == CopyOut {
			l.copyBoth(x)
		}
		x.copied(m.Direction, 1, uint64(m.Len-messageHead))
	case messages.KindCopyDone, messages.KindCopyFail:
		x.endData()
	}
}

func (l *Log) requestSQL(x *Exchange, m *Message) {
	switch m.Kind {
	case messages.KindParse:
		if nameCut(m, m.Body) {
			l.requestCut(x, m)
			return
		}
		l.requestParse(x, m)
	case messages.KindBind:
		if bindCut(m) {
			l.requestCut(x, m)
			return
		}
		l.requestBind(x, m)
	case messages.KindDescribe:
		if len(m.Body) > 0 && nameCut(m, m.Body[1:]) {
			l.requestCut(x, m)
			return
		}
		l.requestDescribe(x, m.Body)
	case messages.KindExecute:
		if nameCut(m, m.Body) {
			l.requestCut(x, m)
			return
		}
		x.flags |= flagExecuted
		l.requestExecute(x, m)
	}
}

// requestParse makes a statement at once: a Bind may follow before the
// ParseComplete. What it replaced comes back if it fails.
func (l *Log) requestParse(x *Exchange, m *Message) {
	p := &l.shared.parse
	_ = p.Decode(m.Body) // of a cut message, the part before the cut
	sqlLen := textLen(m, len(p.Statement)+1, p.SQL, 2)
	if len(p.Statement) == 0 {
		old := l.unnamed
		s := old
		// Re-preparing the same text needs no new statement.
		if s == nil || s.Inferred || s.unsure || m.Lost > 0 || string(s.SQL) != string(p.SQL) || !sameTypes(s.ParamTypes, p.ParameterOIDs) {
			s = l.newStatement("", p, sqlLen)
		}
		x.note(change{by: messages.KindParse, statement: s, previous: old, wasGone: l.unnamedGone})
		if s != old {
			l.setUnnamed(s)
		}
		s.exchange, s.unsure, l.unnamedGone = x.ID, m.Lost > 0, false
		l.parsed(x, s)
		return
	}
	name := string(l.nameKey(p.Statement))
	s := l.newStatement(name, p, sqlLen)
	s.exchange, s.unsure = x.ID, m.Lost > 0
	old := l.statements[name]
	if old != nil {
		l.reused()
	}
	x.note(change{by: messages.KindParse, statement: s, previous: old})
	l.addStatement(name, s)
	l.parsed(x, s)
}

// parsed makes s, whose Parse was sent, the statement of x, unless x has bound another.
func (l *Log) parsed(x *Exchange, s *Statement) {
	if x.portal == nil {
		l.setSQL(x, s)
	}
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

// textLen returns the length of a text that begins at a place of m's body: of
// one that the end of what is there cuts off, the most that it can be if at least
// after bytes follow it.
func textLen(m *Message, at int, text []byte, after int) int {
	if at+len(text) < len(m.Body) {
		return len(text)
	}
	const head, nul = 5, 1
	return max(m.Len-head-at-nul-after, len(text))
}

func (l *Log) newStatement(name string, p *messages.Parse, sqlLen int) *Statement {
	s := &Statement{name: name, label: []byte(string(p.Statement)), SQLLen: sqlLen, SQL: noText, Escapes: l.Escapes}
	sql := l.shared.cut(p.SQL)
	s.cost = statementCost + len(sql) + len(name) + len(s.label) + 4*len(p.ParameterOIDs)
	if !s.file(l.shared) {
		s.cost = statementCost
		s.shorten()
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
	l.unnamed, l.unnamedGone = s, false
}

// addStatement puts a named statement in its place, if it could be filed.
func (l *Log) addStatement(name string, s *Statement) {
	l.forget(name)
	if s.shared == nil {
		return
	}
	if l.statements == nil {
		l.statements = make(map[string]*Statement)
	}
	l.statements[name] = s
	if l.last != nil && l.last.name == name {
		l.last = nil
	}
}

// statement finds a statement by name; one whose Parse was not seen is concluded.
func (l *Log) statement(name []byte) *Statement {
	if len(name) == 0 {
		if l.unnamed == nil || l.unnamedGone {
			l.setUnnamed(&Statement{label: unnamed, Inferred: true})
			l.unnamed.file(l.shared)
		}
		return l.unnamed
	}
	key := l.nameKey(name)
	if l.last != nil && l.last.name == string(key) {
		return l.last
	}
	s := l.statements[string(key)]
	if s == nil || s.Inferred {
		return l.conclude(name, s)
	}
	l.last = s
	return s
}

// setSQL makes s the statement of x; nil: it is not known.
func (l *Log) setSQL(x *Exchange, s *Statement) {
	if x.Prepared != s {
		x.cost -= x.sqlCost
		l.shared.release(x.sqlCost)
		x.sqlCost = 0
	}
	if s == nil {
		x.Prepared, x.SQL, x.SQLLen, x.Statement = nil, nil, 0, nil
		x.Missing &^= InferredSQL
		x.scanned = 0
		return
	}
	if x.Prepared != s {
		x.scanned = 0
		if x.sqlCost = s.cost; !x.charge(s.cost) {
			x.sqlCost = 0
			s = s.withoutText()
		}
	}
	x.Prepared, x.SQL, x.SQLLen, x.Statement = s, s.SQL, s.SQLLen, s.label
	x.Missing &^= MissingParse | MissingBind | InferredSQL
	if s.Inferred {
		if !s.refused || s.other == nil {
			x.Missing |= MissingParse
		}
		if s.SQL != nil {
			x.Missing |= InferredSQL
		}
	} else if s.exchange < l.untold && s.name != "" {
		x.Missing |= InferredSQL // the name may have come to mean something else since
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
	x.boundBefore()
	x.binds++
	x.Portal = x.keepName(name)
	l.use(x, l.bindPortal(x, name, s, l.shared.cut(m.Body)))
}

// boundBefore notes the statement of the latest Bind, before x takes another portal.
func (x *Exchange) boundBefore() {
	if x.portal != nil && len(x.earlier) < min(x.binds, maxEarlier) && x.charge(8) {
		x.earlier = append(x.earlier, x.portal.statement)
	}
}

// maxEarlier bounds the Binds of one exchange that are told apart when one fails.
const maxEarlier = 256

func (l *Log) requestDescribe(x *Exchange, body []byte) {
	if len(body) == 0 {
		return
	}
	var t target
	if name := cstring(body[1:]); body[0] != byte(messages.TargetStatement) {
		t.portal = l.findPortal(name)
	} else if t.statement = l.statement(name); x.Prepared == nil {
		l.setSQL(x, t.statement)
	}
	if x.describes++; x.describes > 1 {
		x.described = nil
	} else {
		x.described = t.statement
	}
	if !l.shared.limits.NoColumns {
		if t.statement != nil {
			t.statement.described = true
		}
		x.addTarget(t)
	}
}

func (l *Log) requestExecute(x *Exchange, m *Message) {
	name := cstring(m.Body)
	if x.portal != nil && string(l.nameKey(name)) == string(l.nameKey(x.Portal)) {
		if x.Prepared != x.portal.statement {
			l.setSQL(x, x.portal.statement) // whatever was parsed since
		}
		return
	}
	x.boundBefore()
	x.Portal = x.keepName(name)
	if p := l.findPortal(name); p != nil {
		l.use(x, p)
		return
	}
	l.unknown(x) // what else the exchange prepared or bound is not what it executes
}

func (l *Log) requestClose(x *Exchange, body []byte) {
	if len(body) == 0 {
		return
	}
	name := l.nameKey(cstring(body[1:]))
	if body[0] == byte(messages.TargetPortal) {
		x.note(change{by: messages.KindClose, ofPortal: true, name: string(name), portal: l.findPortal(name)})
		l.dropPortal(name)
		return
	}
	c := change{by: messages.KindClose, name: string(name), previous: l.statements[string(name)]}
	if c.name == "" {
		c.previous, c.wasGone = l.unnamed, l.unnamedGone
	} else {
		l.reused()
	}
	l.forget(c.name)
	x.note(c)
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
	f := &l.shared.fcall
	if f.Decode(x.keep(l.shared.cut(m.Body))) != nil {
		return
	}
	x.Function, x.params, x.HasParams = f.FunctionOID, append(x.params[:0], f.Arguments...), true
	x.formats = append(x.formats[:0], f.ArgumentFormats...)
	clear(f.Arguments) // they would keep what they are borrowed from alive
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

// cstring returns b up to its first NUL, or all of it. It is for names, which are
// short: most end in the first eight bytes, which are looked at as one.
func cstring(b []byte) []byte {
	i := 0
	if len(b) >= 8 {
		const ones, highs = 0x0101010101010101, 0x8080808080808080
		w := binary.LittleEndian.Uint64(b)
		if nul := (w - ones) & ^w & highs; nul != 0 { // its lowest bit is that of the first
			return b[:bits.TrailingZeros64(nul)/8]
		}
		i = 8
	}
	for ; i < len(b); i++ {
		if b[i] == 0 {
			return b[:i]
		}
	}
	return b
}

// copyBoth notes that what was taken for a COPY is replication, which alone goes
// both ways.
func (l *Log) copyBoth(x *Exchange) {
	x.Copy = CopyBoth
	if x.Protocol == ProtocolUnknown {
		x.Protocol = ProtocolReplication
	}
}
