package screen

import "golang.org/x/sys/unix"

// discard throws away what was written to a terminal and not read by it. It reports
// whether that can be done.
func discard(fd uintptr) bool {
	n := int(fd)
	if unix.IoctlSetInt(n, unix.TCFLSH, unix.TCOFLUSH) != nil {
		return false
	}
	// That wakes nobody who waits for room, but going on after a stop does.
	_ = unix.IoctlSetInt(n, unix.TCXONC, unix.TCOOFF)
	return unix.IoctlSetInt(n, unix.TCXONC, unix.TCOON) == nil
}
