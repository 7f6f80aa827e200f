package reassembly

// wait is what a connection has in hand that cannot be delivered yet. Most
// connections never need one.
type wait struct {
	q   [2]queue
	fin [2]mark
	rst mark
	dir Dir // of rst
	// heard tells that the peer sent acknowledgments for a direction while this
	// waits: a receiver repeats them as long as it has a hole.
	heard [2]bool
	// since is the capture clock when this was put at the end of the list of
	// waiting ones, moved when the connection last got on.
	since      int64
	moved      int64
	c          *Conn
	prev, next *wait
}

// mark is a FIN or RST that waits for its turn.
type mark struct {
	set    bool
	hasAck bool
	seq    uint32
	ack    uint32
	at     Stamp
	order  uint64
	since  int64
}

func (w *wait) segments() int { return w.q[0].len() + w.q[1].len() }

func (w *wait) empty() bool {
	return w.segments() == 0 && !w.fin[0].set && !w.fin[1].set && !w.rst.set
}

// waitList orders the waiting connections by wait.since.
type waitList struct{ head, tail *wait }

func (l *waitList) push(w *wait) {
	w.prev, w.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = w
	} else {
		l.head = w
	}
	l.tail = w
}

func (l *waitList) remove(w *wait) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		l.tail = w.prev
	}
	w.prev, w.next = nil, nil
}

// item is the next thing that waits in a direction: a chunk, or the FIN.
type item struct {
	seq    uint32
	ack    uint32
	hasAck bool
	text   bool // a chunk
	order  uint64
	since  int64
	at     Stamp
}

// front returns what direction d has to deliver next.
func (c *Conn) front(d Dir) (it item, ok bool) {
	w := c.wait
	if k := w.q[d].front(); k != nil {
		return item{k.seq, k.ack, k.hasAck, true, k.order, k.since, k.at}, true
	}
	if m := &w.fin[d]; m.set {
		return item{m.seq, m.ack, m.hasAck, false, m.order, m.since, m.at}, true
	}
	return item{}, false
}

// answered tells whether the other direction is delivered as far as the
// sender of a segment in d acknowledged it. A direction that is not in the
// capture is not waited for.
func (c *Conn) answered(d Dir, hasAck bool, ack uint32) bool {
	return c.unanswered(d, hasAck, ack) == 0
}

// unanswered returns the number of bytes that answered misses.
func (c *Conn) unanswered(d Dir, hasAck bool, ack uint32) int {
	r := &c.half[d^1]
	if !hasAck || !r.is(known|seen) || r.is(finDone) {
		return 0
	}
	n := diff(ack, r.next)
	if n <= 0 || n > maxAckAhead {
		return 0
	}
	return n
}
