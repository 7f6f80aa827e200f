package tracker

import "github.com/pgsniff/pgsniff/pkg/messages"

// doubt is what a loss leaves uncertain of who answers whom. Replies carry no
// number, so after a loss a reply may be that to another request than the oldest
// outstanding one. Nothing is said then rather than something wrong: a row must
// never be taken for that of another query.
type doubt struct {
	// upTo is the latest unit of which it is not known which replies are its own;
	// 0 for none.
	upTo uint64
	// pushing tells that units which begin while others are outstanding are of
	// that sort, too.
	pushing bool
	// stale is the latest of the outstanding units that must have been answered
	// in the part that is missing, because a request after them is missing as
	// well; 0 for none.
	stale uint64
}

// any reports whether anything is in doubt.
func (d *doubt) any() bool { return d.upTo|d.stale != 0 }

// doubtGap says what a loss in direction d makes uncertain.
func (t *Tracker) doubtGap(d messages.Direction) {
	if t.base != messages.PhaseReady || t.copying != 0 {
		return
	}
	if t.q.n == 0 {
		t.doubt.pushing = t.doubt.pushing || d == messages.Frontend && t.pipelining
		return
	}
	switch {
	case t.pipelining || t.q.at(0).unit != t.q.at(t.q.n-1).unit:
		if d == messages.Backend || t.lossB {
			t.doubt.upTo = t.unit
		}
		t.doubt.pushing = true
	case t.lossF && t.lossB:
		t.doubt.stale = t.unit
	}
}

// doubtRequest is for a request that is about to be put into the queue. Where
// requests were lost, one that does not wait for those before it shows that the
// lost ones may not have been answered either.
func (t *Tracker) doubtRequest() {
	if t.lossF && t.q.n > 0 && t.base == messages.PhaseReady && t.copying == 0 && t.q.at(0).unit != t.unit {
		t.doubt.pushing = true
	}
	switch {
	case !t.doubt.pushing:
	case t.q.n == 0:
		t.doubt = doubt{}
	default:
		t.doubt.upTo = t.unit
	}
}

// dropStale gives up the requests that were answered in a part that is missing.
func (t *Tracker) dropStale(s *Step) {
	i := 0
	for i < t.q.n && t.q.at(i).unit <= t.doubt.stale {
		i++
	}
	if i > 0 {
		s.Over = t.q.at(i - 1).unit
		t.q.drop(i)
		t.answered = false
	}
	t.doubt.stale = 0
}

// disown takes back what a reply was said to belong to, where that is in doubt.
// The ReadyForQuery after which nothing is outstanding is not.
func (t *Tracker) disown(s *Step, k messages.Kind) {
	certain := k == messages.KindReadyForQuery && t.q.n == 0
	if s.Unit != 0 && s.Unit <= t.doubt.upTo && !s.Inferred {
		s.Doubtful = true
		if !certain {
			s.Unit, s.Request = 0, messages.KindUnknown
		}
	}
	if t.q.n == 0 {
		t.doubt = doubt{}
	}
}
