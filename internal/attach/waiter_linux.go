//go:build amd64 || arm64

package attach

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// waiter waits for the ring to be filled, and for a stop. It leaves that to Go's poller:
// a goroutine that waits in a system call of its own keeps the runtime awake, which looks
// every 20 µs for a while whether it is still there. And the poller looks at the ring for
// edges alone, the wake-ups of the programs. Else no wait would last beside a busy server:
// the ring is readable while one record is in it, and the next is written before the
// reader has begun to wait.
type waiter struct {
	ring   *os.File
	conn   syscall.RawConn
	ending atomic.Bool
	ended  bool // one wait has told of it
}

func (w *waiter) open(ring int) error {
	fd, err := unix.FcntlInt(uintptr(ring), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // what the poller goes by
		_ = unix.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	w.ring = os.NewFile(uintptr(fd), "ring buffer")
	w.conn, err = w.ring.SyscallConn()
	return err
}

// wait waits for a time unless something ends it earlier. It reports whether the ring did.
func (w *waiter) wait(d time.Duration) (filled bool, err error) {
	if err := w.ring.SetReadDeadline(time.Now().Add(d)); err != nil {
		return false, err
	}
	if w.ending.Load() && !w.ended { // end may have come before this deadline
		w.ended = true
		return false, nil
	}
	begun := false
	err = w.conn.Read(func(uintptr) bool { // asked before it waits, and when the ring was filled
		filled = begun
		begun = true
		return filled
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, nil
	}
	return filled, err
}

// end ends a wait, or the next one. It may be called by any goroutine, and after close.
func (w *waiter) end() {
	w.ending.Store(true)
	if w.ring != nil {
		_ = w.ring.SetReadDeadline(time.Unix(1, 0))
	}
}

func (w *waiter) close() {
	if w.ring != nil {
		_ = w.ring.Close()
	}
}
