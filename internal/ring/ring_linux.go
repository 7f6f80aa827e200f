package ring

import (
	"errors"
	"fmt"
	"math/bits"
	"net"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	// retireTime is when a block that is not full is handed over, in ms after
	// the kernel last looked: a packet is seen at most twice as much later.
	retireTime = 40
	// bigBlock holds the largest packet there is: BIG TCP has 512 KiB.
	bigBlock   = 1 << 20
	smallBlock = 256 << 10
	// MinSize is the smallest ring that keeps a block for the kernel to write
	// while another is read.
	MinSize = 4 * smallBlock
	// reserve is room before each packet for a tag or a cooked header, which
	// the kernel's own alignment leaves only in part.
	reserve = 32
	// frameSize is not used by TPACKET_V3 but has to divide a block.
	frameSize = 2048
	// headerSize is what stands before a packet: its header and the address of
	// its link layer.
	headerSize = int(unsafe.Sizeof(unix.Tpacket3Hdr{}))
	addrSize   = int(unsafe.Sizeof(unix.RawSockaddrLinklayer{}))
)

// Options say what to receive.
type Options struct {
	// Index is the interface's; 0 for all interfaces.
	Index int
	// Cooked asks for packets without their link-layer header.
	Cooked bool
	// Size is the ring's in bytes, rounded down to whole blocks; at least
	// MinSize.
	Size int
	// Filter is run by the kernel on what the socket delivers: on the frame, or
	// on the network layer if Cooked. It may be empty.
	Filter []bpf.RawInstruction
	// IgnoreOutgoing leaves out what this host sends, which on a loopback
	// interface it receives as well. Linux before 4.20 does not know how; the
	// filter has to refuse such packets as well.
	IgnoreOutgoing bool
	// Promiscuous asks the interface for packets that are not for this host.
	Promiscuous bool
}

// Packet is a packet as the kernel describes it.
type Packet struct {
	// Data is what was captured. It is borrowed until the next call of Next, Ready
	// or Close; Prepend makes room before it.
	Data []byte
	// Time is in nanoseconds since 1970 UTC.
	Time int64
	// Len is the length in bytes that the packet had.
	Len int
	// Index is the interface's, Type how it came (PACKET_HOST, …), HardwareType
	// the interface's ARPHRD_, Protocol the EtherType.
	Index        int
	Type         uint8
	HardwareType uint16
	Protocol     uint16
	// Tagged tells that the kernel took a VLAN tag off: TPID and TCI.
	Tagged    bool
	TPID, TCI uint16
	// Address is the link-layer source, AddressLen the bytes of it that count.
	Address    [8]byte
	AddressLen uint8

	room []byte // what may be written before Data, then Data
}

// Prepend makes Data n bytes longer in front and returns false where there is no
// room for them, which Open's reserve rules out for n up to 32.
func (p *Packet) Prepend(n int) bool {
	free := len(p.room) - len(p.Data)
	if n > free {
		return false
	}
	p.Data = p.room[free-n:]
	return true
}

// Counts are a ring's totals.
type Counts struct {
	Received uint64 // packets that passed the filter, those dropped included
	Dropped  uint64 // packets for which the ring had no room
}

// Ring is one packet socket. Its methods belong to one goroutine.
type Ring struct {
	fd     int
	mem    []byte
	block  int // bytes of a block
	blocks int
	cur    int    // the block that is read or waited for
	held   bool   // cur was handed over and is being read
	left   uint32 // packets of cur that Next has not returned
	off    int    // of the next one in cur
	counts Counts
}

