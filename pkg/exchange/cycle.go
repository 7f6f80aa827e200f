package exchange

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// finishBefore hands over the exchanges before id that wait for nothing more:
// another has begun in the same cycle.
func (l *Log) finishBefore(id uint64) {
	for l.n > 0 && l.first < id {
		x := *l.slot(l.first)
		if x != nil && x.waiting() {
			return
		}
		l.pop()
	}
}

// waiting reports whether replies to x are due: its own, or the ReadyForQuery
// for its Sync, or for that which ends a failed cycle and tells its status.
func (x *Exchange) waiting() bool {
	if x.flags&flagReady != 0 {
		return false
	}
	return x.flags&flagDone == 0 || x.flags&flagSynced != 0 || x.Error != nil || x.Protocol != ProtocolExtended
}

// waits reports whether the server is at work for x.
func (x *Exchange) waits() bool {
	return x.flags&flagReady == 0 && (x.flags&flagDone == 0 || x.Protocol != ProtocolExtended)
}

// answered reports whether the whole answer to x was seen.
func (x *Exchange) answered() bool {
	if x.Protocol == ProtocolExtended {
		return x.flags&flagDone != 0
	}
	return x.flags&(flagDone|flagReady|flagOpenRes) == flagDone|flagReady
}

// over hands over all exchanges up to id.
func (l *Log) over(id uint64) {
	for l.n > 0 && l.first <= id {
		l.pop()
	}
}

// pop hands over the oldest exchange if it is one for handlers.
func (l *Log) pop() {
	p := l.slot(l.first)
	x := *p
	*p = nil
	l.first++
	l.head = (l.head + 1) & (len(l.open) - 1)
	l.n--
	if x == nil {
		return
	}
	l.finish(x)
	if x.flags&(flagDone|flagReady) != 0 {
		// Between Flushes the frontend waits for no ReadyForQuery.
		if l.idle = l.n == 0 && x.Complete; x.End.Frame > l.lastEnd.Frame {
			l.lastEnd, l.lastTx = x.End, 0
		}
	}
	l.shared.put(x)
}

func (l *Log) finish(x *Exchange) {
	l.judge(x)
	if x.flags&flagExecuted == 0 && x.Error == nil {
		return // prepared only, or closed something
	}
	if x.CancelledBy != 0 && string(x.SQLState()) != queryCanceled {
		x.CancelledBy = 0 // it came too late
	}
	if !x.Skipped {
		l.worked = true
		l.Totals.Queries++
		l.Totals.Rows += x.Rows
	}
	l.handler.Exchange(x)
}

// hollow reports whether x executed a portal without a statement: such are what Binds
// leave behind that fail in a transaction, and the server says EmptyQueryResponse to them.
func (x *Exchange) hollow() bool {
	return x.Protocol == ProtocolExtended && x.SQL == nil && x.flags&(flagDone|flagExecuted) == flagDone|flagExecuted && len(x.Results) == 0
}

// judge says what is known of an exchange that is over.
func (l *Log) judge(x *Exchange) {
	switch {
	case x.flags&flagDiscarded != 0:
		x.Skipped = true
		if x.ID <= l.lossy {
			x.flags |= flagHoles | flagUnsure // the Sync before it may be missing
		}
		if x.flags&flagUnsure != 0 {
			l.unconfirmed(x)
			x.settle(len(x.changes))
		} else {
			l.undo(x, false)
		}
		x.Results, x.FirstReply, x.FirstRow, x.End = x.Results[:0], Stamp{}, Stamp{}, Stamp{}
	case x.answered():
	case x.flags&flagReplied != 0 && l.ending && x.ID > l.lossy && x.flags&flagReady == 0:
		x.flags |= flagCut // it ended in the middle of the answer
	case l.ending && l.heard && x.ID > l.lossy:
		x.Unanswered = true
	case x.Copy == CopyBoth && l.ending:
		x.flags |= flagCut // replication was still running
	default:
		x.Missing |= MissingReply
	}
	if s := x.Prepared; s != nil && s.exchange != x.ID {
		if s.undone {
			l.setStanding(x, s) // what it was prepared as never came to be
		}
		if s = x.Prepared; s != nil && s.unsure {
			x.flags |= flagHoles // or so it may be
		}
	}
	if (x.Skipped || x.Unanswered || x.Error != nil || x.hollow()) && l.lossy == 0 && l.server.database != "" {
		if x.Missing&InferredSQL != 0 {
			label := x.Statement
			l.setSQL(x, nil)
			x.Statement = label
		}
		x.Missing &^= MissingParse | MissingBind // all was seen: there is no such thing
	} else if x.Skipped && x.SQL == nil {
		x.Missing |= MissingParse // no error tells that there is no such statement
	}
	if l.heard && (l.lossy != 0 || l.server.database == "") { // joined in the middle: an error may have been before
		l.unconfirmed(x)
	}
	if l.lossy != 0 && l.heard {
		x.prove()
		l.undescribed(x)
		if x.Missing&MissingReply != 0 || x.LostBytes != 0 {
			l.doubted(x)
		}
	}
	missing := x.Missing
	if s := x.Prepared; s != nil && !s.Inferred {
		missing &^= InferredSQL // its Parse was seen
	}
	x.Complete = missing == 0 && x.LostBytes == 0 && x.flags&(flagHoles|flagCut) == 0 && !x.Unanswered
	if x.told != nil && x.told != x.Prepared {
		x.Prepare = 0
		x.Start = x.Asked
	}
}

