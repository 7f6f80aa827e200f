//go:build libpcap

package capture

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcap"
	"golang.org/x/net/bpf"
)

const (
	// pcapTimeout is how long libpcap may collect packets before it delivers.
	pcapTimeout = 40 * time.Millisecond
	// pcapQueue is how many packets wait between libpcap and Next; the others
	// wait in libpcap's own buffer.
	pcapQueue = 1024
	// pcapWhole is the largest snap length that libpcap takes.
	pcapWhole = 262_144
)

// pcapHandles is a capture through libpcap, for builds that ask for it: each
// interface has a goroutine, since libpcap waits for one interface only.
type pcapHandles struct {
	handles []*pcap.Handle
	opt     LiveOptions
	queue   chan Packet
	next    *Packet // taken off the queue by Wait
	frame   uint64
	ends    atomic.Int64 // time of the stop, in ns
	readers sync.WaitGroup
	failed  atomic.Pointer[error]
}

func openLive(opt LiveOptions) (Live, error) {
	l := &pcapHandles{opt: opt, queue: make(chan Packet, pcapQueue)}
	for _, name := range opt.Interfaces {
		if name != AnyInterface {
			if _, err := interfaceByName(name); err != nil {
				_ = l.Close()
				return nil, err
			}
		}
		h, err := l.open(name)
		if err != nil {
			_ = l.Close()
			return nil, err
		}
		l.handles = append(l.handles, h)
	}
	for i, h := range l.handles {
		l.readers.Go(func() { l.read(h, i) })
	}
	go func() {
		l.readers.Wait()
		close(l.queue)
	}()
	return l, nil
}

func (l *pcapHandles) open(name string) (*pcap.Handle, error) {
	in, err := pcap.NewInactiveHandle(name)
	if err != nil {
		return nil, fmt.Errorf("cannot capture on %s: %w", name, err)
	}
	defer in.CleanUp()
	snapLen := pcapWhole
	if l.opt.SnapLen > 0 {
		snapLen = l.opt.SnapLen
	}
	err = errors.Join(in.SetSnapLen(snapLen), in.SetPromisc(l.opt.Promiscuous && name != AnyInterface),
		in.SetTimeout(pcapTimeout), in.SetBufferSize(l.opt.BufferSize/len(l.opt.Interfaces)))
	var h *pcap.Handle
	if err == nil {
		h, err = in.Activate()
	}
	switch {
	case err != nil && strings.Contains(strings.ToLower(err.Error()), "permi"):
		return nil, &PermissionError{Interface: name, Cause: err}
	case err != nil:
		return nil, fmt.Errorf("cannot capture on %s: %w", name, err)
	}
	if err := l.filter(h); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// filter sets the kernel's filter. libpcap itself adapts programs for cooked
// packets to what the kernel sees.
func (l *pcapHandles) filter(h *pcap.Handle) error {
	if l.opt.Filter == nil {
		return nil
	}
	link := h.LinkType()
	program, err := l.opt.Filter(FilterTarget{
		LinkType: uint16(link), KernelTags: runtime.GOOS == "linux" && link == layers.LinkTypeEthernet,
	})
	if err != nil || len(program) == 0 {
		return err
	}
	code := make([]pcap.BPFInstruction, len(program))
	for i, in := range program {
		code[i] = pcap.BPFInstruction{Code: auxSize(in), Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	if err := h.SetBPFInstructionFilter(code); err != nil {
		return fmt.Errorf("the kernel's filter: %w", err)
	}
	return nil
}

// SetFilter refuses: handles are being read, and libpcap wants them left alone then.
func (l *pcapHandles) SetFilter(func(FilterTarget) ([]bpf.RawInstruction, error)) error {
	return errors.New("this build captures with libpcap, whose filter cannot be exchanged while it captures")
}

// auxSize is the operation of an instruction. The kernel loads what it keeps
// beside packets with any size; libpcap, which runs the filter itself on the
// packets of the first moments, knows one size of each only.
func auxSize(in bpf.RawInstruction) uint16 {
	const (
		loadWord, loadHalf, loadByte = 0x20, 0x28, 0x30
		vlanTag, vlanTagPresent      = 0xfffff000 + 44, 0xfffff000 + 48
	)
	switch {
	case in.Op == loadWord && in.K == vlanTag:
		return loadHalf
	case in.Op == loadWord && in.K == vlanTagPresent:
		return loadByte
	}
	return in.Op
}

// read takes the packets of an interface until the capture is stopped.
func (l *pcapHandles) read(h *pcap.Handle, number int) {
	for {
		data, ci, err := h.ReadPacketData()
		end := l.ends.Load()
		switch {
		case errors.Is(err, pcap.NextErrorTimeoutExpired):
			if end != 0 {
				return
			}
			continue
		case err != nil:
			err = fmt.Errorf("capturing on %s: %w", l.opt.Interfaces[number], err)
			l.failed.CompareAndSwap(nil, &err)
			return
		}
		at := ci.Timestamp.UnixNano()
		if end != 0 && at > end {
			return
		}
		l.queue <- Packet{
			Data: data, Time: at, OrigLen: max(ci.Length, len(data)),
			LinkType: uint16(h.LinkType()), Interface: number,
		}
	}
}

// Next delivers a packet from the queue.
func (l *pcapHandles) Next(p *Packet) error {
	if l.next != nil {
		*p, l.next = *l.next, nil
	} else {
		select {
		case k, ok := <-l.queue:
			if !ok {
				return l.end()
			}
			*p = k
		default:
			return ErrNoPacket
		}
	}
	l.frame++
	p.Frame = l.frame
	return nil
}

func (l *pcapHandles) end() error {
	if err := l.failed.Load(); err != nil {
		return *err
	}
	return io.EOF
}

// Wait takes a packet off the queue for Next.
func (l *pcapHandles) Wait(d time.Duration) error {
	if l.next != nil {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case k, ok := <-l.queue:
		if ok {
			l.next = &k
		}
	case <-timer.C:
	}
	if err := l.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Stop is noticed by the readers within libpcap's time.
func (l *pcapHandles) Stop() { l.ends.CompareAndSwap(0, time.Now().UnixNano()) }

// Interfaces returns those of the handles.
func (l *pcapHandles) Interfaces() []LiveInterface {
	list := make([]LiveInterface, len(l.handles))
	for i, h := range l.handles {
		list[i] = LiveInterface{Name: l.opt.Interfaces[i], LinkType: uint16(h.LinkType())}
	}
	return list
}

// Stats asks libpcap, which counts in 32 bits.
func (l *pcapHandles) Stats(i int) LiveStats {
	s, err := l.handles[i].Stats()
	if err != nil {
		return LiveStats{}
	}
	return LiveStats{
		Received: uint64(uint32(s.PacketsReceived)),
		Dropped:  uint64(uint32(s.PacketsDropped)),
	}
}

// Close ends the readers and closes the handles.
func (l *pcapHandles) Close() error {
	l.Stop()
	done := make(chan struct{})
	go func() {
		l.readers.Wait()
		close(done)
	}()
	for waiting := true; waiting; {
		select {
		case <-l.queue: // a reader may be waiting for room
		case <-done:
			waiting = false
		}
	}
	for _, h := range l.handles {
		h.Close()
	}
	l.handles = nil
	return nil
}
