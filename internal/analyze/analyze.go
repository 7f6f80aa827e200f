// Package analyze leads packets through decoding, reassembly and sessions: it
// is the one way from a capture to events.
//
// The work has two stages. The first decodes packets and reassembles TCP; the
// second, sessions, decodes the protocol and calls the handler. With more than
// one worker they run in a goroutine each, and what the first has to say goes
// to the second in batches. Order and content of what the handler sees are the
// same either way: nothing in the first stage depends on the second.
package analyze

import (
	"container/list"
	"sort"
	"sync/atomic"
	"time"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/netfacts"
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
	// Workers is the number of goroutines: 1, or 2 for a goroutine for each
	// stage; more are taken for 2.
	Workers int
	// OnIdle, if not nil, is called by the second stage when there is nothing
	// more to do for the moment: the time to flush output.
	OnIdle func()
	// Inside tells that plaintext of captured connections may come in by FindInlet.
	Inside bool
	// Slow, if not 0, is how long a query may run before the handler is told of
	// it by a notice (NoticeSlow), once.
	Slow time.Duration
	// Network, if not nil, is told by the second stage what the network did, in
	// its place in the order of what the handler is told. The event is borrowed for
	// the call. Nothing is watched where it is nil.
	Network func(*netfacts.Event)
	// NetworkLess, if not nil, holds the connections of which Network is not told for
	// now. It may be exchanged from any goroutine; the set does not change.
	NetworkLess *atomic.Pointer[netfacts.Set]
	// Opened, if not nil, is told by the second stage of each session that begins; the
	// handler's End tells of its end.
	Opened func(*session.Session)
	// Guard, if not nil, is deferred by goroutines that call the handler: what it
	// recovers is its own.
	Guard func()
	// Ticks are functions that the second stage calls again and again, in the time of
	// the packets, or of Advance: between what came before and after.
	Ticks []Ticker
}

// Counts are the totals of a capture.
type Counts struct {
	Packets, Bytes      uint64
	First, Last         int64 // times of the first and the latest packet that has one
	NotIP, NotTCP, Bad  uint64
	TCPConnections      uint64
	Lost, Retransmitted uint64            // payload bytes of the connections taken for PostgreSQL
	KernelDropped       uint64            // packets that the kernel had no room for, as the caller of Packet says
	Ports               map[uint16]uint64 // connections by the server's port, as far as known
	Likely              map[uint16]uint64 // see LikelyPorts
}

const (
	// maxConns bounds the connections followed at once. Each takes some 2 KB
	// where it is idle, 4 KB with TLS that waits for keys, which makes a sixth to
	// third of what the program may use; no PostgreSQL server and hardly any pooler
	// holds that many. A further one closes the one that has been idle for longest.
	maxConns = 20_000
	// maxQueued bounds what waits for missing segments, in bytes: the window of a
	// dozen fast connections. With the connections, what they keep and what they
	// are in the middle of it must stay below what the program may use in all.
	maxQueued = 12 << 20
)

// maxPorts bounds the ports counted for the message about a capture without
// PostgreSQL.
const maxPorts = 1024

// Analyzer takes packets. Its methods belong to one goroutine.
type Analyzer struct {
	Counts  Counts
	opt     Options
	decoder *packet.Decoder
	segment reassembly.Segment
	tcp     *reassembly.Assembler
	byPort  [65536 / 64]uint64
	stage   *sessions
	pipe    *pipe // nil with one worker
	out     output
	conns   conns // of connections that are over
	given   given
	slow    slowClock
	ticks   []tickClock
	// Before tickDue none of them strikes, unless the clock was set back before tickBack.
	tickDue, tickBack int64
	inlets            map[*Inlet]struct{} // that no packets are captured of
	known             known
	latest            uint64 // number of the latest packet
	wasTCP            bool   // it was, or completed, a TCP segment
}

// output is the second stage as the first sees it: itself, or the way to it.
type output interface {
	data(k *conn, d reassembly.Dir, b []byte, unacked int32, at reassembly.Stamp)
	gap(k *conn, d reassembly.Dir, n int64, at reassembly.Stamp)
	conflict(k *conn, d reassembly.Dir, at reassembly.Stamp)
	stalled(k *conn, since int64, at reassembly.Stamp)
	close(k *conn, why reassembly.Reason, at reassembly.Stamp)
	look(at reassembly.Stamp)
	keys(load func(), now int64)
	network(e *netfacts.Event)
	tick(i int, t Tick)
	do(f func())
	plain(k *conn, d messages.Direction, b []byte, at reassembly.Stamp, by string)
	lostPlain(k *conn, d messages.Direction, n int64, at reassembly.Stamp, by string)
}

// unknownUnacked is reassembly.UnackedUnknown on its way between the stages.
const unknownUnacked = -1 << 31

