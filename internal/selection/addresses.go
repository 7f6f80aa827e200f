package selection

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/session"
)

// Addresses are the clients that --client names.
type Addresses struct {
	exact    map[string]bool // address, or address:port, as records have them
	networks []netip.Prefix

	latest   uint64 // connection that was asked about
	included bool   // whether it is one of them
}

// ParseAddresses reads addresses, networks, and addresses with a port; nil for none.
func ParseAddresses(list []string) (*Addresses, error) {
	if len(list) == 0 {
		return nil, nil
	}
	a := &Addresses{exact: make(map[string]bool)}
	for _, s := range list {
		if n, err := netip.ParsePrefix(s); err == nil {
			a.networks = append(a.networks, n.Masked())
		} else if ip, err := netip.ParseAddr(Host(s + ":")); err == nil {
			a.exact[ip.Unmap().String()] = true
		} else if p, err := netip.ParseAddrPort(s); err == nil {
			a.exact[netip.AddrPortFrom(p.Addr().Unmap(), p.Port()).String()] = true
		} else {
			return nil, fmt.Errorf("--client %s: must be an address (10.0.0.7, 2001:db8::7), one with a port (10.0.0.7:51950) or a network (10.0.0.0/8)", s)
		}
	}
	return a, nil
}

// of reports whether a connection's client is one of them.
func (a *Addresses) of(s *session.Session) bool {
	if s.ID != a.latest {
		a.latest, a.included = s.ID, a.exact[s.Client] || a.Has(Host(s.Client))
	}
	return a.included
}

// Has reports whether an address is one of them.
func (a *Addresses) Has(address string) bool {
	if a.exact[address] {
		return true
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, n := range a.networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// Host is an address without its port and brackets.
func Host(address string) string {
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		address = address[:i]
	}
	return strings.Trim(address, "[]")
}
