package capture

import (
	"errors"
	"time"

	"golang.org/x/net/bpf"
)

// AnyInterface stands for all interfaces together, where the system has that.
const AnyInterface = "any"

// ErrNoPacket is returned by a Live's Next when no packet is waiting. Nothing is
// wrong; Wait waits for one.
var ErrNoPacket = errors.New("no packet is waiting")

// LiveOptions say what to capture.
type LiveOptions struct {
	// Interfaces are their names, at least one. AnyInterface stands alone.
	Interfaces []string
	// SnapLen is how many bytes are kept of a packet; 0 for all.
	SnapLen int
	// BufferSize is the room in bytes, for all interfaces together, in which
	// packets wait; 0 for DefaultBuffer.
	BufferSize int
	// Promiscuous asks for packets that are not for this host as well.
	Promiscuous bool
	// Filter makes the program that the kernel runs on the packets of an
	// interface; nil or an empty program takes all packets.
	Filter func(FilterTarget) ([]bpf.RawInstruction, error)
	// OnState is told what happens to an interface, in a sentence. May be nil.
	OnState func(text string)
}

// DefaultBuffer is LiveOptions.BufferSize's default: a quarter of a second of
// the traffic of a loaded 1 Gbit/s link, or of 40,000 short queries a second
// about one.
const DefaultBuffer = 32 << 20

// FilterTarget is what a kernel filter is compiled for.
type FilterTarget struct {
	// LinkType is that of the packets as the kernel's filter sees them, which
	// may be another than that of the packets delivered.
	LinkType uint16
	// KernelTags tells that the kernel keeps VLAN tags beside the packets.
	KernelTags bool
}

// LiveInterface is an interface that is captured on.
type LiveInterface struct {
	Name     string
	LinkType uint16
}

// LiveStats are an interface's totals since the capture began.
type LiveStats struct {
	Received uint64 // packets that passed the filter, those dropped included
	Dropped  uint64 // packets for which the buffer had no room
}

// Live is a Source of packets as they come. Its Next does not wait: it returns
// ErrNoPacket when no packet is there, and io.EOF when the capture was stopped and
// all its packets have been delivered. Packets of several interfaces come in
// the order of their times, which makes them come up to a tenth of a second
// later.
//
// All methods but Stop belong to one goroutine.
type Live interface {
	Source
	// Wait returns when a packet may be there, the capture was stopped, or d
	// is over. Its error means that the capture cannot go on.
	Wait(d time.Duration) error
	// SetFilter exchanges LiveOptions.Filter for packets that come from now on; those
	// that wait stay. After an error the filter before it is in force on all interfaces.
	SetFilter(f func(FilterTarget) ([]bpf.RawInstruction, error)) error
	// Stop ends the capture: no further packets are taken, those that were
	// taken are still to be fetched with Next. It may be called by any
	// goroutine, several times, and after Close.
	Stop()
	// Interfaces returns the interfaces in the order of Packet.Interface.
	Interfaces() []LiveInterface
	// Stats returns an interface's totals. It may be a system call.
	Stats(i int) LiveStats
}

// OpenLive begins a capture. An error that is a *PermissionError or an
// *InterfaceError says what can be done.
func OpenLive(opt LiveOptions) (Live, error) {
	if len(opt.Interfaces) == 0 {
		return nil, errors.New("no interface to capture on")
	}
	names := make([]string, 0, len(opt.Interfaces))
	seen := make(map[string]bool)
	for _, n := range opt.Interfaces {
		if !seen[n] {
			names = append(names, n)
		}
		seen[n] = true
	}
	if seen[AnyInterface] && len(names) > 1 {
		return nil, errors.New("any stands for all interfaces: no others can be named beside it")
	}
	opt.Interfaces = names
	if opt.BufferSize <= 0 {
		opt.BufferSize = DefaultBuffer
	}
	if opt.OnState == nil {
		opt.OnState = func(string) {}
	}
	return openLive(opt)
}
