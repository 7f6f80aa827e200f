package session

import "github.com/pgsniff/pgsniff/pkg/exchange"

// maxFreeSessions bounds the sessions kept for reuse: as many as end before as
// many others begin.
const maxFreeSessions = 1024

// get returns an empty session.
func (sh *Shared) get() *Session {
	n := len(sh.freeSessions)
	if n == 0 {
		s := new(Session)
		s.log = exchange.New((*exchangeSink)(s), sh.Exchanges)
		return s
	}
	s := sh.freeSessions[n-1]
	sh.freeSessions = sh.freeSessions[:n-1]
	return s
}

// put takes a session that is over and that nobody refers to any more.
func (sh *Shared) put(s *Session) {
	if len(sh.freeSessions) == maxFreeSessions {
		return
	}
	log, track := s.log, s.tracker
	log.Reset()
	track.Reset()
	*s = Session{} // one run over the memory, not a copy
	s.log, s.tracker = log, track
	sh.freeSessions = append(sh.freeSessions, s)
}
