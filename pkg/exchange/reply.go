package exchange

import (
	"slices"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// reply adds a message of the backend to its exchange.
func (l *Log) reply(x *Exchange, m *Message) {
	if m.Kind == messages.KindNoticeResponse {
		x.Notices++
		return
	}
	if m.Kind == messages.KindParameterStatus {
		return
	}
	if x.flags&flagDiscarded != 0 {
		if m.Kind == messages.KindReadyForQuery {
			return // the cycle's, not that of the request which was passed over
		}
		x.flags &^= flagDiscarded // it was not: messages are missing
	}
	x.LostBytes += uint64(m.Lost)
	if m.Step.Trial && l.impossible(x, m) {
		l.mistrust()
	}
	x.replied(m)
	l.answer(x, m)
}

// replied notes the time of a reply.
func (x *Exchange) replied(m *Message) {
	if x.flags&flagReplied == 0 {
		x.flags |= flagReplied
		x.FirstReply = m.At
	}
	if x.flags&flagApart == 0 {
		x.End = m.At
	}
}

// answer takes what a reply says.
func (l *Log) answer(x *Exchange, m *Message) {
	switch m.Kind {
	case messages.KindDataRow:
		r := x.openResult(l)
		r.Rows++
		r.Bytes += uint64(m.Len)
		x.Rows++
		x.Bytes += uint64(m.Len)
		if x.FirstRow.Frame == 0 {
			x.FirstRow = m.At
		}
	case messages.KindRowDescription:
		l.replyColumns(x, m)
	case messages.KindParameterDescription:
		l.replyParameters(x, m)
	case messages.KindNoData:
		l.replyNoData(x)
	case messages.KindCommandComplete:
		l.replyCommand(x, cstring(m.Body))
	case messages.KindEmptyQueryResponse:
		l.learnEmpty(x)
		x.closeResult()
		x.endOfExecute()
	case messages.KindPortalSuspended:
		x.openResult(l).Suspended = true
		if x.portal != nil {
			x.portal.suspended = true
		}
		x.closeResult()
		x.endOfExecute()
	case messages.KindParseComplete:
		if m.Step.Doubtful {
			break // it may be another's: nothing is confirmed
		}
		if s := x.confirm(messages.KindParse); s != nil && s.name != "" {
			l.shared.learn(l.server, s)
		}
	case messages.KindBindComplete:
		x.flags |= flagBound
		x.bound++
		if len(x.changes) > 0 && !m.Step.Doubtful {
			x.confirmBind()
		}
	case messages.KindCloseComplete:
		if !m.Step.Doubtful {
			x.confirm(messages.KindClose)
		}
	case messages.KindFunctionCallResponse:
		x.endOfExecute()
	case messages.KindCopyInResponse, messages.KindCopyOutResponse, messages.KindCopyBothResponse:
		x.Copy = copyMode(m.Kind)
		if x.Copy != CopyBoth {
			x.beginCopy(x.Copy)
		}
		if l.lost.latest && x.Copy != CopyOut {
			l.lost.to(x)
		}
		x.flags |= flagExecuted
	case messages.KindCopyData:
		l.replyCopyData(x, m)
	case messages.KindErrorResponse, messages.KindErrorResponseV2:
		l.replyError(x, m)
	case messages.KindReadyForQuery:
		x.ready(m)
	}
}

// ready takes the ReadyForQuery of x.
func (x *Exchange) ready(m *Message) {
	x.Tx = m.Step.Tx
	x.flags |= flagReady
}

func copyMode(k messages.Kind) CopyMode {
	switch k {
	case messages.KindCopyInResponse:
		return CopyIn
	case messages.KindCopyOutResponse:
		return CopyOut
	}
	return CopyBoth
}

// openResult returns the result that is receiving rows, beginning one if none is.
func (x *Exchange) openResult(l *Log) *Result {
	if x.flags&flagOpenRes == 0 {
		x.flags |= flagOpenRes | flagExecuted
		if n := len(x.Results); n == 0 || n < maxResults && x.charge(x.resultCost()) {
			x.Results = slices.Grow(x.Results, 1)[:n+1] // zero: reset saw to that
			x.Results[n].Columns = x.current()
		} else {
			l.shared.DroppedResults++
			x.Results[n-1].Columns = nil
		}
	}
	return &x.Results[len(x.Results)-1]
}

// resultCost is what a further result takes: its place, and its description
// where that is not the same as before.
func (x *Exchange) resultCost() int {
	const place = 2 * 64 // slices grow ahead
	if x.Results[len(x.Results)-1].Columns == x.columns {
		return place
	}
	return place + x.columns.size()
}

// maxTag is COMPLETION_TAG_BUFSIZE: no server sends a longer tag.
const maxTag = 64

// maxResults bounds the results kept of one exchange: a string of more commands
// adds the rest to the last of them.
const maxResults = 10000

func (x *Exchange) closeResult() { x.flags &^= flagOpenRes }

// endOfExecute marks the last reply of an Execute, or of a command of a simple query,
// which ends only with its ReadyForQuery.
func (x *Exchange) endOfExecute() { x.flags |= flagDone }

// nextTarget returns what the Describe that is answered next asked about.
func (x *Exchange) nextTarget() target {
	if x.nextTgt >= len(x.targets) {
		return target{}
	}
	x.nextTgt++
	return x.targets[x.nextTgt-1]
}

func (l *Log) replyColumns(x *Exchange, m *Message) {
	if x.Protocol == ProtocolExtended {
		if l.shared.limits.NoColumns {
			return
		}
		if x.nextTgt >= len(x.targets) && (x.flags&flagLossy != 0 || x.describes > len(x.targets)) {
			return // what it tells of is not known
		}
		t := x.nextTarget()
		if t.statement != nil {
			l.describeStatement(x, t.statement, m.Body)
			return
		}
		l.setColumns(l.shared.newColumns(m.Body, l.columns))
		if t.portal != nil {
			t.portal.tell(l.shared, l.columns)
		}
		if t.portal == nil || t.portal == x.portal {
			x.columns = l.columns
		}
		return
	}
	x.closeResult()
	if !l.shared.limits.NoColumns {
		l.setColumns(l.shared.newColumns(m.Body, l.columns))
		x.columns = l.columns
	}
	x.openResult(l)
}

// describeStatement takes the answer to Describe of a statement, which does not
// know the formats that the exchange may have asked for.
func (l *Log) describeStatement(x *Exchange, s *Statement, body []byte) {
	c := x.describe(s, l.shared.newColumns(body, s.columns))
	switch p := x.portal; {
	case p == nil:
		x.columns = c
	case p.statement == s && !p.told:
		p.columns, x.columns = nil, nil // again, with the formats of its Bind
		if s.columns == nil {
			x.columns = c
		}
	}
}

// replyNoData tells that a statement or portal has no result.
func (l *Log) replyNoData(x *Exchange) {
	switch t := x.nextTarget(); {
	case t.statement != nil:
		t.statement.setColumns(nil)
	case t.portal != nil:
		t.portal.tell(l.shared, nil)
		if t.portal == x.portal {
			x.columns = nil
		}
	}
}

// describe gives a statement its columns. One that was closed meanwhile keeps
// nothing: then they are the exchange's own.
func (x *Exchange) describe(s *Statement, c *Columns) *Columns {
	if s.setColumns(c); s.columns == c || x.charge(c.size()) {
		return c
	}
	return nil
}

func (l *Log) replyParameters(x *Exchange, m *Message) {
	if x.nextTgt >= len(x.targets) {
		return
	}
	s := x.targets[x.nextTgt].statement
	if s == nil || l.shared.params.Decode(m.Body) != nil {
		return
	}
	s.told = true
	if s.Inferred && s.SQL != nil || !equalOIDs(s.ParamTypes, l.shared.params.ParameterOIDs) {
		s.setTypes(x, l.shared.params.ParameterOIDs)
	}
}

func equalOIDs(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (l *Log) replyCommand(x *Exchange, tag []byte) {
	r := x.openResult(l)
	r.Tag = x.keep(tag[:min(len(tag), maxTag)])
	x.endCopy(r)
	x.closeResult()
	if x.Protocol != ProtocolExtended {
		x.columns = nil
		if p := l.unnamedPtl; p != nil && p.exchange < x.ID {
			l.dropPortal(nil)
		}
	}
	x.endOfExecute()
	l.afterCommand(x, tag)
}

func (l *Log) replyCopyData(x *Exchange, m *Message) {
	if x.Copy == CopyNone {
		x.Copy = CopyOut
		x.flags |= flagExecuted
	}
	if m.Step.After == messages.PhaseCopyBoth && x.Copy == CopyOut {
		l.copyBoth(x)
	}
	x.copied(m.Direction, 1, uint64(m.Len-messageHead))
	if x.FirstRow.Frame == 0 {
		x.FirstRow = m.At
	}
}
