//go:build amd64 || arm64

package attach

import "golang.org/x/sys/unix"

// pidNamespace is a namespace of processes, in which they have numbers of their own, as in
// a container. What is chosen by number, and what is looked up by it, has those of this
// process's namespace.
type pidNamespace struct {
	device, inode int64 // as the kernel's helper function takes them
}

// hostsProcesses is the number of the file of the namespace that all others are within
// (PROC_PID_INIT_INO of the kernel).
const hostsProcesses = 0xEFFFFFFC

// ownNamespace is the one that this process is in, nil if that is the host's or cannot be
// known.
func ownNamespace() *pidNamespace {
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/pid", &st) != nil || st.Ino == hostsProcesses {
		return nil
	}
	const minorBits = 20 // of a dev_t within the kernel
	dev := st.Dev
	return &pidNamespace{int64(unix.Major(dev))<<minorBits | int64(unix.Minor(dev)), int64(st.Ino)}
}
