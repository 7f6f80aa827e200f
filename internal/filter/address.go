package filter

import (
	"encoding/binary"
	"net/netip"
)

// direction says which of a packet's two addresses or ports must match.
type direction uint8

const (
	dirEither direction = iota // none given, or "src or dst"
	dirSource
	dirDestination
	dirBoth // "src and dst"
)

// eachWay applies the direction to a test of one of the two fields.
func (d direction) eachWay(field func(source bool) (*predicate, error)) (*predicate, error) {
	if d == dirSource || d == dirDestination {
		return field(d == dirSource)
	}
	src, err := field(true)
	if err != nil {
		return nil, err
	}
	dst, err := field(false)
	if err != nil {
		return nil, err
	}
	if d == dirBoth {
		return and(src, dst), nil
	}
	return or(src, dst), nil
}

// host4 tests IPv4 addresses, in IPv4's header and, where no protocol is
// named, as (R)ARP's addresses (RFC 826).
func (g *generator) host4(addr, mask uint32, q qualifier) (*predicate, error) {
	ipv4 := func() (*predicate, error) { return g.address4(etherIPv4, 12, 16, addr, mask, q.dir) }
	arp := func() (*predicate, error) { return g.address4(etherARP, 14, 24, addr, mask, q.dir) }
	rarp := func() (*predicate, error) { return g.address4(etherRARP, 14, 24, addr, mask, q.dir) }
	switch q.proto {
	case "ip":
		return ipv4()
	case "arp":
		return arp()
	case "rarp":
		return rarp()
	case "":
		if g.link.labels > 0 {
			return ipv4()
		}
		return anyOf(ipv4, arp, rarp)
	}
	return nil, g.errorf("'%s' cannot stand before an IPv4 address", q.proto)
}

// anyOf evaluates each only where none before it held.
func anyOf(alternatives ...func() (*predicate, error)) (*predicate, error) {
	var p *predicate
	for _, f := range alternatives {
		next, err := f()
		switch {
		case err != nil:
			return nil, err
		case p == nil:
			p = next
		default:
			p = or(p, next)
		}
	}
	return p, nil
}

func (g *generator) address4(proto, src, dst, addr, mask uint32, dir direction) (*predicate, error) {
	return dir.eachWay(func(source bool) (*predicate, error) {
		off := dst
		if source {
			off = src
		}
		network, err := g.networkType(proto)
		if err != nil {
			return nil, err
		}
		return and(network, g.vs.masked(g.vs.load(g.link.network(off), 4), addr, mask)), nil
	})
}

// host6 tests IPv6 addresses, word by word.
func (g *generator) host6(addr netip.Addr, bits int, q qualifier) (*predicate, error) {
	if q.proto != "" && q.proto != "ip6" {
		return nil, g.errorf("'%s' cannot stand before an IPv6 address", q.proto)
	}
	bytes := addr.As16()
	return q.dir.eachWay(func(source bool) (*predicate, error) {
		off := uint32(24)
		if source {
			off = 8
		}
		p, err := g.networkType(etherIPv6)
		if err != nil {
			return nil, err
		}
		for i := range 4 {
			mask := prefixMask(min(max(bits-32*i, 0), 32))
			word := binary.BigEndian.Uint32(bytes[4*i:])
			p = and(p, g.vs.masked(g.vs.load(g.link.network(off+4*uint32(i)), 4), word, mask))
		}
		return p, nil
	})
}

// prefixMask has the first n of 32 bits set.
func prefixMask(n int) uint32 {
	if n <= 0 {
		return 0
	}
	return ^uint32(0) << (32 - n)
}

// etherHost tests Ethernet addresses.
func (g *generator) etherHost(mac [6]byte, q qualifier) (*predicate, error) {
	if q.proto != "link" || (q.typ != typeHost && q.typ != typeNone) {
		return nil, g.errorf("an Ethernet address stands only after 'ether host', 'ether src' or 'ether dst'")
	}
	if g.link.kind != linkEthernet {
		return nil, g.errorf("%s has no Ethernet addresses", g.link.name())
	}
	return q.dir.eachWay(func(source bool) (*predicate, error) {
		off := g.link.header
		if source {
			off += 6
		}
		tail := g.vs.equal(g.vs.load(off+2, 4), binary.BigEndian.Uint32(mac[2:]))
		head := g.vs.equal(g.vs.load(off, 2), uint32(binary.BigEndian.Uint16(mac[:])))
		return and(tail, head), nil
	})
}

// broadcast tests for Ethernet's broadcast address or, after ip, for the two
// addresses that are broadcast in any network: a file does not tell its
// networks' masks.
func (g *generator) broadcast(proto string) (*predicate, error) {
	switch proto {
	case "", "link":
		if g.link.kind != linkEthernet {
			return nil, g.errorf("%s has no broadcast address", g.link.name())
		}
		everyone := [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		return g.etherHost(everyone, qualifier{proto: "link", typ: typeHost, dir: dirDestination})
	case "ip":
		network, err := g.networkType(etherIPv4)
		if err != nil {
			return nil, err
		}
		dst := g.vs.load(g.link.network(16), 4)
		return and(network, or(g.vs.equal(dst, 0), g.vs.equal(dst, 0xffffffff))), nil
	}
	return nil, g.errorf("'%s' has no broadcast address", proto)
}

// multicast tests for multicast addresses of Ethernet, IPv4 or IPv6.
func (g *generator) multicast(proto string) (*predicate, error) {
	switch proto {
	case "", "link":
		if g.link.kind != linkEthernet {
			return nil, g.errorf("%s has no multicast addresses", g.link.name())
		}
		return not(g.vs.masked(g.vs.load(g.link.header, 1), 0, 1)), nil
	case "ip":
		network, err := g.networkType(etherIPv4)
		if err != nil {
			return nil, err
		}
		first := g.vs.load(g.link.network(16), 1)
		return and(network, g.vs.compare(relGreaterOrEqual, first, g.vs.constant(224))), nil
	case "ip6":
		network, err := g.networkType(etherIPv6)
		if err != nil {
			return nil, err
		}
		return and(network, g.vs.equal(g.vs.load(g.link.network(24), 1), 0xff)), nil
	}
	return nil, g.errorf("'%s' has no multicast addresses", proto)
}
