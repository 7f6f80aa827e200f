//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// bpfDevices is a capture through the Berkeley packet filter devices (bpf(4)),
// one for each interface.
type bpfDevices struct {
	devices []*bpfDevice
	polls   []unix.PollFd
	opt     LiveOptions
	frame   uint64
	stopped atomic.Bool
	ends    int64 // time of the stop, in ns; 0 before it
}

// bpfDevice is one interface. The kernel delivers a buffer of packets, each
// behind a header.
type bpfDevice struct {
	name     string
	number   int
	fd       int
	linkType uint16
	buf      []byte
	rest     []byte // of buf, not yet delivered
	down     bool
}

func openLive(opt LiveOptions) (Live, error) {
	l := &bpfDevices{opt: opt}
	for i, name := range opt.Interfaces {
		d := &bpfDevice{name: name, number: i, fd: -1}
		l.devices = append(l.devices, d)
		if err := d.open(&opt); err != nil {
			_ = l.Close()
			return nil, err
		}
		l.polls = append(l.polls, unix.PollFd{Fd: int32(d.fd), Events: unix.POLLIN})
	}
	return l, nil
}

func (d *bpfDevice) open(opt *LiveOptions) error {
	if d.name == AnyInterface {
		return fmt.Errorf("-i any is not supported on %s: name the interfaces, -i may be repeated", runtime.GOOS)
	}
	if _, err := interfaceByName(d.name); err != nil {
		return err
	}
	fd, err := openBPF()
	switch {
	case errors.Is(err, os.ErrPermission):
		return &PermissionError{Interface: d.name, Cause: err}
	case err != nil:
		return fmt.Errorf("cannot capture on %s: %w", d.name, err)
	}
	d.fd = fd
	if err := d.set(opt); err != nil {
		return fmt.Errorf("cannot capture on %s: %w", d.name, err)
	}
	return nil
}

// openBPF opens a device that nobody uses. Most systems have one that makes a
// new one for whoever opens it.
func openBPF() (int, error) {
	const most = 256
	name := "/dev/bpf"
	for i := 0; ; i++ {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err == nil {
			return fd, nil
		}
		if i == most || i > 0 && err != unix.EBUSY || i == 0 && err != unix.ENOENT && err != unix.EBUSY {
			return -1, &os.PathError{Op: "open", Path: name, Err: err}
		}
		name = fmt.Sprintf("/dev/bpf%d", i)
	}
}

// set makes the device ready. Setting the filter empties the buffer of what came
// in before it.
func (d *bpfDevice) set(opt *LiveOptions) error {
	size, err := syscall.SetBpfBuflen(d.fd, opt.BufferSize/len(opt.Interfaces))
	if err != nil {
		return os.NewSyscallError("BIOCSBLEN", err)
	}
	d.buf = make([]byte, size)
	if err := syscall.SetBpfInterface(d.fd, d.name); err != nil {
		return os.NewSyscallError("BIOCSETIF", err)
	}
	// Packets are to be had at once; under load many come with each read.
	if err := syscall.SetBpfImmediate(d.fd, 1); err != nil {
		return os.NewSyscallError("BIOCIMMEDIATE", err)
	}
	dlt, err := syscall.BpfDatalink(d.fd)
	if err != nil {
		return os.NewSyscallError("BIOCGDLT", err)
	}
	d.linkType = linkTypeOf(dlt)
	if err := d.filter(opt); err != nil {
		return err
	}
	if opt.Promiscuous {
		if err := syscall.SetBpfPromisc(d.fd, 1); err != nil {
			return os.NewSyscallError("BIOCPROMISC", err)
		}
	}
	return nil
}

