package filter

// The link layers that are compiled for, as LINKTYPE_ numbers of capture files
// (https://www.tcpdump.org/linktypes.html).
const (
	linkNull     = 0
	linkEthernet = 1
	linkRawBSD   = 12 // DLT_RAW of most systems, found in files by mistake
	linkRawOBSD  = 14 // DLT_RAW of OpenBSD
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276

	// linkPPP is no file's link type here but what is inside pppoes.
	linkPPP = 9
)

const (
	etherIPv4   = 0x0800
	etherARP    = 0x0806
	etherRARP   = 0x8035
	etherVLAN   = 0x8100
	etherIPv6   = 0x86dd
	etherMPLS   = 0x8847
	etherPPPoED = 0x8863
	etherPPPoES = 0x8864
	etherQinQ   = 0x88a8
	etherQinQ91 = 0x9100

	// etherMaxLength is the largest Ethernet type field that is a length.
	etherMaxLength = 1500
)

// link is where the headers begin. The keywords vlan, mpls and pppoes move it
// for all that follows them in the expression.
type link struct {
	kind    int    // link*
	header  uint32 // the link-layer header
	typ     uint32 // the field that names the network layer
	payload uint32 // what follows the link-layer header
	net     uint32 // the network header, counted from payload
	vlans   int    // how many vlan keywords there were
	labels  int    // how many mpls keywords there were
}

// newLink returns the layout of a LINKTYPE_, and its name.
func newLink(linkType uint16) (l link, ok bool) {
	switch linkType {
	case linkEthernet:
		return link{kind: linkEthernet, typ: 12, payload: 14}, true
	case linkNull, linkLoop:
		return link{kind: int(linkType), payload: 4}, true
	case linkRaw, linkRawBSD, linkRawOBSD:
		return link{kind: linkRaw}, true
	case linkIPv4, linkIPv6:
		return link{kind: int(linkType)}, true
	case linkSLL:
		return link{kind: linkSLL, typ: 14, payload: 16}, true
	case linkSLL2:
		return link{kind: linkSLL2, typ: 0, payload: 20}, true
	}
	return link{}, false
}

// network is the offset of a byte of the network header.
func (l *link) network(off uint32) uint32 { return l.payload + l.net + off }

func (l *link) name() string {
	switch l.kind {
	case linkEthernet:
		return "Ethernet"
	case linkNull:
		return "BSD loopback"
	case linkLoop:
		return "OpenBSD loopback"
	case linkSLL, linkSLL2:
		return "Linux cooked packets"
	case linkPPP:
		return "PPP"
	}
	return "raw IP"
}

// networkType tests that the network layer is the one of an Ethernet type, or
// that an 802.2 header with that service access point follows.
func (g *generator) networkType(proto uint32) (*predicate, error) {
	if g.link.labels > 0 {
		return g.mplsType(proto)
	}
	typ := g.vs.load(g.link.typ, 2)
	switch g.link.kind {
	case linkEthernet:
		if proto > etherMaxLength {
			return g.vs.equal(typ, proto), nil
		}
		isLength := not(g.vs.compare(relGreater, typ, g.vs.constant(etherMaxLength)))
		return and(isLength, g.accessPoint(proto)), nil
	case linkSLL2:
		return g.vs.equal(typ, proto), nil
	case linkSLL:
		if proto > etherMaxLength {
			return g.vs.equal(typ, proto), nil
		}
		const protocol8022 = 4 // ETH_P_802_2 of Linux
		return and(g.vs.equal(typ, protocol8022), g.accessPoint(proto)), nil
	case linkPPP:
		return g.vs.equal(typ, pppProtocol(proto)), nil
	case linkNull, linkLoop:
		return g.loopbackType(proto), nil
	case linkIPv4:
		return g.vs.constantly(proto == etherIPv4), nil
	case linkIPv6:
		return g.vs.constantly(proto == etherIPv6), nil
	}
	return g.ipVersion(g.link.payload, proto), nil
}

// ipVersion tests the first four bits of what is at off.
func (g *generator) ipVersion(off, proto uint32) *predicate {
	switch first := g.vs.load(off, 1); proto {
	case etherIPv4:
		return g.vs.masked(first, 0x40, 0xf0)
	case etherIPv6:
		return g.vs.masked(first, 0x60, 0xf0)
	}
	return g.vs.never()
}

// accessPoint tests the 802.2 header. The points whose frames have the same
// one as destination and source are tested for both.
func (g *generator) accessPoint(sap uint32) *predicate {
	const ip, netbeui, iso = 0x06, 0xf0, 0xfe
	if sap == ip || sap == netbeui || sap == iso {
		return g.vs.equal(g.vs.load(g.link.payload, 2), sap<<8|sap)
	}
	return g.vs.equal(g.vs.load(g.link.payload, 1), sap)
}

// pppProtocol is PPP's number of a network layer (RFC 1332, RFC 5072).
func pppProtocol(proto uint32) uint32 {
	switch proto {
	case etherIPv4:
		return 0x0021
	case etherIPv6:
		return 0x0057
	case etherMPLS:
		return 0x0281
	}
	return proto
}

// loopbackType tests the address family of the loopback link layers. IPv4's
// number is the same everywhere; IPv6's is Darwin's, NetBSD and OpenBSD's or
// FreeBSD's. The number is in the byte order of the host that captured for
// NULL and in network order for LOOP.
func (g *generator) loopbackType(proto uint32) *predicate {
	const inet, inet6Darwin, inet6BSD, inet6FreeBSD = 2, 30, 24, 28
	family := g.vs.load(0, 4)
	is := func(n uint32) *predicate {
		if g.link.kind == linkNull && !g.opts.BigEndian {
			n <<= 24
		}
		return g.vs.equal(family, n)
	}
	switch proto {
	case etherIPv4:
		return is(inet)
	case etherIPv6:
		return or(is(inet6Darwin), or(is(inet6BSD), is(inet6FreeBSD)))
	}
	return g.vs.never()
}
