package capture

import "io"

// window looks at a byte stream through contiguous slices without copying: a
// record that lies within one block is returned in place, and only one that
// spans blocks is put together in a scratch buffer. The buffer grows with the
// bytes that have come, never with what a length field promises.
type window struct {
	src blockSource
	// cur holds the unread bytes of the current block. head, if not empty,
	// holds unread bytes that come before cur; it lies in scratch.
	cur, head, scratch []byte
	// off is the position of the next unread byte in the stream.
	off int64
	// err is why there are no further blocks, once that is so.
	err error
	_   [16]byte // see TestLines
}

// peek returns the next n bytes without consuming them, borrowed until the
// next peek. ok is false where the stream ends before; the slice then holds
// what there is and w.err says why it ends.
func (w *window) peek(n int) (b []byte, ok bool) {
	if len(w.head) == 0 && n <= len(w.cur) {
		return w.cur[:n], true
	}
	return w.collect(n)
}

// take consumes n bytes. They must have been peeked.
func (w *window) take(n int) {
	w.off += int64(n)
	if len(w.head) == 0 {
		w.cur = w.cur[n:]
		return
	}
	w.head = w.head[n:]
}

func (w *window) collect(n int) ([]byte, bool) {
	if len(w.head) == 0 {
		if len(w.cur) == 0 && !w.fill() {
			return nil, n == 0
		}
		if n <= len(w.cur) {
			return w.cur[:n], true
		}
		w.head = w.scratch[:0]
	}
	for len(w.head) < n {
		if len(w.cur) == 0 && !w.fill() {
			return w.head, false
		}
		k := min(n-len(w.head), len(w.cur))
		w.head = append(w.head, w.cur[:k]...)
		w.cur = w.cur[k:]
	}
	if cap(w.head) > cap(w.scratch) {
		w.scratch = w.head[:0]
	}
	return w.head[:n], true
}

// fill fetches the next block once the current one is used up.
func (w *window) fill() bool {
	if w.err != nil {
		return false
	}
	w.cur, w.err = w.src.next()
	return w.err == nil
}

// ended reports that the stream ended cleanly, right here.
func (w *window) ended(rest []byte) bool { return len(rest) == 0 && w.err == io.EOF }
