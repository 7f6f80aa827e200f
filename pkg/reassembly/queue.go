package reassembly

import "bytes"

// chunk is the text of a segment that waits: for bytes before it, or for bytes
// of the other direction that its sender had received.
type chunk struct {
	buf    []byte // pooled
	data   []byte // the part of buf that is still to be delivered
	miss   int    // sequence numbers after data that the snap length cut off
	seq    uint32
	ack    uint32
	hasAck bool
	at     Stamp
	order  uint64 // of arrival
	since  int64  // capture clock
}

func (k *chunk) dataEnd() uint32 { return k.seq + uint32(len(k.data)) }
func (k *chunk) end() uint32     { return k.seq + uint32(len(k.data)+k.miss) }

// queue holds the chunks of one direction ordered by sequence number, none of
// them covered by another.
type queue struct {
	chunks []*chunk
	head   int // chunks before it are delivered
	bytes  int
}

func (q *queue) len() int { return len(q.chunks) - q.head }

func (q *queue) front() *chunk {
	if q.head == len(q.chunks) {
		return nil
	}
	return q.chunks[q.head]
}

func (q *queue) pop() *chunk {
	k := q.chunks[q.head]
	q.chunks[q.head] = nil
	q.head++
	if q.head == len(q.chunks) {
		q.chunks, q.head = q.chunks[:0], 0
	} else if q.head >= 64 && q.head > len(q.chunks)/2 {
		n := copy(q.chunks, q.chunks[q.head:])
		clear(q.chunks[n:])
		q.chunks, q.head = q.chunks[:n], 0
	}
	q.bytes -= len(k.data)
	return k
}

// search returns the index of the first chunk that begins after seq.
func (q *queue) search(seq uint32) int {
	lo, hi := q.head, len(q.chunks)
	if hi > lo && diff(seq, q.chunks[hi-1].seq) >= 0 {
		return hi // the usual place
	}
	for lo < hi {
		m := int(uint(lo+hi) / 2)
		if diff(q.chunks[m].seq, seq) > 0 {
			hi = m
		} else {
			lo = m + 1
		}
	}
	return lo
}

// verdict says what became of a segment offered to a queue.
type verdict struct {
	duplicate int  // bytes that had been there before
	conflict  bool // some of them were others
	covered   bool // nothing of it was new
}

// makesNeedless tells whether k has all that o has, and is not bound to wait
// longer: the original of a retransmission is kept beside it, because it
// acknowledges less.
func (k *chunk) makesNeedless(o *chunk) bool {
	if diff(o.seq, k.seq) < 0 || k.later(o) {
		return false
	}
	return diff(k.dataEnd(), o.end()) >= 0 ||
		diff(k.end(), o.end()) >= 0 && diff(k.dataEnd(), o.dataEnd()) >= 0
}

// later tells whether k acknowledges more than o does.
func (k *chunk) later(o *chunk) bool {
	return k.hasAck && (!o.hasAck || diff(k.ack, o.ack) > 0)
}

// check compares n, whose data are still borrowed, with what waits, and tells
// whether it is covered. Chunks that it covers are removed and put away.
func (q *queue) check(n *chunk, put func(*chunk)) (v verdict) {
	i := q.search(n.seq)
	for i > q.head && q.chunks[i-1].seq == n.seq {
		i--
	}
	if i > q.head {
		k := q.chunks[i-1]
		v.compare(k, n)
		if k.makesNeedless(n) {
			v.covered = true
			return v
		}
	}
	keep, j := i, i
	for ; j < len(q.chunks) && diff(q.chunks[j].seq, n.dataEnd()) < 0; j++ {
		k := q.chunks[j]
		v.compare(k, n)
		switch {
		case k.makesNeedless(n):
			v.covered = true
		case n.makesNeedless(k) && !v.covered:
			q.bytes -= len(k.data)
			put(k)
			continue
		}
		q.chunks[keep] = k
		keep++
	}
	q.cut(keep, j)
	return v
}

// trim cuts off what lies before next. What then stands first is the chunk
// that may go first.
func (q *queue) trim(next uint32, put func(*chunk)) {
	keep, j := q.head, q.head
	for ; j < len(q.chunks) && diff(q.chunks[j].seq, next) <= 0; j++ {
		k := q.chunks[j]
		if n := diff(next, k.seq); n > 0 {
			if n >= len(k.data)+k.miss {
				q.bytes -= len(k.data)
				put(k)
				continue
			}
			cut := min(n, len(k.data))
			q.bytes -= cut
			k.data = k.data[cut:]
			k.miss -= n - cut
			k.seq = next
		}
		q.chunks[keep] = k
		if q.chunks[q.head].later(k) {
			q.chunks[q.head], q.chunks[keep] = k, q.chunks[q.head]
		}
		keep++
	}
	q.cut(keep, j)
}

// end returns where the text that waits ends, or seq if it ends before that.
func (q *queue) end(seq uint32) uint32 {
	for _, k := range q.chunks[q.head:] {
		if diff(k.end(), seq) > 0 {
			seq = k.end()
		}
	}
	return seq
}

// cut removes the chunks from index i to j.
func (q *queue) cut(i, j int) {
	if i == j {
		return
	}
	n := i + copy(q.chunks[i:], q.chunks[j:])
	clear(q.chunks[n:])
	q.chunks = q.chunks[:n]
	if q.head == n {
		q.chunks, q.head = q.chunks[:0], 0
	}
}

// insert adds k in its place.
func (q *queue) insert(k *chunk) {
	i := q.search(k.seq)
	q.chunks = append(q.chunks, nil)
	copy(q.chunks[i+1:], q.chunks[i:])
	q.chunks[i] = k
	q.bytes += len(k.data)
}

// compare adds the overlap of k's and n's bytes.
func (v *verdict) compare(k, n *chunk) {
	x, y := overlap(k.seq, k.data, n.seq, n.data)
	v.duplicate += len(x)
	if !bytes.Equal(x, y) {
		v.conflict = true
	}
}

// overlap returns the parts of a at sequence number as, and b at bs, that have
// the same sequence numbers.
func overlap(as uint32, a []byte, bs uint32, b []byte) (x, y []byte) {
	if d := diff(bs, as); d > 0 {
		a = a[min(d, len(a)):]
	} else {
		b = b[min(-d, len(b)):]
	}
	n := min(len(a), len(b))
	return a[:n], b[:n]
}
