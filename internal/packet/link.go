package packet

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

var (
	be = binary.BigEndian
	le = binary.LittleEndian
)

// LINKTYPE_ values of the tcpdump group's registry.
const (
	linkNull       = 0
	linkEthernet   = 1
	linkPPP        = 9
	linkFDDI       = 10
	linkRawA       = 12 // DLT_RAW of most systems
	linkRawB       = 14 // DLT_RAW of OpenBSD
	linkPPPSerial  = 50
	linkPPPoE      = 51
	linkRaw        = 101
	linkCiscoHDLC  = 104
	link80211      = 105
	linkLoop       = 108
	linkEnc        = 109
	linkSLL        = 113
	linkPFLog      = 117
	linkPrism      = 119
	linkRadiotap   = 127
	linkAVS        = 163
	linkPPPD       = 166
	linkPPI        = 192
	linkPPPWithDir = 204
	linkUSB        = 220 // of Linux, padded
	linkIPv4       = 228
	linkIPv6       = 229
	linkNFLog      = 239
	linkPktap      = 258
	linkSLL2       = 276
)

// link takes off the link-layer header of the given link type.
func (d *Decoder) link(t uint16, b bytesOf, seg *reassembly.Segment) Verdict {
	h := b.data
	switch t {
	case linkEthernet:
		return d.ethernet(b, seg)
	case linkSLL:
		if len(h) < 16 {
			return Malformed
		}
		return d.etherType(be.Uint16(h[14:]), b.from(16), seg)
	case linkSLL2:
		if len(h) < 20 {
			return Malformed
		}
		return d.etherType(be.Uint16(h), b.from(20), seg)
	case linkRaw, linkRawA, linkRawB, linkIPv4, linkIPv6:
		return d.ip(b, seg)
	case linkNull, linkLoop:
		return d.loopback(b, seg)
	}
	return d.rareLink(t, b, seg)
}

// loopback decodes the BSDs' header, an address family in the capturing host's
// byte order (NULL) or network byte order (LOOP).
func (d *Decoder) loopback(b bytesOf, seg *reassembly.Segment) Verdict {
	if len(b.data) < 4 {
		return Malformed
	}
	if !isInet(le.Uint32(b.data)) && !isInet(be.Uint32(b.data)) {
		return NotIP
	}
	return d.ip(b.from(4), seg)
}

// isInet knows AF_INET, and AF_INET6 of Linux, Windows, NetBSD and OpenBSD,
// FreeBSD, macOS.
func isInet(family uint32) bool {
	switch family {
	case 2, 10, 23, 24, 28, 30:
		return true
	}
	return false
}

// rareLink decodes the link layers that are seldom met.
func (d *Decoder) rareLink(t uint16, b bytesOf, seg *reassembly.Segment) Verdict {
	h := b.data
	switch t {
	case linkPPP, linkPPPSerial:
		return d.ppp(b, seg)
	case linkPPPoE:
		return d.pppoe(b, seg)
	case linkPPPD, linkPPPWithDir:
		return d.pppWithDirection(b, seg)
	case linkCiscoHDLC:
		if len(h) < 4 {
			return Malformed
		}
		return d.etherType(be.Uint16(h[2:]), b.from(4), seg)
	case linkEnc: // address family, SPI and flags of the IPsec association
		if len(h) < 12 {
			return Malformed
		}
		return d.ip(b.from(12), seg)
	case link80211:
		return d.dot11(b, false, seg)
	case linkRadiotap:
		return d.radiotap(b, seg)
	case linkAVS:
		return d.avs(b, seg)
	case linkPPI, linkPktap:
		return d.wrapped(t, b, seg)
	case linkNFLog:
		return d.nflog(b, seg)
	case linkFDDI:
		return d.fddi(b, seg)
	case linkPFLog:
		return d.pflog(b, seg)
	case linkPrism:
		return d.prism(b, seg)
	case linkUSB:
		return NotIP
	}
	return UnknownLink
}

// fddi decodes a frame of ANSI X3.139: frame control, two addresses, then IEEE 802.2.
func (d *Decoder) fddi(b bytesOf, seg *reassembly.Segment) Verdict {
	const llcFrame = 0x50 // but for the priority
	switch {
	case len(b.data) < 13:
		return Malformed
	case b.data[0]&0xf8 != llcFrame:
		return NotIP
	}
	return d.llc(0, b.from(13), seg)
}

// pflog decodes the header of OpenBSD's packet filter: its length, which is rounded up
// to a word, and the address family.
func (d *Decoder) pflog(b bytesOf, seg *reassembly.Segment) Verdict {
	if len(b.data) < 2 {
		return Malformed
	}
	n := (int(b.data[0]) + 3) &^ 3
	switch {
	case n < 4 || n > len(b.data):
		return Malformed
	case !isInet(uint32(b.data[1])):
		return NotIP
	}
	return d.ip(b.from(n), seg)
}

// prism decodes the header of Prism cards, in the byte order of their host, before
// IEEE 802.11; others wrote that of AVS under the same number.
func (d *Decoder) prism(b bytesOf, seg *reassembly.Segment) Verdict {
	const codeA, codeB = 0x44, 0x41
	if len(b.data) < 24 {
		return Malformed
	}
	n := le.Uint32(b.data[4:])
	switch code := le.Uint32(b.data); {
	case code == codeA || code == codeB:
	case be.Uint32(b.data) == codeA || be.Uint32(b.data) == codeB:
		n = be.Uint32(b.data[4:])
	case be.Uint32(b.data)&0xfffff000 == 0x80211000:
		return d.avs(b, seg)
	default:
		return Malformed
	}
	if n < 24 || int64(n) > int64(len(b.data)) {
		return Malformed
	}
	return d.dot11(b.from(int(n)), false, seg)
}

// wrapped decodes headers that name the link type of what follows: PPI and
// Apple's PKTAP.
func (d *Decoder) wrapped(t uint16, b bytesOf, seg *reassembly.Segment) Verdict {
	h := b.data
	if len(h) < 12 {
		return Malformed
	}
	n, inner := int(le.Uint16(h[2:])), le.Uint32(h[4:]) // PPI
	if t == linkPktap {
		n, inner = int(min(le.Uint32(h), 1<<16)), le.Uint32(h[8:])
	}
	if n < 8 || n > len(h) {
		return Malformed
	}
	if inner > 0xffff || inner == linkPPI || inner == linkPktap {
		return UnknownLink
	}
	return d.link(uint16(inner), b.from(n), seg)
}

// nflog decodes the header of Linux's netfilter log: a family, then attributes
// of which one is the packet.
func (d *Decoder) nflog(b bytesOf, seg *reassembly.Segment) Verdict {
	if len(b.data) < 4 {
		return Malformed
	}
	if !isInet(uint32(b.data[0])) {
		return NotIP
	}
	const payload = 9
	for b = b.from(4); len(b.data) >= 4; {
		n, kind := int(le.Uint16(b.data)), le.Uint16(b.data[2:])
		if n < 4 {
			return Malformed
		}
		if kind == payload {
			return d.ip(b.limit(n).from(4), seg)
		}
		b = b.from(min((n+3)&^3, len(b.data)))
	}
	return NotIP
}
