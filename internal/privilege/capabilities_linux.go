package privilege

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DropCapabilities gives up the capabilities of a process that is not root's, in
// all its threads; see capabilities(7). Root keeps its own: they are what makes
// its files accessible. Programs that are linked with C keep theirs, too: their
// threads are not Go's alone to change.
func DropCapabilities() error {
	if os.Geteuid() == 0 {
		return nil
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, err := syscall.AllThreadsSyscall(unix.SYS_CAPSET,
		uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0)
	if err != 0 && err != syscall.ENOTSUP {
		return os.NewSyscallError("capset", err)
	}
	return nil
}
