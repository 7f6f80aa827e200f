package packet

import "github.com/pgsniff/pgsniff/pkg/reassembly"

// UDP ports of tunnels.
const (
	portVXLAN    = 4789 // RFC 7348
	portVXLANOld = 8472 // Linux's default
	portGENEVE   = 6081 // RFC 8926
	portMPLS     = 6635 // RFC 7510
)

// tunnel decodes IP protocols that carry other packets.
func (d *Decoder) tunnel(proto byte, b bytesOf, seg *reassembly.Segment) Verdict {
	if d.depth++; d.depth > maxDepth {
		return NotTCP
	}
	switch proto {
	case protoUDP:
		return d.udp(b, seg)
	case protoIPv4, protoIPv6:
		return d.ip(b, seg)
	case protoGRE:
		return d.gre(b, seg)
	case protoMPLS:
		return d.mpls(b, seg)
	case protoEthernet:
		return d.ethernet(b, seg)
	case protoEtherIP: // RFC 3378: a version before the frame
		if len(b.data) < 2 {
			return Malformed
		}
		return d.ethernet(b.from(2), seg)
	}
	return NotTCP
}

// udp looks for a tunnel by its port. What does not look like its protocol is
// something else that happens to use the port.
func (d *Decoder) udp(b bytesOf, seg *reassembly.Segment) Verdict {
	const header = 8
	if len(b.data) < header {
		return NotTCP
	}
	port := be.Uint16(b.data[2:])
	b = b.from(header)
	switch port {
	case portVXLAN, portVXLANOld:
		return d.vxlan(b, seg)
	case portGENEVE:
		return d.geneve(b, seg)
	case portMPLS:
		return d.mpls(b, seg)
	}
	return NotTCP
}

func (d *Decoder) vxlan(b bytesOf, seg *reassembly.Segment) Verdict {
	const header, validID = 8, 0x08
	if len(b.data) < header || b.data[0]&validID == 0 {
		return NotTCP
	}
	return d.ethernet(b.from(header), seg)
}

func (d *Decoder) geneve(b bytesOf, seg *reassembly.Segment) Verdict {
	h := b.data
	if len(h) < 8 || h[0]>>6 != 0 {
		return NotTCP
	}
	n := 8 + int(h[0]&0x3f)*4
	if n > len(h) {
		return Malformed
	}
	return d.tunnelled(be.Uint16(h[2:]), b.from(n), seg)
}

// tunnelled decodes what follows an EtherType that may also mean an Ethernet
// frame.
func (d *Decoder) tunnelled(t uint16, b bytesOf, seg *reassembly.Segment) Verdict {
	if t == etherBridged {
		return d.ethernet(b, seg)
	}
	return d.etherType(t, b, seg)
}

// Flags of a GRE header (RFC 2784, RFC 2890; RFC 1701 for routing; RFC 2637 for
// the acknowledgement number of version 1).
const (
	greChecksum = 0x8000
	greRouting  = 0x4000
	greKey      = 0x2000
	greSequence = 0x1000
	greAck      = 0x0080
	greVersion  = 0x0007
)

func (d *Decoder) gre(b bytesOf, seg *reassembly.Segment) Verdict {
	if len(b.data) < 4 {
		return Malformed
	}
	flags, t := be.Uint16(b.data), be.Uint16(b.data[2:])
	n := 4
	for _, f := range [...]uint16{greKey, greSequence} {
		if flags&f != 0 {
			n += 4
		}
	}
	switch flags & greVersion {
	case 0:
		if flags&(greChecksum|greRouting) != 0 {
			n += 4
		}
	case 1:
		if flags&greAck != 0 {
			n += 4
		}
	default:
		return NotTCP
	}
	if n > len(b.data) {
		return Malformed
	}
	b = b.from(n)
	if flags&greRouting != 0 && flags&greVersion == 0 {
		var ok bool
		if b, ok = skipRoutes(b); !ok {
			return Malformed
		}
	}
	switch t {
	case etherERSPAN, etherERSPAN3:
		return d.erspan(t, flags&greSequence != 0, b, seg)
	}
	return d.tunnelled(t, b, seg)
}

// skipRoutes takes off RFC 1701's source route entries, which end with an empty
// one.
func skipRoutes(b bytesOf) (bytesOf, bool) {
	for len(b.data) >= 4 {
		family, n := be.Uint16(b.data), int(b.data[3])
		b = b.from(4)
		if family == 0 && n == 0 {
			return b, true
		}
		if n > len(b.data) {
			break
		}
		b = b.from(n)
	}
	return b, false
}

// erspan decodes the header of a mirrored frame (draft-foschiano-erspan). Type
// I has none, and is told from II by the missing GRE sequence number.
func (d *Decoder) erspan(t uint16, sequence bool, b bytesOf, seg *reassembly.Segment) Verdict {
	h := b.data
	if t == etherERSPAN && !sequence {
		return d.ethernet(b, seg)
	}
	if len(h) < 8 {
		return Malformed
	}
	if t == etherERSPAN && h[0]>>4 != 2 {
		return d.ethernet(b.from(8), seg)
	}
	if len(h) < 12 {
		return Malformed
	}
	n := 12
	if h[11]&1 != 0 { // a platform-specific subheader follows
		n += 8
	}
	if n > len(h) {
		return Malformed
	}
	const frameIP = 2
	if h[10]>>2&0x1f == frameIP {
		return d.ip(b.from(n), seg)
	}
	return d.ethernet(b.from(n), seg)
}
