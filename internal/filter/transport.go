package filter

// The transport protocols' numbers (IANA, protocol-numbers).
const (
	protoTCP  = 6
	protoUDP  = 17
	protoSCTP = 132

	protoIPv6Fragment = 44
)

// abbreviations are the protocols that have a keyword, and the network layer
// under which they are looked for; with none it is both.
var abbreviations = map[string]struct {
	number  uint32
	network string
}{
	"tcp": {protoTCP, ""}, "udp": {protoUDP, ""}, "sctp": {protoSCTP, ""},
	"icmp": {1, "ip"}, "igmp": {2, "ip"}, "igrp": {9, "ip"}, "icmp6": {58, "ip6"},
	"pim": {103, ""}, "vrrp": {112, "ip"}, "carp": {112, "ip"},
	"ah": {51, ""}, "esp": {50, ""},
}

// abbreviation tests for a protocol that was named alone.
func (g *generator) abbreviation(name string) (*predicate, error) {
	switch name {
	case "ip":
		return g.networkType(etherIPv4)
	case "ip6":
		return g.networkType(etherIPv6)
	case "arp":
		return g.networkType(etherARP)
	case "rarp":
		return g.networkType(etherRARP)
	}
	if a, ok := abbreviations[name]; ok {
		return g.protocol(a.number, a.network)
	}
	return nil, g.errorf("'%s' does not stand alone", name)
}

// protocol tests what the network layer carries. In IPv6 it is the next header
// of the fixed header or of a fragment header behind it: like tcpdump's, these
// programs do not walk other extension headers.
func (g *generator) protocol(number uint32, network string) (*predicate, error) {
	switch network {
	case "":
		return anyOf(
			func() (*predicate, error) { return g.protocol(number, "ip") },
			func() (*predicate, error) { return g.protocol(number, "ip6") })
	case "link":
		return g.networkType(number)
	case "ip":
		p, err := g.networkType(etherIPv4)
		if err != nil {
			return nil, err
		}
		return and(p, g.vs.equal(g.vs.load(g.link.network(9), 1), number)), nil
	case "ip6":
		p, err := g.networkType(etherIPv6)
		if err != nil {
			return nil, err
		}
		next := g.vs.load(g.link.network(6), 1)
		fragment := and(g.vs.equal(next, protoIPv6Fragment),
			g.vs.equal(g.vs.load(g.link.network(40), 1), number))
		return and(p, or(g.vs.equal(next, number), fragment)), nil
	}
	return nil, g.errorf("'%s proto' means nothing: proto stands alone or after ip, ip6 or ether", network)
}

// firstFragment tests that an IPv4 packet is not a later fragment, which has
// no transport header.
func (g *generator) firstFragment() *predicate {
	return g.vs.masked(g.vs.load(g.link.network(6), 2), 0, 0x1fff)
}

// transport4 loads from the header that follows IPv4's.
func (g *generator) transport4(off uint32, size uint8) *value {
	return g.vs.index(g.link.network(off), g.vs.headerLength(g.link.network(0)), size)
}

// ports tests ports from low to high, in either IP version. proto is the
// transport protocol's keyword; with none it is any that has ports.
func (g *generator) ports(low, high uint32, proto string, dir direction, asRange bool) (*predicate, error) {
	protocols := []uint32{protoSCTP, protoTCP, protoUDP}
	switch proto {
	case "tcp", "udp", "sctp":
		protocols = []uint32{abbreviations[proto].number}
	case "":
	default:
		return nil, g.errorf("'%s' has no ports", proto)
	}
	if low > high {
		low, high = high, low
	}
	if high > 0xffff {
		return nil, g.errorf("a port is at most 65535, not %d", high)
	}
	match := func(port *value) *predicate {
		if !asRange {
			return g.vs.equal(port, low)
		}
		return and(g.vs.compare(relGreaterOrEqual, port, g.vs.constant(low)),
			not(g.vs.compare(relGreater, port, g.vs.constant(high))))
	}
	return anyOf(
		func() (*predicate, error) { return g.ports6(protocols, dir, match) },
		func() (*predicate, error) { return g.ports4(protocols, dir, match) })
}

func (g *generator) ports4(protocols []uint32, dir direction, match func(*value) *predicate) (*predicate, error) {
	network, err := g.networkType(etherIPv4)
	if err != nil {
		return nil, err
	}
	inner, err := anyOfProtocols(protocols, func(proto uint32) (*predicate, error) {
		ports, err := dir.eachWay(func(source bool) (*predicate, error) {
			return match(g.transport4(portOffset(source), 2)), nil
		})
		if err != nil {
			return nil, err
		}
		isProto := g.vs.equal(g.vs.load(g.link.network(9), 1), proto)
		return and(and(isProto, g.firstFragment()), ports), nil
	})
	if err != nil {
		return nil, err
	}
	return and(network, inner), nil
}

