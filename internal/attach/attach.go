package attach

import (
	"errors"
	"net/netip"
	"time"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// ErrNoEvent is returned by a Source's Next when no event is waiting. Nothing is
// wrong; Wait waits for one.
var ErrNoEvent = errors.New("no event is waiting")

// Options say what to attach to.
type Options struct {
	// Programs are paths of servers' program files: /proc/PID/exe for that of a running
	// process, wherever it is.
	Programs []string
	// MayEnd tells that the programs were found, and not asked for: one whose process
	// ends before it is attached to is left out, if there are others.
	MayEnd bool
	// Times has Worked events told, where the programs have the probes for it.
	Times bool
	// TimesShare is the share of this host's processors that the probes for Worked events
	// may take: where they would take more they are away until the servers do less. 0: any.
	TimesShare float64
	// Servers restricts what is told to backends that are children of these
	// processes, or these themselves; empty: all.
	Servers []int
	// Processes are no servers, but poolers or clients that encrypt by OpenSSL: of them
	// the connections are told that speak PostgreSQL's protocol over TLS.
	Processes []int
}

// Source gives what servers read and write, in order. Its Next does not wait: it
// returns ErrNoEvent when nothing is there, and io.EOF when it was stopped and
// all has been delivered.
//
// All methods but Stop belong to one goroutine.
type Source interface {
	// Next fills e with the next event. What e.Data reaches is borrowed until the
	// next call of Next or Close.
	Next(e *Event) error
	// Wait returns when an event may be there, the source was stopped, or d is
	// over.
	Wait(d time.Duration) error
	// Tend looks after what brings no events: clocks, and servers' programs that were
	// replaced by other files, as an upgrade does. These are attached to, too, for the
	// servers that will run them. It is to be called about every second; its error, an
	// *Error, tells what could not be attached to, once, and all else goes on.
	Tend() error
	// Stop takes the programs away: nothing new comes, what is there is still to be
	// fetched with Next. It may be called by any goroutine, and several times.
	Stop()
	Stats() Stats
	// Close releases what the source holds. Data is invalid after it.
	Close() error
}

// Stats are totals since Open.
type Stats struct {
	Events uint64
	Bytes  uint64 // of data
	// Lost is how often the ring had no room, because its reader was too slow.
	Lost uint64
	// Unreadable is how often the server's memory could not be read.
	Unreadable uint64
	// Crowded is how often there were too many backends to follow.
	Crowded uint64
	// Untimed tells that no Worked events come for now (Options.TimesShare).
	Untimed bool
	// Peerless is why nothing is known of the processes at the other end of Unix sockets
	// (Conn.Peer): the kernel does not describe its types, or is locked down. nil: they are
	// known, or no server was attached to.
	Peerless error
}

// Kind tells what an Event says.
type Kind uint8

// The kinds of events.
const (
	Opened    Kind = iota + 1 // a connection is heard of for the first time
	Data                      // Dir has the bytes Data
	Gap                       // N bytes of Dir are missing; N < 0: not known how many
	Encrypted                 // a handshake begins: what follows is encrypted on the wire
	Described                 // Conn.TLSVersion or Conn.Cipher became known
	EOF                       // the client has closed its side
	Worked                    // what the server's work on requests took: Work
	Closed                    // the backend is gone; the last event of a connection
)

var kindNames = [...]string{"", "opened", "data", "gap", "encrypted", "described", "eof", "worked", "closed"}

func (k Kind) String() string { return kindNames[k] }

// Event is something that happened to a connection.
type Event struct {
	Kind Kind
	Conn *Conn
	Time int64 // ns since 1970-01-01 UTC
	Dir  messages.Direction
	Data []byte // borrowed
	N    int64
	// Offset is that of the byte after Data in its direction, as the server counts
	// from when it was attached to; what is missing counts.
	Offset uint64
	Work   *Work // of Worked; the receiver's
}

// Work is what a server's work on what it read took, in nanoseconds; 0 where it did not
// do that. Parsing is that of the text alone; Rewrite is its analysis, too, since the
// server's probes are around both. Planning and execution contain those within (of
// functions), and waits for locks.
type Work struct {
	// After is the Offset of the frontend's bytes that the server had read last when
	// it began.
	After uint64
	// Mixed tells that not all of it began after the same bytes.
	Mixed bool
	// Failed tells that an error ended some of it, or a ROLLBACK in a procedure.
	Failed bool

	Parse, Rewrite, Plan, Execute, LockWait int64
	// Lock is what the longest wait was for; its String is empty where not known.
	Lock LockTag
}

// Conn is one connection, as its server sees it.
type Conn struct {
	ID  uint64 // 1, 2, 3… in the order of their first events
	PID int    // of the backend
	// Parent is the process that the backend is a child of: the server; 0 where not
	// known.
	Parent         int
	Client, Server netip.AddrPort // invalid for Unix sockets
	// Socket is the path of a Unix socket; one that begins with @ is abstract.
	Socket string
	Peer   Peer
	// Joined tells that it was open before its first event.
	Joined bool
	// GSS and TLS tell that a handshake of that kind was begun.
	GSS, TLS bool
	// TLSVersion and Cipher are as OpenSSL names them; empty until known.
	TLSVersion, Cipher string
	// Sealed tells that it was read from OpenSSL in a process that is no server: its
	// bytes are all encrypted on the wire.
	Sealed bool
	// OfClient tells that the process that was looked into is the client.
	OfClient bool
	// Value is for who uses the source.
	Value any

	key  key
	next [2]uint64 // offset of the byte after the latest, by direction
}

// Peer is the process at the other end of a Unix socket.
type Peer struct {
	Known   bool
	PID     int // when it connected; 0 where not known
	UID     int
	Program string // its name, up to 15 bytes; empty where not known
}
