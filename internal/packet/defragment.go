package packet

import "github.com/pgsniff/pgsniff/pkg/reassembly"

// defragmenter holds datagrams of which not all fragments have been seen,
// within bounds: where there are too many, the oldest gives way. Timeouts are
// looked at only when an identification is met again, so that one packet with a
// time far in the future does no harm.
type defragmenter struct {
	opt            Options
	datagrams      map[fragmentKey]*datagram
	oldest, newest *datagram
	bytes          int         // capacity of the buffers of all datagrams
	free           []*datagram // for reuse
	buffers        [][]byte    // for reuse
	retired        [][]byte    // lent out as payload until the next packet
}

// spareBuffers is how many buffers are kept for reuse: as many datagrams are
// usually under way on one link.
const spareBuffers = 16

func (f *defragmenter) init(opt Options) {
	if opt.MaxDatagrams <= 0 {
		opt.MaxDatagrams = defaultDatagrams
	}
	if opt.MaxFragmentBytes <= 0 {
		opt.MaxFragmentBytes = defaultFragmentBytes
	}
	if opt.FragmentTimeout <= 0 {
		opt.FragmentTimeout = defaultFragmentTimeout
	}
	f.opt = opt
	f.datagrams = make(map[fragmentKey]*datagram)
}

// find returns the datagram that a fragment seen at now belongs to, a new one
// if the one with its key is too old.
func (f *defragmenter) find(k fragmentKey, now reassembly.Stamp) *datagram {
	if g := f.datagrams[k]; g != nil {
		if !f.outdated(g, now) {
			return g
		}
		f.drop(g)
	}
	var g *datagram
	if n := len(f.free); n > 0 {
		g, f.free = f.free[n-1], f.free[:n-1]
	} else {
		g = new(datagram)
	}
	*g = datagram{key: k, since: now, total: -1, cutAt: maxDatagram + 1, older: f.newest}
	if f.newest != nil {
		f.newest.newer = g
	} else {
		f.oldest = g
	}
	f.newest = g
	f.datagrams[k] = g
	if len(f.datagrams) > f.opt.MaxDatagrams {
		f.drop(f.oldest)
	}
	return g
}

func (f *defragmenter) outdated(g *datagram, now reassembly.Stamp) bool {
	timeout := f.opt.FragmentTimeout
	if g.done {
		timeout = rememberDone
	}
	return now.Frame-g.since.Frame > maxAge ||
		now.Time != 0 && g.since.Time != 0 && now.Time-g.since.Time > timeout
}

// drop forgets a datagram.
func (f *defragmenter) drop(g *datagram) {
	delete(f.datagrams, g.key)
	if g.older != nil {
		g.older.newer = g.newer
	} else {
		f.oldest = g.newer
	}
	if g.newer != nil {
		g.newer.older = g.older
	} else {
		f.newest = g.older
	}
	if g.buf != nil {
		f.bytes -= cap(g.buf)
		f.spare(g.buf)
		g.buf = nil
	}
	if len(f.free) < spareBuffers {
		f.free = append(f.free, g)
	}
}

// finish marks g as complete and returns its buffer, borrowed until recycle.
func (f *defragmenter) finish(g *datagram, now reassembly.Stamp) []byte {
	buf := g.buf
	f.bytes -= cap(buf)
	g.buf, g.done, g.since = nil, true, now
	f.retired = append(f.retired, buf)
	return buf
}

// recycle takes back what was lent out.
func (f *defragmenter) recycle() {
	for i, b := range f.retired {
		f.spare(b)
		f.retired[i] = nil
	}
	f.retired = f.retired[:0]
}

func (f *defragmenter) spare(b []byte) {
	if len(f.buffers) < spareBuffers {
		f.buffers = append(f.buffers, b[:0])
	}
}

// grow makes g's buffer n bytes long, at the expense of older datagrams where
// there is too much.
func (f *defragmenter) grow(g *datagram, n int) {
	if n <= len(g.buf) {
		return
	}
	before := cap(g.buf)
	if g.buf == nil {
		if k := len(f.buffers); k > 0 {
			g.buf, f.buffers = f.buffers[k-1], f.buffers[:k-1]
		}
	}
	if n <= cap(g.buf) {
		g.buf = g.buf[:n]
	} else {
		const least = 2048 // the usual case: a segment too long by a tunnel's headers
		old := g.buf
		g.buf = make([]byte, n, min(max(n, 2*cap(old), least), maxDatagram))
		copy(g.buf, old)
	}
	f.bytes += cap(g.buf) - before
	for f.bytes > f.opt.MaxFragmentBytes && f.oldest != g {
		f.drop(f.oldest)
	}
}
