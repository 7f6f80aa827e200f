package tracker

import (
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// match finds the request that a reply answers and makes it the oldest of the
// queue; nil if there is none and none can be concluded.
func (t *Tracker) match(s *Step, k messages.Kind, rule *grammar.ReplyRule) *pending {
	if t.spare > 0 && t.takeSpare(k) {
		return nil
	}
	if t.doubt.stale != 0 {
		t.dropStale(s)
	}
	if t.q.n > 0 {
		p := t.q.at(0)
		if p.request&rule.Answers != 0 && !p.doubtful {
			return p
		}
		if k == messages.KindReadyForQuery && p.doubtful {
			if p := t.matchCrossing(); p != nil {
				return p
			}
		}
		if p := t.matchLater(s, k, rule); p != nil {
			return p
		}
	}
	certain := !t.lossF && !t.lossB
	if certain {
		t.unsolicited(s, k)
		if k == messages.KindReadyForQuery {
			return nil
		}
	}
	if rule.Answers == 0 || certain && t.base == messages.PhaseStartup {
		return nil
	}
	return t.infer(k, rule, certain)
}

// matchLater looks for the request further back in the queue. Doubtful Syncs
// are passed over first, and taken if nothing else fits.
func (t *Tracker) matchLater(s *Step, k messages.Kind, rule *grammar.ReplyRule) *pending {
	doubtful, far := -1, searchAhead
	if k == messages.KindReadyForQuery {
		far = t.q.n // however long the cycle is that it ends
	}
	for i := range min(t.q.n, far) {
		p := t.q.at(i)
		if doubtful >= 0 && k == messages.KindReadyForQuery && p.request&^grammar.CopyEnd&^grammar.Sync != 0 {
			break // it would have had replies before its ReadyForQuery
		}
		if p.request&rule.Answers == 0 {
			if p.request&grammar.CycleEnd != 0 && !p.doubtful && k != messages.KindReadyForQuery && !t.lossB {
				break // replies never cross a ReadyForQuery
			}
			continue
		}
		if p.doubtful {
			if doubtful < 0 {
				doubtful = i
			}
			continue
		}
		if k == messages.KindErrorResponse && t.q.at(0).request&grammar.Sync != 0 {
			// The oldest is a Sync that may still be answered, see crossing.go. The error is
			// given to it, and not to the request found here, for which it would be given up.
			return t.advance(s, k, 0)
		}
		if t.certain() && outOfTurn.Has(k) && t.owes(i) {
			return t.takeOutOfTurn(s, k, i)
		}
		return t.advance(s, k, i)
	}
	if doubtful >= 0 {
		t.confirm(doubtful)
		return t.advance(s, k, doubtful)
	}
	if far > searchAhead {
		t.giveUp(s, searchAhead) // or it would be searched again and again
	}
	return nil
}

// owes reports whether replies to the i oldest requests are due in any case.
func (t *Tracker) owes(i int) bool {
	for j := range i {
		if p := t.q.at(j); p.request&^grammar.CopyEnd != 0 && !p.doubtful {
			return true
		}
	}
	return false
}

// advance gives up the i oldest requests, which were passed over by a reply.
func (t *Tracker) advance(s *Step, k messages.Kind, i int) *pending {
	if k == messages.KindReadyForQuery {
		t.spareDoubtful(i)
	}
	if i > 0 && t.doubt.trial {
		t.surplus(s)
	}
	for j := range i {
		p := t.q.at(j)
		if p.request&^grammar.CopyEnd == 0 || p.doubtful || t.lossB || t.lossF || s.Anomaly != nil {
			continue
		}
		s.Anomaly = &Anomaly{
			Code: CodeSkippedReply, Direction: messages.Backend, Kind: k, Phase: s.Phase,
			Expected: grammar.ExpectedReplies(p.request),
		}
	}
	exchange := t.q.at(i).exchange
	if i > 0 && t.q.at(0).exchange < exchange && s.Over == 0 && exchange > 1 {
		s.Over = exchange - 1
	}
	t.q.drop(i)
	return t.q.at(0)
}

// giveUp drops the i oldest requests, of more, which will not be answered.
func (t *Tracker) giveUp(s *Step, i int) {
	if last := t.q.at(i - 1).exchange; last > 1 && last == t.q.at(i).exchange {
		s.Over = last - 1
	} else {
		s.Over = last
	}
	t.q.drop(i)
	t.answered = false
}

// spareDoubtful counts the doubtful Syncs among the i oldest requests, which are
// given up: each may still be answered.
func (t *Tracker) spareDoubtful(i int) {
	for j := range i {
		if p := t.q.at(j); p.doubtful && p.request&grammar.Sync != 0 {
			t.spare = min(t.spare+1, searchAhead)
		}
	}
}

// takeSpare reports whether k is the ReadyForQuery of a doubtful Sync that was
// given up. Such come before the replies to all that was sent later.
func (t *Tracker) takeSpare(k messages.Kind) bool {
	if k != messages.KindReadyForQuery {
		t.spare = 0
		return false
	}
	if t.q.n > 0 && (t.answered || t.q.at(0).request&(grammar.Sync|grammar.Startup) != 0) {
		return false // it is this one's
	}
	t.spare--
	return true
}

// infer concludes a request that was not seen from one of its replies.
func (t *Tracker) infer(k messages.Kind, rule *grammar.ReplyRule, certain bool) *pending {
	r := rule.Answers
	if t.q.n > 0 {
		// The missing request belongs to the cycle at the head, if that can be.
		p := t.q.at(0)
		if p.inferred && p.request&r == 0 && p.request&grammar.Extended != 0 && r&grammar.Extended != 0 {
			p.request |= r
		}
		if p.inferred && p.request&r != 0 || certain {
			return p
		}
		if p.request&grammar.Extended != 0 && r&grammar.Extended != 0 {
			// The reply is of the head's exchange, but what it answers was not seen and
			// is not the head. The caller notes on what it gets how far its replies have
			// come, so it gets a copy, which is in no queue.
			head := *p
			return &head
		}
	}
	if certain && t.q.n == 0 && k != messages.KindRowDescription && k != messages.KindDataRow {
		return nil
	}
	switch {
	case k == messages.KindReadyForQuery:
		return nil // only the end of a cycle: nothing to conclude a query from
	case r&grammar.Query == 0 && r&grammar.Extended != 0:
		r = grammar.Extended | grammar.Sync
	case r&grammar.Query != 0:
		r = grammar.Query | grammar.Execute | grammar.Describe | grammar.Sync
	case r == grammar.Startup:
		t.q.pushFront(pending{request: grammar.Startup, inferred: true})
		return t.q.at(0)
	default:
		return nil
	}
	t.exchange++
	t.exchangeState = exchangeClosed
	t.q.pushFront(pending{request: r, exchange: t.exchange, inferred: true})
	return t.q.at(0)
}
