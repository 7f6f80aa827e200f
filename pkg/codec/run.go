package codec

import "encoding/binary"

// Run steps over the messages that directly follow the one reported last and
// are of its type, as far as they lie whole in the chunk: bulk rows and COPY
// data are counted, not handed out. It returns their number and their bytes on
// the wire. It is for use after FrameReady with a frame of standard form; the
// frame's body stays valid.
func (s *Stream) Run() (n, size int) {
	if s.mode != inStep || len(s.in.held) != 0 || s.frame.Tag == 0 {
		return 0, 0
	}
	b, tag := s.in.rest, s.frame.Tag
	info := &s.fast[tag]
	for len(b) >= standardHead && b[0] == tag {
		body := binary.BigEndian.Uint32(b[1:]) - 4
		if body < info.min || body > info.max || body > s.maxBody || int(body) > len(b)-standardHead {
			break
		}
		b = b[int(body)+standardHead:]
		n++
	}
	size = len(s.in.rest) - len(b)
	s.in.rest = b
	return n, size
}
