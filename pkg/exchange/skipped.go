package exchange

import "github.com/pgsniff/pgsniff/pkg/messages"

// skipped takes a request that the server passes over, since one before it in the
// cycle has failed: nothing is made, executed or closed by it. Where it began an exchange
// of its own that is shown with what was asked.
func (l *Log) skipped(x *Exchange, m *Message) {
	if x.flags&flagDiscarded == 0 {
		return // the rest of what failed
	}
	x.Protocol = ProtocolExtended
	switch m.Kind {
	case messages.KindParse:
		p := &l.shared.parse
		_ = p.Decode(m.Body)
		s := l.newStatement(string(l.nameKey(p.Statement)), p, textLen(m, len(p.Statement)+1, p.SQL, 2))
		s.unfile()
		l.setSQL(x, s)
	case messages.KindBind:
		l.skippedBind(x, m)
	case messages.KindExecute:
		x.flags |= flagExecuted
		if name := cstring(m.Body); x.Portal == nil {
			x.Portal = x.keepName(name)
			if p := l.findPortal(name); p != nil {
				l.use(x, p)
			} else {
				l.unknown(x) // what else the exchange prepared is not what it executes
			}
		}
	}
}

// skippedBind shows the statement and the parameters of a Bind that made no portal.
func (l *Log) skippedBind(x *Exchange, m *Message) {
	name := cstring(m.Body)
	statement := cstring(m.Body[min(len(name)+1, len(m.Body)):])
	x.Portal = x.keepName(name)
	s := x.Prepared
	if s == nil || s.name != string(l.nameKey(statement)) {
		if s = l.statements[string(l.nameKey(statement))]; len(statement) == 0 {
			s = l.unnamed
		}
		if s == nil {
			// Its name outlives the exchange, whose buffer serves others then. In judge
			// it becomes known that nothing has the name, if nothing was lost.
			s = &Statement{name: string(l.nameKey(statement)), label: []byte(string(statement)), Inferred: true}
			if !x.charge(2 * len(statement)) {
				s.shorten()
			}
		}
	}
	if l.lossy != 0 && len(statement) > 0 && s.exchange <= l.lossy {
		x.flags |= flagHoles // nothing tells that the name still was that statement's
	}
	p := l.shared.getPortal()
	p.statement = s
	if !l.shared.limits.NoParameters {
		kept := l.shared.cut(m.Body)
		if l.shared.reserve(portalCost + len(kept)) {
			p.cost, p.hasBind = portalCost+len(kept), true
			p.bind = append(p.bind[:0], kept...)
		}
	}
	l.use(x, p)
}

// failAll makes an error that ends the connection the answer to all that was asked
// after x and waits: nothing else will come.
func (l *Log) failAll(x *Exchange, m *Message) {
	for id := x.ID + 1; id < l.first+uint64(l.n) && id <= m.Step.Over; id++ {
		next := *l.slot(id)
		if next == nil || next.flags&(flagDone|flagDiscarded) != 0 || next.flags&flagExecuted == 0 {
			continue
		}
		next.replied(m)
		next.Error = next.keep(l.shared.cut(m.Body))
		if next.Error == nil {
			next.Error = []byte{0}
		}
		next.flags |= flagDone | flagReady
		if m.Step.Trial {
			next.flags |= flagHoles // its own reply, or why there is none, may be missing
		}
		l.undo(next, false)
	}
}
