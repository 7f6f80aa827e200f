package codec

import "encoding/binary"

// Run steps over the messages that directly follow the one reported last and
// are of its type, as far as they lie whole in the chunk: bulk rows and COPY
// data are counted, not handed out. It returns their bytes on the wire, borrowed
// like a frame's body, and their number. It is for use after FrameReady with a frame
// of standard form, whose body stays valid.
func (s *Stream) Run() (run []byte, n int) {
	if s.mode != inStep || len(s.in.held) != 0 || s.frame.Tag == 0 {
		return nil, 0
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
	run = s.in.rest[:len(s.in.rest)-len(b)]
	s.in.rest = b
	return run, n
}
