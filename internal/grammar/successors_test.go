package grammar

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// every is the set of the kinds that side d sends.
func every(d messages.Direction) (s Kinds) {
	for k := range messages.Kind(messages.NumKinds) {
		if k != messages.KindUnknown && k.Sides().Has(d) {
			s |= KindsOf(k)
		}
	}
	return s
}

// first reports whether a reply may be the first one to some request that can follow
// another one.
func first(k messages.Kind) bool {
	for r := Startup; r <= Function; r <<= 1 {
		if r&Replies[k].Answers == 0 || !Stages[StageFresh].Has(k) ||
			r == Query && NotFirstOfQuery.Has(k) || r == Function && NotFirstOfFunction.Has(k) {
			continue
		}
		return true
	}
	return false
}

// allowed tells what the tables of replies and stages have after a reply: more of the
// answer to the same request, or, where it is complete, the beginning of another one.
func allowed(after messages.Kind) (next Kinds) {
	for r := Startup; r <= Function; r <<= 1 {
		if r&Replies[after].Answers == 0 {
			continue
		}
		for at := range numStages {
			// A command of a Query that is complete begins anew.
			if at != StageFresh && at != StageBetween && !Stages[at].Has(after) || at == StageAny {
				continue
			}
			stage := at.Next(after)
			for k := range messages.Kind(messages.NumKinds) {
				completes := r&Replies[after].Completes != 0
				if completes && first(k) || !completes && r&Replies[k].Answers != 0 && Stages[stage].Has(k) {
					next |= KindsOf(k)
				}
			}
		}
	}
	return next
}

// TestSuccessorsAreInOrder: what codec takes for a sequence of messages when it searches
// is one that the backend's half of the grammar allows.
func TestSuccessorsAreInOrder(t *testing.T) {
	checked := 0
	for after := range messages.Kind(messages.NumKinds) {
		if !every(messages.Backend).Has(after) || every(messages.Frontend).Has(after) {
			continue
		}
		for next := range messages.Kind(messages.NumKinds) {
			if !successors[after].Has(next) {
				continue
			}
			checked++
			if !allowed(after).Has(next) {
				t.Errorf("%v may follow %v, but no request is answered so", next, after)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d pairs were checked", checked)
	}
}

// TestSuccessorsOfFrontend: after a request of the frontend come others that are in order
// in a phase in which it was, or in the one that it leads to.
func TestSuccessorsOfFrontend(t *testing.T) {
	for after := range messages.Kind(messages.NumKinds) {
		if every(messages.Backend).Has(after) || !every(messages.Frontend).Has(after) {
			continue
		}
		for next := range messages.Kind(messages.NumKinds) {
			if !successors[after].Has(next) {
				continue
			}
			if Sends[next].Allowed == 0 {
				t.Errorf("%v may follow %v, but is never sent", next, after)
			}
			if Authenticating(after) != (Sends[after].Allowed&^Early == 0) {
				t.Errorf("%v: authentication %v, phases %b", after, Authenticating(after), Sends[after].Allowed)
			}
			phases := Sends[after].Allowed
			if Sends[after].Request == CopyEnd {
				phases |= InSession // the frontend is through with the COPY
			}
			if !Authenticating(after) && phases&Sends[next].Allowed == 0 {
				t.Errorf("%v may follow %v, but they have no phase in common", next, after)
			}
		}
	}
}

// TestSuccessorsOfWholeSide: what a side can send is found again after what it can follow,
// but for what stands at the beginning of a connection, and comes at any time.
func TestSuccessorsOfWholeSide(t *testing.T) {
	opening := KindsOf(messages.KindStartupMessage, messages.KindStartupMessageV2, messages.KindSSLRequest,
		messages.KindGSSENCRequest, messages.KindCancelRequest, messages.KindSSLResponse, messages.KindGSSENCResponse,
		messages.KindErrorResponseV2)
	for k := range messages.Kind(messages.NumKinds) {
		if k == messages.KindUnknown || opening.Has(k) || Anytime.Has(k) || resumes.Has(k) {
			continue
		}
		found := false
		for after := range messages.Kind(messages.NumKinds) {
			found = found || Follows(after, k, false)
		}
		if !found {
			t.Errorf("%v follows nothing", k)
		}
	}
}
