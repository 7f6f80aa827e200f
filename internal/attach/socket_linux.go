//go:build amd64 || arm64

package attach

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// sockField is a part of the kernel's struct sock, and its place in a recordSession.
type sockField struct{ at, size, into int32 }

// sockPlaces are where facts are in the kernel's structures, in bytes.
type sockPlaces struct {
	fields           []sockField
	family, protocol int32
}

// readSockets finds them by the kernel's description of its types.
func readSockets() (*sockPlaces, error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	var common, sock *btf.Struct
	if err := spec.TypeByName("sock_common", &common); err != nil {
		return nil, fmt.Errorf("struct sock_common: %w", err)
	}
	if err := spec.TypeByName("sock", &sock); err != nil {
		return nil, fmt.Errorf("struct sock: %w", err)
	}
	var p sockPlaces
	var ok bool
	if p.protocol, ok = memberOffset(sock.Members, "sk_protocol"); !ok {
		return nil, fmt.Errorf("struct sock has no member sk_protocol")
	}
	// A struct sock begins with a sock_common.
	for _, f := range []struct {
		member     string
		size, into int32
		optional   bool // a kernel without IPv6 has none
	}{
		{"skc_family", 2, sessionFamily, false},
		{"skc_dport", 2, sessionRemote, false},
		{"skc_num", 2, sessionLocal, false},
		{"skc_daddr", 4, sessionRemoteIP4, false},
		{"skc_rcv_saddr", 4, sessionLocalIP4, false},
		{"skc_v6_daddr", 16, sessionRemoteIP6, true},
		{"skc_v6_rcv_saddr", 16, sessionLocalIP6, true},
	} {
		at, ok := memberOffset(common.Members, f.member)
		switch {
		case ok:
			p.fields = append(p.fields, sockField{at, f.size, f.into})
		case !f.optional:
			return nil, fmt.Errorf("struct sock_common has no member %s", f.member)
		}
	}
	p.family = p.fields[0].at
	return &p, nil
}
