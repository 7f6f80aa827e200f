package codec

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// next is Next without its fast path.
func (s *Stream) next(p messages.Phase) Result {
	s.phase = p
	for {
		var r Result
		var done bool
		switch s.mode {
		case inStep:
			r, done = s.step(p)
		case passing:
			r, done = s.passOver(p)
		case hunting:
			r, done = s.search(p)
		case dropped:
			return NeedMore
		}
		if done {
			return r
		}
	}
}

// step reads one message at a boundary; done is false if the mode changed and
// there is nothing to report yet.
func (s *Stream) step(p messages.Phase) (r Result, done bool) {
	s.in.release()
	if s.in.available() == 0 {
		s.in.rest, s.frame.Body = nil, nil // else they would keep buffers alive
		return NeedMore, true
	}
	if s.head.size > 0 {
		return s.stepBody(p, s.head) // the phase may have changed since its header
	}
	switch s.framing(p) {
	case framingStartup:
		return s.stepStartup(p)
	case framingSSLByte, framingGSSByte:
		return s.stepByte(p)
	case framingOpaque:
		s.skip = Skip{Bytes: s.in.available(), Reason: SkipEncrypted}
		s.in.drop()
		return SkipReady, true
	}
	return s.stepStandard(p)
}

// framing decides how the bytes at the boundary, at least one, are to be read.
func (s *Stream) framing(p messages.Phase) framing {
	f := framings[s.dir][p&phaseMask]
	switch f {
	case framingStandard, framingOpaque:
		s.settled = false
	case framingEither:
		if s.in.byteAt(0) == 0 {
			return framingStartup
		}
		return framingStandard
	case framingStartup:
		if s.settled && s.in.byteAt(0) != 0 {
			return framingStandard
		}
	case framingSSLByte, framingGSSByte:
		if s.settled {
			return framingStandard
		}
	}
	return f
}

func (s *Stream) stepStandard(p messages.Phase) (Result, bool) {
	b := s.in.contiguous(standardHead)
	if b == nil {
		return s.waitHead()
	}
	tag, n := b[0], length(b[1:])
	if tag == 'E' && s.dir == messages.Backend && isText(n) {
		return s.stepErrorV2()
	}
	switch judge(s.dir, tag, n) {
	case trusted:
		return s.stepBody(p, head{size: int(n) + 1, body: standardHead})
	case doubtful:
		return s.stepDoubtful(p, head{size: int(n) + 1, body: standardHead})
	}
	return s.stepImpossible(tag)
}

// stepImpossible begins the search for a boundary at a header that is none.
func (s *Stream) stepImpossible(tag byte) (Result, bool) {
	why := SkipBadLength
	if types[s.dir][tag].kind == messages.KindUnknown {
		why = SkipBadType
	}
	s.lose(why)
	return 0, false
}

// waitHead waits for the rest of a header.
func (s *Stream) waitHead() (Result, bool) {
	s.in.hold(0)
	return NeedMore, true
}

// stepBody delivers a message with a trusted header, or waits for its rest.
func (s *Stream) stepBody(p messages.Phase, h head) (Result, bool) {
	s.head = h
	if h.size-h.body > int(s.maxBody) {
		s.beginPass(h.body + s.keep())
		return 0, false
	}
	m := s.in.contiguous(h.size)
	if m == nil {
		s.in.hold(h.size)
		return NeedMore, true
	}
	s.deliver(p, m)
	return FrameReady, true
}

// keep is how much is kept of a body larger than the limit.
func (s *Stream) keep() int { return min(int(s.maxBody), maxKept) }

// deliver makes the frame of the complete message m at the boundary.
func (s *Stream) deliver(p messages.Phase, m []byte) {
	h := s.head
	s.head = head{}
	s.in.advance(h.size)
	s.frame = Frame{Len: h.size, Body: m[h.body:h.size:h.size]}
	s.frame.Kind, s.frame.Tag = s.kindOf(p, h, m)
	if len(s.frame.Body) > int(s.maxBody) {
		s.frame.Body, s.frame.Truncated = s.frame.Body[:s.keep()], true
	}
}

// kindOf tells kind and type byte from a message of which at least the header is
// there.
func (s *Stream) kindOf(p messages.Phase, h head, m []byte) (messages.Kind, byte) {
	if h.body == startupHead {
		return messages.StartupKindOf(m[startupHead:]), 0
	}
	return messages.KindOf(s.dir, p, m[0], m[standardHead:]), m[0]
}

