//go:build amd64 || arm64

package attach

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// counters are the memory of the map counts: before Linux 5.19 a process that gave its
// capabilities up may not ask for a map's values, but it may look at them.
type counters []byte

// loadCounts makes the map.
func (s *source) loadCounts() (err error) {
	s.counts, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "pgsniff_counts", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: numCounts, Flags: unix.BPF_F_MMAPABLE,
	})
	if err != nil {
		return fmt.Errorf("map: %w", refused(err))
	}
	s.counted, err = unix.Mmap(s.counts.FD(), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return os.NewSyscallError("mmap", err)
}

func (c counters) open() bool { return c != nil }

func (c counters) place(i int) *uint64 { return (*uint64)(unsafe.Pointer(&c[8*i])) }

func (c counters) at(i int) uint64 { return atomic.LoadUint64(c.place(i)) }

func (c counters) add(i int) { atomic.AddUint64(c.place(i), 1) }

func (c *counters) close() {
	if c.open() {
		_ = unix.Munmap(*c)
		*c = nil
	}
}
