//go:build unix

package screen

import (
	"os"

	"golang.org/x/sys/unix"
)

// alone reports whether no shell is there to go on with the program where it was stopped:
// it leads its session, as in a container. The kernel stops nobody then.
func alone() bool {
	id, err := unix.Getsid(0)
	return err == nil && id == os.Getpid()
}
