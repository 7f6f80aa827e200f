package filter

// byNumber compiles a bare number: an address, port or protocol.
func (g *generator) byNumber(n uint32, q qualifier) (*predicate, error) {
	switch q.typ {
	case typePort:
		return g.ports(n, n, q.proto, q.dir, false)
	case typePortRange:
		return g.ports(n, n, q.proto, q.dir, true)
	case typeProto:
		return g.protocol(n, q.proto)
	case typeUndefined:
		return nil, g.errorf("a number stands where a test should")
	}
	if q.proto == "link" {
		return nil, g.errorf("a number stands where an Ethernet address should")
	}
	if q.typ == typeNet {
		addr, mask := leftAligned(n)
		return g.host4(addr, mask, q)
	}
	return g.host4(n, 0xffffffff, q)
}

// byName compiles a name, resolved as the qualifier says.
func (g *generator) byName(name string, q qualifier) (*predicate, error) {
	switch q.typ {
	case typeNet:
		addr, mask, ok := g.sys.network(name)
		if !ok {
			return nil, g.errorf("no network of this name in /etc/networks")
		}
		return g.host4(addr, mask, q)
	case typePort:
		n, proto, ok := g.sys.port(name)
		if !ok {
			return nil, g.errorf("no service of this name in /etc/services")
		}
		return g.namedPorts(n, n, proto, q, false)
	case typePortRange:
		low, high, proto, ok := g.sys.portRange(name)
		if !ok {
			return nil, g.errorf("this is no range of ports: write portrange 5432-5440")
		}
		return g.namedPorts(low, high, proto, q, true)
	case typeProto:
		return g.namedProtocol(name, q)
	case typeUndefined:
		return nil, g.errorf("a name stands where a test should")
	}
	if q.proto == "link" {
		return nil, g.unsupported("names of Ethernet addresses are not supported here")
	}
	return g.namedHost(name, q)
}

// namedPorts tests the ports of services that only one transport protocol
// may know.
func (g *generator) namedPorts(low, high uint32, known string, q qualifier, asRange bool) (*predicate, error) {
	proto := q.proto
	if proto == "" {
		proto = known
	} else if known != "" && known != proto {
		return nil, g.errorf("this service is known for %s only, not for %s", known, proto)
	}
	return g.ports(low, high, proto, q.dir, asRange)
}

func (g *generator) namedProtocol(name string, q qualifier) (*predicate, error) {
	if q.proto == "link" {
		if n, ok := etherTypes[name]; ok {
			return g.protocol(n, q.proto)
		}
		return nil, g.unsupported("no Ethernet protocol of this name is known here")
	}
	n, ok := g.sys.protocol(name)
	if !ok {
		return nil, g.errorf("no protocol of this name in /etc/protocols")
	}
	return g.protocol(n, q.proto)
}

// namedHost tests for any of the addresses of a host name.
func (g *generator) namedHost(name string, q qualifier) (*predicate, error) {
	switch q.proto {
	case "", "ip", "ip6", "arp", "rarp":
	default:
		return nil, g.errorf("'%s' cannot stand before a host", q.proto)
	}
	addrs, err := g.sys.addresses(name)
	if err != nil {
		return nil, g.errorf("the host name cannot be resolved: %v", err)
	}
	var tests []func() (*predicate, error)
	for _, a := range addrs {
		a = a.WithZone("").Unmap()
		switch {
		case a.Is4() && q.proto != "ip6":
			v, _, _ := parseIPv4(a.String())
			tests = append(tests, func() (*predicate, error) { return g.host4(v, 0xffffffff, q) })
		case a.Is6() && (q.proto == "" || q.proto == "ip6"):
			tests = append(tests, func() (*predicate, error) { return g.host6(a, 128, q) })
		}
	}
	if len(tests) == 0 {
		return nil, g.errorf("the host has no address of the family asked for")
	}
	return anyOf(tests...)
}
