package attach

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// key tells backends apart, as pids are used again, and sessions of OpenSSL's.
type key struct {
	pid    uint32
	born   uint64
	sealed bool
}

// stream makes events of records.
type stream struct {
	servers []int            // Options.Servers
	conns   map[key]*Conn    // by key; nil: not of interest
	recent  [numRecent]*Conn // some of conns, by their pids: a few backends do most at a time
	latest  map[uint32]key
	last    uint64 // ID
	queue   []Event
	head    int           // of the queue
	shift   int64         // from the monotonic clock to the time of day, in ns
	bytes   uint64        // of data
	reads   atomic.Uint64 // of servers
	// Of processes that are no servers. What is not of interest, and what is over without
	// its knowledge, the kernel's side is told.
	sessions          map[key]*session
	refuse, forgotten func(sessionKey)
	// parent finds the process that one is a child of, where a record does not say it; 0
	// if that is not known. A test may replace it.
	parent func(pid int) int
}

// maxConns bounds the connections that are remembered: twice as many as the kernel's
// side follows, which tells of their ends.
const maxConns = 32 << 10

// numRecent is how many connections are found without their key's hash.
const numRecent = 256

func newStream(servers []int) *stream {
	return &stream{
		servers: servers, conns: make(map[key]*Conn), latest: make(map[uint32]key), sessions: make(map[key]*session),
		refuse: func(sessionKey) {}, forgotten: func(sessionKey) {}, parent: func(int) int { return 0 },
	}
}

// pop fills e with the next event that waits.
func (s *stream) pop(e *Event) bool {
	if s.head == len(s.queue) {
		s.queue, s.head = s.queue[:0], 0
		return false
	}
	*e = s.queue[s.head]
	s.head++
	return true
}

func (s *stream) push(e Event) { s.queue = append(s.queue, e) }

// takeData fills e if a record brings data that is one event, as nearly all do: of a
// connection that was heard of lately, and with nothing missing before it. e refers to the
// record's memory. All other records are left to take.
func (s *stream) takeData(r record, e *Event) bool {
	if len(r) < headSize {
		return false
	}
	d := messages.Frontend
	switch r.kind() {
	case recordFrontend:
	case recordBackend:
		d = messages.Backend
	default:
		return false
	}
	c := s.recent[r.pid()%numRecent]
	if c == nil || c.key.pid != r.pid() || c.key.born != r.born() || c.next[d] != r.offset() {
		return false
	}
	if d == messages.Frontend {
		s.reads.Add(1)
	}
	b := r.data()
	c.next[d] += uint64(len(b))
	s.bytes += uint64(len(b))
	*e = Event{Kind: Data, Conn: c, Time: r.time() + s.shift, Dir: d, Data: b, Offset: c.next[d]}
	return true
}

// take takes a record; the events refer to its memory.
func (s *stream) take(r record) {
	if !r.whole() {
		return
	}
	if r.kind() >= recordSession {
		s.takeSession(r)
		return
	}
	k := key{pid: r.pid(), born: r.born()}
	at := r.time() + s.shift
	c, ok := s.conns[k]
	if !ok {
		c = s.open(r, k, at)
	}
	if c == nil {
		if r.kind() == recordExit {
			s.forget(k)
		}
		return
	}
	switch r.kind() {
	case recordFrontend:
		s.reads.Add(1)
		s.data(c, messages.Frontend, r, at)
		s.recent[k.pid%numRecent] = c
	case recordBackend:
		s.data(c, messages.Backend, r, at)
		s.recent[k.pid%numRecent] = c
	case recordEOF:
		s.push(Event{Kind: EOF, Conn: c, Time: at, Dir: messages.Frontend})
	case recordTLS:
		c.TLS = true
		s.push(Event{Kind: Encrypted, Conn: c, Time: at})
	case recordGSS:
		c.GSS = true
		s.push(Event{Kind: Encrypted, Conn: c, Time: at})
	case recordVersion:
		s.described(c, &c.TLSVersion, r.text(), at)
	case recordCipher:
		s.described(c, &c.Cipher, r.text(), at)
	case recordTimes:
		s.push(Event{Kind: Worked, Conn: c, Time: at, Work: r.work()})
	case recordExit:
		s.missing(c, messages.Frontend, r.offset(), at)
		s.missing(c, messages.Backend, r.u64(exitBackend), at)
		s.close(c, at)
	}
}

func (s *stream) described(c *Conn, to *string, text string, at int64) {
	if text != "" && text != *to {
		*to = text
		s.push(Event{Kind: Described, Conn: c, Time: at})
	}
}

func (s *stream) data(c *Conn, d messages.Direction, r record, at int64) {
	s.missing(c, d, r.offset(), at)
	b := r.data()
	c.next[d] += uint64(len(b))
	s.bytes += uint64(len(b))
	s.push(Event{Kind: Data, Conn: c, Time: at, Dir: d, Data: b, Offset: c.next[d]})
}

