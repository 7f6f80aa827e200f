package attach

import (
	"cmp"
	"encoding/binary"
	"net/netip"

	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// sessionKey is a session's in the kernel's maps: the process and the address of the SSL.
type sessionKey [16]byte

// session is one of OpenSSL's in a process that is no server. Which side the process is
// on, and whether this is PostgreSQL at all, its first bytes tell.
type session struct {
	kernel sessionKey
	conn   *Conn
	// decided tells that it is told of; refused that it is not PostgreSQL's.
	decided, refused bool
	local, remote    netip.AddrPort
	seen             [2]uint64 // offset of the byte after the latest: input, output
	tries            int
}

// maxTries is how many pieces of a session that was open before are looked at for
// messages: a large row or a COPY may be going on.
const maxTries = 256

// takeSession takes a record of a process that is no server.
func (s *stream) takeSession(r record) {
	k := key{r.pid(), r.born(), true}
	at := r.time() + s.shift
	switch r.kind() {
	case recordSession:
		s.openSession(r, k)
	case recordInput, recordOutput:
		if x := s.sessions[k]; x != nil && !x.refused {
			s.sessionData(x, r, at)
		}
	case recordFreed:
		if x := s.sessions[k]; x != nil {
			if x.decided {
				s.missing(x.conn, x.direction(0), r.offset(), at)
				s.missing(x.conn, x.direction(1), r.u64(exitBackend), at)
			}
			s.closeSession(k, x, at)
		}
	case recordGone:
		s.processGone(r.pid(), at)
	}
}

func (s *stream) openSession(r record, k key) {
	if s.sessions[k] != nil || len(s.sessions) >= maxConns {
		return
	}
	x := &session{conn: &Conn{PID: int(k.pid), Joined: r.flags()&flagFresh == 0, TLS: true, Sealed: true, key: k}}
	binary.NativeEndian.PutUint64(x.kernel[:], uint64(k.pid))
	binary.NativeEndian.PutUint64(x.kernel[8:], r.u64(sessionSSL))
	x.local, x.remote = r.socketEnds()
	s.sessions[k] = x
}

// socketEnds are the two ends of a session's socket.
func (r record) socketEnds() (local, remote netip.AddrPort) {
	var a, b netip.Addr
	switch binary.NativeEndian.Uint16(r[sessionFamily:]) {
	case familyIP4:
		a, b = netip.AddrFrom4([4]byte(r[sessionLocalIP4:])), netip.AddrFrom4([4]byte(r[sessionRemoteIP4:]))
	case familyIP6:
		a, b = netip.AddrFrom16([16]byte(r[sessionLocalIP6:])).Unmap(), netip.AddrFrom16([16]byte(r[sessionRemoteIP6:])).Unmap()
	default:
		return local, remote
	}
	return netip.AddrPortFrom(a, binary.NativeEndian.Uint16(r[sessionLocal:])),
		netip.AddrPortFrom(b, binary.BigEndian.Uint16(r[sessionRemote:]))
}

// direction is that of the process's input (0) or output (1).
func (x *session) direction(way int) messages.Direction {
	if x.conn.OfClient == (way == 1) {
		return messages.Frontend
	}
	return messages.Backend
}

func (s *stream) sessionData(x *session, r record, at int64) {
	way := 0
	if r.kind() == recordOutput {
		way = 1
	}
	if !x.decided {
		s.decide(x, way, r, at)
	}
	if x.decided {
		s.data(x.conn, x.direction(way), r, at)
	}
	x.seen[way] = r.offset() + uint64(len(r.data()))
}

// decide finds out what a session is. One that is seen from its beginning is
// PostgreSQL's if it begins as that does; of another, pieces are looked at until one
// consists of messages that only one side sends.
func (s *stream) decide(x *session, way int, r record, at int64) {
	from, ok := messages.Frontend, false
	fresh := !x.conn.Joined && r.offset() == 0 && x.seen == [2]uint64{}
	if fresh {
		ok = startup(r.data())
	} else {
		x.conn.Joined = true
		from, ok = speaker(r.data())
	}
	if x.tries++; !ok {
		if fresh || x.tries == maxTries {
			x.refused = true
			s.refuse(x.kernel)
		}
		return
	}
	x.decided = true
	c := x.conn
	c.OfClient = (from == messages.Frontend) == (way == 1)
	c.Client, c.Server = x.remote, x.local
	if c.OfClient {
		c.Client, c.Server = x.local, x.remote
	}
	if c.Joined {
		c.next[x.direction(0)], c.next[x.direction(1)] = x.seen[0], x.seen[1]
		c.next[x.direction(way)] = r.offset()
	}
	s.last++
	c.ID = s.last
	s.conns[c.key] = c
	s.push(Event{Kind: Opened, Conn: c, Time: at})
}

func (s *stream) closeSession(k key, x *session, at int64) {
	delete(s.sessions, k)
	if x.decided {
		s.close(x.conn, at)
	}
}

// processGone ends what a process had open, in order of the connections.
func (s *stream) processGone(pid uint32, at int64) {
	var open []key
	for k := range s.sessions {
		if k.pid == pid {
			open = append(open, k)
		}
	}
	order.By(open, func(a, b *key) int { return cmp.Compare(s.sessions[*a].conn.ID, s.sessions[*b].conn.ID) })
	for _, k := range open {
		x := s.sessions[k]
		s.forgotten(x.kernel)
		s.closeSession(k, x, at)
	}
}

// startup reports whether bytes begin a connection of PostgreSQL's.
func startup(b []byte) bool {
	const head = 4
	if len(b) < 2*head {
		return false
	}
	n := binary.BigEndian.Uint32(b)
	if n < 2*head || uint64(n) > uint64(len(b)) {
		return false
	}
	body := b[head:n]
	k := messages.StartupKindOf(body)
	return (k == messages.KindStartupMessage || k == messages.KindCancelRequest) && messages.WellFormed(k, body)
}

// speaker tells which side wrote bytes that begin with a message; false if it may have
// been both or neither.
func speaker(b []byte) (messages.Direction, bool) {
	front, back := speaks(messages.Frontend, b), speaks(messages.Backend, b)
	switch {
	case front && !back:
		return messages.Frontend, true
	case back && !front:
		return messages.Backend, true
	}
	return 0, false
}

// speaks reports whether bytes are messages of a side, of which the last may be cut off,
// and one at least proves it.
func speaks(d messages.Direction, b []byte) (proof bool) {
	const head = 5
	for len(b) >= head {
		n := uint64(binary.BigEndian.Uint32(b[1:]))
		if n < head-1 {
			return false
		}
		if n+1 > uint64(len(b)) {
			break
		}
		body := b[head : n+1]
		k := messages.KindOf(d, messages.PhaseReady, b[0], body)
		if !messages.WellFormed(k, body) {
			return false
		}
		// Those without a body, and data of COPY, have nothing that could be wrong.
		proof = proof || len(body) > 0 && k != messages.KindCopyData
		b = b[n+1:]
	}
	return proof
}
