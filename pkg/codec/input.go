package codec

import "bytes"

// input is the unread bytes of one direction: first what is held in a buffer of
// its own, then the rest of the chunk that was fed last, which is borrowed.
// Messages inside a chunk are never copied; of a message that spans chunks
// exactly its own bytes are.
type input struct {
	held []byte // held[off:] is unread; empty whenever all of it was read
	off  int
	rest []byte
	// spare is the small buffer that a large one has taken the place of.
	spare []byte
}

// available is the number of unread bytes.
func (in *input) available() int { return len(in.held) - in.off + len(in.rest) }

// feed adds a chunk. It is borrowed unless unread bytes of an earlier one are
// still there: then these are copied first, in order.
func (in *input) feed(b []byte) {
	if len(in.rest) > 0 {
		in.hold(0)
	}
	in.rest = b
}

// contiguous returns the first n unread bytes in one piece, nil if there are
// fewer. The slice is valid until the next call of any method but advance.
func (in *input) contiguous(n int) []byte {
	if len(in.held) == 0 {
		if len(in.rest) < n {
			return nil
		}
		return in.rest[:n:n]
	}
	if missing := n - (len(in.held) - in.off); missing > 0 {
		if missing > len(in.rest) {
			return nil
		}
		in.appendHeld(in.rest[:missing], n)
		in.rest = in.rest[missing:]
	}
	return in.held[in.off : in.off+n : in.off+n]
}

// byteAt returns the unread byte at i, which must be there.
func (in *input) byteAt(i int) byte {
	if own := len(in.held) - in.off; i >= own {
		return in.rest[i-own]
	}
	return in.held[in.off+i]
}

// advance passes over n unread bytes.
func (in *input) advance(n int) {
	if own := len(in.held) - in.off; own > 0 {
		if n < own {
			in.off += n
			return
		}
		in.held, in.off = in.held[:0], 0
		n -= own
	}
	in.rest = in.rest[n:]
}

// hold copies what is left of the chunk, so that it is no longer borrowed. total
// is the length of the message being gathered where it is known, else 0.
func (in *input) hold(total int) {
	if len(in.rest) > 0 {
		in.appendHeld(in.rest, total)
	}
	in.rest = nil
}

// keep is hold without touching the bytes that were read already: they may still
// be borrowed, from the chunk or from the buffer.
func (in *input) keep() {
	if len(in.rest) == 0 {
		return
	}
	unread := in.held[in.off:]
	held := make([]byte, 0, max(len(unread)+len(in.rest), minBuffer))
	held = append(append(held, unread...), in.rest...)
	in.held, in.off, in.rest = held, 0, nil
}

// holdSome moves at most n bytes of the chunk into the buffer.
func (in *input) holdSome(n int) {
	n = min(n, len(in.rest))
	in.appendHeld(in.rest[:n], 0)
	in.rest = in.rest[n:]
}

// appendHeld adds bytes to the buffer. It grows with the bytes that are there,
// at most to twice their number and to no more than total, if that is known:
// never by what a header announces.
func (in *input) appendHeld(b []byte, total int) {
	unread := len(in.held) - in.off
	need := unread + len(b)
	switch {
	case len(in.held)+len(b) <= cap(in.held):
	case need <= cap(in.held) && in.off >= unread:
		// Moving costs no more than what was read since the last time.
		copy(in.held, in.held[in.off:])
		in.held, in.off = in.held[:unread], 0
	default:
		size := max(2*need, minBuffer)
		if total >= need {
			size = max(min(size, total), minBuffer)
		}
		old := in.held
		in.held = append(takeBuffer(size), old[in.off:]...)
		in.off = 0
		if cap(old) > keepBuffer {
			giveBuffer(old)
		} else if cap(in.held) > keepBuffer {
			in.spare = old[:0]
		}
	}
	in.held = append(in.held, b...)
}

// drop forgets all unread bytes.
func (in *input) drop() {
	in.held, in.off, in.rest = in.held[:0], 0, nil
}

// takeAll returns all unread bytes in one piece and forgets them. The slice is
// valid until the next feed.
func (in *input) takeAll() []byte {
	b := in.rest
	if len(in.held) > in.off {
		in.hold(0)
		b = in.held[in.off:]
	}
	in.drop()
	return b
}

// release gives the buffer back when it is empty and large. What was returned
// by contiguous must no longer be in use.
func (in *input) release() {
	if len(in.held) == 0 && cap(in.held) > keepBuffer {
		giveBuffer(in.held)
		in.held, in.spare = in.spare, nil
	}
}

// indexNUL returns where among the unread bytes the first NUL is, -1 if nowhere.
// seen is how many were searched before; it is updated, and counts only as long
// as nothing is read. The bytes are held afterwards if there is none.
func (in *input) indexNUL(seen *int) int {
	own := in.held[in.off:]
	from := min(*seen, len(own))
	if i := bytes.IndexByte(own[from:], 0); i >= 0 {
		*seen = 0
		return from + i
	}
	if i := bytes.IndexByte(in.rest, 0); i >= 0 {
		*seen = 0
		return len(own) + i
	}
	in.hold(0)
	*seen = in.available()
	return -1
}
