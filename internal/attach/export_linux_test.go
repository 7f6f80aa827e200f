//go:build amd64 || arm64

package attach

import (
	"time"

	"github.com/cilium/ebpf/btf"
)

// OpenSSLOf are the files that a process has OpenSSL's functions of.
func OpenSSLOf(pid int) ([]string, error) { return opensslOf(procDir, pid) }

// SetOldWay has Open do as it does before Linux 6.6.
func SetOldWay(on bool) { oldWay = on }

// SetNoTypes has Open do as where the kernel does not describe its types.
func SetNoTypes(on bool) {
	readTypes = readKernel
	if on {
		readTypes = func() (*kernel, error) { return nil, btf.ErrNotSupported }
	}
}

// SetLockedDown has Open do as where the kernel is locked down for confidentiality.
func SetLockedDown(on bool) {
	readTypes = readKernel
	if on {
		readTypes = func() (*kernel, error) { return nil, errLockedDown }
	}
}

// MayReadKernel tells whether this kernel lets programs read its memory.
func MayReadKernel() bool { return mayReadKernel() }

// SetGoverned has Open look as often at what the probes cost; the result undoes it.
func SetGoverned(d time.Duration) (undo func()) {
	before, least, most := governTime, leastPatience, mostPatience
	governTime, leastPatience, mostPatience = d, 20*d, 20*d
	return func() { governTime, leastPatience, mostPatience = before, least, most }
}

// TimesAway takes the probes of the server's work away, or puts them back.
func TimesAway(s Source, away bool) { s.(*source).timesAway(away) }
