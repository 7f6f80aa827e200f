package packet

import "github.com/pgsniff/pgsniff/pkg/reassembly"

// EtherTypes (IEEE 802 registry).
const (
	etherIPv4      = 0x0800
	etherIPv6      = 0x86dd
	etherVLAN      = 0x8100
	etherQinQ      = 0x88a8
	etherQinQ91    = 0x9100 // before the standard
	etherQinQ92    = 0x9200
	etherMPLS      = 0x8847
	etherMPLSMulti = 0x8848
	etherPPP       = 0x880b
	etherPPPoE     = 0x8864
	etherPBB       = 0x88e7 // IEEE 802.1ah
	etherVNTag     = 0x8926
	etherBridged   = 0x6558 // Transparent Ethernet Bridging
	etherERSPAN    = 0x88be // types I and II
	etherERSPAN3   = 0x22eb
)

// PPP protocol numbers (RFC 1661 and the registry).
const (
	pppIPv4      = 0x21
	pppIPv6      = 0x57
	pppMPLS      = 0x281
	pppMPLSMulti = 0x283
)

// ethernet decodes an Ethernet II or 802.3 header.
func (d *Decoder) ethernet(b bytesOf, seg *reassembly.Segment) Verdict {
	if len(b.data) < 14 {
		return Malformed
	}
	return d.etherType(be.Uint16(b.data[12:]), b.from(14), seg)
}

// etherType decodes what follows an EtherType, tags included.
func (d *Decoder) etherType(t uint16, b bytesOf, seg *reassembly.Segment) Verdict {
	for {
		skip := 0 // length of a tag; the EtherType after it is its last two bytes
		switch t {
		case etherIPv4, etherIPv6:
			return d.ip(b, seg)
		case etherVLAN, etherQinQ, etherQinQ91, etherQinQ92:
			skip = 4
		case etherVNTag:
			skip = 6
		case etherPBB: // service identifier, then the customer's Ethernet header
			skip = 18
		case etherMPLS, etherMPLSMulti:
			return d.mpls(b, seg)
		case etherPPPoE:
			return d.pppoe(b, seg)
		case etherPPP:
			return d.ppp(b, seg)
		default:
			return d.llc(t, b, seg)
		}
		if len(b.data) < skip {
			return Malformed
		}
		t, b = be.Uint16(b.data[skip-2:]), b.from(skip)
	}
}

// llc decodes IEEE 802.2 where t is a length: the SNAP header carries an
// EtherType.
func (d *Decoder) llc(t uint16, b bytesOf, seg *reassembly.Segment) Verdict {
	const maxLength = 1500
	if t > maxLength || len(b.data) < 8 {
		return NotIP
	}
	inner, ok := snap(b.data)
	if !ok {
		return NotIP
	}
	return d.etherType(inner, b.from(8), seg)
}

// snap returns the EtherType of an LLC/SNAP header (RFC 1042). Lengths are no
// EtherTypes there, so headers cannot nest.
func snap(h []byte) (uint16, bool) {
	if len(h) < 8 || h[0] != 0xaa || h[1] != 0xaa || h[2] != 3 || h[3]|h[4] != 0 {
		return 0, false
	}
	t := be.Uint16(h[6:])
	return t, t >= 0x600 && h[5]&^0xf8 == 0 // 00-00-00, or 00-00-f8 for bridges
}

// mpls takes off a label stack (RFC 3032). What follows is not said: IP by its
// version, or an Ethernet pseudowire with or without control word (RFC 4448).
func (d *Decoder) mpls(b bytesOf, seg *reassembly.Segment) Verdict {
	if d.depth++; d.depth > maxDepth {
		return NotTCP
	}
	for bottom := false; !bottom; b = b.from(4) {
		if len(b.data) < 4 {
			return Malformed
		}
		bottom = b.data[2]&1 != 0
	}
	h := b.data
	if len(h) == 0 {
		return Malformed
	}
	if looksLikeIP(h) {
		return d.ip(b, seg)
	}
	const controlWord = 4
	if len(h) >= controlWord && h[0]>>4 == 0 && looksLikeEthernet(h[controlWord:]) {
		return d.ethernet(b.from(controlWord), seg)
	}
	if looksLikeEthernet(h) {
		return d.ethernet(b, seg)
	}
	return NotIP
}

func looksLikeIP(h []byte) bool {
	switch h[0] >> 4 {
	case 4:
		return h[0]&15 >= 5
	case 6:
		return true
	}
	return false
}

func looksLikeEthernet(h []byte) bool {
	if len(h) < 14 {
		return false
	}
	switch be.Uint16(h[12:]) {
	case etherIPv4, etherIPv6, etherVLAN, etherQinQ, etherQinQ91:
		return true
	}
	return false
}

// pppoe decodes a PPPoE session header (RFC 2516).
func (d *Decoder) pppoe(b bytesOf, seg *reassembly.Segment) Verdict {
	if len(b.data) < 8 {
		return Malformed
	}
	if b.data[1] != 0 {
		return NotIP // discovery
	}
	return d.ppp(b.from(6), seg)
}

// pppWithDirection decodes captures of pppd, where the direction takes the
// place of the address byte or stands before it.
func (d *Decoder) pppWithDirection(b bytesOf, seg *reassembly.Segment) Verdict {
	if len(b.data) < 2 {
		return Malformed
	}
	b = b.from(1)
	if b.data[0] == 3 {
		b = b.from(1)
	}
	return d.ppp(b, seg)
}

// ppp decodes a PPP header, in HDLC-like framing or not (RFC 1661, RFC 1662).
func (d *Decoder) ppp(b bytesOf, seg *reassembly.Segment) Verdict {
	if d.depth++; d.depth > maxDepth {
		return NotTCP
	}
	h := b.data
	if len(h) >= 4 && h[0] == 0xff && h[1] == 3 {
		b = b.from(2)
	} else if len(h) >= 4 && (h[0] == 0x0f || h[0] == 0x8f) && h[1] == 0 {
		return d.etherType(be.Uint16(h[2:]), b.from(4), seg) // Cisco HDLC
	}
	h = b.data
	if len(h) < 2 {
		return Malformed
	}
	proto, n := be.Uint16(h), 2
	if h[0]&1 != 0 { // Protocol-Field-Compression
		proto, n = uint16(h[0]), 1
	}
	switch proto {
	case pppIPv4, pppIPv6:
		return d.ip(b.from(n), seg)
	case pppMPLS, pppMPLSMulti:
		return d.mpls(b.from(n), seg)
	}
	return NotIP
}
