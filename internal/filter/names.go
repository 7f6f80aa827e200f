package filter

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// lookupTimeout bounds how long the compiler waits for a name server.
const lookupTimeout = 15 * time.Second

// system answers the questions that an expression's names raise.
type system struct {
	addresses func(host string) ([]netip.Addr, error)
	open      func(database string) (*os.File, error) // of /etc
}

var realSystem = system{
	addresses: func(host string) ([]netip.Addr, error) {
		ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
		defer cancel()
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	},
	open: os.Open,
}

// builtinServices serve where /etc/services is missing or does not know
// PostgreSQL and its usual neighbours.
const builtinServices = `
postgresql 5432/tcp postgres
postgresql 5432/udp postgres
pgbouncer  6432/tcp
domain     53/tcp
domain     53/udp
ssh        22/tcp
http       80/tcp www
https      443/tcp
https      443/udp
`

const builtinProtocols = `
icmp 1
igmp 2
ipencap 4
tcp 6
udp 17
ipv6 41
ipv6-route 43
ipv6-frag 44
gre 47
esp 50
ah 51
ipv6-icmp 58
ospf 89
pim 103
vrrp 112
l2tp 115
sctp 132
`

// etherTypes are the names that stand after "ether proto".
var etherTypes = map[string]uint32{
	"ip": etherIPv4, "ip6": etherIPv6, "arp": etherARP, "rarp": etherRARP,
	"loopback": 0x9000, "moprc": 0x6002, "mopdl": 0x6001, "lat": 0x6004, "sca": 0x6007, "decnet": 0x6003,
}

// scan calls each with the fields of every line of a database of /etc, until it
// returns true; and if that found nothing, with what is built in.
func (s *system) scan(database, builtin string, each func(fields []string) (done bool), found func() bool) {
	lines := func(sc *bufio.Scanner) {
		for sc.Scan() {
			line, _, _ := strings.Cut(sc.Text(), "#")
			if f := strings.Fields(line); len(f) >= 2 && each(f) {
				return
			}
		}
	}
	if f, err := s.open("/etc/" + database); err == nil {
		lines(bufio.NewScanner(f))
		f.Close()
	}
	if !found() {
		lines(bufio.NewScanner(strings.NewReader(builtin)))
	}
}

func named(fields []string, name string) bool {
	if fields[0] == name {
		return true
	}
	for _, alias := range fields[2:] {
		if alias == name {
			return true
		}
	}
	return false
}

// port returns the number of a service, itself given as a name or number, and
// the one protocol that knows it, or "" where several do.
func (s *system) port(name string) (n uint32, proto string, ok bool) {
	if n, ok := parseDecimal(name); ok {
		return n, "", n <= 0xffff
	}
	type entry struct {
		port  uint32
		known bool
	}
	var tcp, udp entry
	s.scan("services", builtinServices, func(f []string) bool {
		if !named(f, name) {
			return false
		}
		number, kind, _ := strings.Cut(f[1], "/")
		port, ok := parseDecimal(number)
		if !ok || port > 0xffff {
			return false
		}
		switch {
		case kind == "tcp" && !tcp.known:
			tcp = entry{port, true}
		case kind == "udp" && !udp.known:
			udp = entry{port, true}
		}
		return tcp.known && udp.known
	}, func() bool { return tcp.known || udp.known })
	switch {
	case tcp.known && udp.known && tcp.port == udp.port:
		return tcp.port, "", true
	case tcp.known:
		return tcp.port, "tcp", true
	case udp.known:
		return udp.port, "udp", true
	}
	return 0, "", false
}

// portRange returns the two ends of a range such as "http-1024". The second
// may be missing.
func (s *system) portRange(name string) (low, high uint32, proto string, ok bool) {
	first, second, isRange := strings.Cut(name, "-")
	low, proto, ok = s.port(first)
	if !isRange || !ok {
		// The name of a service may itself have a hyphen.
		if n, p, whole := s.port(name); whole {
			return n, n, p, true
		}
		return low, low, proto, ok && !isRange
	}
	high, other, ok := s.port(second)
	if other != proto {
		proto = ""
	}
	return low, high, proto, ok
}

func (s *system) protocol(name string) (n uint32, ok bool) {
	s.scan("protocols", builtinProtocols, func(f []string) bool {
		if named(f, name) {
			n, ok = parseDecimal(f[1])
		}
		return ok
	}, func() bool { return ok })
	return n, ok
}

// network returns the address of a network of /etc/networks and its mask: as
// many bytes as the entry names, so that 127.0.0.0 is one address and 127 all
// that begin with it.
func (s *system) network(name string) (addr, mask uint32, ok bool) {
	s.scan("networks", "", func(f []string) bool {
		if !named(f, name) {
			return false
		}
		v, _, msg := parseIPv4(f[1])
		if msg == "" {
			addr, mask = leftAligned(v)
			ok = true
		}
		return ok
	}, func() bool { return ok })
	return addr, mask, ok
}

// leftAligned moves a network number such as 10 or 172.16 to the front, with
// the mask of the bytes that it has.
func leftAligned(v uint32) (addr, mask uint32) {
	mask = 0xffffffff
	for v != 0 && v>>24 == 0 {
		v, mask = v<<8, mask<<8
	}
	return v, mask
}

// parseDecimal reads the numbers of addresses, of /etc and of port ranges,
// where a leading zero means nothing.
func parseDecimal(s string) (n uint32, ok bool) {
	v, err := strconv.ParseUint(s, 10, 32)
	return uint32(v), err == nil
}

// parseIPv4 reads one to four decimal numbers with dots between and returns
// them right-aligned, with the number of bits that were given.
func parseIPv4(s string) (addr uint32, bits int, msg string) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return 0, 0, "an IPv4 address has four numbers"
	}
	for _, p := range parts {
		n, ok := parseDecimal(p)
		if !ok || n > 255 {
			return 0, 0, "the numbers of an IPv4 address go from 0 to 255"
		}
		addr = addr<<8 | n
	}
	return addr, 8 * len(parts), ""
}

// parseMAC reads any of the spellings that reMAC accepts.
func parseMAC(s string) (mac [6]byte) {
	nibble := func(c byte) byte {
		switch {
		case c <= '9':
			return c - '0'
		case c <= 'F':
			return c - 'A' + 10
		}
		return c - 'a' + 10
	}
	groups := strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == '-' || r == '.' })
	digits := ""
	for _, group := range groups {
		if len(groups) == len(mac) && len(group) == 1 {
			group = "0" + group
		}
		digits += group
	}
	for i := range mac {
		mac[i] = nibble(digits[2*i])<<4 | nibble(digits[2*i+1])
	}
	return mac
}
