package privilege

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DropCapabilities gives up the capabilities of a process that is not root's, in
// all its threads; see capabilities(7). Root keeps its own: they are what makes
// its files accessible. A program that is linked with C keeps theirs, too, since its
// threads are not Go's alone to change: where it has some, the error is ErrKept.
func DropCapabilities() error {
	if os.Geteuid() == 0 {
		return nil
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, err := syscall.AllThreadsSyscall(unix.SYS_CAPSET,
		uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0)
	switch err {
	case 0:
		return nil
	case syscall.ENOTSUP:
		return kept()
	}
	return os.NewSyscallError("capset", err)
}

// kept returns ErrKept if the process has capabilities.
func kept() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var has [2]unix.CapUserData
	if err := unix.Capget(&header, &has[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	if has[0].Permitted|has[1].Permitted != 0 {
		return ErrKept
	}
	return nil
}
