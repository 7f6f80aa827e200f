package filter

import (
	"encoding/binary"
	"math/rand/v2"
)

// packet builders for the differential tests: headers by hand, so that odd
// ones are as easy as good ones.

type fields struct {
	src4, dst4     uint32
	src6, dst6     [16]byte
	proto          byte
	sport, dport   uint16
	fragment       uint16 // IPv4's flags and offset
	options        int    // words of IPv4 options
	fragmentHeader bool   // in IPv6
	body           []byte
}

var (
	addrs4 = []uint32{0x01020304, 0x05060708, 0x0a000001, 0x0a0000ff, 0xc0a80105, 0x7f000001, 0xe0000001, 0xffffffff, 0}
	addrs6 = [][16]byte{
		{15: 1},
		{0: 0xfe, 1: 0x80, 15: 1},
		{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 5},
		{0: 0xff, 1: 0x02, 15: 1},
	}
	portsSeen  = []uint16{5432, 5433, 80, 443, 53, 22, 6432, 1024, 65535, 0}
	protosSeen = []byte{6, 6, 6, 17, 17, 132, 1, 58, 2, 103, 112, 50, 51, 44, 0, 255}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func randomFields(r *rand.Rand) fields {
	f := fields{
		src4: pick(r, addrs4), dst4: pick(r, addrs4), src6: pick(r, addrs6), dst6: pick(r, addrs6),
		proto: pick(r, protosSeen), sport: pick(r, portsSeen), dport: pick(r, portsSeen),
		body: make([]byte, r.IntN(60)),
	}
	for i := range f.body {
		f.body[i] = byte(r.Uint32())
	}
	switch r.IntN(5) {
	case 0:
		f.fragment = 0x2000 // the first of several
	case 1:
		f.fragment = 0x2000 | uint16(1+r.IntN(200))
	case 2:
		f.fragment = 0x4000
	}
	if r.IntN(4) == 0 {
		f.options = 1 + r.IntN(10)
	}
	f.fragmentHeader = r.IntN(5) == 0
	return f
}

func (f fields) transport() []byte {
	b := binary.BigEndian.AppendUint16(nil, f.sport)
	b = binary.BigEndian.AppendUint16(b, f.dport)
	return append(append(b, 0, 0, 0, 1, 0, 0, 0, 2, 0x50), f.body...)
}

func (f fields) ipv4() []byte {
	b := []byte{0x45 + byte(f.options), 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+4*f.options+len(f.body)+13))
	b = append(b, 0, 1)
	b = binary.BigEndian.AppendUint16(b, f.fragment)
	b = append(b, 64, f.proto, 0, 0)
	b = binary.BigEndian.AppendUint32(b, f.src4)
	b = binary.BigEndian.AppendUint32(b, f.dst4)
	b = append(b, make([]byte, 4*f.options)...)
	return append(b, f.transport()...)
}

func (f fields) ipv6() []byte {
	b := []byte{0x60, 0, 0, 0, 0, byte(13 + len(f.body)), f.proto, 64}
	b = append(append(b, f.src6[:]...), f.dst6[:]...)
	if f.fragmentHeader {
		b[6] = protoIPv6Fragment
		b = append(b, f.proto, 0, 0, 1, 0, 0, 0, 9)
	}
	return append(b, f.transport()...)
}

// arp is a request or reply; rarp has the same form.
func (f fields) arp() []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 1, 2, 3, 4, 5, 6, 7}
	b = binary.BigEndian.AppendUint32(b, f.src4)
	b = append(b, 0, 0, 0, 0, 0, 0)
	return append(binary.BigEndian.AppendUint32(b, f.dst4), f.body...)
}

// network returns a network-layer packet and its Ethernet type.
func (f fields) network(r *rand.Rand) (typ uint16, b []byte) {
	switch r.IntN(10) {
	case 0, 1, 2, 3, 4:
		return etherIPv4, f.ipv4()
	case 5, 6, 7:
		return etherIPv6, f.ipv6()
	case 8:
		return etherARP, f.arp()
	default:
		return etherRARP, f.arp()
	}
}