// Codes of errors that tell something about exchanges (manual: "PostgreSQL Error
// Codes").
const (
	queryCanceled   = "57014"
	noSuchStatement = "26000" // invalid_sql_statement_name
	noSuchPortal    = "34000" // invalid_cursor_name

	duplicateStatement = "42P05" // duplicate_prepared_statement
)

// ready ends a cycle.
func (l *Log) ready(m *Message) {
	s := &m.Step
	if s.Exchange != 0 {
		for id := l.first; id < l.first+uint64(l.n) && id <= s.Exchange; id++ {
			if x := *l.slot(id); x != nil && x.Error != nil {
				x.Tx = s.Tx
			}
		}
	}
	if s.Over != 0 {
		l.over(s.Over)
	}
	if s.Exchange != 0 && s.Tx == 'I' {
		if l.worked {
			l.Totals.Transactions++
			l.worked = false
		}
		l.endTransaction(s.Exchange, !l.failed)
	}
	l.failed = false
	if l.n > 0 {
		l.readAhead()
	}
	l.blurred = l.lost.latest || s.Doubtful || s.Inferred || s.Exchange == 0 && s.Request == messages.KindUnknown
	if l.lastEnd, l.lastTx, l.idle = m.At, s.Tx, l.n == 0; l.idle && !l.lost.latest {
		l.lost = lost{} // it was nothing that was answered
	}
}

// readAhead takes note that what was sent ahead is read with another setting of
// standard_conforming_strings than it had when it was sent.
func (l *Log) readAhead() {
	if x := *l.slot(l.first); x != nil && x.Escapes == l.Escapes {
		return
	}
	for i := range min(l.n, maxLook) {
		x := *l.slot(l.first + uint64(i))
		if x == nil {
			continue
		}
		x.Escapes = l.Escapes
		for i := range x.changes {
			if s := x.changes[i].statement; s != nil {
				s.Escapes = l.Escapes
			}
		}
	}
}

// pause is the time from the end of the last replies to now, -1 if something was
// asked meanwhile. It is told once.
func (l *Log) pause(now Stamp) int64 {
	if !l.idle {
		return -1
	}
	l.idle = false
	d := now.Time - l.lastEnd.Time
	if d < 0 || l.blurred {
		return -1 // the clock ran backwards, or it was not the last
	}
	if l.lastTx == 'T' || l.lastTx == 'E' {
		l.Totals.IdleInTransaction += d
	}
	return d
}

// discard marks what the server passes over after an error in x: all that was
// sent up to the next Sync. What is sent later, the tracker marks.
func (l *Log) discard(x *Exchange, uncertain flags) {
	for id := x.ID; x.flags&flagSynced == 0; {
		if id++; id >= l.first+uint64(l.n) {
			return
		}
		next := *l.slot(id)
		if next == nil {
			continue
		}
		x = next
		x.flags |= flagDiscarded | uncertain
	}
}

