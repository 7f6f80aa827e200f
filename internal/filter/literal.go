package filter

import (
	"net/netip"
	"strings"
)

// ipv4Identifier goes on behind an IPv4 address: a length or mask may follow.
func (p *parser) ipv4Identifier(text string, q qualifier) (*predicate, error) {
	addr, bits, msg := parseIPv4(text)
	if msg != "" {
		return nil, p.errorf("%s", msg)
	}
	addr <<= 32 - bits
	mask, masked, err := p.mask()
	if err != nil {
		return nil, err
	}
	if !masked {
		mask = prefixMask(bits)
	}
	switch {
	case q.typ != typeNet && q.typ != typeHost && q.typ != typeNone:
		return nil, p.errorf("an address stands where a port or protocol should")
	case masked && q.typ != typeNet:
		return nil, p.errorf("only 'net' takes a mask")
	case masked && addr&^mask != 0:
		return nil, p.errorf("the address has bits set outside of the mask")
	case q.proto == "link":
		return nil, p.errorf("an IP address stands where an Ethernet address should")
	}
	return p.host4(addr, mask, q)
}

// mask reads "/length" or "mask address" behind an IPv4 address.
func (p *parser) mask() (mask uint32, ok bool, err error) {
	if p.tok.is("/") {
		n, err := p.prefixLength(32)
		return prefixMask(n), true, err
	}
	if ok, err := p.accept("mask"); !ok || err != nil {
		return 0, false, err
	}
	if p.tok.kind != tokIPv4 {
		return 0, false, p.unexpected("an IPv4 mask")
	}
	t, err := p.advance()
	if err != nil {
		return 0, false, err
	}
	m, bits, msg := parseIPv4(t.text)
	if msg != "" {
		p.at = t
		return 0, false, p.errorf("%s", msg)
	}
	return m << (32 - bits), true, nil
}

func (p *parser) prefixLength(most int) (int, error) {
	if _, err := p.advance(); err != nil {
		return 0, err
	}
	if p.tok.kind != tokNum {
		return 0, p.unexpected("a prefix length")
	}
	t, err := p.advance()
	if err != nil {
		return 0, err
	}
	if t.num > uint32(most) {
		p.at = t
		return 0, p.errorf("a prefix length is at most %d here", most)
	}
	return int(t.num), nil
}

// ipv6Identifier goes on behind an IPv6 address: a length may follow.
func (p *parser) ipv6Identifier(text string, q qualifier) (*predicate, error) {
	addr, err := netip.ParseAddr(strings.ToLower(text))
	if err != nil {
		return nil, p.errorf("this is no IPv6 address")
	}
	bits := 128
	if p.tok.is("/") {
		if bits, err = p.prefixLength(128); err != nil {
			return nil, err
		}
	}
	switch {
	case q.typ != typeNet && q.typ != typeHost && q.typ != typeNone:
		return nil, p.errorf("an address stands where a port or protocol should")
	case bits != 128 && q.typ != typeNet:
		return nil, p.errorf("only 'net' takes a prefix length")
	}
	if prefix, err := addr.Prefix(bits); err != nil || prefix.Addr() != addr {
		return nil, p.errorf("the address has bits set outside of the prefix")
	}
	return p.host6(addr, bits, q)
}
