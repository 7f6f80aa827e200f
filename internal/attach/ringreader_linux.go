//go:build amd64 || arm64

package attach

import (
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ringReader reads a BPF ring buffer (Documentation/bpf/ringbuf.rst of the kernel)
// in place. Unlike the library's it does not spin while a record is still being
// written: on few processors that would keep the writer from finishing it.
type ringReader struct {
	consumer, producer []byte // mapped pages
	data               []byte // twice in a row, so that no record is in two parts
	mask               uintptr
	next               uintptr // position of the next record
	end                uintptr // where the latest lay that was known of
	given              uintptr // position that the writers were told: before it they may write
}

// giveBack is how much is read before the writers are told, in bytes, where more waits:
// they look at the same cache line each time that they begin a record.
const giveBack = 64 << 10

// The head of a record, by include/uapi/linux/bpf.h.
const (
	ringBusy    = 1 << 31
	ringDiscard = 1 << 30
	ringHead    = 8
)

func newRingReader(fd, size int) (*ringReader, error) {
	page := os.Getpagesize()
	consumer, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	producer, err := unix.Mmap(fd, int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(consumer)
		return nil, os.NewSyscallError("mmap", err)
	}
	return &ringReader{consumer: consumer, producer: producer, data: producer[page:], mask: uintptr(size - 1)}, nil
}

func position(b []byte) *uintptr { return (*uintptr)(unsafe.Pointer(&b[0])) }

// take returns the next record, nil where none is ready. It is borrowed until the next
// call.
func (r *ringReader) take() []byte {
	if r.next-r.given >= giveBack {
		r.give()
	}
	for {
		if r.next == r.end { // the writers' line is looked at only where it is needed
			if r.end = atomic.LoadUintptr(position(r.producer)); r.next == r.end {
				break
			}
		}
		at := r.next & r.mask
		head := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[at])))
		if head&ringBusy != 0 {
			break
		}
		n := uintptr(head &^ (ringBusy | ringDiscard))
		r.next += ringHead + (n+7)&^7
		if head&ringDiscard == 0 {
			return r.data[at+ringHead:][:n:n]
		}
	}
	r.give()
	return nil
}

// give gives the room of what was read back.
func (r *ringReader) give() {
	if r.given != r.next {
		r.given = r.next
		atomic.StoreUintptr(position(r.consumer), r.next)
	}
}

// close unmaps the ring; what was borrowed is gone.
func (r *ringReader) close() {
	_ = unix.Munmap(r.producer)
	_ = unix.Munmap(r.consumer)
}
