package packet

import "github.com/pgsniff/pgsniff/pkg/reassembly"

// IP protocol and IPv6 next-header numbers (IANA registry).
const (
	protoHopByHop = 0
	protoIPv4     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoAH       = 51
	protoDestOpts = 60
	protoEtherIP  = 97
	protoMobility = 135
	protoMPLS     = 137
	protoHIP      = 139
	protoShim6    = 140
	protoEthernet = 143
)

// v4Mapped is the upper part of an IPv4 address's lower half.
const v4Mapped = 0xffff << 32

func addr4(b []byte) reassembly.Addr {
	return reassembly.Addr{Lo: v4Mapped | uint64(be.Uint32(b))}
}

func addr6(b []byte) reassembly.Addr {
	return reassembly.Addr{Hi: be.Uint64(b), Lo: be.Uint64(b[8:])}
}

// ip decodes an IP packet of either version.
func (d *Decoder) ip(b bytesOf, seg *reassembly.Segment) Verdict {
	if len(b.data) == 0 {
		return Malformed
	}
	switch b.data[0] >> 4 {
	case 4:
		return d.ipv4(b, seg)
	case 6:
		return d.ipv6(b, seg)
	}
	return NotIP
}

// moreAndOffset are the bits of an IPv4 header that are 0 unless it is that of a fragment.
const moreAndOffset = 0x3fff

// ipv4 decodes an IPv4 header (RFC 791).
func (d *Decoder) ipv4(b bytesOf, seg *reassembly.Segment) Verdict {
	h := b.data
	if len(h) < 20 {
		return Malformed
	}
	hl, total := int(h[0]&15)*4, int(be.Uint16(h[2:]))
	if hl < 20 || hl > len(h) {
		return Malformed
	}
	if total == 0 {
		b = d.toFrameEnd(b)
	} else if total < hl {
		return Malformed
	} else {
		b = b.limit(total)
		d.fcs = 0
	}
	if hl > len(b.data) {
		return Malformed
	}
	seg.Src.Addr, seg.Dst.Addr = addr4(h[12:16]), addr4(h[16:20])
	if seg.ID = uint32(be.Uint16(h[4:])); seg.ID != 0 {
		seg.ID |= 1 << 16
	}
	frag := be.Uint16(h[6:])
	if frag&moreAndOffset == 0 {
		if h[9] == protoTCP {
			return d.tcp(b.from(hl), seg)
		}
		return d.protocol(h[9], b.from(hl), seg)
	}
	const more = 0x2000
	return d.fragment(fragmentOf{
		key:  fragmentKey{src: seg.Src.Addr, dst: seg.Dst.Addr, id: uint32(be.Uint16(h[4:])), proto: h[9]},
		next: h[9], off: int(frag&0x1fff) * 8, more: frag&more != 0,
	}, b.from(hl), seg)
}

// toFrameEnd is the payload of a packet that does not tell its length: the rest
// of the frame, without the frame check sequence if the source says it has one.
func (d *Decoder) toFrameEnd(b bytesOf) bytesOf {
	if d.fcs > 0 {
		b = b.limit(max(len(b.data)+b.cut-d.fcs, 0))
		d.fcs = 0
	}
	return b
}

// ipv6 decodes an IPv6 header (RFC 8200). A payload length of 0 is a jumbogram
// (RFC 2675) or an offloaded segment: the frame tells its length.
func (d *Decoder) ipv6(b bytesOf, seg *reassembly.Segment) Verdict {
	const header = 40
	h := b.data
	if len(h) < header {
		return Malformed
	}
	seg.Src.Addr, seg.Dst.Addr = addr6(h[8:24]), addr6(h[24:40])
	seg.ID = 0
	if n := int(be.Uint16(h[4:])); n != 0 {
		b = b.limit(header + n)
		d.fcs = 0
	} else {
		b = d.jumbogram(h[6], b)
	}
	if len(b.data) < header {
		return Malformed
	}
	if h[6] == protoTCP {
		return d.tcp(b.from(header), seg)
	}
	return d.protocol(h[6], b.from(header), seg)
}

// jumbogram finds the length in a Jumbo Payload option, if there is one.
func (d *Decoder) jumbogram(next byte, b bytesOf) bytesOf {
	const header, optJumbo = 40, 0xc2
	if next == protoHopByHop && len(b.data) >= header+8 {
		// RFC 2675 wants the option aligned so that it comes first, and its
		// length to be one that the header itself cannot hold.
		if o := b.data[header+2:]; o[0] == optJumbo && o[1] == 4 {
			if n := be.Uint32(o[2:]); n > 0xffff && n <= maxSegment {
				d.fcs = 0
				return b.limit(header + int(n))
			}
		}
	}
	return d.toFrameEnd(b)
}

// protocol decodes what an IP header says to follow, extension headers first.
func (d *Decoder) protocol(next byte, b bytesOf, seg *reassembly.Segment) Verdict {
	for {
		h := b.data
		n := 0
		switch next {
		case protoTCP:
			return d.tcp(b, seg)
		case protoHopByHop, protoDestOpts, protoMobility, protoHIP, protoShim6:
			n = 8
		case protoRouting:
			n = 8
			finalDestination(h, seg)
		case protoAH:
			n = 4
		case protoFragment:
			return d.fragment6(b, seg)
		default:
			return d.tunnel(next, b, seg)
		}
		if len(h) < 8 {
			return Malformed
		}
		size := 8 + int(h[1])*n
		if size > len(h) {
			return Malformed
		}
		next, b = h[0], b.from(size)
	}
}

// finalDestination replaces the address of the next waypoint by the one that
// the TCP connection has, while segments are left in a routing header: the last
// in a source route (RFC 2460) or Mobile IPv6's (RFC 6275), the first in a
// segment list (RFC 8754), which is written backwards.
func finalDestination(h []byte, seg *reassembly.Segment) {
	const source, mobile, segments = 0, 2, 4
	if len(h) < 8 || h[3] == 0 {
		return
	}
	size := 8 + int(h[1])*8
	if size > len(h) || size < 8+16 {
		return
	}
	switch h[2] {
	case source, mobile:
		seg.Dst.Addr = addr6(h[size-16 : size])
	case segments:
		seg.Dst.Addr = addr6(h[8:24])
	}
}

// fragment6 decodes a Fragment header (RFC 8200, section 4.5). One that says
// that there is nothing before nor after it is no fragment (RFC 6946).
func (d *Decoder) fragment6(b bytesOf, seg *reassembly.Segment) Verdict {
	h := b.data
	if len(h) < 8 {
		return Malformed
	}
	at := be.Uint16(h[2:])
	if at&0xfff9 == 0 {
		return d.protocol(h[0], b.from(8), seg)
	}
	return d.fragment(fragmentOf{
		key:  fragmentKey{src: seg.Src.Addr, dst: seg.Dst.Addr, id: be.Uint32(h[4:]), v6: true},
		next: h[0], off: int(at &^ 7), more: at&1 != 0,
	}, b.from(8), seg)
}
