package reassembly

import "math/bits"

// pool recycles chunks with their buffers, in classes of capacity, and counts
// the memory in use. It counts capacities: a million tiny segments must not
// hide behind their sizes.
type pool struct {
	free   [poolClasses][]*chunk
	inUse  int
	pooled int
	waits  []*wait
}

const (
	minClass     = 6  // 64 bytes
	maxClass     = 16 // 64 KiB, the largest segment without BIG TCP
	poolClasses  = maxClass - minClass + 1
	maxPooled    = 4 << 20
	maxFreeWaits = 1024
	chunkCost    = 128 // a chunk and its places in slices
	waitCost     = 320
)

// classOf returns the class whose buffers hold n bytes; poolClasses for none.
func classOf(n int) int {
	if n <= 1<<minClass {
		return 0
	}
	return min(bits.Len(uint(n-1))-minClass, poolClasses)
}

// get returns a chunk with a copy of b.
func (p *pool) get(b []byte) *chunk {
	var k *chunk
	class := classOf(len(b))
	switch {
	case class == poolClasses:
		k = &chunk{buf: make([]byte, 0, len(b))}
	case len(p.free[class]) > 0:
		f := p.free[class]
		k = f[len(f)-1]
		f[len(f)-1] = nil
		p.free[class] = f[:len(f)-1]
		p.pooled -= cap(k.buf)
	default:
		k = &chunk{buf: make([]byte, 0, 1<<(class+minClass))}
	}
	k.data = append(k.buf[:0], b...)
	p.inUse += cap(k.buf) + chunkCost
	return k
}

func (p *pool) put(k *chunk) {
	size := cap(k.buf)
	p.inUse -= size + chunkCost
	class := classOf(size)
	if class < poolClasses && p.pooled+size <= maxPooled {
		*k = chunk{buf: k.buf[:0]}
		p.free[class] = append(p.free[class], k)
		p.pooled += size
	}
}

func (p *pool) getWait() *wait {
	p.inUse += waitCost
	if n := len(p.waits); n > 0 {
		w := p.waits[n-1]
		p.waits[n-1] = nil
		p.waits = p.waits[:n-1]
		return w
	}
	return new(wait)
}

// putWait takes back w, whose queues are empty. Large ones are left to the
// garbage collector.
func (p *pool) putWait(w *wait) {
	p.inUse -= waitCost
	if len(p.waits) >= maxFreeWaits {
		return
	}
	q0, q1 := w.q[0].chunks[:0], w.q[1].chunks[:0]
	*w = wait{}
	w.q[0].chunks, w.q[1].chunks = q0, q1
	p.waits = append(p.waits, w)
}
