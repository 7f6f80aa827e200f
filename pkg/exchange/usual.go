package exchange

import (
	"slices"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Chunks of nearly all traffic are of a few forms: the requests of a Query, or of a Bind of
// a statement that was prepared before, and the replies to one command. What they do is
// known, so they are taken at once. Whatever is not as usual is left to asked and answer,
// message by message, and so are those of which anything is known to be lost.

// The usual forms.
const (
	usualQuery    friend.Usual = iota + 1 // Query
	usualExecute                          // Bind, Execute, Sync
	usualDescribe                         // Bind, Describe, Execute, Sync
	usualReplies                          // what answers a command, and ReadyForQuery
)

// usual returns what form the messages of a chunk are of, 0 for none.
func usual(d messages.Direction, kinds []messages.Kind) friend.Usual {
	if d == messages.Frontend {
		switch {
		case slices.Equal(kinds, []messages.Kind{messages.KindQuery}):
			return usualQuery
		case slices.Equal(kinds, []messages.Kind{messages.KindBind, messages.KindExecute, messages.KindSync}):
			return usualExecute
		case slices.Equal(kinds, []messages.Kind{messages.KindBind, messages.KindDescribe, messages.KindExecute, messages.KindSync}):
			return usualDescribe
		}
		return 0
	}
	for _, optional := range [][]messages.Kind{
		{messages.KindBindComplete},
		{messages.KindRowDescription, messages.KindNoData},
		{messages.KindDataRow},
	} {
		if len(kinds) > 0 && slices.Contains(optional, kinds[0]) {
			kinds = kinds[1:]
		}
	}
	if slices.Equal(kinds, []messages.Kind{messages.KindCommandComplete, messages.KindReadyForQuery}) {
		return usualReplies
	}
	return 0
}

// askedUsual takes the requests of a cycle. It reports whether it has; if not, nothing was
// done.
func (l *Log) askedUsual(u friend.Usual, m *Message, b []byte, parts []friend.Part) bool {
	if l.n != 0 || m.Step.Exchange < l.first || l.lost.latest || len(l.open) == 0 {
		return false
	}
	if u != usualQuery {
		return l.executeUsual(u, m, b, parts)
	}
	if !l.shared.reserve(exchangeCost) {
		return false
	}
	m.Kind, m.Body, m.Len = messages.KindQuery, b[messageHead:parts[0].To:parts[0].To], int(parts[0].To)
	l.asked(l.openUsual(m, exchangeCost), m)
	return true
}

// messageHead is the type byte and the length of a message.
const messageHead = 5

// openUsual is exchange for the first request where nothing is open. The cost was reserved.
func (l *Log) openUsual(m *Message, cost int) *Exchange {
	x := l.shared.get()
	l.first, l.head, l.n = m.Step.Exchange, 0, 1
	l.open[0] = x
	x.ID, x.cost, x.Escapes = m.Step.Exchange, cost, l.Escapes
	x.Start, x.Asked = m.First, m.First
	x.flags = flagRequested
	if x.Pause = l.pause(m.First); x.Pause >= 0 {
		x.PauseTx = l.lastTx
	}
	return x
}

// executeUsual takes a Bind of a statement that is known to the unnamed portal, and what
// executes that.
func (l *Log) executeUsual(u friend.Usual, m *Message, b []byte, parts []friend.Part) bool {
	sh := l.shared
	bind := b[messageHead:parts[0].To:parts[0].To]
	old := l.unnamedPtl
	if bind[0] != 0 || len(bind) > sh.limits.SQL || l.lastTx == 'E' || old != nil && old.suspended {
		return false
	}
	s := l.known(cstring(bind[1:]))
	if s == nil || s.exchange < l.untold {
		return false
	}
	ofStatement := false
	if u == usualDescribe {
		d := b[parts[0].End+messageHead : parts[1].To]
		name := cstring(d[1:])
		if ofStatement = d[0] == byte(messages.TargetStatement); ofStatement && string(l.nameKey(name)) != s.name || !ofStatement && len(name) > 0 {
			return false
		}
	}
	if b[parts[len(parts)-3].End+messageHead] != 0 { // the portal that Execute names
		return false
	}
	kept := bind
	if sh.limits.NoParameters {
		kept = nil
	}
	cost := portalCost + s.cost + len(kept)
	if !sh.reserve(exchangeCost + s.cost + cost) {
		return false
	}
	sh.leave(old)
	p := sh.getPortal()
	p.statement, p.exchange, p.cost, p.hasBind, p.refs = s, m.Step.Exchange, cost, true, 2
	p.bind = append(p.bind[:0], kept...)
	if s.columns != nil {
		p.columns = sh.boundColumns(s, bind)
	}
	l.unnamedPtl = p

	x := l.openUsual(m, exchangeCost+s.cost)
	x.Protocol = ProtocolExtended
	x.flags |= flagExecuted | flagSynced
	x.binds, x.Portal = 1, unnamed
	x.Prepared, x.SQL, x.SQLLen, x.Statement, x.sqlCost = s, s.SQL, s.SQLLen, s.label, s.cost
	x.portal, x.columns, x.bind, x.HasParams = p, p.columns, p.bind, true
	if u == usualDescribe {
		l.describeUsual(x, ofStatement)
	}
	return true
}

// describeUsual takes the Describe of what x has bound.
func (l *Log) describeUsual(x *Exchange, ofStatement bool) {
	x.describes = 1
	t := target{portal: x.portal}
	if ofStatement {
		t = target{statement: x.Prepared}
		x.described = x.Prepared
	}
	if l.shared.limits.NoColumns {
		return
	}
	if ofStatement {
		x.Prepared.described = true
	}
	x.addTarget(t)
}

// known returns the statement of a name whose Parse was seen, nil if there is none.
func (l *Log) known(name []byte) *Statement {
	if len(name) == 0 {
		if s := l.unnamed; s != nil && !l.unnamedGone && !s.Inferred {
			return s
		}
		return nil
	}
	name = l.nameKey(name)
	if s := l.last; s != nil && s.name == string(name) {
		return s
	}
	s := l.statements[string(name)]
	if s == nil || s.Inferred {
		return nil
	}
	l.last = s
	return s
}

// answeredUsual takes the replies that end a cycle of one exchange. It reports whether it
// has; if not, nothing was done.
func (l *Log) answeredUsual(m *Message, b []byte, parts []friend.Part) bool {
	if l.n != 1 || l.first != m.Step.Exchange || !l.heard || l.lost != (lost{}) {
		return false
	}
	x := l.open[l.head]
	if x == nil || x.flags&(flagDiscarded|flagApart) != 0 || x.Error != nil || len(x.changes) > 0 {
		return false
	}
	x.replied(m)
	at := int32(0)
	for i := range parts[:len(parts)-1] {
		p := &parts[i]
		switch p.Kind {
		case messages.KindDataRow:
			x.rowsUsual(l, m, uint64(p.N), uint64(p.End-at))
		case messages.KindCommandComplete:
			l.replyCommand(x, cstring(b[at+messageHead:p.To]))
		case messages.KindBindComplete:
			x.flags |= flagBound
			x.bound++
		default:
			if !l.shared.limits.NoColumns {
				m.Kind, m.Body, m.Len = p.Kind, b[at+messageHead:p.To:p.To], int(p.To-at)
				l.answer(x, m)
			}
		}
		at = p.End
	}
	l.endUsual(x, m)
	return true
}

func (x *Exchange) rowsUsual(l *Log, m *Message, n, size uint64) {
	r := x.openResult(l)
	r.Rows += n
	r.Bytes += size
	x.Rows += n
	x.Bytes += size
	if x.FirstRow.Frame == 0 {
		x.FirstRow = m.At
	}
}

// endUsual is readyTogether for an exchange without errors, which is the only one open.
func (l *Log) endUsual(x *Exchange, m *Message) {
	x.Tx = m.Step.Tx
	x.flags |= flagReady
	l.open[l.head] = nil
	l.first++
	l.n = 0
	l.finish(x)
	l.shared.put(x)
	if m.Step.Tx == 'I' {
		if l.worked {
			l.Totals.Transactions++
			l.worked = false
		}
		l.endTransaction(m.Step.Exchange, true)
	}
	l.blurred, l.idle = false, true
	l.lastEnd, l.lastTx = m.At, m.Step.Tx
}
