package app

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// packagedPath is where packages install the program.
	packagedPath = "/usr/bin/pgsniff"
	// capturingPath is where packages put the copy of it that may capture, attachingPath
	// that which may also look into servers. Each is for the members of a group
	// (packaging/postinstall.sh).
	capturingPath = "/usr/libexec/pgsniff/pgsniff"
	attachingPath = "/usr/libexec/pgsniff/pgsniff-attach"
)

// becomeCapturing goes on as the copy of the program that may do what is asked for, if
// this is the packaged one, lacks the right itself, and the user may run the copy. If
// not, it returns: opening the interface, or attaching, says what is missing.
func becomeCapturing(attach bool) {
	path, right := capturingPath, uint(unix.CAP_NET_RAW)
	if attach {
		path, right = attachingPath, unix.CAP_BPF
	}
	if os.Geteuid() == 0 || mayUse(right) {
		return
	}
	if self, err := os.Executable(); err != nil || self != packagedPath {
		return
	}
	_ = syscall.Exec(path, os.Args, os.Environ())
}

// mayUse reports whether the process has a capability.
func mayUse(right uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_, _, err := syscall.RawSyscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	return err == 0 && data[right/32].Effective&(1<<(right%32)) != 0
}