func (g *generator) ports6(protocols []uint32, dir direction, match func(*value) *predicate) (*predicate, error) {
	network, err := g.networkType(etherIPv6)
	if err != nil {
		return nil, err
	}
	inner, err := anyOfProtocols(protocols, func(proto uint32) (*predicate, error) {
		ports, err := dir.eachWay(func(source bool) (*predicate, error) {
			return match(g.vs.load(g.link.network(40+portOffset(source)), 2)), nil
		})
		if err != nil {
			return nil, err
		}
		return and(g.vs.equal(g.vs.load(g.link.network(6), 1), proto), ports), nil
	})
	if err != nil {
		return nil, err
	}
	return and(network, inner), nil
}

func portOffset(source bool) uint32 {
	if source {
		return 0
	}
	return 2
}

func anyOfProtocols(protocols []uint32, f func(uint32) (*predicate, error)) (*predicate, error) {
	alternatives := make([]func() (*predicate, error), len(protocols))
	for i, proto := range protocols {
		alternatives[i] = func() (*predicate, error) { return f(proto) }
	}
	return anyOf(alternatives...)
}

// operand is an arithmetic expression with the test that must hold before its
// bytes mean anything; the test is nil where there is none.
type operand struct {
	value *value
	guard *predicate
}

// access compiles proto[index:size].
func (g *generator) access(proto string, index operand, size uint32) (operand, error) {
	if size != 1 && size != 2 && size != 4 {
		return operand{}, g.errorf("1, 2 or 4 bytes can be read, not %d", size)
	}
	n := uint8(size)
	if proto == "link" {
		return operand{g.vs.index(g.link.header, index.value, n), index.guard}, nil
	}
	switch proto {
	case "icmp6":
		return g.accessICMPv6(index, n)
	case "ah", "esp":
		return operand{}, g.errorf("bytes of '%s' cannot be read", proto)
	}
	guard, err := g.abbreviation(proto)
	if err != nil {
		return operand{}, err
	}
	if proto == "ip" || proto == "ip6" || proto == "arp" || proto == "rarp" {
		return operand{g.vs.index(g.link.network(0), index.value, n), both(index.guard, guard)}, nil
	}
	ipv4, err := g.networkType(etherIPv4)
	if err != nil {
		return operand{}, err
	}
	guard = and(ipv4, both(index.guard, and(guard, g.firstFragment())))
	at, _ := g.vs.arithmetic(opAdd, index.value, g.vs.headerLength(g.link.network(0)))
	return operand{g.vs.index(g.link.network(0), at, n), guard}, nil
}

// both is a and then b, where a may be nil.
func both(a, b *predicate) *predicate {
	if a == nil {
		return b
	}
	return and(a, b)
}

// accessICMPv6 reads behind IPv6's fixed header, where ICMPv6 follows it.
func (g *generator) accessICMPv6(index operand, size uint8) (operand, error) {
	guard, err := g.networkType(etherIPv6)
	if err != nil {
		return operand{}, err
	}
	isICMPv6 := g.vs.equal(g.vs.load(g.link.network(6), 1), abbreviations["icmp6"].number)
	guard = and(both(index.guard, guard), isICMPv6)
	return operand{g.vs.index(g.link.network(40), index.value, size), guard}, nil
}

// binary computes x op y. The guard is that of x alone: in libpcap's language
// the right operand's protocol is not checked, and filters in use rely on
// what it does.
func (g *generator) binary(op valueOp, x, y operand) (operand, error) {
	v, msg := g.vs.arithmetic(op, x.value, y.value)
	if msg != "" {
		return operand{}, g.errorf("%s", msg)
	}
	return operand{v, x.guard}, nil
}

// relation compares two operands where both their guards hold.
func (g *generator) relation(rel string, x, y operand) *predicate {
	var p *predicate
	switch rel {
	case "=":
		p = g.vs.compare(relEqual, x.value, y.value)
	case "!=":
		p = not(g.vs.compare(relEqual, x.value, y.value))
	case ">":
		p = g.vs.compare(relGreater, x.value, y.value)
	case "<=":
		p = not(g.vs.compare(relGreater, x.value, y.value))
	case ">=":
		p = g.vs.compare(relGreaterOrEqual, x.value, y.value)
	default: // "<"
		p = not(g.vs.compare(relGreaterOrEqual, x.value, y.value))
	}
	return both(x.guard, both(y.guard, p))
}
