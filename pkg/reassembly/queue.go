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

// check compares the text b at seq with what waits, and tells whether it is
// covered. drop is called with each chunk that b covers, after its removal.
func (q *queue) check(seq uint32, b []byte, miss int, drop func(*chunk)) (v verdict) {
	dataEnd, end := seq+uint32(len(b)), seq+uint32(len(b)+miss)
	i := q.search(seq)
	if i > q.head {
		k := q.chunks[i-1]
		if diff(k.dataEnd(), end) >= 0 || diff(k.end(), end) >= 0 && diff(k.dataEnd(), dataEnd) >= 0 {
			v.compare(k, seq, b)
			v.covered = true
			return v
		}
		if k.seq == seq {
			i--
		} else {
			v.compare(k, seq, b)
		}
	}
	keep, j := i, i
	for ; j < len(q.chunks) && diff(q.chunks[j].seq, dataEnd) < 0; j++ {
		k := q.chunks[j]
		v.compare(k, seq, b)
		if diff(dataEnd, k.end()) >= 0 {
			q.bytes -= len(k.data)
			drop(k)
			continue
		}
		q.chunks[keep] = k
		keep++
	}
	q.cut(keep, j)
	return v
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

// compare adds the overlap of k's bytes and b at seq.
func (v *verdict) compare(k *chunk, seq uint32, b []byte) {
	o, n := overlap(k.seq, k.data, seq, b)
	v.duplicate += len(o)
	if !bytes.Equal(o, n) {
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
