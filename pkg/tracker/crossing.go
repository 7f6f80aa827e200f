package tracker

import "github.com/pgsniff/pgsniff/internal/grammar"

// A COPY IN of the extended protocol fails while its frontend is still sending.
// Syncs that the server read before it failed had no effect; the first that it
// reads afterwards ends the cycle and is answered. Who sees only the two streams
// cannot tell which is which, and so not whether the requests after such a Sync are
// executed or passed over up to the next Sync. These Syncs and requests are
// doubtful until a reply tells.

// inDoubt reports whether the server may or may not pass over what is sent now: an
// extended cycle has failed, and a doubtful Sync may have ended it already.
func (t *Tracker) inDoubt() bool {
	return t.discarding && t.q.n > 0 && t.q.at(0).doubtful
}

// doubtCrossing is for an error that has failed a cycle whose Sync at i is doubtful:
// the requests after it, up to the next Sync that counts in any case, are in doubt.
func (t *Tracker) doubtCrossing(i int) {
	for ; i < t.q.n; i++ {
		p := t.q.at(i)
		switch {
		case p.doubtful || p.request&^grammar.CopyEnd == 0:
		case p.request&grammar.Extended == 0:
			return
		default:
			p.doubtful = true
		}
	}
}

// crossed counts the doubtful Syncs at the head of the queue; maybe tells that
// doubtful requests follow them.
func (t *Tracker) crossed() (syncs int, maybe bool) {
	for i := range t.q.n {
		p := t.q.at(i)
		switch {
		case p.request&^grammar.CopyEnd == 0:
		case !p.doubtful:
			return syncs, false
		case p.request&grammar.Sync == 0:
			return syncs, true
		default:
			syncs++
		}
	}
	return syncs, false
}

// matchCrossing decides which Sync a ReadyForQuery answers, where requests are in
// doubt: a doubtful one, and the requests are executed, or the certain one after
// them, and they were passed over. Without a certain one it is the former. Otherwise
// the data tells: a server that had all data before the Sync has most likely failed
// because of it. If that was wrong, replies to the requests will show it, for which
// they stay in the queue. It returns nil where nothing is in doubt.
func (t *Tracker) matchCrossing() *pending {
	syncs, maybe := t.crossed()
	if syncs == 0 || !maybe {
		return nil
	}
	certain := 0
	for certain < t.q.n && (t.q.at(certain).doubtful || t.q.at(certain).request&^grammar.CopyEnd == 0) {
		certain++
	}
	sent := certain < t.q.n && t.q.at(certain).request&grammar.Sync != 0
	likely := min(int(t.likely), syncs)
	if !sent || t.q.n >= t.q.limit() {
		likely = max(likely, 1)
	}
	t.discarding = false
	if likely > 0 {
		t.dropSyncs(syncs - likely)
		t.q.at(0).doubtful = false
		if t.likely = uint16(likely - 1); t.likely == 0 {
			t.confirm(1)
			t.open = !sent
		}
		return t.q.at(0)
	}
	answered := *t.q.at(certain)
	t.q.at(certain).doubtful = true
	t.dropSyncs(syncs)
	t.q.pushFront(answered)
	return t.q.at(0)
}

// dropSyncs drops the n oldest doubtful Syncs. Each may still be answered.
func (t *Tracker) dropSyncs(n int) {
	for ; n > 0; n-- {
		t.spareDoubtful(1)
		t.q.drop(1)
	}
}

// confirm takes the doubt from the requests from i on, and from their Sync.
func (t *Tracker) confirm(i int) {
	for ; i < t.q.n; i++ {
		p := t.q.at(i)
		p.doubtful = false
		if p.request&grammar.Sync != 0 {
			return
		}
	}
}