// conn is a TCP connection on its way between the stages. What the first stage
// writes, it writes before the connection's first event, and traffic before its
// last.
type conn struct {
	id        uint64
	a, b      reassembly.Endpoint
	first     reassembly.Stamp
	midStream bool
	listed    bool // by its port
	frontend  reassembly.Dir
	stats     [2]reassembly.Stats
	fins      [2]reassembly.Stamp // each side's FIN
	continues uint64              // the one that it was before it was given up; 0: none
	never     session.State       // why there are no bytes; StateOpen where there are
	done      atomic.Bool         // the second stage wants nothing more
	session   *session.Session
	// Of the second stage's slowWatch: where it is in there, the exchange that is
	// running, when that was asked for, and the latest that was told of.
	watched       *list.Element
	running, told uint64
	asked         int64
	// The ends of one that no packets are captured of, see Inlet.
	client, server string
	closed         bool              // of the first stage
	wire           *wire             // where Options.Inside
	before         *session.Snapshot // what an earlier capture told, nil without one
}

// conns are those that are over, to be used again.
type conns []*conn

// maxConnsKept bounds them: as many as end in a batch.
const maxConnsKept = 4096

func (l *conns) put(k *conn) {
	if len(*l) < maxConnsKept {
		*l = append(*l, k)
	}
}

// get returns one that holds nothing.
func (l *conns) get() *conn {
	n := len(*l)
	if n == 0 {
		return new(conn)
	}
	k := (*l)[n-1]
	*l = (*l)[:n-1]
	*k = conn{}
	return k
}

// New returns an analyzer that reports to h. With several workers h is called
// from another goroutine, until Finish returns.
func New(opt Options, h session.Handler) *Analyzer {
	a := &Analyzer{opt: opt, inlets: make(map[*Inlet]struct{}), decoder: packet.NewDecoder(packet.Options{})}
	a.Counts.Ports = make(map[uint16]uint64)
	for _, p := range opt.Ports {
		a.byPort[p/64] |= 1 << (p % 64)
	}
	a.stage = &sessions{shared: session.NewShared(opt.Session, opt.Limits, h)}
	if opt.Slow > 0 {
		a.slow = newSlowClock(opt.Slow)
		a.stage.slow = &slowWatch{after: opt.Slow, handler: h}
	}
	for _, t := range opt.Ticks {
		a.ticks = append(a.ticks, newTickClock(t.Every))
	}
	a.stage.tickers = opt.Ticks
	a.stage.opened = opt.Opened
	a.out = a.stage
	if opt.Workers > 1 {
		a.pipe = newPipe(a.stage, &a.conns, opt.OnIdle, opt.Guard)
		a.out = a.pipe
	}
	var handler reassembly.Handler = (*streams)(a)
	if opt.Network != nil {
		a.stage.told = opt.Network
		handler = &watched{streams: (*streams)(a), watcher: netfacts.New(a.out.network), less: opt.NetworkLess}
	}
	a.tcp = reassembly.New(handler, reassembly.Config{MaxConns: maxConns, MaxTotalBytes: maxQueued})
	return a
}

// Packet takes the next packet; its data is borrowed for the call.
func (a *Analyzer) Packet(p *capture.Packet) {
	if p.Time >= a.tickDue || p.Time < a.tickBack {
		a.tick(p.Time)
	}
	a.Counts.Packets++
	a.Counts.Bytes += uint64(p.OrigLen)
	if a.Counts.First == 0 {
		a.Counts.First = p.Time
	}
	a.Counts.Last = p.Time
	if a.slow.strikes(p.Time) {
		a.out.look(reassembly.Stamp{Time: p.Time, Frame: p.Frame})
	}
	a.latest = p.Frame
	verdict := a.decoder.Decode(p, &a.segment)
	a.wasTCP = verdict == packet.TCP
	switch verdict {
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
func (a *Analyzer) Advance(now int64) {
	a.tcp.Advance(now)
	a.tick(now)
	if a.slow.strikes(now) {
		a.out.look(reassembly.Stamp{Time: now, Frame: a.latest})
	}
}

// Flush passes on what waits for a full batch, for live traffic that pauses.
func (a *Analyzer) Flush() {
	if a.pipe != nil {
		a.pipe.flush()
	} else if a.opt.OnIdle != nil {
		a.opt.OnIdle()
	}
}

// Finish ends the capture: all connections are handed over. The results may be
// read after it.
func (a *Analyzer) Finish() {
	a.tcp.Flush()
	a.closeInlets()
	if a.pipe != nil {
		a.pipe.finish()
	}
	a.stage.shared.Finish()
}

// Shared returns what the sessions have in common. It is to be used by the
// handler, or after Finish.
func (a *Analyzer) Shared() *session.Shared { return a.stage.shared }

// KeepColumns says whether descriptions of results are kept from now on, where
// Options.Limits did not leave them out: for handlers that can do without them while much
// comes. It is to be used by the handler, or by a Ticker.
func (a *Analyzer) KeepColumns(on bool) { chunks.Columns(a.stage.shared, on) }

// Connections returns the number of connections taken for PostgreSQL. It is to
// be used after Finish.
func (a *Analyzer) Connections() uint64 { return a.stage.connections }

// Messages returns the number of messages decoded. It is to be used after Finish.
func (a *Analyzer) Messages() (n uint64) {
	for _, k := range a.stage.shared.Kinds() {
		n += k
	}
	return n
}

// Listed reports whether a port is one of Options.Ports.
func (a *Analyzer) Listed(port uint16) bool { return a.listed(port) }

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