// replyError ends a request, and in the extended protocol its cycle.
func (l *Log) replyError(x *Exchange, m *Message) {
	l.failed = true
	x.closeResult()
	if x.Error == nil { // the first one counts
		x.Error = x.keep(l.shared.cut(m.Body))
		if x.Error == nil {
			x.Error = []byte{0}
		}
		x.FailedAt = m.Step.Request
		if x.FailedAt == messages.KindParse && x.confirmed < len(x.changes) && x.changes[x.confirmed].by == messages.KindParse {
			l.blameParse(x, x.changes[x.confirmed].statement)
		}
		l.blameBind(x)
		clear(x.earlier) // nobody is charged for what is dropped of them
		x.earlier = x.earlier[:0]
		l.learnError(x)
	}
	x.flags |= flagDone
	if a := m.Step.Anomaly; a != nil && a.Code == tracker.CodeSwallowed {
		if next := l.Find(x.ID + 1); next != nil {
			next.flags |= flagDiscarded // it was read as data, and not run
		}
	}
	if m.Step.Over != 0 {
		x.flags |= flagReady // nothing will come any more
	}
	if m.Step.Over > x.ID {
		l.failAll(x, m)
	}
	if x.Protocol == ProtocolExtended {
		uncertain := flags(0)
		if m.Step.Trial {
			uncertain = flagHoles // the Sync before it may be missing
		}
		if m.Step.Doubtful { // it may be another's, and what x asked for was done
			uncertain |= flagUnsure
		} else {
			l.undo(x, m.Step.Request == messages.KindParse)
		}
		l.discard(x, uncertain)
		l.refusedParse(x)
	}
}

// refusedParse takes note that the server has a statement of a name already, which a
// Parse failed by: behind a pooler another client has prepared it.
func (l *Log) refusedParse(x *Exchange) {
	if string(x.SQLState()) == duplicateStatement {
		l.reused()
	}
	name := x.Statement
	if x.FailedAt == messages.KindParse && len(name) > 0 && l.statements[string(l.nameKey(name))] == nil && string(x.SQLState()) == duplicateStatement {
		l.conclude(name, nil).refused = true
	}
}

// blameParse makes the statement whose Parse has failed that of x, which may have sent
// further ones, or executed a portal of another.
func (l *Log) blameParse(x *Exchange, s *Statement) {
	if x.portal != nil && x.portal.statement != s {
		l.disuse(x)
		x.Portal = nil
	}
	l.setSQL(x, s)
}

// blameBind makes the statement of the Bind that has failed that of x, which may have
// sent further ones.
func (l *Log) blameBind(x *Exchange) {
	if x.FailedAt != messages.KindBind || x.bound >= len(x.earlier) {
		return
	}
	s := x.earlier[x.bound]
	l.disuse(x)
	x.Portal = nil // that of another request
	if s = s.standing(); s != nil {
		l.setSQL(x, s)
	}
}

// failing returns the statement that the request which has failed speaks of, nil if that
// is not known.
func (x *Exchange) failing() *Statement {
	switch x.FailedAt {
	case messages.KindBind:
		return x.Prepared
	case messages.KindDescribe:
		return x.described
	}
	return nil
}

// learnError takes the server's word that something does not exist: then its
// Parse or Bind was not missed, and no other connection's text is its own.
func (l *Log) learnError(x *Exchange) {
	switch string(x.SQLState()) {
	case noSuchStatement:
		s := x.failing()
		if x.FailedAt == messages.KindDescribe && s == nil {
			l.setSQL(x, nil) // it asked about several
		}
		if s == nil {
			return
		}
		if l.statements[s.name] == s || l.unnamed == s {
			l.forget(s.name)
		}
		l.setSQL(x, nil)
		x.Statement = s.label
		x.Missing &^= MissingParse
		if !s.Inferred && l.lossy != 0 {
			x.flags |= flagHoles // its end was not seen
		}
	case noSuchPortal:
		x.Missing &^= MissingParse | MissingBind
		if x.FailedAt == messages.KindExecute && x.portal != nil && x.portal.exchange != x.ID && l.lossy != 0 {
			x.flags |= flagHoles
		}
		if x.FailedAt == messages.KindExecute && x.portal != nil && x.portal.exchange != x.ID {
			l.disuse(x) // of a portal that was gone
		}
	}
}
