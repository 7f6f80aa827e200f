package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgsniff/pgsniff/internal/ring"
)

const (
	linkEthernet = 1
	linkRaw      = 101
	linkSLL2     = 276
)

// stateInterval is how often an interface that is down is looked at.
const stateInterval = 500 * time.Millisecond

// rings is a capture through packet sockets, one for each interface.
type rings struct {
	devices  []*device
	polls    []unix.PollFd // of the devices, then of the event
	opt      LiveOptions
	frame    uint64
	packet   ring.Packet
	wake     event
	stopped  atomic.Bool
	draining bool
	drained  time.Time // when nothing of before the stop can still come in
	looked   time.Time // when interfaces that are down were last looked at
	holding  bool      // a packet is there, but an earlier one may still come
}

// device is one interface.
type device struct {
	*ring.Ring
	name   string
	number int // of Packet.Interface
	index  int // of the system; 0 for all interfaces
	cooked bool
	down   bool
}

// event wakes a poll. The lock keeps a late Stop from a descriptor that was
// closed and may be another's by then.
type event struct {
	sync.Mutex
	fd   int
	open bool
}

func openLive(opt LiveOptions) (Live, error) {
	l := &rings{opt: opt}
	for i, name := range opt.Interfaces {
		d, err := l.open(name, i)
		if err != nil {
			_ = l.Close()
			return nil, err
		}
		l.devices = append(l.devices, d)
		l.polls = append(l.polls, unix.PollFd{Fd: int32(d.FD()), Events: unix.POLLIN | unix.POLLERR})
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = l.Close()
		return nil, os.NewSyscallError("eventfd", err)
	}
	l.wake.fd, l.wake.open = fd, true
	l.polls = append(l.polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	return l, nil
}

// open opens the ring of one interface.
func (l *rings) open(name string, number int) (*device, error) {
	d := &device{name: name, number: number}
	loopback := false
	if name == AnyInterface {
		d.cooked = true
	} else {
		i, err := interfaceByName(name)
		if err != nil {
			return nil, err
		}
		kind, err := ring.InterfaceType(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		d.index, loopback = i.Index, i.Flags&net.FlagLoopback != 0
		d.cooked = kind != unix.ARPHRD_ETHER && kind != unix.ARPHRD_LOOPBACK
	}
	program, err := l.filter(d)
	if err != nil {
		return nil, err
	}
	d.Ring, err = ring.Open(ring.Options{
		Index: d.index, Cooked: d.cooked, Size: l.opt.BufferSize / len(l.opt.Interfaces),
		Filter: program, IgnoreOutgoing: loopback, Promiscuous: l.opt.Promiscuous && d.index != 0,
	})
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, &PermissionError{Interface: name, Cause: err}
	case err != nil:
		return nil, fmt.Errorf("cannot capture on %s: %w", name, err)
	}
	return d, l.checkState(d)
}

// Next delivers the packet that was captured first of those that are there.
func (l *rings) Next(p *Packet) error {
	if l.stopped.Load() && !l.draining {
		if err := l.drain(); err != nil {
			return err
		}
	}
	d := l.first()
	if d == nil || !d.Next(&l.packet) {
		if l.draining && !l.holding && !time.Now().Before(l.drained) {
			return io.EOF
		}
		return ErrNoPacket
	}
	l.frame++
	k := &l.packet
	*p = Packet{Time: k.Time, LinkType: linkEthernet, Interface: d.number, Frame: l.frame}
	missing := max(k.Len-len(k.Data), 0)
	if d.cooked {
		p.LinkType = linkSLL2
		cook(k)
	} else if k.Tagged {
		restoreTag(k)
	}
	p.Data, p.OrigLen = k.Data, len(k.Data)+missing
	if n := l.opt.SnapLen; n > 0 && len(p.Data) > n {
		p.Data = p.Data[:n]
	}
	return nil
}

// holdTime is how long a packet waits for those of other interfaces, whose
// blocks the kernel may hand over later: the time of a ring, and some more.
const holdTime = int64(100 * time.Millisecond)

// holdStep is how long to sleep until it is looked again whether an earlier
// packet has come.
const holdStep = 10 * time.Millisecond

// first returns the device whose next packet is the oldest, nil if there is
// none that is sure to be.
func (l *rings) first() *device {
	if len(l.devices) == 1 {
		return l.devices[0]
	}
	var first *device
	var at int64
	all := true
	for _, d := range l.devices {
		if !d.Ready() {
			all = false
		} else if t := d.Peek(); first == nil || t < at {
			first, at = d, t
		}
	}
	// A time in the future is that of a clock that was set since.
	age := int64(0)
	if first != nil && !all {
		age = time.Now().UnixNano() - at
	}
	l.holding = first != nil && !all && age >= 0 && age < holdTime
	if l.holding {
		return nil
	}
	return first
}

// restoreTag puts a VLAN tag back to where it was in the Ethernet frame.
func restoreTag(k *ring.Packet) {
	const addresses, tag = 12, 4
	if len(k.Data) < addresses || !k.Prepend(tag) {
		return
	}
	b := k.Data
	copy(b, b[tag:tag+addresses])
	binary.BigEndian.PutUint16(b[addresses:], k.TPID)
	binary.BigEndian.PutUint16(b[addresses+2:], k.TCI)
}

// cook puts the header of LINKTYPE_LINUX_SLL2 before a packet that has none.
// A VLAN tag follows it, as it follows the addresses of Ethernet.
func cook(k *ring.Packet) {
	const header, tag = 20, 4
	protocol := k.Protocol
	switch {
	case k.Tagged && k.Prepend(tag):
		binary.BigEndian.PutUint16(k.Data, k.TCI)
		binary.BigEndian.PutUint16(k.Data[2:], protocol)
		protocol = k.TPID
	case !k.Tagged && k.Type == unix.PACKET_OUTGOING && protocol == unix.ETH_P_8021Q:
		// Kernels before 6.11 leave out a tag that the interface's hardware
		// does not add, but do not name the protocol behind it.
		protocol = ipProtocol(k.Data)
	}
	if !k.Prepend(header) {
		return
	}
	b := k.Data
	binary.BigEndian.PutUint16(b, protocol)
	binary.BigEndian.PutUint16(b[2:], 0)
	binary.BigEndian.PutUint32(b[4:], uint32(k.Index))
	binary.BigEndian.PutUint16(b[8:], k.HardwareType)
	b[10], b[11] = k.Type, k.AddressLen
	copy(b[12:20], k.Address[:])
}

// ipProtocol returns the EtherType of an IP packet.
func ipProtocol(b []byte) uint16 {
	if len(b) > 0 && b[0]>>4 == 6 {
		return unix.ETH_P_IPV6
	}
	return unix.ETH_P_IP
}

// Wait waits for the kernel to hand over a block.
func (l *rings) Wait(d time.Duration) error {
	switch {
	case l.holding: // the poll would return at once
		time.Sleep(min(d, holdStep))
		d = 0
	case l.draining:
		d = min(d, time.Until(l.drained))
	}
	for i := range l.polls {
		l.polls[i].Revents = 0
	}
	_, err := unix.Poll(l.polls, int(max(d+time.Millisecond-1, 0)/time.Millisecond))
	if err != nil && err != unix.EINTR {
		return os.NewSyscallError("poll", err)
	}
	if l.stopped.Load() {
		return nil
	}
	for i, dev := range l.devices {
		if l.polls[i].Revents&unix.POLLERR != 0 {
			if err := l.checkState(dev); err != nil {
				return err
			}
		}
	}
	return l.lookAfter()
}

// Stop wakes the poll.
func (l *rings) Stop() {
	l.stopped.Store(true)
	l.wake.Lock()
	defer l.wake.Unlock()
	if l.wake.open {
		one := [8]byte{1}
		_, _ = unix.Write(l.wake.fd, one[:]) // full means that it is set
	}
}

// drain shuts the sockets for new packets, so that the end can be reached under
// load. What came before is handed over within the ring's time.
func (l *rings) drain() error {
	l.draining = true
	wait := 0
	for _, d := range l.devices {
		if err := d.SetFilter(rejectAll); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		wait = max(wait, d.Retire())
	}
	l.drained = time.Now().Add(time.Duration(wait) * time.Millisecond)
	// The event has done its work and would keep Wait from waiting.
	l.polls = l.polls[:len(l.devices)]
	return nil
}

// Interfaces returns the devices.
func (l *rings) Interfaces() []LiveInterface {
	list := make([]LiveInterface, len(l.devices))
	for i, d := range l.devices {
		list[i] = LiveInterface{Name: d.name, LinkType: linkEthernet}
		if d.cooked {
			list[i].LinkType = linkSLL2
		}
	}
	return list
}

// Stats asks the kernel.
func (l *rings) Stats(i int) LiveStats { return LiveStats(l.devices[i].Counts()) }

// Close closes all rings.
func (l *rings) Close() error {
	l.wake.Lock()
	defer l.wake.Unlock()
	var errs []error
	for _, d := range l.devices {
		errs = append(errs, d.Close())
	}
	if l.wake.open {
		errs = append(errs, unix.Close(l.wake.fd))
		l.wake.open = false
	}
	return errors.Join(errs...)
}