// missing tells of what lies between the latest byte and an offset.
func (s *stream) missing(c *Conn, d messages.Direction, offset uint64, at int64) {
	if n := offset - c.next[d]; n > 0 {
		c.next[d] = offset
		s.push(Event{Kind: Gap, Conn: c, Time: at, Dir: d, N: int64(n)})
	}
}

// open makes the connection of a record, nil if it is not of interest. A backend
// has one at a time: another one of its pid is over.
func (s *stream) open(r record, k key, at int64) *Conn {
	if r.kind() == recordExit {
		return nil // it never read or wrote
	}
	if old, ok := s.latest[k.pid]; ok {
		if c := s.conns[old]; c != nil {
			s.close(c, at)
		} else {
			s.forget(old)
		}
	}
	if len(s.conns) >= maxConns {
		return nil
	}
	s.latest[k.pid] = k
	c := &Conn{PID: int(k.pid), Joined: true, key: k}
	if r.kind() == recordOpen {
		c.describe(r)
	}
	if !s.asked(c) {
		c = nil
	}
	s.conns[k] = c
	if c != nil {
		s.last++
		c.ID = s.last
		s.push(Event{Kind: Opened, Conn: c, Time: at})
	}
	return c
}

// asked reports whether a connection is of a server that was asked for, as far as that is
// known: of a backend that is gone by now it may not be.
func (s *stream) asked(c *Conn) bool {
	if len(s.servers) == 0 || slices.Contains(s.servers, c.PID) {
		return true
	}
	if c.Parent == 0 {
		c.Parent = s.parent(c.PID)
	}
	return c.Parent == 0 || slices.Contains(s.servers, c.Parent)
}

func (s *stream) close(c *Conn, at int64) {
	s.forget(c.key)
	s.push(Event{Kind: Closed, Conn: c, Time: at})
}

func (s *stream) forget(k key) {
	if c := s.recent[k.pid%numRecent]; c != nil && c.key == k {
		s.recent[k.pid%numRecent] = nil
	}
	delete(s.conns, k)
	if s.latest[k.pid] == k {
		delete(s.latest, k.pid)
	}
}

// end closes what is open, in order of the connections.
func (s *stream) end(at int64) {
	open := make([]*Conn, 0, len(s.conns))
	for _, c := range s.conns {
		if c != nil {
			open = append(open, c)
		}
	}
	slices.SortFunc(open, func(a, b *Conn) int { return int(a.ID) - int(b.ID) })
	for _, c := range open {
		s.close(c, at)
	}
}

// describe fills in what a recordOpen says.
func (c *Conn) describe(r record) {
	c.Joined = r.flags()&flagFresh == 0
	c.addresses(r[openPort:][:portSize])
	c.Parent = int(r.u32(openParent))
	if r.flags()&flagKernel == 0 || c.Socket == "" {
		return
	}
	comm, _, _ := bytes.Cut(r[openComm:][:commSize], []byte{0})
	c.Peer = Peer{Known: true, PID: int(r.u32(openPeerPID)), UID: int(r.u32(openPeerUID)), Program: printable(comm)}
}

// The two addresses in a server's struct Port (src/include/libpq/libpq-be.h): each
// a struct sockaddr_storage and its length. They have been there since PostgreSQL
// 8.0: before them are a descriptor, a bool and an int32.
const (
	portServer  = 16
	portClient  = portServer + 136
	addressSize = 128 // where the length is
)

// Families of addresses, on Linux.
const (
	familyUnix = 1
	familyIP4  = 2
	familyIP6  = 10
)

// addresses reads them.
func (c *Conn) addresses(port []byte) {
	server, client := port[portServer:][:addressSize+4], port[portClient:][:addressSize+4]
	c.Server, c.Socket = socketAddress(server)
	c.Client, _ = socketAddress(client)
	if c.Socket != "" {
		c.Client = netip.AddrPort{}
	}
}

// socketAddress reads a struct sockaddr_storage with its length.
func socketAddress(b []byte) (netip.AddrPort, string) {
	n := int(binary.NativeEndian.Uint32(b[addressSize:]))
	if n < 2 || n > addressSize {
		return netip.AddrPort{}, ""
	}
	b = b[:n]
	port := func() uint16 { return binary.BigEndian.Uint16(b[2:]) }
	switch binary.NativeEndian.Uint16(b) {
	case familyUnix:
		return netip.AddrPort{}, socketPath(b[2:])
	case familyIP4:
		if n >= 16 {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:])), port()), ""
		}
	case familyIP6:
		if n >= 28 {
			return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:])).Unmap(), port()), ""
		}
	}
	return netip.AddrPort{}, ""
}

// socketPath is sun_path; an abstract one begins with a zero byte.
func socketPath(b []byte) string {
	if len(b) > 1 && b[0] == 0 {
		return "@" + printable(b[1:])
	}
	path, _, _ := bytes.Cut(b, []byte{0})
	if len(path) == 0 {
		return ""
	}
	return printable(path)
}

// printable replaces what would steer a terminal.
func printable(b []byte) string {
	return string(bytes.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == '\uFFFD' || c >= 0x80 && c < 0xa0 {
			return '?'
		}
		return c
	}, b))
}
