package session

import (
	"strconv"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/wire"
)

// maxUnread is how many bytes of one direction may be passed over before the
// first message: more is not PostgreSQL, or nothing that can be made out.
const maxUnread = 64 << 10

// recognised is called for the first message of a connection.
func (s *Session) recognised(e *Event) {
	s.heard = true
	s.candidate = false
	if e.Step.Phase == messages.PhaseStartup && e.Direction == messages.Frontend && !s.decrypting {
		s.joined, s.info.MidStream = false, false // only the handshake of TCP is missing
	}
}

// skip takes bytes that belong to no message.
func (s *Session) skip(d messages.Direction, k codec.Skip, at Stamp) {
	if !s.heard {
		s.unread[d] += k.Bytes
		if !s.joined && !s.gaps || s.unread[d] > maxUnread {
			s.giveUp(at)
		}
		return
	}
	if k.Bytes == 0 {
		return // the gap itself has been told
	}
	s.addSkipped(d, int64(k.Bytes), k.Reason.String(), at)
	if k.Lost == 0 && !s.gaps && !s.joined && k.Reason != codec.SkipMidStream {
		s.Violations++
	}
	switch s.tracker.Phase(messages.Backend) {
	case messages.PhaseSSLNegotiation, messages.PhaseGSSNegotiation:
		// Whatever the frontend sent instead of waiting, the answer is due.
	default:
		s.tracker.At(s.places.skipped(d, k.Bytes+k.Lost))
		s.tracker.Gap(d)
	}
}

func bytesText(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

// giveUp ends the interest in a connection that is not PostgreSQL.
func (s *Session) giveUp(at Stamp) {
	s.over = true
	s.info.State = StateNotPostgreSQL
	for _, st := range s.streams {
		if st != nil {
			st.Drop()
		}
	}
	if !s.candidate {
		s.notice(&Notice{Code: NoticeNotPG, Text: "this is not the PostgreSQL protocol", At: at})
	}
}

// Reason says why a connection ended.
type Reason = wire.Reason

// Reasons for the end of a connection.
const (
	EndOfCapture = wire.EndOfCapture
	EndFIN       = wire.EndFIN
	EndRST       = wire.EndRST
	EndReplaced  = wire.EndReplaced // its addresses were used again
	EndGivenUp   = wire.EndGivenUp  // evicted for memory, or idle for too long
)

// ClientClosed tells that the client closed its side; the server may go on.
func (s *Session) ClientClosed(at Stamp) { s.info.ClientClosed = at }

// Never tells that the connection never carried a byte: it was refused, not answered,
// or closed without a word.
func (s *Session) Never(state State) { s.info.State = state }

// cutOff says what ends in the middle of a message where that is neither side's fault: the
// capture, or a connection that was reset. Who closes a connection in good order has sent
// all that he wanted to, so that it is empty.
func cutOff(why Reason) string {
	switch why {
	case EndOfCapture, EndGivenUp, EndReplaced:
		return "the capture ends"
	case EndRST:
		return "the connection was reset"
	}
	return ""
}

// endStream turns what a direction still holds into its last event. Where the
// connection went on beyond the capture, the message is not one yet.
func (s *Session) endStream(d messages.Direction, why Reason, at Stamp) {
	st := s.streams[d]
	if st == nil {
		return // at rest
	}
	first, last := at, at
	for {
		r := st.End()
		if p := s.pending[d]; p != nil && r != codec.NeedMore {
			first, last = p.took(st, r)
		}
		switch r {
		case codec.NeedMore:
			return
		case codec.FrameReady:
			f := st.Frame()
			if f.Truncated && f.Lost == 0 && why == EndOfCapture {
				s.notice(&Notice{
					Code: NoticeCut, Direction: d, Directed: true, Bytes: int64(len(f.Body)), At: at,
					Text: "the capture ends inside a " + f.Kind.String() + " of " + strconv.Itoa(f.Len) + " bytes",
				})
				continue
			}
			s.ending = true
			s.placeFrame(d, f.Len, s.pending[d])
			s.frame(d, f, first, last)
			s.ending = false
		case codec.SkipReady:
			k := st.Skip()
			if cut := cutOff(why); s.heard && k.Reason == codec.SkipCutOff && cut != "" {
				s.notice(&Notice{
					Code: NoticeCut, Direction: d, Directed: true, Bytes: int64(k.Bytes), At: at,
					Text: cut + " inside the head of a message",
				})
			} else if s.heard {
				s.skip(d, k, last)
			}
		}
		if s.over {
			return // its streams are gone
		}
	}
}
