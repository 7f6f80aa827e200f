package exchange

import "github.com/pgsniff/pgsniff/pkg/messages"

// change is what a Parse, Bind or Close did to the prepared statements and portals. It
// is done when the request is seen, since requests that depend on it may follow before
// the reply; the reply confirms it, and an error undoes it.
type change struct {
	by        messages.Kind // KindParse, KindBind or KindClose
	name      string        // of the statement closed, or of the portal
	statement *Statement    // what Parse made, nil for the others
	previous  *Statement    // what was under that name before, nil if nothing
	wasGone   bool          // of the unnamed statement: the server had dropped it already
	ofPortal  bool          // Close speaks of a portal
	portal    *portal       // what was under that name before, nil if nothing; referred to
	bind      int           // of a Bind, its number within the exchange, from 1
}

// changeCost is a change with its place in a list that grows ahead.
const changeCost = 144

// note keeps a change of x's until it is confirmed. Without room, all changes of
// x stand: most do.
func (x *Exchange) note(c change) {
	if x.flags&flagCertain != 0 {
		return
	}
	if c.portal != nil {
		c.portal.refs++
	}
	cost := changeCost + 2*len(c.name)
	if c.previous != nil && c.previous != c.statement {
		cost += c.previous.cost
	}
	if !x.charge(cost) {
		x.shared.leave(c.portal)
		x.flags |= flagCertain
		x.settle(len(x.changes))
		return
	}
	x.changeCost += cost
	x.changes = append(x.changes, c)
}

// confirm takes the reply to a Parse, Bind or Close: with the oldest change of its
// kind all before it are done. It returns the statement that was made, nil if
// none was.
func (x *Exchange) confirm(by messages.Kind) *Statement {
	for i := x.confirmed; i < len(x.changes); i++ {
		if c := &x.changes[i]; c.by == by {
			s := c.statement
			x.settle(i + 1)
			return s
		}
	}
	return nil
}

// confirmBind is confirm for a Bind. Not all of them are changes: those are told by
// their number.
func (x *Exchange) confirmBind() {
	for i := x.confirmed; i < len(x.changes); i++ {
		if c := &x.changes[i]; c.by == messages.KindBind && c.bind >= x.bound {
			if c.bind == x.bound {
				x.settle(i + 1)
			}
			return
		}
	}
}

// settle marks the first n changes as done.
func (x *Exchange) settle(n int) {
	if x.confirmed = n; n < len(x.changes) {
		return
	}
	x.shared.release(x.changeCost)
	x.cost -= x.changeCost
	x.leaveChanges()
	clear(x.changes)
	x.changes, x.confirmed, x.changeCost = x.changes[:0], 0, 0
}

// leaveChanges ends the references of the changes to portals.
func (x *Exchange) leaveChanges() {
	for i := range x.changes {
		x.shared.leave(x.changes[i].portal)
	}
}

// undo takes back the changes of x that were not confirmed, the latest first.
// failed tells that the oldest of them is a Parse which the server tried; it
// passed over all others.
func (l *Log) undo(x *Exchange, failed bool) {
	for i := len(x.changes) - 1; i >= x.confirmed; i-- {
		c := &x.changes[i]
		switch tried := failed && i == x.confirmed && c.by == messages.KindParse; {
		case c.by == messages.KindBind || c.ofPortal:
			l.undoPortal(x, c)
		case c.by == messages.KindParse && c.statement.name == "":
			l.undoUnnamed(c, tried)
		case c.by == messages.KindParse:
			l.undoParse(c)
		case c.previous != nil && c.name == "":
			l.undoCloseUnnamed(x, i)
		case c.previous != nil:
			l.undoClose(x, i)
		}
	}
	x.settle(len(x.changes))
	l.dropUnbound(x)
}

// dropUnbound drops the unnamed portal that x was said to make, if no reply says that it
// did: what it took the place of is not known any more.
func (l *Log) dropUnbound(x *Exchange) {
	if p := x.portal; p != nil && p.exchange == x.ID && len(x.Portal) == 0 && x.flags&flagBound == 0 {
		p.refused = true // also where a later Bind, which may fail as well, has taken its place
	}
	if p := l.unnamedPtl; p != nil && p.exchange == x.ID && x.flags&flagBound == 0 {
		l.dropPortal(nil)
	}
}

