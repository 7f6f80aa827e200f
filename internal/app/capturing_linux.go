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
	// capturingPath is where packages put the copy of it that may capture and that
	// only the members of a group may run (packaging/postinstall.sh).
	capturingPath = "/usr/libexec/pgsniff/pgsniff"
)

// becomeCapturing goes on as the copy of the program that may capture, if this is
// the packaged one, lacks the right itself, and the user may run the copy. If not, it
// returns: opening the interface says what is missing.
func becomeCapturing() {
	if os.Geteuid() == 0 || canCapture() {
		return
	}
	if path, err := os.Executable(); err != nil || path != packagedPath {
		return
	}
	_ = syscall.Exec(capturingPath, os.Args, os.Environ())
}

// canCapture reports whether the process has the capability to open raw sockets.
func canCapture() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_, _, err := syscall.RawSyscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	return err == 0 && data[0].Effective&(1<<unix.CAP_NET_RAW) != 0
}
