package session

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Of a connection that was joined in its middle, which side is the client is
// concluded from its ports, or from the first bytes. Either may be wrong: a port that
// was named may be a client's. What comes later shows it, since most messages are
// sent by one side only, and the conclusion is given up then.

const (
	// rolesSettled is how many messages in a row settle who is who: bytes in the
	// middle of a value look like one by accident, but not several times from the
	// beginning of a chunk to its end.
	rolesSettled = 3
	// maxRolesLook bounds the messages that are looked at in a chunk.
	maxRolesLook = 16
)

// roles counts what speaks for who was taken for the client, and against it.
type roles struct {
	open        bool // it is not settled
	turned      bool // the sides that the caller tells are the wrong ones
	turning     bool // what is open is being dropped
	speaks      uint8
	contradicts uint8
}

// side returns the direction that the caller's is.
func (s *Session) side(d messages.Direction) messages.Direction {
	if s.roles.turned {
		return 1 - d
	}
	return d
}

// Turned reports whether the client turned out to be the server, and the other way
// round: Client and Server are what they are, the directions passed to Session's
// methods stay what they were.
func (s *Session) Turned() bool { return s.roles.turned }

// wrongWay takes the next bytes of direction d as evidence. It reports whether the
// sides are the wrong ones: several messages that only the other side sends, before
// any that only this one does.
func (s *Session) wrongWay(d messages.Direction, b []byte) bool {
	r := &s.roles
	if s.encrypted || s.tls != nil || r.speaks > 0 && r.contradicts > 0 {
		r.open = false // nothing more can be told by it
		return false
	}
	own, other := sentOnlyBy(d, b)
	r.speaks = min(r.speaks+own, rolesSettled)
	r.contradicts = min(r.contradicts+other, rolesSettled)
	switch {
	case r.speaks > 0 && r.contradicts > 0, r.speaks == rolesSettled:
		r.open = false
	case r.contradicts == rolesSettled:
		r.open = false
		return true
	}
	return false
}

// sentOnlyBy counts the messages of a chunk that only the side of direction d sends,
// and those that only the other one does. A chunk counts that is messages from its
// beginning to its end.
func sentOnlyBy(d messages.Direction, b []byte) (own, other uint8) {
	const head = 5
	if b[0] == 0 {
		if opening(b) != evidenceStrong {
			return 0, 0
		}
		if d == messages.Frontend {
			return rolesSettled, 0
		}
		return 0, rolesSettled
	}
	for n := 0; len(b) > 0 && n < maxRolesLook; n++ {
		if len(b) < head {
			return 0, 0
		}
		size := uint64(binary.BigEndian.Uint32(b[1:])) + 1
		if size < head || size > uint64(len(b)) {
			return 0, 0
		}
		body := b[head:size]
		mine, theirs := sends(d, b[0], body), sends(1-d, b[0], body)
		switch {
		case mine && !theirs:
			own++
		case theirs && !mine:
			other++
		case !mine:
			return 0, 0
		}
		b = b[size:]
	}
	return own, other
}

// sends reports whether a side can have sent a message within a session.
func sends(d messages.Direction, tag byte, body []byte) bool {
	k := messages.KindOf(d, messages.PhaseReady, tag, body)
	if k == messages.KindCopyData && tracker.Replicates(1-d, body) {
		return false
	}
	return k != messages.KindUnknown && messages.WellFormed(k, body)
}

// turn gives up who was taken for the client. What was concluded from it is
// forgotten, and requests and replies that were made of it and are still open are
// dropped: they are none. The numbers of exchanges go on, since some may have been told.
func (s *Session) turn(at Stamp) {
	info := Info{Started: s.info.Started, TLS: &noTLS, MidStream: true, DoubtfulBefore: s.info.DoubtfulBefore}
	text := "what came shows that " + s.Client + " is the server, " + s.Server + " the client; it was taken for the other way round"
	if s.heard {
		text += ", and what was told of the connection before this is not to be relied on"
		info.DoubtfulBefore = at.Frame
	}
	s.roles.turned, s.roles.turning = true, true
	s.log.End()
	s.roles.turning = false
	sh := s.shared
	sh.memory.remove(s)
	for i, st := range s.streams {
		sh.clearPending(s, messages.Direction(i))
		if st != nil {
			sh.putStream(i, st)
		}
	}
	sh.targets.ended(s)
	logs.Release(sh.Exchanges, s.charged)
	if s.replication != nil {
		s.replication.Close()
	}
	s.log.Reset()
	s.tracker.Rejoin()
	*s = Session{
		ID: s.ID, Client: s.Server, Server: s.Client, Memo: s.Memo,
		cfg: s.cfg, shared: sh, handler: s.handler, log: s.log, tracker: s.tracker,
		candidate: s.candidate, joined: true, gaps: s.gaps, waits: s.waits, roles: s.roles,
		info: info,
	}
	s.log.Begin(false, s.Server, "")
	s.stream(messages.Frontend).MidStream()
	s.stream(messages.Backend).MidStream()
	if !s.candidate {
		s.notice(&Notice{Code: NoticeInference, Text: text, At: at})
	}
}

// noteSide marks a message that either side can have sent, or none, where nothing has
// shown yet who is who.
func (s *Session) noteSide(e *Event) {
	other := 1 - e.Direction
	cut := e.Truncated && messages.KindOf(other, messages.PhaseReady, e.Tag, e.Body) != messages.KindUnknown
	if e.Kind == messages.KindUnknown || cut || sends(other, e.Tag, e.Body) {
		e.Notes = append(e.Notes, Note{NoteInferred, "nothing has shown yet which side is the client: it is concluded from the ports"})
		s.shared.notes = e.Notes[:0]
	}
}

// noteReplicates says that what was taken for COPY OUT is replication.
func (s *Session) noteReplicates(e *Event) {
	if s.joined && e.Kind == messages.KindCopyData && e.Step.Phase == messages.PhaseCopyOut {
		s.info.DoubtfulBefore = e.At.Frame + 1 // itself included
		s.notice(&Notice{
			Code: NoticeInference, At: e.At,
			Text: "what was taken for the data of a COPY is replication, which goes both ways: this is a CopyData that only it has",
		})
	}
}