func (d *bpfDevice) filter(opt *LiveOptions) error {
	var program []bpf.RawInstruction
	if opt.Filter != nil {
		var err error
		if program, err = opt.Filter(FilterTarget{LinkType: d.linkType}); err != nil {
			return err
		}
	}
	if len(program) == 0 {
		const bpfReturn = 6
		program = []bpf.RawInstruction{{Op: bpfReturn, K: 0xffffffff}}
	}
	code := make([]syscall.BpfInsn, len(program))
	for i, in := range program {
		code[i] = syscall.BpfInsn{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return os.NewSyscallError("BIOCSETF", syscall.SetBpf(d.fd, code))
}

// SetFilter exchanges the programs of all interfaces.
func (l *bpfDevices) SetFilter(f func(FilterTarget) ([]bpf.RawInstruction, error)) error {
	before := l.opt
	l.opt.Filter = f
	for i, d := range l.devices {
		if err := d.filter(&l.opt); err != nil {
			l.opt = before
			for _, changed := range l.devices[:i] {
				_ = changed.filter(&l.opt) // it was in force before
			}
			return err
		}
	}
	return nil
}

// linkTypeOf is the LINKTYPE_ of a DLT_ of this system. They differ only where
// systems gave one number to different things.
func linkTypeOf(dlt int) uint16 {
	const raw, loop, enc = 101, 108, 109
	switch {
	case runtime.GOOS == "openbsd" && dlt == 12:
		return loop
	case runtime.GOOS == "openbsd" && dlt == 13:
		return enc
	case dlt == 12, runtime.GOOS == "openbsd" && dlt == 14:
		return raw
	}
	return uint16(dlt)
}

// Next delivers the packet that was captured first of those that were read.
func (l *bpfDevices) Next(p *Packet) error {
	if l.ends == 0 && l.stopped.Load() {
		l.ends = time.Now().UnixNano()
	}
	var first *bpfDevice
	var at int64
	for _, d := range l.devices {
		if err := d.fill(l.opt.OnState); err != nil {
			return err
		}
		if t, ok := d.peek(); ok && (first == nil || t < at) {
			first, at = d, t
		}
	}
	switch {
	case first == nil && l.ends == 0:
		return ErrNoPacket
	case first == nil || l.ends != 0 && at > l.ends:
		return io.EOF
	}
	l.frame++
	*p = Packet{Time: at, LinkType: first.linkType, Interface: first.number, Frame: l.frame}
	first.take(p)
	if n := l.opt.SnapLen; n > 0 && len(p.Data) > n {
		p.Data = p.Data[:n]
	}
	return nil
}

// fill reads what is there if all has been delivered.
func (d *bpfDevice) fill(onState func(string)) error {
	if len(d.rest) > 0 {
		return nil
	}
	n, err := unix.Read(d.fd, d.buf)
	switch err {
	case nil:
	case unix.EAGAIN, unix.EINTR, unix.ETIMEDOUT:
		return nil
	case unix.ENETDOWN:
		if !d.down {
			d.down = true
			onState(d.name + " is down; the capture goes on when it comes up")
		}
		return nil
	default:
		return fmt.Errorf("capturing on %s: %w", d.name, err)
	}
	if d.down && n > 0 {
		d.down = false
		onState(d.name + " is up again")
	}
	d.rest = d.buf[:max(n, 0)]
	return nil
}

// header returns the header of the next packet, nil if there is none.
func (d *bpfDevice) header() *unix.BpfHdr {
	if len(d.rest) < int(unsafe.Sizeof(unix.BpfHdr{})) {
		d.rest = nil
		return nil
	}
	h := (*unix.BpfHdr)(unsafe.Pointer(&d.rest[0]))
	if end := uint64(h.Hdrlen) + uint64(h.Caplen); h.Hdrlen == 0 || end > uint64(len(d.rest)) {
		d.rest = nil
		return nil
	}
	return h
}

func (d *bpfDevice) peek() (int64, bool) {
	h := d.header()
	if h == nil {
		return 0, false
	}
	return int64(h.Tstamp.Sec)*1e9 + int64(h.Tstamp.Usec)*1e3, true
}

// take moves the next packet, which is there, into p.
func (d *bpfDevice) take(p *Packet) {
	h := d.header()
	start, end := int(h.Hdrlen), int(h.Hdrlen)+int(h.Caplen)
	p.Data = d.rest[start:end:end]
	p.OrigLen = max(int(h.Datalen), len(p.Data))
	const align = unix.BPF_ALIGNMENT
	d.rest = d.rest[min((end+align-1)&^(align-1), len(d.rest)):]
}

// Wait waits for packets of any interface.
func (l *bpfDevices) Wait(d time.Duration) error {
	if l.stopped.Load() {
		return nil
	}
	_, err := unix.Poll(l.polls, int(max(d/time.Millisecond, 1)))
	if err != nil && err != unix.EINTR {
		return os.NewSyscallError("poll", err)
	}
	for i, d := range l.devices {
		if d.down && l.polls[i].Revents != 0 {
			time.Sleep(stateInterval) // it would say so again at once
			break
		}
	}
	return nil
}

// stateInterval is how often an interface that is down is looked at.
const stateInterval = 500 * time.Millisecond

// Stop is seen by Next; Wait never waits for long.
func (l *bpfDevices) Stop() { l.stopped.Store(true) }

// Interfaces returns the devices.
func (l *bpfDevices) Interfaces() []LiveInterface {
	list := make([]LiveInterface, len(l.devices))
	for i, d := range l.devices {
		list[i] = LiveInterface{Name: d.name, LinkType: d.linkType}
	}
	return list
}

// Stats asks the kernel.
func (l *bpfDevices) Stats(i int) LiveStats {
	s, err := syscall.BpfStats(l.devices[i].fd)
	if err != nil {
		return LiveStats{}
	}
	return LiveStats{Received: uint64(s.Recv), Dropped: uint64(s.Drop)}
}

// Close closes all devices.
func (l *bpfDevices) Close() error {
	var errs []error
	for _, d := range l.devices {
		if d.fd >= 0 {
			errs = append(errs, unix.Close(d.fd))
			d.fd = -1
		}
	}
	return errors.Join(errs...)
}