// Open opens a ring. Its errors wrap the system's.
func Open(opt Options) (*Ring, error) {
	kind := unix.SOCK_RAW
	if opt.Cooked {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	r := &Ring{fd: fd}
	if err := r.set(&opt); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// set makes the socket ready and binds it last.
func (r *Ring) set(opt *Options) error {
	if len(opt.Filter) > 0 {
		if err := r.SetFilter(opt.Filter); err != nil {
			return err
		}
	}
	if opt.IgnoreOutgoing {
		err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
		if err != nil && err != unix.ENOPROTOOPT {
			return os.NewSyscallError("PACKET_IGNORE_OUTGOING", err)
		}
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return os.NewSyscallError("TPACKET_V3", err)
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_RESERVE, reserve); err != nil {
		return os.NewSyscallError("PACKET_RESERVE", err)
	}
	if err := r.mapRing(opt.Size); err != nil {
		return err
	}
	if opt.Promiscuous {
		if err := r.SetPromiscuous(opt.Index); err != nil {
			return err
		}
	}
	return r.Rebind(opt.Index)
}

func (r *Ring) mapRing(size int) error {
	r.block = smallBlock
	if size >= 8*bigBlock {
		r.block = bigBlock
	}
	r.blocks = max(size, MinSize) / r.block
	req := unix.TpacketReq3{
		Block_size: uint32(r.block), Block_nr: uint32(r.blocks),
		Frame_size: frameSize, Frame_nr: uint32(r.block / frameSize * r.blocks),
		Retire_blk_tov: retireTime,
	}
	if err := unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("a ring of %d bytes: %w", r.block*r.blocks, err)
	}
	mem, err := unix.Mmap(r.fd, 0, r.block*r.blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	r.mem = mem
	return nil
}

// SetPromiscuous asks an interface for packets that are not for this host, as long
// as the ring is open.
func (r *Ring) SetPromiscuous(index int) error {
	m := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(r.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
		return os.NewSyscallError("promiscuous mode", err)
	}
	return nil
}

// Rebind goes over to another interface, as one that was removed and made anew
// under its old name is. It needs no privilege. An interface that is down is
// bound to all the same; see State.
func (r *Ring) Rebind(index int) error {
	// ETH_P_ALL is a protocol's number, in network order whatever the host's is.
	sa := &unix.SockaddrLinklayer{Protocol: hton(unix.ETH_P_ALL), Ifindex: index}
	return os.NewSyscallError("bind", unix.Bind(r.fd, sa))
}

// SetFilter exchanges the filter. What came in before stays in the ring.
func (r *Ring) SetFilter(program []bpf.RawInstruction) error {
	const maxInstructions = 4096 // BPF_MAXINSNS
	if len(program) == 0 || len(program) > maxInstructions {
		return fmt.Errorf("a filter of %d instructions: the kernel takes 1 to %d", len(program), maxInstructions)
	}
	code := make([]unix.SockFilter, len(program))
	for i, in := range program {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	err := unix.SetsockoptSockFprog(r.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog)
	return os.NewSyscallError("SO_ATTACH_FILTER", err)
}

// FD returns the socket, to be waited for with others (POLLIN, POLLERR).
func (r *Ring) FD() int { return r.fd }

// Retire returns how long a packet may lie in a block before it is handed over,
// in milliseconds.
func (r *Ring) Retire() int { return 2 * retireTime }

// State returns and clears the socket's error: unix.ENETDOWN after its interface
// went down or away, nil if there is none. An interface that comes up again is
// received from again without further ado; one that was removed is not.
func (r *Ring) State() error {
	n, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("SO_ERROR", err)
	}
	if n != 0 {
		return unix.Errno(n)
	}
	return nil
}

// Counts returns the totals since Open. It is a system call.
func (r *Ring) Counts() Counts {
	// The kernel counts from zero after each look, in 32 bits.
	if s, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.counts.Received += uint64(s.Packets)
		r.counts.Dropped += uint64(s.Drops)
	}
	return r.counts
}

// Close gives the ring back. Packets are invalid after it.
func (r *Ring) Close() error {
	var err error
	if r.mem != nil {
		err = unix.Munmap(r.mem)
		r.mem = nil
	}
	if r.fd >= 0 {
		err = errors.Join(err, unix.Close(r.fd))
		r.fd = -1
	}
	return err
}

// status is the word by which a block changes hands.
func (r *Ring) status() *uint32 {
	return (*uint32)(unsafe.Pointer(&r.mem[r.cur*r.block+8]))
}

// Ready tells whether Next has a packet. It ends the loan of the one before.
func (r *Ring) Ready() bool {
	for r.left == 0 {
		if r.held { // hand the block back
			atomic.StoreUint32(r.status(), unix.TP_STATUS_KERNEL)
			r.held = false
			if r.cur++; r.cur == r.blocks {
				r.cur = 0
			}
		}
		if atomic.LoadUint32(r.status())&unix.TP_STATUS_USER == 0 {
			return false
		}
		h := (*unix.TpacketHdrV1)(unsafe.Pointer(r.status()))
		r.held, r.left, r.off = true, h.Num_pkts, int(h.Offset_to_first_pkt)
	}
	return true
}

// Peek returns the time of the packet that Next will return, which is there if
// Ready says so.
func (r *Ring) Peek() int64 {
	h := r.header()
	return int64(h.Sec)*1e9 + int64(h.Nsec)
}

func (r *Ring) header() *unix.Tpacket3Hdr {
	return (*unix.Tpacket3Hdr)(unsafe.Pointer(&r.mem[r.cur*r.block+r.off]))
}

// Next fills p with the next packet, all fields of it, and returns false if none
// has come.
func (r *Ring) Next(p *Packet) bool {
	if !r.Ready() {
		return false
	}
	block := r.mem[r.cur*r.block : (r.cur+1)*r.block : (r.cur+1)*r.block]
	h := r.header()
	// Packets of cooked sockets begin at the same place by either field.
	from, start := r.off+headerSize+addrSize, r.off+int(h.Mac)
	end := start + int(h.Snaplen)
	p.room = block[from:end]
	p.Data = block[start:end]
	p.Time = int64(h.Sec)*1e9 + int64(h.Nsec)
	p.Len = int(h.Len)
	a := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&block[r.off+headerSize]))
	p.Index, p.Type, p.HardwareType, p.Protocol = int(a.Ifindex), a.Pkttype, a.Hatype, hton(a.Protocol)
	p.Address, p.AddressLen = a.Addr, min(a.Halen, 8)
	p.Tagged = h.Status&unix.TP_STATUS_VLAN_VALID != 0
	if p.Tagged {
		p.TCI, p.TPID = uint16(h.Hv1.Vlan_tci), unix.ETH_P_8021Q
		if h.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
			p.TPID = h.Hv1.Vlan_tpid
		}
	}
	r.off += int(h.Next_offset)
	r.left--
	return true
}

// hton is a 16-bit number in network order, or back.
func hton(v uint16) uint16 {
	if littleEndian {
		return bits.ReverseBytes16(v)
	}
	return v
}

var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()

// InterfaceType returns an interface's ARPHRD_ number.
func InterfaceType(name string) (uint16, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, req); err != nil {
		return 0, &net.OpError{Op: "ioctl", Net: "packet", Err: os.NewSyscallError("SIOCGIFHWADDR", err)}
	}
	return req.Uint16(), nil
}
