package codec

import (
	"encoding/binary"

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
	kinds uint64 // the kinds that have been counted
	last  messages.Kind
	// columns is the number of columns that a DataRow would now have, or any.
	columns int
	edge    bool // it begins where a chunk begins
	first   firstMessage
}

// firstMessage is what is remembered of a chain's first message.
type firstMessage struct {
	end  int // unheld if it is no longer there, or not complete
	weak bool
}

// Evidence, in points. A single message of a strong kind proves little where
// rows may hold anything, several in a row that fit together prove much.
const (
	edgePoints = 2
	// enoughCovering is for a chain that begins and ends with a chunk.
	enoughCovering = 5
	// enoughToEdge is for one that ends with a chunk, as answers and requests do,
	// and enoughFromEdge for one that only begins with one.
	enoughToEdge   = 7
	enoughFromEdge = 8
	// enoughInside is for a chain in the middle of data, and insideSpan how many
	// bytes it must have been seen to hold for: rows may contain what looks like
	// messages, but at the end of the row the chain breaks.
	enoughInside = 10
	insideSpan   = 2 << 10
	// horizon is how far a chain is followed at all.
	horizon = 16 << 10
	// rivalPoints is the evidence that makes a chain worth waiting for when one
	// of its messages would enclose what another chain takes for messages.
	rivalPoints = 5
)

// points is the evidence that a well-formed message of the kind is the first time
// it occurs in a chain; repeated is what it is after that.
var points, repeated = func() (first, again [messages.NumKinds]int) {
	for k := range messages.NumKinds {
		first[k], again[k] = 2, 1
	}
	set := func(p, r int, kinds ...messages.Kind) {
		for _, k := range kinds {
			first[k], again[k] = p, r
		}
	}
	set(4, 2, messages.KindErrorResponse, messages.KindNoticeResponse, messages.KindRowDescription)
	set(3, 2, messages.KindParameterStatus, messages.KindBind, messages.KindParse)
	set(3, 1, messages.KindCommandComplete, messages.KindExecute, messages.KindDescribe, messages.KindClose)
	set(2, 2, messages.KindDataRow, messages.KindCopyData)
	set(2, 0, messages.KindReadyForQuery, messages.KindSync)
	set(1, 0, messages.KindParseComplete, messages.KindBindComplete, messages.KindCloseComplete,
		messages.KindNoData, messages.KindPortalSuspended, messages.KindEmptyQueryResponse,
		messages.KindCopyDone, messages.KindFlush, messages.KindTerminate)
	set(1, 1, messages.KindGSSResponse, messages.KindPasswordMessage, messages.KindFunctionCallResponse)
	return first, again
}()

// weakKinds have bodies that prove nothing: any bytes would do.
var weakKinds = [messages.NumKinds]bool{
	messages.KindCopyData:    true,
	messages.KindGSSResponse: true,
}

// largeCopy is the size from which on a CopyData that ends at a boundary counts
// double: it would take a long accident.
const largeCopy = 512

// flushes are the messages after which senders flush, so that a chunk ends.
var flushes = func() (t [messages.NumKinds]bool) {
	for k := range messages.NumKinds {
		t[k] = true
	}
	for _, k := range []messages.Kind{
		messages.KindDataRow, messages.KindRowDescription, messages.KindCommandComplete,
		messages.KindParse, messages.KindBind, messages.KindDescribe,
	} {
		t[k] = false
	}
	return t
}()

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
			if len(rest) < standardHead {
				return len(rest) == 0 || types[s.dir][rest[0]].kind != messages.KindUnknown && (len(rest) == 1 || rest[1] == 0)
			}
			size, ok := s.plausible(rest)
			if !ok {
				return false
			}
			if size > len(rest) && !s.beginsLike(rest) {
				return false
			}
			c.size = size
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

// link adds the complete message being examined to the chain.
func (s *Stream) link(w *window, c *chain, end int) bool {
	if c.at >= 0 {
		w.work -= min(c.size, 1<<10)
		if !s.examine(w, c, w.b[c.at:end]) {
			return false
		}
	} else {
		c.score++
		if c.size >= largeCopy {
			c.score++
		}
		c.columns, c.last = anyColumns, messages.KindUnknown
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
	n := points[kind]
	if c.kinds&(1<<kind) != 0 {
		n = repeated[kind]
	}
	switch kind {
	case messages.KindCopyData:
		if len(body) == 0 {
			n = 0
		} else if len(m) >= largeCopy {
			n *= 2
		}
	case messages.KindDataRow, messages.KindRowDescription:
		columns := int(binary.BigEndian.Uint16(body)) + 1
		if kind == messages.KindDataRow && c.columns != anyColumns && c.columns != columns {
			return false
		}
		c.columns = columns
	}
	if kind != messages.KindDataRow && kind != messages.KindRowDescription {
		c.columns = anyColumns
	}
	if c.span == 0 {
		c.first = firstMessage{end: c.at + len(m), weak: weakKinds[kind]}
	}
	c.score += n
	c.kinds |= 1 << kind
	c.last = kind
	return true
}

// wellFormed is messages.WellFormed for where the phase may not be known.
func (s *Stream) wellFormed(kind messages.Kind, body []byte) bool {
	if messages.WellFormed(kind, body) {
		return true
	}
	return kind == messages.KindPasswordMessage &&
		(messages.WellFormed(messages.KindSASLInitialResponse, body) || messages.WellFormed(messages.KindSASLResponse, body))
}

// accept returns where to go on if the evidence for the chain is enough, else -1.
// All of the window speaks for it, or follow would have given it up.
func (s *Stream) accept(w *window, c *chain) int {
	if c.start < 0 || c.start == c.at || !s.enough(w, c) {
		return -1
	}
	for i := range s.hunt.chains {
		o := &s.hunt.chains[i]
		if o != c && o.score >= rivalPoints && o.start < c.start && o.size > 0 && o.at+o.size > c.start {
			return -1
		}
	}
	if c.first.weak && !c.edge && c.first.end > c.start && s.disputed(w, c) {
		return c.first.end
	}
	return c.start
}

func (s *Stream) enough(w *window, c *chain) bool {
	score := c.score
	if c.edge {
		score += edgePoints
	}
	toEdge := w.edge && c.size == 0 && c.at == len(w.b)
	switch {
	case toEdge && c.edge:
		return score+edgePoints >= enoughCovering
	case toEdge && flushes[c.last] && s.shortChunk():
		return score+edgePoints >= enoughToEdge
	case c.edge:
		return score >= enoughFromEdge
	}
	return score >= enoughInside && len(w.b)-c.at+c.span >= insideSpan
}

// fullSegment is the size from which on chunks are taken for segments filled to
// the end by a sender with more to say: the least that every path carries.
const fullSegment = 536

// shortChunk reports whether the last chunk was not filled to the end, so that
// its end means something.
func (s *Stream) shortChunk() bool {
	return s.ending || s.chunk < fullSegment || s.chunk != s.largest
}

// disputed reports whether the chain's first message, which has no structure of
// its own, could as well be data with another message in it that ends at the same
// place. Then neither is believed.
func (s *Stream) disputed(w *window, c *chain) bool {
	m := w.b[c.start:c.first.end]
	for i := 1; i+standardHead <= len(m); i++ {
		size, ok := s.plausible(m[i:])
		if !ok || size != len(m)-i {
			continue
		}
		body := m[i+standardHead:]
		if s.wellFormed(messages.KindOf(s.dir, w.phase, m[i], body), body) {
			return true
		}
	}
	return false
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
