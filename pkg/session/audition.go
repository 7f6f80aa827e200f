package session

import (
	"bytes"
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// A connection whose beginning was captured has to open as PostgreSQL does before
// anything of it is taken for messages. Most do so with their first bytes: a startup
// packet with a user, or one of the requests before it, which nothing else looks
// like. Where that is not so, bytes are held back until the server's answer decides.

// maxAudition is how many bytes of a connection are held back: a startup packet of
// the largest size and an answer.
const maxAudition = 16 << 10

// audition is what is held back.
type audition struct {
	chunks []heldChunk
	said   [2][]byte // all of them, by direction
	size   int
}

type heldChunk struct {
	direction messages.Direction
	bytes     int
	at        Stamp
}

// evidence is what the bytes of one side say.
type evidence uint8

const (
	evidenceNone    evidence = iota // there are none
	evidencePartial                 // more is needed
	evidenceWeak                    // it may be PostgreSQL, and is nothing that a server takes
	evidenceStrong
	evidenceForeign
)

// audit takes the next bytes of a connection that is not known to be PostgreSQL yet.
// It reports whether they are to be decoded now.
func (s *Session) audit(d messages.Direction, b []byte, at Stamp) bool {
	if s.held == nil {
		if d == messages.Frontend && opening(b) == evidenceStrong {
			s.auditing = false
			return true
		}
		s.held = new(audition)
	}
	h := s.held
	if h.size+len(b) > maxAudition || !logs.Reserve(s.shared.Exchanges, len(b)) {
		s.reject(at)
		return false
	}
	h.size += len(b)
	h.said[d] = append(h.said[d], b...)
	h.chunks = append(h.chunks, heldChunk{d, len(b), at})
	if d == messages.Frontend {
		s.stepOverProxy()
	}
	s.judge(at)
	return false
}

// judge decides, if it is possible.
func (s *Session) judge(at Stamp) {
	h := s.held
	asked, answered := opening(h.said[messages.Frontend]), speech(h.said[messages.Backend])
	if asked == evidenceWeak && answered == evidencePartial && len(h.said[messages.Backend]) == 1 {
		answered = oneByte(h.said[messages.Frontend], h.said[messages.Backend][0])
	}
	switch {
	case asked == evidenceStrong:
		s.admit()
	case asked == evidenceForeign, answered == evidenceForeign:
		s.reject(at)
	case answered == evidenceStrong && asked != evidencePartial:
		s.admit()
	}
}

// admit decodes what was held back.
func (s *Session) admit() {
	h := s.held
	s.endAudition()
	for _, c := range h.chunks {
		b := h.said[c.direction][:c.bytes]
		h.said[c.direction] = h.said[c.direction][c.bytes:]
		s.Data(c.direction, b, c.at)
	}
}

// reject ends the interest in a connection that is not PostgreSQL.
func (s *Session) reject(at Stamp) {
	s.endAudition()
	s.giveUp(at)
}

func (s *Session) endAudition() {
	if s.held != nil {
		logs.Release(s.shared.Exchanges, s.held.size)
	}
	s.held, s.auditing = nil, false
}

// auditEnds decides where nothing more will come, or bytes are missing: on a port
// that somebody named, what opened like PostgreSQL is shown.
func (s *Session) auditEnds(at Stamp) {
	h := s.held
	switch {
	case h == nil:
		s.auditing = false
	case !s.candidate && len(h.said[messages.Frontend]) > 0:
		s.admit()
	default:
		s.reject(at)
	}
}

// opening judges the first bytes of a frontend.
func opening(b []byte) evidence {
	const (
		head      = 8
		tlsRecord = 22 // a handshake: direct TLS
		maxPacket = 10000
	)
	switch {
	case len(b) == 0:
		return evidenceNone
	case b[0] == tlsRecord:
		return evidenceStrong
	case b[0] != 0 || len(b) > 1 && b[1] != 0:
		if _, _, partial := proxyHeader(b); partial {
			return evidencePartial
		}
		return evidenceForeign
	case len(b) < head:
		return evidencePartial
	}
	n, code := int(binary.BigEndian.Uint32(b)), binary.BigEndian.Uint32(b[4:])
	switch {
	case n < head || n > maxPacket:
		return evidenceForeign
	case code == messages.CodeSSLRequest || code == messages.CodeGSSENCRequest || code == codeLoadBalance:
		if n == head {
			return evidenceStrong
		}
		return evidenceForeign
	case code == messages.CodeCancelRequest:
		return evidenceStrong
	case len(b) < n:
		return evidencePartial
	}
	return startupEvidence(b[4:n])
}

// startupEvidence judges the body of a startup packet that is none of the requests.
func startupEvidence(body []byte) evidence {
	const code = 4
	major := binary.BigEndian.Uint32(body) >> 16
	switch kind := messages.StartupKindOf(body); {
	case kind == messages.KindStartupMessage && major == 3 && hasUser(body):
		return evidenceStrong
	case kind == messages.KindStartupMessageV2 && messages.WellFormed(kind, body):
		return evidenceStrong
	case kind == messages.KindStartupMessage, kind == messages.KindStartupMessageV2, len(body) == code:
		return evidenceWeak
	}
	return evidenceForeign
}

// hasUser reports whether a startup packet names a user, without whom no server
// begins a session.
func hasUser(body []byte) bool {
	const version, first = 4, "user\x00"
	if b := body[version:]; len(b) > len(first) && string(b[:len(first)]) == first { // as libpq's, whatever follows
		return b[len(first)] != 0
	}
	for b := verticaStartup(body)[version:]; len(b) > 0; {
		name, rest, _ := bytes.Cut(b, []byte{0})
		value, rest, _ := bytes.Cut(rest, []byte{0})
		if string(name) == "user" {
			return len(value) > 0
		}
		b = rest
	}
	return false
}

// oneByte judges a byte that answers a request before the startup packet.
func oneByte(asked []byte, b byte) evidence {
	const head = 8
	switch {
	case len(asked) != head:
		return evidencePartial
	case b == 'S', b == 'N', b == 'G', b == 'Y':
		return evidenceStrong
	}
	return evidencePartial
}

// speech judges the first bytes of a backend: its answer to a startup packet, or
// several messages that have their forms.
func speech(b []byte) evidence {
	const (
		head    = 5
		enough  = 3 // messages
		maxText = 30000
	)
	if len(b) == 0 {
		return evidenceNone
	}
	for n := 0; len(b) > 0; n++ {
		if len(b) < head {
			return evidencePartial
		}
		if n == 0 && b[0] == 'E' && textual(b[1:head]) {
			return errorText(b[1:])
		}
		size := int(binary.BigEndian.Uint32(b[1:])) + 1
		kind := messages.KindOf(messages.Backend, messages.PhaseAuthenticating, b[0], b[head:min(max(size, head), len(b))])
		unknownCode := b[0] == messages.KindAuthenticationOk.Tag() && kind == messages.KindUnknown && size >= head+4 && size < 1<<16
		if _, most := kind.BodyLen(); size < head || kind == messages.KindUnknown && !unknownCode && len(b) >= head+4 || size-head > most {
			return evidenceForeign
		}
		if len(b) < size {
			return evidencePartial
		}
		if !unknownCode && !messages.WellFormed(kind, b[head:size]) && b[0] != messages.KindAuthenticationOk.Tag() {
			return evidenceForeign
		}
		if answersStartup(kind) || unknownCode || n+1 == enough {
			return evidenceStrong
		}
		b = b[size:]
	}
	return evidencePartial
}

// answersStartup reports whether a message of that kind is what a server says first.
func answersStartup(k messages.Kind) bool {
	switch k {
	case messages.KindErrorResponse, messages.KindNegotiateProtocolVersion,
		messages.KindAuthenticationOk, messages.KindAuthenticationKerberosV5, messages.KindAuthenticationCleartextPassword,
		messages.KindAuthenticationMD5Password, messages.KindAuthenticationGSS, messages.KindAuthenticationGSSContinue,
		messages.KindAuthenticationSSPI, messages.KindAuthenticationSASL, messages.KindAuthenticationSASLContinue,
		messages.KindAuthenticationSASLFinal:
		return true
	}
	return false
}

// textual reports whether four bytes are text, not a length.
func textual(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// errorText judges an error of version 2: text up to a NUL.
func errorText(b []byte) evidence {
	for _, c := range b {
		switch {
		case c == 0:
			return evidenceStrong
		case c < ' ' && c != '\n' && c != '\t' && c != '\r':
			return evidenceForeign
		}
	}
	return evidencePartial
}
