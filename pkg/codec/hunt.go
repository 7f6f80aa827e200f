package codec

import (
	"bytes"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// huntWindow is how many bytes are held while a boundary is searched: a
	// message that is larger cannot be the first one found.
	huntWindow = 64 << 10
	// huntStep is how many more bytes are searched at once. Within them chains
	// are followed to the end; marks must cover them.
	huntStep = 16 << 10
	// maxChains is how many possible chains of messages are followed at once.
	// Most bytes that look like a header are found out within a few hundred
	// bytes, so that more are hardly ever needed.
	maxChains = 16
	// maxHuntLength is the greatest length that is believed of a header found
	// by searching. Its first byte is zero, which text never has.
	maxHuntLength = 1<<24 - 1
	// passWork bounds the bytes of bodies that are checked, as a multiple of the
	// bytes searched, so that hostile input costs linear time.
	passWork = 64
)

// hunt is the search for a message boundary. Offsets count from the first unread
// byte.
type hunt struct {
	reason SkipReason
	// bytes and lost are passed over and not yet reported; report tells that
	// they are to be reported even without bytes.
	bytes, lost int
	report      bool
	scan        int // where the first header not yet considered would begin
	seen        int // how many of the unread bytes have been examined
	chains      []chain
}

// clear forgets everything but the memory.
func (h *hunt) clear() { *h = hunt{chains: h.chains[:0]} }

// shift moves all offsets after by bytes have gone by, missing ones included:
// chains that lead beyond live on, without the messages that were not whole.
func (h *hunt) shift(by int) {
	kept := h.chains[:0]
	for _, c := range h.chains {
		end := c.at + c.size
		if c.size == 0 || end < by {
			continue
		}
		c.at -= by
		c.start = unheld
		c.first.end = unheld
		kept = append(kept, c)
	}
	h.chains = kept
}

// search looks for the next boundary in what is there. When it has found one the
// stream is in step again.
func (s *Stream) search(p messages.Phase) (Result, bool) {
	h := &s.hunt
	if framings[s.dir][p&phaseMask] == framingOpaque {
		h.bytes += s.in.available()
		s.in.drop()
		h.scan, h.seen, h.chains, h.reason = 0, 0, h.chains[:0], SkipEncrypted
	}
	for {
		if s.reportSkip() {
			return SkipReady, true
		}
		if s.mode != hunting {
			return 0, false
		}
		if s.in.available() == h.seen {
			s.in.hold(0)
			return NeedMore, true
		}
		w := s.window()
		at := s.searchWindow(&w, p)
		if at < 0 {
			s.retain(&w)
			continue
		}
		h.bytes += at
		s.in.advance(at)
		s.found(&w)
	}
}

// found ends the search: the first unread byte begins a message.
func (s *Stream) found(w *window) {
	h := &s.hunt
	h.scan, h.seen, h.chains = 0, 0, h.chains[:0]
	if cap(h.chains) > 4 {
		h.chains = nil
	}
	s.mode = inStep
	s.settled = !w.untyped && framings[s.dir][w.phase&phaseMask] > framingEither
}

// window is the part of the unread bytes that is searched at once.
type window struct {
	b []byte
	// chunk is where the chunk fed last begins in b, negative if before it.
	chunk int
	// edge tells that b ends where that chunk ends, and that the chunk is large
	// enough for this to mean something.
	edge bool
	// whole tells that b is all that is there.
	whole bool
	phase messages.Phase
	marks marks
	work  int
	// untyped tells that what was found has no type byte.
	untyped bool
}

// window makes the next window: what was seen and is still needed, and as much
// more as is searched at once.
func (s *Stream) window() window {
	w := window{chunk: s.in.available() - s.chunk}
	w.marks.from = s.hunt.scan
	size := s.hunt.seen + huntStep
	if len(s.in.held) > 0 {
		s.in.holdSome(max(0, size-(len(s.in.held)-s.in.off)))
		w.b = s.in.held[s.in.off:min(len(s.in.held), s.in.off+size)]
	} else {
		w.b = s.in.rest[:min(size, len(s.in.rest))]
	}
	w.whole = len(w.b) == s.in.available()
	w.edge = w.whole && (s.chunk >= standardHead || s.ending)
	w.work = passWork*len(w.b) + huntWindow
	return w
}

// retain ends the pass over a window in which no boundary was found: only the
// bytes that a chain under examination may still need are held.
func (s *Stream) retain(w *window) {
	h, n := &s.hunt, len(w.b)
	keep := h.scan
	for i := range h.chains {
		c := &h.chains[i]
		c.trim(n)
		if c.start >= 0 {
			keep = min(keep, c.start)
		} else if c.size == 0 {
			keep = min(keep, c.at)
		}
	}
	keep = min(keep, n)
	h.bytes += keep
	s.in.advance(keep)
	h.scan -= keep
	h.seen = n - keep
	for i := range h.chains {
		h.chains[i].move(keep)
	}
	if w.whole {
		s.in.hold(0)
	}
	s.in.release()
}

