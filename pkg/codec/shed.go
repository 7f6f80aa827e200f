package codec

import "unsafe"

// Held returns how many bytes of memory the Stream keeps in buffers of its own.
func (s *Stream) Held() int {
	return cap(s.in.held) + cap(s.hunt.chains)*int(unsafe.Sizeof(chain{}))
}

// Shed gives the memory back that Held tells of, for when all connections together hold
// too much. Next must have returned NeedMore. Boundaries stay known: of a message that is
// incomplete only the header is kept, and it will be delivered truncated with an
// empty body. Where no boundary is known, what is held is passed over.
func (s *Stream) Shed() {
	s.frame.Body = nil // it may be in what is given back
	switch {
	case s.mode == passing, s.mode == inStep && s.head.size > 0:
		// In a message whose length is known. From here on it is one of which only the
		// beginning is kept, and that is its header: where it ends is known by that.
		if s.mode == inStep {
			s.beginPass(0)
		}
		s.pass.keep = s.head.body
		own := s.in.held[s.in.off:]
		s.in.replaceHeld(own[:min(len(own), s.head.body)])
	case s.mode == hunting:
		// Nothing that is held is known to be a message. It counts as passed over, and
		// the search goes on behind it. Chains that lead beyond it are followed further.
		n := s.in.available()
		s.hunt.bytes += n
		s.hunt.shift(n)
		s.hunt.scan, s.hunt.seen = 0, 0
		s.hunt.chains = append([]chain(nil), s.hunt.chains...)
		s.in.drop()
		s.in.replaceHeld(nil)
	case s.mode == inStep && s.in.available() > keepShed:
		// At a boundary, behind which something waits for more to show whether it is a
		// message (see stepDoubtful). Without it nobody can tell, so a boundary is
		// searched from here on.
		n := s.in.available()
		s.lose(SkipBadLength)
		s.hunt.bytes = n
		s.nul = 0
		s.in.drop()
		s.in.replaceHeld(nil)
	default:
		// At most a header is held: only the buffer that it lies in is larger.
		s.in.replaceHeld(s.in.held[s.in.off:])
	}
}

// keepShed is what is kept of a message whose header is not trusted: the header.
const keepShed = 16

// replaceHeld makes a copy of b, which may be part of the buffer, the buffer.
func (in *input) replaceHeld(b []byte) {
	old := in.held
	in.held, in.off = append([]byte(nil), b...), 0
	if cap(old) > keepBuffer {
		giveBuffer(old)
	}
}