// stepDoubtful delivers a message with an undefined type or an unlikely length
// if what follows it shows that this is one: a trusted header, possibly after
// more of the same, or nothing because the chunk ends with it.
func (s *Stream) stepDoubtful(p messages.Phase, h head) (Result, bool) {
	s.head = head{}
	switch s.confirm(h.size) {
	case trusted:
		s.head = h
		s.deliver(p, s.in.contiguous(h.size))
		return FrameReady, true
	case doubtful:
		s.in.hold(0)
		return NeedMore, true
	}
	return s.stepImpossible(s.in.byteAt(0))
}

// maxDoubtfulRun is how many doubtful messages in a row are looked past.
const maxDoubtfulRun = 4

// confirm judges what begins at the unread byte at, in the middle of a message
// stream if the doubtful header before it is one: trusted or impossible, or
// doubtful as long as more is needed to tell.
func (s *Stream) confirm(at int) verdict {
	for range maxDoubtfulRun {
		left := s.in.available() - at
		switch {
		case left == 0 && (s.chunk >= standardHead || s.ending):
			return trusted
		case left <= 0:
			return doubtful
		case left < standardHead:
			if types[s.dir][s.in.byteAt(at)].kind == messages.KindUnknown {
				return impossible
			}
			return doubtful
		}
		var b [standardHead]byte
		for i := range b {
			b[i] = s.in.byteAt(at + i)
		}
		n := length(b[1:])
		if v := judge(s.dir, b[0], n); v != doubtful {
			return v
		}
		at += int(n) + 1
	}
	return impossible
}

// stepStartup reads a startup packet (manual: "StartupMessage (F)" and the
// requests that have its form).
func (s *Stream) stepStartup(p messages.Phase) (Result, bool) {
	b := s.in.contiguous(startupHead)
	if b == nil {
		return s.waitHead()
	}
	n := length(b)
	if n < minStartup || n > maxStartup {
		s.lose(SkipBadLength)
		return 0, false
	}
	m := s.in.contiguous(minStartup)
	if m == nil {
		return s.waitHead()
	}
	h := head{size: int(n), body: startupHead}
	if startupFits(messages.StartupKindOf(m[startupHead:]), n) {
		return s.stepBody(p, h)
	}
	// Only the whole body tells a version to come from something else.
	if m = s.in.contiguous(h.size); m == nil {
		return s.waitHead()
	}
	if startupFits(messages.StartupKindOf(m[startupHead:]), n) {
		return s.stepBody(p, h)
	}
	return s.stepDoubtful(p, h)
}

// startupFits reports whether a startup packet of that code can have length n.
func startupFits(kind messages.Kind, n uint32) bool {
	if kind == messages.KindUnknown {
		return false
	}
	least, most := kind.BodyLen()
	return int(n) >= least+startupHead && int(n) <= most+startupHead
}

// stepByte reads the answer to SSLRequest or GSSENCRequest: one byte, or the
// error of a server that knows no such request or cannot serve at all.
func (s *Stream) stepByte(p messages.Phase) (Result, bool) {
	b := s.in.byteAt(0)
	kind, yes := messages.KindSSLResponse, byte('S')
	if framings[s.dir][p&phaseMask] == framingGSSByte {
		kind, yes = messages.KindGSSENCResponse, 'G'
	}
	if b != yes && b != 'N' {
		return s.stepStandard(p)
	}
	m := s.in.contiguous(1)
	s.in.advance(1)
	s.frame = Frame{Kind: kind, Len: 1, Body: m}
	return FrameReady, true
}

// stepErrorV2 reads an error of version 2: 'E', text, NUL. Its length is not
// announced.
func (s *Stream) stepErrorV2() (Result, bool) {
	size := s.in.indexNUL(&s.nul)
	if size < 0 && s.in.available() <= maxErrorV2 {
		return NeedMore, true
	}
	s.nul = 0
	if size < 0 || size > maxErrorV2 {
		s.lose(SkipBadLength)
		return 0, false
	}
	m := s.in.contiguous(size + 1)
	s.in.advance(size + 1)
	s.frame = Frame{Kind: messages.KindErrorResponseV2, Tag: m[0], Len: size + 1, Body: m[1:]}
	return FrameReady, true
}
