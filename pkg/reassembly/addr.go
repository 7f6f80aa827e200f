package reassembly

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// Addr is an IP address in a form that is compared and hashed quickly: the 16
// bytes of an IPv6 address in network order, or an IPv4 address mapped into
// it (::ffff:a.b.c.d). Zones are not kept.
type Addr struct{ Hi, Lo uint64 }

const (
	v4Prefix = 0xffff << 32
	v4Mask   = 1<<32 - 1
)

// AddrFrom converts from the standard library's type; an invalid address
// becomes ::.
func AddrFrom(ip netip.Addr) Addr {
	b := ip.As16()
	return Addr{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// Addr converts to the standard library's type, IPv4-mapped addresses to IPv4.
func (a Addr) Addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return netip.AddrFrom16(b).Unmap()
}

// Is4 tells whether a is an IPv4 address.
func (a Addr) Is4() bool { return a.Hi == 0 && a.Lo&^v4Mask == v4Prefix }

// Endpoint is one end of a connection.
type Endpoint struct {
	Addr Addr
	Port uint16
}

// EndpointFrom converts from the standard library's type.
func EndpointFrom(ap netip.AddrPort) Endpoint {
	return Endpoint{Addr: AddrFrom(ap.Addr()), Port: ap.Port()}
}

// AddrPort converts to the standard library's type.
func (e Endpoint) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(e.Addr.Addr(), e.Port)
}

// AppendTo appends "192.0.2.1:5432" or "[2001:db8::1]:5432" to dst.
func (e Endpoint) AppendTo(dst []byte) []byte {
	if e.Addr.Is4() {
		dst = e.Addr.Addr().AppendTo(dst)
	} else {
		dst = append(dst, '[')
		dst = e.Addr.Addr().AppendTo(dst)
		dst = append(dst, ']')
	}
	dst = append(dst, ':')
	return strconv.AppendUint(dst, uint64(e.Port), 10)
}

func (e Endpoint) String() string { return string(e.AppendTo(nil)) }
