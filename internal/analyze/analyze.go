// Package analyze leads packets through decoding, reassembly and sessions: it
// is the one way from a capture to events.
package analyze

import (
	"sort"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/packet"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Options configure an Analyzer.
type Options struct {
	Ports   []uint16 // server ports
	AnyPort bool     // also take connections on other ports that open like PostgreSQL
	Session session.Config
	Limits  exchange.Limits
}

// Counts are the totals of a capture.
type Counts struct {
	Packets, Bytes      uint64
	NotIP, NotTCP, Bad  uint64
	TCPConnections      uint64
	Connections         uint64 // those taken for PostgreSQL
	Lost, Retransmitted uint64 // payload bytes of those
	Ports               map[uint16]uint64
}

// maxPorts bounds the ports counted for the message about a capture without
// PostgreSQL.
const maxPorts = 1024

// Analyzer takes packets. It belongs to one goroutine.
type Analyzer struct {
	Counts  Counts
	opt     Options
	decoder *packet.Decoder
	segment reassembly.Segment
	tcp     *reassembly.Assembler
	shared  *session.Shared
	byPort  [65536 / 64]uint64
	label   []byte
}

// conn is the analyzer's part of a TCP connection.
type conn struct {
	session  *session.Session
	frontend reassembly.Dir
}

// New returns an analyzer that reports to h.
func New(opt Options, h session.Handler) *Analyzer {
	a := &Analyzer{opt: opt, decoder: packet.NewDecoder(packet.Options{})}
	a.Counts.Ports = make(map[uint16]uint64)
	for _, p := range opt.Ports {
		a.byPort[p/64] |= 1 << (p % 64)
	}
	a.shared = session.NewShared(opt.Session, opt.Limits, h)
	a.tcp = reassembly.New((*streams)(a), reassembly.Config{})
	return a
}

// Shared returns what the sessions have in common.
func (a *Analyzer) Shared() *session.Shared { return a.shared }

// Packet takes the next packet; its data is borrowed for the call.
func (a *Analyzer) Packet(p *capture.Packet) {
	a.Counts.Packets++
	a.Counts.Bytes += uint64(p.OrigLen)
	switch a.decoder.Decode(p, &a.segment) {
	case packet.TCP:
		a.tcp.Segment(&a.segment)
	case packet.NotIP:
		a.Counts.NotIP++
	case packet.NotTCP:
		a.Counts.NotTCP++
	case packet.Fragment:
	default:
		a.Counts.Bad++
	}
}

// Advance tells that time passes without packets, in nanoseconds since the epoch.
func (a *Analyzer) Advance(now int64) { a.tcp.Advance(now) }

// Finish ends the capture: all connections are handed over.
func (a *Analyzer) Finish() {
	a.tcp.Flush()
	a.shared.Finish()
}

// Messages returns the number of messages decoded so far.
func (a *Analyzer) Messages() (n uint64) {
	for _, k := range a.shared.Kinds {
		n += k
	}
	return n
}

func (a *Analyzer) listed(port uint16) bool { return a.byPort[port/64]>>(port%64)&1 != 0 }

// TopPorts returns the ports with most TCP connections, most first.
func (c *Counts) TopPorts(n int) []uint16 {
	ports := make([]uint16, 0, len(c.Ports))
	for p := range c.Ports {
		ports = append(ports, p)
	}
	sort.Slice(ports, func(i, j int) bool {
		x, y := c.Ports[ports[i]], c.Ports[ports[j]]
		return x > y || x == y && ports[i] < ports[j]
	})
	return ports[:min(n, len(ports))]
}

// streams is the analyzer as the handler of the reassembler.
type streams Analyzer

// Open decides which side is the server, as far as addresses can tell.
func (t *streams) Open(c *reassembly.Conn, _ reassembly.Stamp) {
	a := (*Analyzer)(t)
	a.Counts.TCPConnections++
	server := c.B.Port
	if c.MidStream && a.listed(c.A.Port) && !a.listed(c.B.Port) {
		server = c.A.Port
	}
	if len(a.Counts.Ports) < maxPorts || a.Counts.Ports[server] > 0 {
		a.Counts.Ports[server]++
	}
	if !a.listed(server) && !a.opt.AnyPort {
		c.Ignore()
	}
}

// begin makes the session of a connection when its first bytes come. Content
// decides where ports and SYN do not.
func (a *Analyzer) begin(c *reassembly.Conn, d reassembly.Dir, b []byte) *conn {
	k := &conn{}
	listed := false
	switch {
	case !c.MidStream:
		listed = a.listed(c.B.Port)
	case a.listed(c.B.Port) != a.listed(c.A.Port):
		listed = true
		if a.listed(c.A.Port) {
			k.frontend = 1
		}
	default:
		listed = a.listed(c.A.Port)
		k.frontend = guessFrontend(d, b)
	}
	if !listed && c.MidStream && !opens(b) {
		c.Ignore()
		return nil
	}
	client, server := c.A, c.B
	if k.frontend == 1 {
		client, server = server, client
	}
	a.label = client.AppendTo(a.label[:0])
	n := len(a.label)
	a.label = server.AppendTo(a.label)
	k.session = a.shared.New(session.Opening{
		ID: c.ID, Client: string(a.label[:n]), Server: string(a.label[n:]),
		At: stamp(c.First), MidStream: c.MidStream, Candidate: !listed,
	})
	c.Value = k
	return k
}

// opens reports whether b begins like a startup packet.
func opens(b []byte) bool {
	return len(b) >= 8 && b[0] == 0 && b[1] == 0 && messages.StartupKindOf(b[4:]) != messages.KindUnknown
}

// guessFrontend tells the frontend's direction by a connection's first bytes.
func guessFrontend(d reassembly.Dir, b []byte) reassembly.Dir {
	if opens(b) || len(b) == 0 {
		return d
	}
	frontend := messages.KindOf(messages.Frontend, messages.PhaseReady, b[0], b)
	backend := messages.KindOf(messages.Backend, messages.PhaseReady, b[0], b)
	if frontend == messages.KindUnknown && backend != messages.KindUnknown {
		return 1 - d
	}
	return d
}

func stamp(s reassembly.Stamp) session.Stamp { return session.Stamp{Time: s.Time, Frame: s.Frame} }

func (k *conn) direction(d reassembly.Dir) messages.Direction {
	if d == k.frontend {
		return messages.Frontend
	}
	return messages.Backend
}

// Data passes bytes to the session.
func (t *streams) Data(c *reassembly.Conn, d reassembly.Dir, b []byte, at reassembly.Stamp) {
	k, _ := c.Value.(*conn)
	if k == nil {
		if k = (*Analyzer)(t).begin(c, d, b); k == nil {
			return
		}
	}
	k.session.Data(k.direction(d), b, stamp(at))
	if k.session.Done() {
		c.Ignore()
	}
}

// Gap passes a loss to the session.
func (t *streams) Gap(c *reassembly.Conn, d reassembly.Dir, n int64, at reassembly.Stamp) {
	k, _ := c.Value.(*conn)
	if k == nil {
		if k = (*Analyzer)(t).begin(c, d, nil); k == nil {
			return
		}
	}
	k.session.Gap(k.direction(d), n, stamp(at))
}

// Anomaly says what the reassembler found odd.
func (t *streams) Anomaly(c *reassembly.Conn, d reassembly.Dir, _ reassembly.Anomaly, at reassembly.Stamp) {
	if k, _ := c.Value.(*conn); k != nil {
		k.session.Retransmitted(k.direction(d), stamp(at))
	}
}

// Close ends the session.
func (t *streams) Close(c *reassembly.Conn, why reassembly.Reason, at reassembly.Stamp) {
	a := (*Analyzer)(t)
	k, _ := c.Value.(*conn)
	if k == nil {
		return
	}
	c.Value = nil
	var traffic session.Traffic
	for d := range reassembly.Dir(2) {
		m := k.direction(d)
		n := &c.Stats[d]
		traffic.Bytes[m], traffic.Lost[m], traffic.Retransmitted[m] = n.Bytes, n.Lost, n.Retransmitted
		a.Counts.Lost += n.Lost
		a.Counts.Retransmitted += n.Retransmitted
	}
	if k.session.PostgreSQL() {
		a.Counts.Connections++
	}
	k.session.End(reason(why), stamp(at), traffic)
}

func reason(why reassembly.Reason) session.Reason {
	switch why {
	case reassembly.ByFIN:
		return session.EndFIN
	case reassembly.ByRST:
		return session.EndRST
	case reassembly.ByReuse:
		return session.EndReplaced
	case reassembly.ByEnd:
		return session.EndOfCapture
	}
	return session.EndGivenUp
}
