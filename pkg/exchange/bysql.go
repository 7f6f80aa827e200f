package exchange

import (
	"iter"

	"github.com/pgsniff/pgsniff/internal/sqltext"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// doubted is for the commands of x whose replies were lost. What a PREPARE or DECLARE
// among them may have given a name to is not known: a statement or portal that had the
// name is forgotten, and requests that were sent ahead and took it for theirs are not
// complete. The other commands that matter only take names away, which later requests
// tell: they fail, unless bytes with what made the names anew are lost.
func (l *Log) doubted(x *Exchange) {
	s := l.settings(x)
	if !s.Legible(x.SQL) {
		l.forgetAll()
		l.forgot = true
		return
	}
	for {
		text, _, more := x.nextCommand(s)
		if !more {
			return
		}
		switch c := s.Read(text); c.Action {
		case sqltext.Deallocate, sqltext.DeallocateAll, sqltext.DiscardAll:
			l.removed(x)
		case sqltext.Prepare:
			l.forgot = true
			if c.Known {
				l.doubtedStatement(x, c.Name)
			} else {
				l.forgetAll()
			}
		case sqltext.Declare:
			if c.Known {
				l.doubtedCursor(x, c.Name)
			} else {
				l.dropPortals(x.ID)
			}
		}
	}
}

// doubtedStatement is for a name that x may have given to another statement.
func (l *Log) doubtedStatement(x *Exchange, name string) {
	if s := l.statements[name]; s != nil && s.exchange <= x.ID {
		// Nor is it what connections prepared by that name until now.
		other := l.shared.learned[learnedKey{l.server, name}]
		unknown := &Statement{name: name, label: []byte(name), Inferred: true, other: other, exchange: x.ID}
		unknown.file(l.shared)
		l.addStatement(name, unknown)
	}
	for y := range l.after(x) {
		if s := y.Prepared; s != nil && s.name == name && s.exchange <= x.ID {
			label := y.Statement
			l.setSQL(y, nil)
			y.Statement = label
			y.Missing = y.Missing&^InferredSQL | MissingParse
		}
	}
}

// doubtedCursor is for a name that x may have given to another portal.
func (l *Log) doubtedCursor(x *Exchange, name string) {
	if p := l.portals[name]; p != nil && p.exchange <= x.ID {
		l.dropPortal([]byte(name))
	}
	for y := range l.after(x) {
		if p := y.portal; p != nil && y.Portal != nil && string(l.nameKey(y.Portal)) == name && p.exchange <= x.ID {
			y.flags |= flagHoles
		}
	}
}

// removed tells that x may have taken away statements of other exchanges: what was lost
// since, or will be, may have made them anew.
func (l *Log) removed(x *Exchange) {
	l.reused()
	if l.closed = true; l.holed > x.ID {
		l.forgetAll()
	}
}

// madeBySQL is for a statement that PREPARE made: a Bind may name it. The last cut bytes of
// its text are missing.
func (l *Log) madeBySQL(x *Exchange, name string, text []byte, cut int) {
	p := &l.shared.parse
	*p = messages.Parse{Statement: []byte(name), SQL: text, ParameterOIDs: p.ParameterOIDs[:0]}
	s := l.newStatement(name, p, len(text)+cut)
	s.exchange, s.unsure, s.Escapes = x.ID, cut > 0, x.Escapes
	if ahead := l.statements[name]; ahead != nil && ahead.exchange > x.ID {
		l.replaced(x, name, s)
	} else {
		l.addStatement(name, s)
	}
	for y := range l.after(x) { // asked ahead
		old := y.Prepared
		if old == nil || old.name != name {
			continue
		}
		// What had the name before is gone, since the PREPARE has succeeded.
		if now := old.standing(); now == nil || now.Inferred || now.exchange <= x.ID {
			if y.portal != nil && y.portal.statement == old {
				y.portal.statement = s
			}
			l.setSQL(y, s)
		}
	}
}

// replaced makes s, nil for none, what had a name before the first request for it that
// was sent ahead, after x: should that fail, it is what the name stands for.
func (l *Log) replaced(x *Exchange, name string, s *Statement) {
	for y := range l.after(x) {
		for i := y.confirmed; i < len(y.changes); i++ {
			c := &y.changes[i]
			if c.speaksOf(name) {
				if name != "" && (c.previous == nil || c.previous.exchange <= x.ID) {
					c.previous = s
				}
				return
			}
		}
	}
}

// replacedAll is replaced with none for all names: only the first request for each can
// have replaced something older.
func (l *Log) replacedAll(x *Exchange) {
	for y := range l.after(x) {
		for i := y.confirmed; i < len(y.changes); i++ {
			if c := &y.changes[i]; c.previous != nil && c.previous.name != "" && c.previous.exchange <= x.ID {
				c.previous = nil
			}
		}
	}
}

// replacedPortal is replaced for a portal, nil for none. It reports whether a request after x
// binds or closes a portal of that name.
func (l *Log) replacedPortal(x *Exchange, name string, p *portal) (later bool) {
	for y := range l.after(x) {
		for i := y.confirmed; i < len(y.changes); i++ {
			c := &y.changes[i]
			if c.name == name && (c.by == messages.KindBind || c.ofPortal) {
				if c.portal == nil || c.portal.exchange <= x.ID {
					l.shared.leave(c.portal)
					if c.portal = p; p != nil {
						p.refs++
					}
				}
				return true
			}
		}
	}
	return false
}

// after ranges over the open exchanges that were asked for after x.
func (l *Log) after(x *Exchange) iter.Seq[*Exchange] {
	return func(yield func(*Exchange) bool) {
		for id := x.ID + 1; id < l.first+uint64(min(l.n, maxLook)); id++ {
			if y := *l.slot(id); y != nil && !yield(y) {
				return
			}
		}
	}
}

// cursorBySQL is for a cursor that DECLARE made: it is a portal, which an Execute may
// name. The last cut bytes of its text are missing.
func (l *Log) cursorBySQL(x *Exchange, c sqltext.Named, cut int) {
	name, text := c.Name, c.Text
	ahead := l.portals[name]
	if ahead == nil || ahead.exchange <= x.ID {
		l.dropPortal([]byte(name))
		ahead = nil
	}
	if len(l.portals) >= maxPortals || len(name) == 0 {
		return
	}
	sql := l.shared.cut(text)
	p := l.shared.getPortal()
	cost := portalCost + 2*len(name) + len(sql)
	if !l.shared.reserve(cost) {
		l.shared.DroppedParts++
		return
	}
	p.statement = &Statement{SQL: append(noText, sql...), SQLLen: len(text) + cut, unsure: cut > 0, Escapes: x.Escapes}
	p.cost, p.exchange, p.hold = cost, x.ID, c.Hold
	p.refs++
	if ahead != nil {
		l.replacedPortal(x, name, p)
		l.usedAhead(x, name, p)
		l.shared.leave(p)
		return
	}
	if l.portals == nil {
		l.portals = make(map[string]*portal)
	}
	l.portals[name] = p
	l.usedAhead(x, name, p)
}

// closedBySQL is for a cursor that CLOSE has closed.
func (l *Log) closedBySQL(x *Exchange, name string) {
	if p := l.portals[name]; p == nil || p.exchange > x.ID {
		l.replacedPortal(x, name, nil)
	} else {
		l.dropPortal([]byte(name))
	}
}

// closedAllBySQL is for all cursors, or for one of which the name is not known. What runs
// the command, an unnamed portal mostly, is not among them.
func (l *Log) closedAllBySQL(x *Exchange) {
	for name, p := range l.portals {
		if p.exchange <= x.ID && p != x.portal {
			l.dropPortal([]byte(name))
		}
	}
}

// endedBySQL is for a command that has ended a transaction: further ones of the same string
// may begin the next. Which cursors end with a part of it is not known: they are left.
func (l *Log) endedBySQL(x *Exchange, committed bool) {
	if c, _, _ := l.command(x, sqltext.EndTransaction, sqltext.RollbackTo); c.Action != sqltext.RollbackTo {
		l.endPortals(x.ID, x.portal, committed)
	}
}

// usedAhead gives a portal that x has made to those that were asked to execute it before
// that was known.
func (l *Log) usedAhead(x *Exchange, name string, p *portal) {
	for y := range l.after(x) {
		if y.portal == nil && y.Portal != nil && string(l.nameKey(y.Portal)) == name && y.Missing&MissingBind != 0 {
			y.Missing &^= MissingBind | MissingParse
			l.use(y, p)
		}
	}
}
