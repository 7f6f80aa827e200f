package tracker

import "github.com/pgsniff/pgsniff/internal/grammar"

// maxOutstanding bounds the queue of outstanding requests of one connection.
// A pipelining client has hundreds in flight; where only one direction was
// captured the queue would grow for ever. What is pushed out was never answered.
const maxOutstanding = 1 << 16

// pending is a request whose replies are still due.
type pending struct {
	exchange   uint64
	seq        uint32          // counts what is put into the queue; 0 for what was concluded
	acked, end uint32          // see Place, of which these are the lower half
	request    grammar.Request // 0: void, passed over
	doubtful   bool            // a Sync sent during COPY IN: the server may ignore it
	inferred   bool            // never seen: concluded from its replies
	unsure     bool            // which replies are its own is not known
	placed     bool            // end is known
	hasAcked   bool            // acked is
	stage      grammar.Stage   // how far its replies have come
	startup    startup         // of a StartupMessage: which replies there were
	stray      bool            // a ReadyForQuery came that was no answer to it
}

// queue is the FIFO of outstanding requests: a ring that grows to its bound.
type queue struct {
	ring []pending // length is a power of two, or 0
	head int       // index of the oldest
	n    int
	max  int // of n, at most maxOutstanding; 0 for that
}

// Bound sets how many requests may be outstanding, at most 65,536, for callers
// with many connections: one takes 32 bytes. The oldest is given up for a
// further one.
func (t *Tracker) Bound(n int) { t.q.max = n }

func (q *queue) limit() int {
	if q.max > 0 {
		return min(q.max, maxOutstanding)
	}
	return maxOutstanding
}

func (q *queue) at(i int) *pending { return &q.ring[(q.head+i)&(len(q.ring)-1)] }

func (q *queue) grow() {
	size := max(8, 2*len(q.ring))
	ring := make([]pending, size)
	for i := range q.n {
		ring[i] = *q.at(i)
	}
	q.ring, q.head = ring, 0
}

// push adds a request at the end. It reports the exchange of a request that was
// pushed out because the queue is full.
func (q *queue) push(p pending) (lost uint64) {
	if q.n >= q.limit() {
		lost = q.at(0).exchange
		q.drop(1)
	}
	if q.n == len(q.ring) {
		q.grow()
	}
	q.n++
	*q.at(q.n - 1) = p
	return lost
}

// pushFront adds a request before all others; the oldest of a full queue stays.
func (q *queue) pushFront(p pending) {
	if q.n >= q.limit() {
		return
	}
	if q.n == len(q.ring) {
		q.grow()
	}
	q.head = (q.head - 1) & (len(q.ring) - 1)
	q.n++
	*q.at(0) = p
}

// drop removes the i oldest and the void entries and marks that follow them.
func (q *queue) drop(i int) {
	q.head = (q.head + i) & (len(q.ring) - 1)
	q.n -= i
	for q.n > 0 && (q.at(0).request == 0 || q.at(0).request == grammar.CopyEnd) {
		q.head = (q.head + 1) & (len(q.ring) - 1)
		q.n--
	}
}

func (q *queue) clear() { q.head, q.n = 0, 0 }

// Compact gives back the memory of a queue that is empty.
func (t *Tracker) Compact() {
	if t.Outstanding() == 0 {
		t.q = queue{max: t.q.max}
	}
}