// encapsulate puts a packet into what vlan, mpls and pppoes look for.
func encapsulate(r *rand.Rand, typ uint16, b []byte) (uint16, []byte) {
	outer := func(t uint16, header ...byte) { typ, b = t, append(header, b...) }
	switch r.IntN(12) {
	case 0, 1, 2: // one to three VLAN tags
		for range 1 + r.IntN(3) {
			outer(pick(r, []uint16{etherVLAN, etherQinQ, etherQinQ91}),
				byte(r.IntN(2))<<4, byte(r.IntN(8)), byte(typ>>8), byte(typ))
		}
	case 3: // MPLS
		outer(etherMPLS, 0, 0, byte(r.IntN(8))<<4|byte(r.IntN(2)), 64)
		if r.IntN(2) == 0 {
			outer(etherMPLS, 0, 0, byte(r.IntN(8))<<4, 64)
		}
	case 4: // PPPoE
		outer(etherPPPoES, 0x11, 0, 0, byte(r.IntN(8)), 0, byte(len(b)), byte(pppProtocol(uint32(typ))>>8), byte(pppProtocol(uint32(typ))))
	case 5: // an 802.3 frame
		outer(uint16(r.IntN(200)), byte(r.IntN(8)), 6, 3)
	}
	return typ, b
}

// randomPacket returns one packet of a link type.
func randomPacket(r *rand.Rand, linkType uint16) []byte {
	f := randomFields(r)
	typ, b := f.network(r)
	if linkType == linkEthernet || linkType == linkSLL || linkType == linkSLL2 {
		typ, b = encapsulate(r, typ, b)
	}
	return append(linkHeader(r, linkType, typ), b...)
}

func linkHeader(r *rand.Rand, linkType, typ uint16) []byte {
	switch linkType {
	case linkEthernet:
		h := make([]byte, 12)
		for i := range h {
			h[i] = byte(i)
		}
		switch r.IntN(6) {
		case 0:
			copy(h, "\xff\xff\xff\xff\xff\xff")
		case 1:
			h[0] |= 1
		case 2:
			copy(h[6:], h[:6])
		}
		return binary.BigEndian.AppendUint16(h, typ)
	case linkSLL:
		h := make([]byte, 14)
		h[1] = byte(r.IntN(5))
		if typ < etherMaxLength {
			typ = 4
		}
		return binary.BigEndian.AppendUint16(h, typ)
	case linkSLL2:
		h := binary.BigEndian.AppendUint16(nil, typ)
		h = append(h, make([]byte, 18)...)
		h[7], h[10] = byte(r.IntN(4)), byte(r.IntN(5))
		return h
	case linkNull, linkLoop:
		family := map[uint16]uint32{etherIPv4: 2, etherIPv6: pick(r, []uint32{24, 28, 30, 10})}[typ]
		if linkType == linkLoop || r.IntN(8) == 0 {
			return binary.BigEndian.AppendUint32(nil, family)
		}
		return binary.LittleEndian.AppendUint32(nil, family)
	}
	return nil
}

// corpus returns the packets of a link type: whole ones, ones cut at every
// length through their headers, and noise.
func corpus(linkType uint16, n int) (packets [][]byte) {
	r := rand.New(rand.NewPCG(uint64(linkType), 20))
	for i := range n {
		p := randomPacket(r, linkType)
		packets = append(packets, p)
		switch {
		case i%20 == 0:
			for cut := range min(len(p), 90) {
				packets = append(packets, p[:cut])
			}
		case i%5 == 0:
			packets = append(packets, p[:r.IntN(len(p))])
		case i%7 == 0:
			noise := make([]byte, r.IntN(100))
			for j := range noise {
				noise[j] = byte(r.Uint32())
			}
			packets = append(packets, noise)
		case i%3 == 0: // one header byte wrong
			q := append([]byte(nil), p...)
			q[r.IntN(min(len(q), 64))] = byte(r.Uint32())
			packets = append(packets, q)
		}
	}
	return packets
}
