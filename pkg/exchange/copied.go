package exchange

import "github.com/pgsniff/pgsniff/pkg/messages"

// Copied is what one COPY command of a string of several carried.
type Copied struct {
	Mode     CopyMode
	Bytes    uint64 // payload of CopyData
	Messages uint64
}

// copies tells the COPY commands of an exchange apart. What the frontend sends may
// come before the backend has begun the COPY that it is for, so both are counted by
// themselves: to is sent to the server, and each of ended the data up to a CopyDone or
// CopyFail that has not been given to a command.
type copies struct {
	list  []Copied
	to    Copied // sent in all
	given Copied // of that, what belongs to commands that are over
	from  Copied // received by commands that are over
	ended []Copied
	open  bool // the latest of list is not over
}

// copiedCost is an entry of one of the lists, which grow ahead.
const copiedCost = 48

// CopyOf returns what the COPY command with the result r carried, nil if it was none, or
// the only one of x: then that is told by Copy, CopyBytes and CopyMessages.
func (x *Exchange) CopyOf(r *Result) *Copied {
	if r.copied == 0 || x.copies == nil || len(x.copies.list) < 2 {
		return nil
	}
	return &x.copies.list[r.copied-1]
}

// MixedCopies reports whether x had COPY commands in both directions.
func (x *Exchange) MixedCopies() bool {
	if x.copies == nil {
		return false
	}
	for i := range x.copies.list {
		if x.copies.list[i].Mode != x.copies.list[0].Mode {
			return true
		}
	}
	return false
}

// beginCopy is for the reply that begins a COPY.
func (x *Exchange) beginCopy(mode CopyMode) {
	c := x.ownCopies()
	if c.open = len(c.list) < maxResults && x.charge(copiedCost); c.open {
		c.list = append(c.list, Copied{Mode: mode})
	}
}

// endData is for the CopyDone or CopyFail of the frontend.
func (x *Exchange) endData() {
	c := x.ownCopies()
	if len(c.ended) < maxResults && x.charge(copiedCost) {
		c.ended = append(c.ended, c.to)
	}
}

// endCopy is for the end of a command with the result r.
func (x *Exchange) endCopy(r *Result) {
	c := x.copies
	if c == nil || !c.open {
		return
	}
	c.open = false
	it := &c.list[len(c.list)-1]
	if it.Mode == CopyIn {
		upTo := c.to
		if len(c.ended) > 0 {
			upTo = c.ended[0]
			c.ended = append(c.ended[:0], c.ended[1:]...)
		}
		it.Bytes, it.Messages = upTo.Bytes-c.given.Bytes, upTo.Messages-c.given.Messages
		c.given = upTo
	} else {
		it.Bytes = x.CopyBytes - c.to.Bytes - c.from.Bytes
		it.Messages = x.CopyMessages - c.to.Messages - c.from.Messages
		c.from.Bytes += it.Bytes
		c.from.Messages += it.Messages
	}
	r.copied = int32(len(c.list))
}

// ownCopies returns x.copies, made when first needed.
func (x *Exchange) ownCopies() *copies {
	if x.copies == nil {
		x.copies = new(copies)
	}
	return x.copies
}

// copied counts n messages of COPY data of a direction, with so many bytes of payload.
func (x *Exchange) copied(d messages.Direction, n, bytes uint64) {
	x.CopyMessages += n
	x.CopyBytes += bytes
	if d == messages.Frontend {
		c := x.ownCopies()
		c.to.Messages += n
		c.to.Bytes += bytes
	}
}

// reset empties c and keeps a little memory.
func (c *copies) reset() {
	list, ended := c.list[:0], c.ended[:0]
	if cap(list) > keepItems || cap(ended) > keepItems {
		list, ended = nil, nil
	}
	*c = copies{list: list, ended: ended}
}
