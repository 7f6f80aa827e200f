package codec

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Evidence, in points. A single message of a strong kind proves little where
// rows may hold anything, several in a row that fit together prove much.
//
// The numbers are chosen, not measured. They are such that what servers and clients send at
// once is found with the chunk that has it, which TestBoundaryIsFoundAtOnce lists, and that
// nothing false is found in values that hold whole messages (hostile_flow_test.go).
const (
	edgePoints = 2
	// enoughToEdge is for a chain that ends where a sender flushed: with a chunk that is
	// shorter than a full segment. The shortest answer has it, CommandComplete and
	// ReadyForQuery (3 and 2) at such an edge (2); ReadyForQuery alone has not.
	//
	// enoughCovering is for one that also begins with a chunk: any message has it, between
	// two edges, since each kind has a point at least. enoughFull is for one of
	// which that segment is full, so that its end may be an accident: CommandComplete and
	// ReadyForQuery have it between two edges.
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
var flushes = grammar.Anytime | grammar.Authentication | grammar.KindsOf(
	messages.KindReadyForQuery, messages.KindCopyData,
	messages.KindCopyInResponse, messages.KindCopyOutResponse, messages.KindCopyBothResponse,
	messages.KindQuery, messages.KindSync, messages.KindFlush, messages.KindFunctionCall, messages.KindTerminate,
	messages.KindCopyDone, messages.KindCopyFail, messages.KindPasswordMessage,
	messages.KindSASLInitialResponse, messages.KindSASLResponse, messages.KindGSSResponse)

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
		case c.edge && score >= enoughCovering, flushes.Has(c.ended) && score >= enoughToEdge:
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
