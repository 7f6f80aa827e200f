package codec

import (
	"bytes"
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

// Evidence, in points. A single message of a strong kind proves little where
// rows may hold anything, several in a row that fit together prove much.
const (
	edgePoints = 2
	// enoughToEdge is for a chain that ends where a sender flushed: with a chunk
	// that is shorter than a full segment. enoughCovering is for one that also
	// begins with a chunk, and enoughFull for one of which that segment is full.
	enoughToEdge   = 7
	enoughCovering = 5
	enoughFull     = 9
	// enoughInside is for a chain in the middle of data, and insideSpan how many
	// bytes it must have been seen to hold for: rows may contain what looks like
	// messages, but at the end of the row the chain breaks.
	enoughInside = 10
	insideSpan   = 2 << 10
	// horizon is how far a chain is followed at all.
	horizon = 16 << 10
	// rivalPoints is the evidence that makes a chain worth waiting for where a
	// later one would begin inside one of its messages, unless that one has
	// rivalLead more.
	rivalPoints = 2
	rivalLead   = 20
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

// flushes are the messages after which senders flush as a rule, so that a chunk
// ends.
var flushes = asynchronous | authentication | setOf(
	messages.KindReadyForQuery, messages.KindCopyData,
	messages.KindCopyInResponse, messages.KindCopyOutResponse, messages.KindCopyBothResponse,
	messages.KindQuery, messages.KindSync, messages.KindFlush, messages.KindFunctionCall, messages.KindTerminate,
	messages.KindCopyDone, messages.KindCopyFail, messages.KindPasswordMessage,
	messages.KindSASLInitialResponse, messages.KindSASLResponse, messages.KindGSSResponse)

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
	} else if !asynchronous.has(kind) {
		c.last = kind
	}
	return true
}

// precedes reports whether a message of that kind may come after those of the
// chain.
func (c *chain) precedes(kind messages.Kind, paused bool) bool {
	return c.last == messages.KindUnknown || asynchronous.has(kind) || follows(c.last, kind, paused)
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

// accept returns where to go on if the evidence for the chain is enough, else -1.
// All of the window speaks for it, or follow would have given it up.
func (s *Stream) accept(w *window, c *chain) int {
	if c.start < 0 || !s.enough(w, c) {
		return -1
	}
	for i := range s.hunt.chains {
		if o := &s.hunt.chains[i]; o != c && o.start < c.start && o.rivals(c, len(w.b)) {
			return -1
		}
	}
	if !c.inside {
		return c.start
	}
	if c.first.weak && c.first.end > c.start && s.disputed(w, c) {
		return c.first.end
	}
	return s.provenStart(w, c)
}

// provenStart returns where the messages of a chain that began inside a chunk
// can be believed from. Before its start lies the end of a message whose
// beginning is not known; where values look like messages, so may that end, and
// nothing in it would tell. Whether they do shows in the messages that follow:
// the first that contains such a value is no value itself.
func (s *Stream) provenStart(w *window, c *chain) int {
	for at := c.start; at < min(c.at, c.start+horizon); {
		size := int(length(w.b[at+1:])) + 1
		if s.containsMessage(w, w.b[at+standardHead:at+size]) {
			return at
		}
		at += size
	}
	return c.start
}

// containsMessage reports whether the body of a message holds what could be a
// message itself.
func (s *Stream) containsMessage(w *window, body []byte) bool {
	for at := 0; at+standardHead <= len(body); at++ {
		n := bytes.IndexByte(body[at+1:], 0)
		if n < 0 || at+n+standardHead > len(body) {
			return false
		}
		at += n
		size, ok := s.plausible(body[at:])
		if !ok || size > len(body)-at {
			continue
		}
		m := body[at : at+size]
		// Messages that prove nothing are found in any binary data.
		kind := messages.KindOf(s.dir, w.phase, m[0], m[standardHead:])
		if points[kind] > 1 && !weakKinds[kind] && s.wellFormed(kind, m[standardHead:]) {
			return true
		}
	}
	return false
}

// rivals reports whether c must wait for a chain that began before it: one of the
// two takes for data what the other takes for messages.
func (o *chain) rivals(c *chain, n int) bool {
	return o.score >= rivalPoints && c.score < o.score+rivalLead && o.at+o.size <= n+huntWindow
}

func (s *Stream) enough(w *window, c *chain) bool {
	score := c.score
	if c.edge {
		score += edgePoints
	}
	toEdge := w.edge && c.size == 0 && c.at == len(w.b)
	if toEdge {
		score += edgePoints
		switch {
		case !s.shortChunk():
			if c.edge && score >= enoughFull {
				return true
			}
		case c.edge && score >= enoughCovering, flushes.has(c.ended) && score >= enoughToEdge:
			return true
		}
	}
	return score >= enoughInside && c.span >= insideSpan
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
