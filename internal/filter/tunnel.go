package filter

// Offsets of Linux's socket filters at which loads read what the kernel knows
// about a packet and not the packet (SKF_AD_OFF of linux/filter.h).
const (
	kernelData       = 0xfffff000
	kernelPacketType = kernelData + 4
	kernelInterface  = kernelData + 8
	kernelVLANTag    = kernelData + 44
	kernelVLANTagged = kernelData + 48
)

// tagPlace says where the outermost VLAN tag of a live packet is.
type tagPlace uint8

const (
	tagInPacket tagPlace = iota
	tagInKernel          // stripped off the packet and kept beside it
)

// vlan tests for a VLAN tag, and moves the headers behind it for what follows
// in the expression. The outermost tag may have been taken off by the kernel:
// then there is nothing to test and nothing moves.
func (g *generator) vlan(id uint32, hasID bool) (*predicate, error) {
	switch {
	case hasID && id > 0xfff:
		return nil, g.errorf("a VLAN identifier is at most 4095, not %d", id)
	case g.link.labels > 0:
		return nil, g.errorf("a VLAN tag cannot follow an MPLS label")
	case g.link.kind != linkEthernet:
		return nil, g.errorf("no VLAN tags can be told in captures of %s", g.link.name())
	}
	g.sawVLAN = true
	g.link.vlans++
	if g.link.vlans == 1 && g.tag == tagInKernel {
		if !hasID {
			return g.vs.always(), nil
		}
		return g.vs.masked(g.vs.load(kernelVLANTag, 4), id, 0xfff), nil
	}
	typ := g.vs.load(g.link.typ, 2)
	p := or(or(g.vs.equal(typ, etherVLAN), g.vs.equal(typ, etherQinQ)), g.vs.equal(typ, etherQinQ91))
	if hasID {
		p = and(p, g.vs.masked(g.vs.load(g.link.payload, 2), id, 0xfff))
	}
	g.link.typ += 4
	g.link.payload += 4
	return p, nil
}

// mpls tests for an MPLS label (RFC 3032) and moves the network layer behind
// it. The second and further ones ask that the one before was not the last.
func (g *generator) mpls(label uint32, hasLabel bool) (*predicate, error) {
	if hasLabel && label > 0xfffff {
		return nil, g.errorf("an MPLS label is at most 1048575, not %d", label)
	}
	var p *predicate
	switch {
	case g.link.labels > 0:
		p = g.vs.masked(g.vs.load(g.link.network(0)-2, 1), 0, 1)
	case g.link.kind == linkEthernet || g.link.kind == linkPPP:
		var err error
		if p, err = g.networkType(etherMPLS); err != nil {
			return nil, err
		}
	default:
		return nil, g.errorf("no MPLS labels can be told in captures of %s", g.link.name())
	}
	if hasLabel {
		p = and(p, g.vs.masked(g.vs.load(g.link.network(0), 4), label<<12, 0xfffff000))
	}
	g.link.net += 4
	g.link.labels++
	return p, nil
}

// mplsType tests the network layer under MPLS labels, which do not name it:
// the label must be the last and the IP version right.
func (g *generator) mplsType(proto uint32) (*predicate, error) {
	if proto != etherIPv4 && proto != etherIPv6 {
		return nil, g.errorf("only IP can be told behind an MPLS label")
	}
	last := g.vs.masked(g.vs.load(g.link.network(0)-2, 1), 1, 1)
	return and(last, g.ipVersion(g.link.network(0), proto)), nil
}

// pppoes tests for a PPPoE session packet (RFC 2516) and moves on to the PPP
// frame in it.
func (g *generator) pppoes(session uint32, hasSession bool) (*predicate, error) {
	if hasSession && session > 0xffff {
		return nil, g.errorf("a PPPoE session number is at most 65535, not %d", session)
	}
	p, err := g.networkType(etherPPPoES)
	if err != nil {
		return nil, err
	}
	if hasSession {
		p = and(p, g.vs.masked(g.vs.load(g.link.payload, 4), session, 0xffff))
	}
	ppp := g.link.network(6)
	g.link = link{kind: linkPPP, header: ppp, typ: ppp, payload: ppp + 2, vlans: g.link.vlans}
	return p, nil
}

// outgoing tests that the host sent the packet itself.
func (g *generator) outgoing() (*predicate, error) {
	const packetOutgoing = 4 // PACKET_OUTGOING of linux/if_packet.h
	switch g.link.kind {
	case linkSLL:
		return g.vs.equal(g.vs.load(0, 2), packetOutgoing), nil
	case linkSLL2:
		return g.vs.equal(g.vs.load(10, 1), packetOutgoing), nil
	}
	if !g.opts.VLANAux {
		return nil, g.errorf("a capture of %s does not tell a packet's direction", g.link.name())
	}
	return g.vs.equal(g.vs.load(kernelPacketType, 2), packetOutgoing), nil
}

// interfaceIndex tests on which interface the packet was captured.
func (g *generator) interfaceIndex(n uint32) (*predicate, error) {
	switch {
	case g.link.kind == linkSLL2:
		return g.vs.equal(g.vs.load(4, 4), n), nil
	case g.opts.VLANAux:
		return g.vs.equal(g.vs.load(kernelInterface, 4), n), nil
	}
	return nil, g.errorf("a capture of %s does not tell a packet's interface", g.link.name())
}
