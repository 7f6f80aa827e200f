package hostile

import (
	"encoding/binary"
	"fmt"
)

const (
	linkEthernet   = 1
	ethernetHeader = 14
)

// TCP is where the parts of a packet stand in a record's data.
type TCP struct {
	Flow    string // "address:port>address:port" of sender and receiver
	Flags   byte
	Seq     uint32
	header  int // where the TCP header begins
	Payload int // where the payload begins
	End     int // where it ends, in the packet; the record may hold less
}

// TCP finds the TCP header of record i; ok is false for anything but plain
// Ethernet, IPv4 and TCP.
func (f *File) TCP(i int) (t TCP, ok bool) {
	b, be := f.Records[i].Data, binary.BigEndian
	if f.order.Uint32(f.Header[20:]) != linkEthernet || len(b) < ethernetHeader+ipHeader+tcpHeader ||
		be.Uint16(b[12:]) != 0x0800 || b[14]>>4 != 4 || b[14+9] != 6 {
		return t, false
	}
	ip := b[ethernetHeader:]
	t.header = ethernetHeader + int(ip[0]&15)*4
	if t.header+tcpHeader > len(b) {
		return t, false
	}
	tcp := b[t.header:]
	t.Payload = t.header + int(tcp[12]>>4)*4
	t.End = ethernetHeader + int(be.Uint16(ip[2:]))
	t.Flags, t.Seq = tcp[13], be.Uint32(tcp[4:])
	t.Flow = fmt.Sprintf("%d.%d.%d.%d:%d>%d.%d.%d.%d:%d", ip[12], ip[13], ip[14], ip[15], be.Uint16(tcp),
		ip[16], ip[17], ip[18], ip[19], be.Uint16(tcp[2:]))
	return t, t.Payload <= t.End
}

// HasData reports whether the packet has payload.
func (t *TCP) HasData() bool { return t.End > t.Payload }

// Ports returns the ports of sender and receiver.
func (f *File) Ports(i int) (src, dst uint16) {
	t, _ := f.TCP(i)
	b := f.Records[i].Data[t.header:]
	return binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
}

// SetPort replaces a port wherever it stands.
func (f *File) SetPort(old, port uint16) {
	for i := range f.Records {
		t, ok := f.TCP(i)
		if !ok {
			continue
		}
		b := f.Own(i)[t.header:]
		for _, at := range []int{0, 2} {
			if binary.BigEndian.Uint16(b[at:]) == old {
				binary.BigEndian.PutUint16(b[at:], port)
			}
		}
	}
}

// ShiftSeq adds n to the sequence numbers of a flow, and to the acknowledgments
// of its receiver.
func (f *File) ShiftSeq(flow, reverse string, n uint32) {
	for i := range f.Records {
		t, ok := f.TCP(i)
		if !ok || t.Flow != flow && t.Flow != reverse {
			continue
		}
		at := 4
		if t.Flow == reverse {
			if at = 8; t.Flags&ACK == 0 {
				continue
			}
		}
		b := f.Own(i)[t.header+at:]
		binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)+n)
	}
}
