package codec

import "github.com/pgsniff/pgsniff/pkg/messages"

// pass is a message that is not delivered whole: larger than the limit, or with
// bytes missing. Its beginning is held, the rest is stepped over.
type pass struct {
	keep int // how many of its bytes, the header included, are to be held
	came int // how many of its bytes were there so far
	left int // how many are still to come
	lost int // how many were missing
	// gap tells that more was missing than the message: after is the number
	// of bytes from its end to the end of the gap, 0 if not known.
	gap   bool
	after int
}

// beginPass begins stepping over the message s.head at the boundary.
func (s *Stream) beginPass(keep int) {
	own := len(s.in.held) - s.in.off
	s.mode = passing
	s.pass = pass{keep: max(keep, own), came: own, left: s.head.size - own}
}

// passOver steps over what is there of the message and delivers it, truncated,
// when it is over.
func (s *Stream) passOver(p messages.Phase) (Result, bool) {
	ps := &s.pass
	if own := len(s.in.held) - s.in.off; own < ps.keep && ps.lost == 0 {
		n := min(ps.keep-own, ps.left, len(s.in.rest))
		s.in.holdSome(n)
		ps.came, ps.left = ps.came+n, ps.left-n
	}
	n := min(ps.left, len(s.in.rest))
	s.in.rest = s.in.rest[n:]
	ps.came, ps.left = ps.came+n, ps.left-n
	if ps.left > 0 {
		s.in.rest = nil
		return NeedMore, true
	}
	s.deliverPassed(p)
	return FrameReady, true
}

// deliverPassed makes the frame of a message that was stepped over, as far as it
// came, and goes on after it.
func (s *Stream) deliverPassed(p messages.Phase) {
	h, ps := s.head, s.pass
	m := s.in.held[s.in.off:]
	s.frame = Frame{Len: h.size, Body: m[h.body:len(m):len(m)], Truncated: true, Lost: ps.lost}
	s.frame.Kind, s.frame.Tag = s.kindOf(p, h, m)
	s.in.held, s.in.off = s.in.held[:0], 0
	s.mode, s.head, s.pass = inStep, head{}, pass{}
	if ps.gap {
		s.lose(SkipGap)
		s.hunt.lost, s.hunt.report = ps.after, true
	}
}

// Gap tells that n bytes are missing after those fed so far, n < 0 if it is not
// known how many. Next must have returned NeedMore before: bytes that it has not
// seen are passed over. A gap inside a message, of known size and not beyond the
// message's end, costs nothing after it; otherwise the next boundary is searched.
func (s *Stream) Gap(n int) {
	switch {
	case s.mode == dropped || n == 0:
	case s.mode == hunting:
		s.gapHunting(n)
	case s.mode == inStep && (s.head.size == 0 || len(s.in.rest) > 0):
		bytes := s.in.available()
		s.in.drop()
		s.lose(SkipGap)
		s.hunt.bytes, s.hunt.lost, s.hunt.report = bytes, max(n, 0), true
	default:
		if s.mode == inStep {
			s.beginPass(0)
		}
		s.gapPassing(n)
	}
}

// Beyond returns how many of the bytes that Gap has just told of are missing after the
// end of the message that they began in; 0 where that is not known, or is all of them.
func (s *Stream) Beyond() int {
	if s.mode != passing {
		return 0
	}
	return s.pass.after
}

// gapPassing records a gap in the message that is being stepped over, or after
// it.
func (s *Stream) gapPassing(n int) {
	ps := &s.pass
	if n >= 0 && n <= ps.left && !ps.gap {
		ps.lost += n
		ps.left -= n
		return
	}
	if n >= 0 {
		ps.after += n - ps.left
	}
	ps.lost += ps.left
	ps.left, ps.gap = 0, true
}

// gapHunting records a gap while a boundary is searched.
func (s *Stream) gapHunting(n int) {
	s.hunt.bytes += s.in.available()
	if n >= 0 {
		s.hunt.lost += n
		s.hunt.shift(s.in.available() + n)
	} else {
		s.hunt.chains = s.hunt.chains[:0]
	}
	s.hunt.scan, s.hunt.seen, s.hunt.report = 0, 0, true
	s.in.drop()
}

// End tells that the input is over. It is called until it returns NeedMore: each
// time it reports one of the messages or passed-over bytes that are left. A
// message that is incomplete is delivered truncated if its header was there and
// trusted. Afterwards the Stream waits for Reset; what is fed all the same is
// treated as joined in the middle.
func (s *Stream) End() Result {
	s.ending = true
	if r := s.Next(s.phase); r != NeedMore {
		return r
	}
	switch s.mode {
	case passing:
		s.deliverPassed(s.phase)
		return FrameReady
	case hunting:
		return s.endHunting()
	case inStep:
		return s.endInStep()
	}
	return NeedMore
}

func (s *Stream) endInStep() Result {
	n := s.in.available()
	if n == 0 {
		return NeedMore
	}
	if s.head.size > 0 {
		s.beginPass(0)
		s.deliverPassed(s.phase)
		return FrameReady
	}
	s.skip = Skip{Bytes: n, Reason: SkipCutOff}
	s.in.drop()
	s.lose(SkipMidStream)
	return SkipReady
}
