package capture

import (
	"fmt"
	"net"
)

// InterfaceInfo describes an interface that the system has.
type InterfaceInfo struct {
	Name     string
	State    InterfaceState
	Type     string // such as "ethernet", "loopback"; empty if not known
	MTU      int    // bytes
	Hardware net.HardwareAddr
	// Addresses are in CIDR notation.
	Addresses []string
}

// InterfaceState tells whether an interface can carry traffic.
type InterfaceState uint8

// The states of an interface.
const (
	StateDown      InterfaceState = iota
	StateNoCarrier                // switched on, but nothing is connected
	StateUp
)

func (s InterfaceState) String() string {
	return [...]string{"down", "no_carrier", "up"}[s]
}

// ListInterfaces returns the interfaces of the system in its own order. It needs
// no privilege; capturing on them may.
func ListInterfaces() ([]InterfaceInfo, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	list := make([]InterfaceInfo, 0, len(all))
	for i := range all {
		n := &all[i]
		info := InterfaceInfo{Name: n.Name, MTU: n.MTU, Hardware: n.HardwareAddr, Type: interfaceType(n)}
		if n.Flags&net.FlagUp != 0 {
			info.State = StateNoCarrier
			if n.Flags&net.FlagRunning != 0 {
				info.State = StateUp
			}
		}
		addresses, _ := n.Addrs() // one that has gone in the meantime has none
		for _, a := range addresses {
			info.Addresses = append(info.Addresses, a.String())
		}
		list = append(list, info)
	}
	return list, nil
}

// flagType is an interface's type as far as the portable flags tell.
func flagType(n *net.Interface) string {
	switch {
	case n.Flags&net.FlagLoopback != 0:
		return "loopback"
	case n.Flags&net.FlagPointToPoint != 0:
		return "point_to_point"
	case len(n.HardwareAddr) == 6:
		return "ethernet"
	}
	return ""
}