// searchWindow returns where a message begins, -1 if nowhere or not yet known.
func (s *Stream) searchWindow(w *window, p messages.Phase) int {
	h := &s.hunt
	w.phase = p
	if at := s.atChunkStart(w); at >= 0 {
		w.untyped = true
		return at
	}
	kept := h.chains[:0]
	for i := range h.chains {
		c := h.chains[i]
		if c.size == 0 {
			w.marks.set(c.at)
			c.edge = c.edge || s.beginsChunk(w, c.at)
		}
		if s.follow(w, &c, false) {
			kept = append(kept, c)
		}
	}
	h.chains = kept
	for i := range h.chains {
		if at := s.accept(w, &h.chains[i]); at >= 0 {
			return at
		}
	}
	return s.scanWindow(w)
}

// scanWindow considers every place of the window where a header may begin, once.
func (s *Stream) scanWindow(w *window) int {
	h, b := &s.hunt, w.b
	last := len(b) - standardHead
	for ; h.scan <= last; h.scan++ {
		// The first byte of a length that is believed is zero.
		n := bytes.IndexByte(b[h.scan+1:last+2], 0)
		if n < 0 {
			h.scan = last + 1
			break
		}
		h.scan += n
		w.marks.pass(h.scan)
		if w.work < 0 || w.marks.has(h.scan) {
			continue
		}
		if size, ok := s.plausible(b[h.scan:]); !ok || size > len(b)-h.scan && !s.beginsLike(b[h.scan:]) {
			continue
		}
		c := chain{start: h.scan, at: h.scan, first: firstMessage{end: unheld}, edge: s.beginsChunk(w, h.scan)}
		c.inside = !c.edge
		if !s.follow(w, &c, true) {
			continue
		}
		if at := s.accept(w, &c); at >= 0 {
			return at
		}
		if s.follow(w, &c, false) {
			h.add(c)
		}
	}
	return -1
}

// beginsChunk reports whether the chunk fed last begins at a place of the
// window, and is large enough for this to mean something.
func (s *Stream) beginsChunk(w *window, at int) bool {
	return at == w.chunk && s.chunk >= standardHead
}

// add keeps a chain for later, in place of the least likely one if there are
// too many: that with the least evidence, and among those the one whose next
// boundary is farthest away.
func (h *hunt) add(c chain) {
	if len(h.chains) < maxChains {
		h.chains = append(h.chains, c)
		return
	}
	worst := &c
	for i := range h.chains {
		o := &h.chains[i]
		if o.score < worst.score || o.score == worst.score && o.at+o.size > worst.at+worst.size {
			worst = o
		}
	}
	*worst = c
}

// atChunkStart recognises what begins a chunk and has no type byte: a startup
// packet, where one may come, and the one-byte answers to requests for
// encryption. It returns -1 if there is none.
func (s *Stream) atChunkStart(w *window) int {
	if w.chunk < s.hunt.seen || w.chunk >= len(w.b) || !w.whole {
		return -1
	}
	b, found := w.b[w.chunk:], false
	switch framings[s.dir][w.phase&phaseMask] {
	case framingEither, framingStartup:
		found = len(b) >= minStartup && b[0] == 0 && wellFormedStartup(b)
	case framingSSLByte:
		found = messages.WellFormed(messages.KindSSLResponse, b)
	case framingGSSByte:
		found = messages.WellFormed(messages.KindGSSENCResponse, b)
	}
	if found {
		return w.chunk
	}
	return -1
}

// wellFormedStartup reports whether b is a startup packet and nothing else.
func wellFormedStartup(b []byte) bool {
	if int(length(b)) != len(b) {
		return false
	}
	body := b[startupHead:]
	return messages.WellFormed(messages.StartupKindOf(body), body)
}

// endHunting searches what is left with the knowledge that nothing follows, and
// reports the rest as passed over.
func (s *Stream) endHunting() Result {
	h := &s.hunt
	if n := s.in.available(); n > 0 {
		w := s.window()
		if at := s.searchWindow(&w, s.phase); at >= 0 {
			h.bytes += at
			s.in.advance(at)
			s.found(&w)
		} else {
			h.bytes += n
			s.in.drop()
			h.scan, h.seen, h.chains = 0, 0, h.chains[:0]
		}
	}
	if s.reportSkip() {
		return SkipReady
	}
	if s.mode == hunting {
		return NeedMore
	}
	return s.End()
}

// reportSkip makes a Skip of what was passed over and not yet reported, and
// reports whether there is anything.
func (s *Stream) reportSkip() bool {
	h := &s.hunt
	if h.bytes == 0 && !h.report {
		return false
	}
	s.skip = Skip{Bytes: h.bytes, Lost: h.lost, Reason: h.reason}
	h.bytes, h.lost, h.report = 0, 0, false
	return true
}
