package exchange

import (
	"github.com/pgsniff/pgsniff/internal/sqltext"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// portal is what a Bind made: a statement with parameters. The log, exchanges
// and their Describes refer to it; what the last of them leaves is used again.
type portal struct {
	statement *Statement
	columns   *Columns // with the formats asked for; nil while not known
	told      bool     // columns is the answer to a Describe of the portal
	suspended bool     // it has more rows
	hold      bool     // it is a cursor that outlives its transaction if that is committed
	held      bool     // it has outlived it
	refused   bool     // its Bind failed or was passed over: what it took the place of is not known
	bind      []byte   // body of the Bind, owned
	hasBind   bool     // it could be kept, or is not wanted
	exchange  uint64   // the exchange of the Bind
	refs      int
	cost      int // what was charged for it
}

const (
	// portalCost is a portal with its place in a map.
	portalCost = 200
	// maxPortals bounds the portals kept of one connection. They end with their
	// transaction; one that opens more in it loses the rest.
	maxPortals = 4096
	// maxFreePortals bounds those kept for reuse: 1 MiB with keepBytes each.
	maxFreePortals = 64
)

// bindPortal makes a portal for the Bind with a body, in the place that its name
// says. Where there is no room for more, the exchange has it alone.
func (l *Log) bindPortal(x *Exchange, name []byte, s *Statement, body []byte) *portal {
	name = l.nameKey(name)
	if old := l.findPortal(name); len(name) > 0 || l.lastTx == 'E' || old != nil && (old.suspended || l.n > 1) {
		x.note(change{by: messages.KindBind, name: string(name), portal: old, bind: x.binds})
	}
	l.dropPortal(name)
	p := l.shared.getPortal()
	p.statement, p.exchange, p.columns = s, x.ID, l.shared.boundColumns(s, body)
	kept := body
	if l.shared.limits.NoParameters {
		kept = nil
	}
	cost := portalCost + 2*len(name) + s.cost + len(kept)
	if len(name) > 0 && len(l.portals) >= maxPortals || !l.shared.reserve(cost) {
		l.shared.DroppedParts++
		if s.cost > mostUncharged {
			p.statement = s.withoutText() // it may be dropped, and the exchange go on
		}
		return p
	}
	p.cost, p.hasBind = cost, true
	p.bind = append(p.bind[:0], kept...)
	p.refs++
	if len(name) == 0 {
		l.unnamedPtl = p
		return p
	}
	if l.portals == nil {
		l.portals = make(map[string]*portal)
	}
	l.portals[string(name)] = p
	return p
}

// findPortal returns a portal by name, nil if its Bind was not seen.
func (l *Log) findPortal(name []byte) *portal {
	if len(name) == 0 {
		return l.unnamedPtl
	}
	return l.portals[string(l.nameKey(name))]
}

// dropPortal forgets a portal.
func (l *Log) dropPortal(name []byte) {
	if len(name) == 0 {
		l.shared.leave(l.unnamedPtl)
		l.unnamedPtl = nil
		return
	}
	if p := l.portals[string(name)]; p != nil {
		l.shared.leave(p)
		delete(l.portals, string(name))
	}
}

// dropPortals forgets the portals bound in exchanges up to one. Those of a pipelining
// frontend's next transactions stay.
func (l *Log) dropPortals(exchange uint64) {
	if p := l.unnamedPtl; p != nil && p.exchange <= exchange {
		l.dropPortal(nil)
	}
	if len(l.portals) == 0 {
		return // ranging over nothing takes its time, too
	}
	for name, p := range l.portals {
		if p.exchange <= exchange {
			l.shared.leave(p)
			delete(l.portals, name)
		}
	}
}

// endTransaction is dropPortals for those that end with their transaction, whose last
// exchange this is.
func (l *Log) endTransaction(exchange uint64, committed bool) {
	if p := l.unnamedPtl; p != nil && p.exchange <= exchange {
		l.dropPortal(nil)
	}
	if len(l.portals) > 0 {
		l.endPortals(exchange, nil, committed)
	}
}

// endPortals is endTransaction for portals with names, but for one that is running.
func (l *Log) endPortals(exchange uint64, running *portal, committed bool) {
	for name, p := range l.portals {
		switch {
		case p.exchange > exchange || p.held || p == running:
		case p.hold && committed:
			p.held = true
		default:
			l.shared.leave(p)
			delete(l.portals, name)
		}
	}
}

// use makes p the portal of an exchange: its statement, parameters and columns
// are the exchange's.
func (l *Log) use(x *Exchange, p *portal) {
	l.setSQL(x, p.statement)
	p.refs++
	l.shared.leave(x.portal)
	x.portal, x.columns = p, p.columns
	x.params, x.bind = x.params[:0], p.bind
	x.HasParams = p.hasBind
}

// undoPortal is for a Bind that failed or was passed over, or a Close of a portal that
// was passed over: what had the name before has it still. So it is with what requests
// sent meanwhile execute.
func (l *Log) undoPortal(x *Exchange, c *change) {
	name := []byte(c.name)
	now := l.findPortal(name)
	// It was bound, or closed, since.
	again := l.replacedPortal(x, c.name, c.portal) || now != nil && (c.by == messages.KindClose || now.exchange != x.ID)
	for y := range l.after(x) {
		if y.Portal == nil || string(l.nameKey(y.Portal)) != c.name || y.flags&flagDiscarded != 0 || y.ranNothing() {
			continue
		}
		if made := y.portal != nil && y.portal.exchange == x.ID; made != (c.by == messages.KindBind) || !made && y.portal != nil {
			continue
		}
		if c.portal != nil && !c.portal.refused {
			y.Missing &^= MissingBind | MissingParse
			l.use(y, c.portal)
		} else {
			l.disuse(y)
		}
	}
	if again {
		return
	}
	l.dropPortal(name)
	if c.portal != nil && !c.portal.refused {
		l.restorePortal(name, c.portal)
	}
}

// ranNothing reports whether the server has said that x did not come to execute a portal.
func (x *Exchange) ranNothing() bool {
	return x.Error != nil && (x.FailedAt != messages.KindExecute || string(x.SQLState()) == noSuchPortal)
}

// restorePortal gives a portal its name again, if there is room.
func (l *Log) restorePortal(name []byte, p *portal) {
	switch {
	case len(name) == 0:
		l.unnamedPtl = p
	case len(l.portals) >= maxPortals:
		return
	default:
		if l.portals == nil {
			l.portals = make(map[string]*portal)
		}
		l.portals[string(name)] = p
	}
	p.refs++
}

// disuse takes from an exchange the portal that it was said to execute.
func (l *Log) disuse(x *Exchange) {
	l.setSQL(x, nil)
	l.shared.leave(x.portal)
	x.portal, x.columns, x.bind, x.params, x.HasParams = nil, nil, nil, x.params[:0], false
}

// learnEmpty takes the server's word that a portal which was bound before x has no
// query: that Bind has failed, after the portal was made and before its query was planned.
func (l *Log) learnEmpty(x *Exchange) {
	if x.portal == nil || x.portal.exchange == x.ID {
		return
	}
	text := sqltext.Lexer{Src: x.SQL, Escapes: x.Escapes}
	if _, some := text.Command(); some {
		l.disuse(x)
	}
}

// resumes reports whether x goes on with a portal that was suspended.
func (x *Exchange) resumes() bool { return x.portal != nil && x.portal.suspended }

// resolve returns the columns of p's result, nil if they are not known. A
// statement may have been described after its Bind was sent.
func (p *portal) resolve(sh *Shared) *Columns {
	if p.columns == nil && !p.told && p.statement.columns != nil {
		p.columns = sh.boundColumns(p.statement, p.bind)
	}
	return p.columns
}

// tell keeps the answer to a Describe of p, nil for NoData, if there is room.
func (p *portal) tell(sh *Shared, c *Columns) {
	p.columns, p.told = nil, true
	if c == nil || p.cost > 0 && !sh.reserve(c.size()) {
		return
	}
	if p.cost > 0 {
		p.cost += c.size()
	}
	p.columns = c
}

// boundColumns returns a statement's columns with the formats that a Bind asks for.
func (s *Shared) boundColumns(st *Statement, bind []byte) *Columns {
	if st.columns == nil {
		return nil
	}
	b := &s.bind
	if b.Decode(bind) != nil || len(b.ResultFormats) == 0 {
		return st.columns
	}
	if st.bound == nil || st.bound.withFormats(b.ResultFormats) != st.bound {
		st.setBound(st.columns.withFormats(b.ResultFormats))
	}
	return st.bound
}

func (s *Shared) getPortal() *portal {
	if n := len(s.freePortals); n > 0 {
		p := s.freePortals[n-1]
		s.freePortals = s.freePortals[:n-1]
		return p
	}
	return new(portal)
}

// leave ends a reference to p.
func (s *Shared) leave(p *portal) {
	if p == nil {
		return
	}
	if p.refs--; p.refs > 0 {
		return
	}
	s.release(p.cost)
	bind := p.bind[:0]
	if cap(bind) > keepBytes {
		bind = nil
	}
	*p = portal{bind: bind}
	if len(s.freePortals) < maxFreePortals {
		s.freePortals = append(s.freePortals, p)
	}
}
