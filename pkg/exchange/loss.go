package exchange

import (
	"math"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// lost are bytes of the frontend that are missing and belong to nobody yet: to
// the request before them, to the one after, or to one that they hold whole.
type lost struct {
	bytes  uint64
	holes  bool // and an unknown number more
	latest bool // no request was seen since
}

// to makes x the one that they belong to.
func (l *lost) to(x *Exchange) {
	x.LostBytes += l.bytes
	if l.holes {
		x.flags |= flagHoles
	}
	*l = lost{}
}

func (l *lost) add(n int) {
	if n < 0 {
		l.holes = true
	} else {
		l.bytes += uint64(n)
	}
}

// Lost tells that n bytes of a direction are missing at this place, between
// messages or with the heads of messages, n < 0 for an unknown number. What is
// being asked or answered is not complete. Bytes that are missing inside a
// message are told with it (Message.Lost).
func (l *Log) Lost(d messages.Direction, n int) {
	l.lossy = max(l.first+uint64(l.n), 1) // the next one, too; before the first one, too
	switch both := l.bothLost(d); {
	case both && l.reuses:
		l.forgetAll()
	case both:
		l.untold = l.first + uint64(l.n)
	}
	if d == messages.Frontend {
		l.holed = l.lossy
	} else {
		l.deaf = l.first + 1
	}
	missing := lost{latest: true}
	missing.add(n)
	l.idle, l.blurred, l.lastTx = false, true, 0 // what went on since then is not known
	x := l.answered()
	switch {
	case d == messages.Backend:
		if x != nil { // else it was asynchronous, or startup's
			missing.to(x)
		}
	case x != nil && (x.Copy == CopyIn || x.Copy == CopyBoth):
		missing.to(x) // its data
	default:
		l.lost.add(n)
		l.lost.latest = true
		l.dropPortals(math.MaxUint64)
		l.setUnnamed(nil)
	}
	if d == messages.Frontend && l.closed {
		l.forgetAll()
		l.closed = false
	}
}

// bothLost reports whether bytes of a direction are lost so near to bytes of the other
// one that both a request and its reply may be among them: no exchange that began after
// the loss of the frontend's is over, or none at all since that of the backend's. What
// such requests made and closed nobody can tell. It matters where names have come to mean
// something else before: most clients prepare a statement once under a name of its own,
// and would lose the texts of all that follows.
func (l *Log) bothLost(d messages.Direction) bool {
	if d == messages.Backend {
		return l.holed != 0 && l.first <= l.holed
	}
	return l.deaf == l.first+1
}

// reused takes note that names are given up or given again, which may have happened
// unseen before, too.
func (l *Log) reused() {
	if l.reuses {
		return
	}
	l.reuses = true
	for name, s := range l.statements {
		if s.exchange <= l.untold && l.untold != 0 {
			s.unsure, l.forgot = true, true // for what was sent ahead
			l.forget(name)
		}
	}
}

// heardAll reports whether all that the frontend has sent was seen, as far as is known.
func (l *Log) heardAll() bool { return l.holed == 0 && l.server.database != "" }

// doubt takes what a reply tells of requests that were not seen, or that those before
// it were not what they were taken for.
func (l *Log) doubt(m *Message) {
	for id := l.first; id < l.first+uint64(l.n) && id <= m.Step.Spoiled; id++ {
		if x := *l.slot(id); x != nil {
			x.flags |= flagHoles
		}
	}
	if m.Step.Spoiled != 0 {
		l.forgetSince(l.first)
	}
	if m.Direction != messages.Backend || !m.Step.Inferred && m.Step.Exchange != 0 {
		return
	}
	switch m.Kind {
	case messages.KindParseComplete:
		l.setUnnamed(nil)
	case messages.KindBindComplete:
		l.dropPortals(math.MaxUint64)
	case messages.KindCloseComplete:
		l.reused()
		if l.heardAll() {
			l.closed = true // of a Close that was seen, unless bytes turn out to be missing
		} else {
			l.forgetAll()
		}
	case messages.KindCommandComplete:
		switch tag := string(cstring(m.Body)); tag {
		case "DEALLOCATE", "DEALLOCATE ALL", "DISCARD ALL", "PREPARE":
			l.reused()
			l.forgetAll()
		}
	}
}

// forgetSince forgets the statements that exchanges from one on have made, as far as the
// replies tell which may have been others'.
func (l *Log) forgetSince(exchange uint64) {
	for name, s := range l.statements {
		if s.exchange >= exchange {
			l.forget(name)
			l.forgot = true
		}
	}
	if l.unnamed != nil && l.unnamed.exchange >= exchange {
		l.setUnnamed(nil)
	}
}

// forgetAll forgets all that may have been closed and made anew without being seen.
func (l *Log) forgetAll() {
	for name := range l.statements {
		l.forget(name)
	}
	l.setUnnamed(nil)
	l.dropPortals(math.MaxUint64)
}

// answered returns the exchange that the next reply is for, nil if there is none.
func (l *Log) answered() *Exchange {
	for i := range min(l.n, maxLook) {
		if x := *l.slot(l.first + uint64(i)); x != nil && x.waiting() && x.flags&flagDiscarded == 0 {
			return x
		}
	}
	return nil
}

// blame finds whose bytes were lost before a request, which belongs to x.
func (l *Log) blame(x *Exchange, m *Message) {
	switch {
	case !l.lost.latest:
	case !m.Step.Begins:
		l.lost.to(x)
	case m.Kind == messages.KindBind || m.Kind == messages.KindDescribe || m.Kind == messages.KindExecute:
		l.lost.to(x) // what the exchange began with, most likely
	default:
		l.lost.latest = false // a request of their own, which only its replies show
	}
}

// blameLatest is for the end: what was asked last may have been longer.
func (l *Log) blameLatest() {
	if !l.lost.latest || l.n == 0 {
		return
	}
	if x := *l.slot(l.first + uint64(l.n) - 1); x != nil && x.waiting() {
		l.lost.to(x)
	}
}

// hear takes note of the first message of the backend. While there was none, what was
// asked stood as if it had been done; replies to it are lost, if there are any now.
func (l *Log) hear() {
	l.heard = true
	if len(l.statements) > 0 {
		for name, s := range l.statements {
			if s.exchange < l.first {
				s.unsure, l.forgot = true, true
				l.forget(name)
			}
		}
	}
	if s := l.unnamed; s != nil && s.exchange < l.first {
		s.unsure = true
		l.setUnnamed(nil)
	}
}

// unconfirmed forgets what the requests of x may have made or closed whose replies
// were lost: neither that they did nor that they failed is known.
func (l *Log) unconfirmed(x *Exchange) {
	for i := x.confirmed; i < len(x.changes); i++ {
		c := &x.changes[i]
		switch {
		case c.by == messages.KindBind:
			l.dropPortal([]byte(c.name))
			continue
		case c.by != messages.KindParse:
			l.forgot = l.forgot || c.previous != nil // if the Close was passed over, it has the name still
			continue
		case c.statement.name == "":
			if l.unnamed == c.statement {
				l.setUnnamed(nil)
			}
		case l.statements[c.statement.name] != c.statement:
		case c.previous == nil && l.heardAll() && !l.forgot:
			c.statement.unproven = true // nothing else can have the name, if anything has
			continue
		default:
			l.forget(c.statement.name)
			l.forgot = true
		}
		c.statement.unsure = true // for what was sent ahead
	}
	l.dropUnbound(x)
}

// prove looks for evidence that the statement of x was made, whose ParseComplete was
// lost: a Bind of it succeeded.
func (x *Exchange) prove() {
	s := x.Prepared
	switch {
	case s == nil || s.exchange == x.ID:
	case x.Skipped:
		x.flags |= flagHoles // the server did not look at the name: nothing confirms it
	case !s.unproven:
	case x.flags&flagBound != 0, x.flags&flagDone != 0 && x.Error == nil:
		s.unproven = false
	default:
		x.flags |= flagHoles
	}
}

// undescribed marks an exchange whose parameters cannot be shown as they are because
// the answer to Describe of its statement, which tells their types, was lost.
func (l *Log) undescribed(x *Exchange) {
	s := x.Prepared
	if s == nil || !s.described && s.exchange > l.holed || s.told || x.bind == nil {
		return
	}
	b := &l.shared.bind
	_ = b.Decode(x.bind) // of a cut one, what is there
	for i := range b.Parameters.Len() {
		if b.ParameterFormat(i) != messages.FormatText && (i >= len(s.ParamTypes) || s.ParamTypes[i] == 0) {
			x.flags |= flagHoles
			return
		}
	}
}
