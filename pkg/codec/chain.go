package codec

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// unheld is the offset of bytes that are no longer there.
const unheld = -1

// chain is a place where a message may begin, and the messages that would then
// follow. Offsets count from the first unread byte.
type chain struct {
	start int // its first message of which all bytes are held, or unheld
	at    int // the message being examined; negative if its header is gone
	size  int // the length of that message, 0 while its header is not complete
	span  int // bytes of the messages before it, also those no longer held
	score int
	kinds uint64        // the kinds that have been counted
	last  messages.Kind // of the last message that says what may follow
	ended messages.Kind // of the last message
	// columns is the number of columns that a DataRow would now have, or any.
	columns int
	edge    bool // it begins, or went on after a pause, where a chunk begins
	inside  bool // it began inside a chunk
	first   firstMessage
}

// firstMessage is what is remembered of a chain's first message.
type firstMessage struct {
	end  int // unheld if it is no longer there, or not complete
	weak bool
}

// plausible reports whether a header found by searching can be one, and the
// length of the whole message.
func (s *Stream) plausible(b []byte) (size int, ok bool) {
	if n := length(b[1:]); n <= maxHuntLength && judge(s.dir, b[0], n) == trusted {
		return int(n) + 1, true
	}
	return 0, false
}

// beginsLike checks the beginning of a message that is not complete, where its
// kind tells what it would be.
func (s *Stream) beginsLike(b []byte) bool {
	body, size := b[standardHead:], int(length(b[1:]))-4
	switch types[s.dir][b[0]].kind {
	case messages.KindDataRow:
		return rowBegins(body, size)
	case messages.KindRowDescription:
		return len(body) < 2 || int(binary.BigEndian.Uint16(body))*19+2 <= size
	case messages.KindErrorResponse, messages.KindNoticeResponse:
		return len(body) == 0 || body[0] == 'S' || body[0] == 'V'
	case messages.KindCommandComplete:
		return len(body) == 0 || body[0] >= 'A' && body[0] <= 'Z'
	}
	return true
}

// rowBegins walks the values of an incomplete DataRow body of that size.
func rowBegins(body []byte, size int) bool {
	if len(body) < 2 {
		return true
	}
	n, at := int(binary.BigEndian.Uint16(body)), 2
	for ; n > 0 && at+4 <= len(body); n-- {
		value := int(int32(length(body[at:])))
		at += 4 + max(value, 0)
		if value < -1 || at > size {
			return false
		}
	}
	return at+4*n <= size
}

// follow examines the chain's messages as far as they are there, and reports
// whether it may be one. fresh tells that it has just been found: it is given up
// where it meets another.
func (s *Stream) follow(w *window, c *chain, fresh bool) bool {
	for {
		if c.size == 0 {
			rest := w.b[min(c.at, len(w.b)):]
			if len(rest) == 0 {
				return true
			}
			if !s.begins(w, c, rest) {
				return false
			}
			if c.size == 0 {
				return true
			}
		}
		end := c.at + c.size
		if end > len(w.b) || fresh && c.span >= horizon && c.score >= enoughInside {
			return true
		}
		if !s.link(w, c, end) || fresh && w.marks.has(end) {
			return false
		}
		w.marks.set(end)
	}
}

// begins checks what is there, one byte at least, of the message that would come
// next in the chain, and sets its size once the header is there.
func (s *Stream) begins(w *window, c *chain, rest []byte) bool {
	info := &types[s.dir][rest[0]]
	if info.kind == messages.KindUnknown {
		return false
	}
	if !info.refine && !c.precedes(info.kind, c.at == w.chunk) {
		// Only what came before is refuted.
		w.marks.unset(c.at)
		return false
	}
	if len(rest) < standardHead {
		return len(rest) == 1 || rest[1] == 0
	}
	size, ok := s.plausible(rest)
	if !ok || size > len(rest) && !s.beginsLike(rest) {
		return false
	}
	c.size = size
	return true
}

// link adds the complete message being examined to the chain.
func (s *Stream) link(w *window, c *chain, end int) bool {
	if c.at >= 0 {
		w.work -= min(c.size, 1<<10)
		if !s.examine(w, c, w.b[c.at:end]) {
			return false
		}
	} else {
		// The body was not looked at, but that a header comes after it is no
		// accident.
		switch {
		case c.size > huntWindow:
			c.score += 4
		case c.size >= largeCopy:
			c.score += 2
		default:
			c.score++
		}
		c.columns, c.last, c.ended = anyColumns, messages.KindUnknown, messages.KindUnknown
	}
	c.span += c.size
	c.at, c.size = end, 0
	if c.start < 0 {
		c.start = end
	}
	return true
}

// anyColumns stands for an unknown number of columns.
const anyColumns = 0

// examine judges a whole message of a chain and counts it as evidence.
func (s *Stream) examine(w *window, c *chain, m []byte) bool {
	body := m[standardHead:]
	kind := messages.KindOf(s.dir, w.phase, m[0], body)
	if !s.wellFormed(kind, body) {
		return false
	}
	if !c.precedes(kind, c.at == w.chunk) || kind == messages.KindDataRow && c.columns != anyColumns && c.columns != columnsOf(body) {
		w.marks.unset(c.at)
		return false
	}
	n := points[kind]
	if c.kinds&(1<<kind) != 0 {
		n = repeated[kind]
	}
	c.columns = anyColumns
	switch kind {
	case messages.KindCopyData:
		if len(body) == 0 {
			n = 0
		} else if len(m) >= largeCopy {
			n *= 2
		}
	case messages.KindDataRow, messages.KindRowDescription:
		c.columns = columnsOf(body)
	}
	if c.span == 0 {
		c.first = firstMessage{end: c.at + len(m), weak: weakKinds[kind]}
	}
	c.score += n
	c.kinds |= 1 << kind
	c.ended = kind
	// An error takes the place of any message.
	if kind == messages.KindErrorResponse {
		c.last = messages.KindUnknown
	} else if !grammar.Anytime.Has(kind) {
		c.last = kind
	}
	return true
}

// precedes reports whether a message of that kind may come after those of the
// chain.
func (c *chain) precedes(kind messages.Kind, paused bool) bool {
	return c.last == messages.KindUnknown || grammar.Anytime.Has(kind) || grammar.Follows(c.last, kind, paused)
}

// columnsOf is the number of columns of a well-formed DataRow or RowDescription,
// counted so that none is not anyColumns.
func columnsOf(body []byte) int { return int(binary.BigEndian.Uint16(body)) + 1 }

// wellFormed is messages.WellFormed for where the phase may not be known.
func (s *Stream) wellFormed(kind messages.Kind, body []byte) bool {
	if messages.WellFormed(kind, body) {
		return true
	}
	return kind == messages.KindPasswordMessage &&
		(messages.WellFormed(messages.KindSASLInitialResponse, body) || messages.WellFormed(messages.KindSASLResponse, body))
}

// trim gives up bytes that are too far back to be held, of n unread bytes.
func (c *chain) trim(n int) {
	if c.start >= 0 && n-c.start > huntWindow || c.start == c.at && c.size > huntWindow {
		c.start = unheld
		if c.at > 0 && n-c.at <= huntWindow && c.size <= huntWindow {
			c.start = c.at
		}
	}
}

// move adjusts the offsets after n bytes have been passed over.
func (c *chain) move(n int) {
	if c.start >= 0 {
		c.start -= n
	}
	c.at -= n
	if c.first.end >= 0 {
		c.first.end -= n
	}
}
