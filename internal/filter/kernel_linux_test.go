package filter

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestKernelTakes holds that Linux's own check takes the programs, those with
// loads of what only it knows included. Any socket can have a filter.
func TestKernelTakes(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skip("no socket: ", err)
	}
	defer unix.Close(fd)
	list := append(append([]string(nil), expressionsIP...), expressionsEthernet...)
	for _, expr := range append(list, "inbound and vlan 5", "outbound", "ifindex 3") {
		p, err := CompileWith(expr, linkEthernet, 0, CompileOptions{VLANAux: true})
		if err != nil {
			t.Fatal(err)
		}
		raw := p.Raw()
		prog := unix.SockFprog{Len: uint16(len(raw)), Filter: (*unix.SockFilter)(unsafe.Pointer(&raw[0]))}
		if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
			t.Errorf("%q: %v\n%s", expr, err, p)
		}
	}
}
