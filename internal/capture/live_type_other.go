//go:build !linux

package capture

import "net"

func interfaceType(n *net.Interface) string { return flagType(n) }
