package codec

import "github.com/pgsniff/pgsniff/pkg/messages"

// Paused tells that the sender, in phase p, seems to have waited after what was
// fed so far, since its peer has gone on: what ends there ends a message as a
// rule. Where a boundary is searched, this may be the evidence that was missing;
// the result tells that it was, and that Next has something to report.
func (s *Stream) Paused(p messages.Phase) bool {
	if s.mode != hunting || s.in.available() == 0 {
		return false
	}
	s.ending = true
	w := s.window()
	at := s.searchWindow(&w, p)
	s.ending = false
	if at < 0 {
		s.retain(&w)
		return false
	}
	s.hunt.bytes += at
	s.in.advance(at)
	s.found(&w)
	return true
}
