package session

import "github.com/pgsniff/pgsniff/pkg/exchange"

// InFlight returns the oldest exchange that waits for its replies, nil if
// there is none or exchanges are not made. It is borrowed until the session
// takes more bytes.
func (s *Session) InFlight() *exchange.Exchange {
	if id := s.log.InFlight(); id != 0 {
		return s.log.Find(id)
	}
	return nil
}
