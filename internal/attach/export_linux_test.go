//go:build amd64 || arm64

package attach

import "github.com/cilium/ebpf/btf"

// SetOldWay has Open do as it does before Linux 6.6.
func SetOldWay(on bool) { oldWay = on }

// SetNoTypes has Open do as where the kernel does not describe its types.
func SetNoTypes(on bool) {
	readTypes = readKernel
	if on {
		readTypes = func() (*kernel, error) { return nil, btf.ErrNotSupported }
	}
}