// undoClose takes change i of x back, a Close that the server passed over: what it should
// have closed is still there, but for what later requests make of it. If something was
// merely concluded of its name since, from a Bind or a Describe, it was that statement
// which these meant; if another was made, those that came before it did.
func (l *Log) undoClose(x *Exchange, i int) {
	c := &x.changes[i]
	later := l.cameBack(x, i, c.previous.standing())
	if s := l.statements[c.name]; s != nil {
		if later || !s.Inferred {
			return
		}
		s.undone, s.before = true, c.previous.standing()
		l.forget(c.name)
	}
	if !later {
		l.restore(c.name, c.previous)
	}
}

// undoCloseUnnamed is undoClose for the unnamed statement.
func (l *Log) undoCloseUnnamed(x *Exchange, i int) {
	c := &x.changes[i]
	later := l.cameBack(x, i, c.previous.standing())
	if s := l.unnamed; s != nil {
		if later || !s.Inferred {
			return
		}
		s.undone, s.before = true, c.previous.standing()
	}
	if !later {
		l.restoreUnnamed(c)
	}
}

// cameBack makes s what requests sent after change i of x, a Close that was passed over,
// have met under its name before the first of them that made or closed a statement of
// that name. Those of x were undone already. It reports whether a later exchange has one,
// whose reply will tell what the name stands for.
func (l *Log) cameBack(x *Exchange, i int, s *Statement) (later bool) {
	name := x.changes[i].name
	for n := i + 1; n < len(x.changes); n++ {
		if c := &x.changes[n]; c.speaksOf(name) {
			c.met(s)
			break
		}
	}
	for y := range l.after(x) {
		for n := y.confirmed; n < len(y.changes); n++ {
			if c := &y.changes[n]; c.speaksOf(name) {
				c.met(s)
				return true
			}
		}
	}
	return false
}

// met makes s what was there before a change which is said to have replaced nothing, or
// what was merely concluded of a Bind or Describe.
func (c *change) met(s *Statement) {
	switch {
	case c.previous == nil:
		if c.previous = s; c.statement != nil && c.statement.undone && c.statement.before == nil {
			c.statement.before = s
		}
	case c.previous.Inferred:
		c.previous.undone, c.previous.before = true, s
	}
}

// speaksOf reports whether a change is of the statement with a name.
func (c *change) speaksOf(name string) bool {
	return c.by == messages.KindParse && c.statement.name == name || c.by == messages.KindClose && !c.ofPortal && c.name == name
}

// setStanding makes the statement of x what the server had when it ran x, since s,
// which it was taken for when it was sent, was undone.
func (l *Log) setStanding(x *Exchange, s *Statement) {
	label := x.Statement
	missing := x.Missing
	if now := s.standing(); now != nil {
		l.setSQL(x, now)
		x.Missing |= missing &^ (MissingParse | InferredSQL)
		return
	}
	l.setSQL(x, nil)
	x.Statement = label
}

// undoUnnamed takes a Parse of the unnamed statement back. One that the server tried has
// dropped the statement before it although it failed; one that it passed over has not.
func (l *Log) undoUnnamed(c *change, tried bool) {
	if c.previous != c.statement {
		if c.statement.undone = true; !tried {
			c.statement.before = c.previous.standing()
		}
	}
	switch {
	case l.unnamed != c.statement:
	case tried:
		l.setUnnamed(nil)
	case c.previous == c.statement:
		l.unnamedGone = c.wasGone
	default:
		l.restoreUnnamed(c)
	}
}

func (l *Log) restoreUnnamed(c *change) {
	l.setUnnamed(nil)
	if p := c.previous.standing(); p != nil && p.file(l.shared) {
		l.unnamed, l.unnamedGone = p, c.wasGone
	}
}

// undoParse takes a Parse under a name back. One of a name that is in use fails, and what
// has the name keeps it.
func (l *Log) undoParse(c *change) {
	name := c.statement.name
	c.statement.undone, c.statement.before = true, c.previous.standing()
	if l.statements[name] == c.statement {
		l.forget(name)
		l.restore(name, c.previous)
	}
}

func (l *Log) restore(name string, s *Statement) {
	if s = s.standing(); s != nil && s.file(l.shared) {
		l.addStatement(name, s)
	}
}

// standing returns s, or what was there before if s was undone since.
func (s *Statement) standing() *Statement {
	for s != nil && s.undone {
		s = s.before
	}
	return s
}
